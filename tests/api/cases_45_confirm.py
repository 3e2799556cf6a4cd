"""Revisions that are undone unless confirmed, and past ones brought back."""

import time

from agent import Agent, digest_of
from controller import Client, expect, refusal

SITES = {"resources": {"sites": {"trial": {}}}, "set": "trial"}


def state(c):
    return expect(c.admin.get("/api/v1/state"), 200).json


def confirm(c, **body):
    return c.admin.post("/api/v1/confirm", body)


def kinds_of_events(c):
    return [e["kind"] for e in c.admin.get("/api/v1/log?limit=20").json["items"]]


def case_nothing_waits_at_first(c):
    assert "confirmation" not in state(c)
    assert "nothing waits" in refusal(confirm(c), 409)
    refusal(confirm(c, revision=0), 422)
    refusal(confirm(c, undoo=True), 422)


def case_confirmed_stays(c):
    result = expect(c.admin.post("/api/v1/apply", dict(SITES, confirm="1m")), 200).json
    waits = state(c)["confirmation"]
    assert waits["revision"] == result["revision"] == result["confirmation"]["revision"]
    assert waits["user"] == "user/admin" and 50000 < waits["left_ms"] <= 60000, waits
    assert "does not wait" in refusal(confirm(c, revision=waits["revision"] + 1), 409)
    expect(confirm(c, revision=waits["revision"]), 200)
    assert "confirmation" not in state(c)
    expect(c.admin.get("/api/v1/sites/trial"), 200)
    assert {"revision_waits", "revision_confirmed"} <= set(kinds_of_events(c))


def case_unconfirmed_is_undone(c):
    before = state(c)["revision"]
    expect(c.admin.post("/api/v1/apply", {"resources": {"sites": {"brief": {"tags": ["a"]}}}, "set": "brief",
                                          "confirm": "1s"}), 200)
    expect(c.admin.get("/api/v1/sites/brief"), 200)
    deadline = time.monotonic() + 10
    while c.admin.get("/api/v1/sites/brief").status != 404:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert state(c)["revision"] == before + 2
    last = c.admin.get("/api/v1/history?limit=1").json["items"][0]
    assert (last["user"], last["action"], last["name"]) == ("controller", "delete", "brief"), last
    assert "revision_unconfirmed" in kinds_of_events(c)


def case_undone_at_once(c):
    expect(c.admin.post("/api/v1/apply", {"resources": {"sites": {"trial": {"tags": ["b"]}}}, "set": "trial",
                                          "confirm": "10m"}), 200)
    assert "weft confirm" in refusal(c.admin.put("/api/v1/sites/trial", {}), 409)
    assert "still waits" in refusal(c.admin.post("/api/v1/apply", {"resources": {"sites": {"x": {}}}, "confirm": "1m"}),
                                    409)
    expect(c.admin.put("/api/v1/sites/beside", {}), 201)
    result = expect(confirm(c, undo=True), 200).json
    assert [x["action"] for x in result["changes"]] == ["update"]
    assert c.admin.get("/api/v1/sites/trial").json["spec"] == {}
    expect(c.admin.get("/api/v1/sites/beside"), 200)


def case_what_cannot_be_undone_is_not_tried(c):
    user = {"resources": {"users": {"heidi": {"role": "viewer", "password": "a long password"}}}, "confirm": "1m"}
    assert "password" in refusal(c.admin.post("/api/v1/apply", user), 409)
    refusal(c.admin.post("/api/v1/apply", dict(SITES, confirm="2d")), 422)
    refusal(c.admin.post("/api/v1/apply", dict(SITES, confirm="soon")), 422)
    assert "confirmation" not in state(c)


def case_rollback_shows_and_then_does(c):
    expect(c.admin.put("/api/v1/sites/beside", {"tags": ["c"]}), 200)
    there = state(c)["revision"]
    expect(c.admin.delete("/api/v1/sites/beside"), 204)
    expect(c.admin.put("/api/v1/sites/later", {}), 201)
    now = state(c)["revision"]
    plan = expect(c.admin.post("/api/v1/rollback", {"revision": there, "dry_run": True}), 200).json
    actions = {f"{x['kind']}/{x['name']}": x["action"] for x in plan["changes"]}
    assert actions == {"sites/beside": "create", "sites/later": "delete"}, actions
    assert state(c)["revision"] == now
    done = expect(c.admin.post("/api/v1/rollback", {"revision": there}), 200).json
    assert done["revision"] == now + 1
    assert c.admin.get("/api/v1/sites/beside").json["spec"] == {"tags": ["c"]}
    refusal(c.admin.get("/api/v1/sites/later"), 404)


def case_rollback_may_wait_too(c):
    there = state(c)["revision"]
    expect(c.admin.delete("/api/v1/sites/beside"), 204)
    expect(c.admin.post("/api/v1/rollback", {"revision": there, "confirm": "5m"}), 200)
    expect(c.admin.get("/api/v1/sites/beside"), 200)
    expect(confirm(c, undo=True), 200)
    refusal(c.admin.get("/api/v1/sites/beside"), 404)


def case_rollback_gives_a_name_back_to_who_had_it(c):
    """One node goes and another gets its name in the same commit: the overview knows who is left."""
    first = expect(c.admin.put("/api/v1/nodes/vera", {}), 201).json
    expect(c.admin.post("/api/v1/nodes/vera/rename", {"name": "walt"}), 200)
    expect(c.admin.put("/api/v1/nodes/vera", {}), 201)
    done = expect(c.admin.post("/api/v1/rollback", {"revision": first["revision"]}), 200).json
    actions = {(change["action"], change["name"]) for change in done["changes"]}
    assert actions == {("rename", "vera"), ("delete", "vera")}, actions
    assert [node["id"] for node in c.admin.get("/api/v1/state").json["nodes"] if node["name"] in ("vera", "walt")] == [first["id"]]
    assert expect(c.admin.get("/api/v1/nodes/vera/observed"), 200).json["node"]["id"] == first["id"]
    expect(c.admin.delete("/api/v1/nodes/vera"), 204)


def case_rollback_refusals(c):
    assert "there is no revision" in refusal(c.admin.post("/api/v1/rollback", {"revision": 10 ** 9}), 404)
    refusal(c.admin.post("/api/v1/rollback", {"revision": 0}), 422)
    refusal(c.admin.post("/api/v1/rollback", {}), 422)


def case_viewers_neither_confirm_nor_roll_back(c):
    token = expect(c.admin.put("/api/v1/tokens/reader", {"role": "viewer"}), 201).json["token"]
    reader = Client(c, token)
    refusal(reader.post("/api/v1/confirm", {}), 403)
    refusal(reader.post("/api/v1/rollback", {"revision": 1}), 403)
    refusal(reader.post("/api/v1/nodes/anybody/retry"), 403)


def case_a_refusing_node_is_shown_and_may_retry(c):
    for name in ("mule", "donkey"):
        expect(c.admin.put(f"/api/v1/nodes/{name}", {}), 201)
    refusal(c.admin.post("/api/v1/nodes/nobody/retry"), 404)
    refusal(c.admin.post("/api/v1/nodes/mule/retry"), 409)
    agent = Agent(c, "mule")
    expect(agent.join(), 200)
    welcome = agent.hello()
    assert 0 < welcome["uptime_ms"] < 3600000, welcome
    expect(c.admin.put("/api/v1/networks/stubborn", {"mesh": ["mule", "donkey"]}), 201)
    agent.follow(lambda desired: any(key.startswith("wireguard/stubborn") for key in desired))
    target = next(n for n in state(c)["nodes"] if n["name"] == "mule")["target"]
    agent.send(type="applied", revision=1, digest=digest_of({}), errors=[], writes=0, refused=target,
               refused_text=f"revision {target} cut this node off its controller")

    def mule():
        return next(n for n in state(c)["nodes"] if n["name"] == "mule")

    deadline = time.monotonic() + 5
    while not mule().get("refused"):
        assert time.monotonic() < deadline, mule()
        time.sleep(0.05)
    assert mule()["refused"]["revision"] == target and mule()["health"] == "error"
    metrics = c.admin.get("/metrics").text
    assert f'weft_node_refused_revision{{node="mule"}} {target}' in metrics, metrics[:3000]
    # Once it has what it should, an old word of refusal no longer counts.
    agent.applied(target)
    while mule()["health"] != "ok":
        assert time.monotonic() < deadline, mule()
        time.sleep(0.05)
    agent.close()
    expect(c.admin.delete("/api/v1/networks/stubborn"), 204)
    for name in ("mule", "donkey"):
        expect(c.admin.delete(f"/api/v1/nodes/{name}"), 204)
