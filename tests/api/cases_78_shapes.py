"""What a node's troubles, links, pings and a write's fate look like to who asks: shapes that contract.py judges as it does all others."""

import threading

from agent import Agent
from cases_75_sessions import eventually
from controller import expect, refusal

FLEET = {"resources": {
    "sites": {"cape": {"location": {"lat": 48.9, "lon": -2.5}}},
    "nodes": {"dora": {"address": "198.51.100.3", "site": "cape"}, "emil": {}, "fritz": {}},
    "networks": {"bay": {"mesh": ["dora", "emil", "fritz"]}},
    "links": {"bay.emil.fritz": {"network": "bay", "ends": ["emil", "fritz"], "disabled": True}},
    "segments": {"lan": {"network": "bay"}},
    "slas": {"calls": {"loss": "1%"}},
    "webhooks": {"quiet": {"url": "http://127.0.0.1:9/", "disabled": True}},
}, "set": "bay"}


def state_of(c, name):
    return next(node for node in c.admin.get("/api/v1/state").json["nodes"] if node["name"] == name)


def case_every_list_of_what_was_written(c):
    expect(c.admin.post("/api/v1/apply", FLEET), 200)
    for kind in FLEET["resources"]:
        items = expect(c.admin.get(f"/api/v1/{kind}?effective=true"), 200).json["items"]
        assert set(FLEET["resources"][kind]) <= {item["name"] for item in items}, items


def case_a_link_that_is_switched_off_is_told_as_such(c):
    topology = expect(c.admin.get("/api/v1/topology"), 200).json
    links = {(link["a"], link["b"]): link["state"] for link in topology["links"] if link["network"] == "bay"}
    assert links == {("dora", "emil"): "never", ("dora", "fritz"): "never", ("emil", "fritz"): "disabled"}, links
    dora = next(node for node in topology["nodes"] if node["name"] == "dora")
    assert dora["site"] == "cape" and dora["location"] == {"lat": 48.9, "lon": -2.5}, dora


def case_what_a_node_could_not_apply(c):
    c.dora = Agent(c, "dora")
    expect(c.dora.join(), 200)
    c.dora.hello()
    c.dora.follow(lambda desired: "bridge/lan" in desired)
    target = state_of(c, "dora")["target"]
    c.dora.applied(target, [{"entry": "bridge/lan", "text": "the device is taken", "blocked_by": None},
                            {"entry": "address/lan/10.128.0.1", "text": "blocked by bridge/lan", "blocked_by": "bridge/lan"}])
    eventually(lambda: state_of(c, "dora")["health"] == "error")
    dora = state_of(c, "dora")
    assert dora["errors_total"] == 2 and dora["errors"][1]["blocked_by"] == "bridge/lan", dora
    assert dora["reason"] == "bridge/lan: the device is taken (and 1 more)", dora
    assert expect(c.admin.get("/api/v1/nodes/dora/observed"), 200).json["node"]["health"] == "error"


def asked(c, verb, body, result):
    """The controller's answer when dora is asked and answers with `result`, and what it was asked."""
    answers = []
    asking = threading.Thread(target=lambda: answers.append(c.admin.post(f"/api/v1/nodes/dora/{verb}", body)))
    asking.start()
    request = c.dora.await_type("request")
    assert request["verb"] == verb, request
    c.dora.send(type="response", id=request["id"], ok=True, error=None, result=result)
    asking.join(10)
    return answers[0], request["args"]


def case_a_node_examines_itself(c):
    fine = {"check": "clock", "grade": "ok", "text": "the clock is right", "cure": ""}
    bad = {"check": "disk", "grade": "bad", "text": "the disk is full", "cure": "make room"}
    answer, _ = asked(c, "doctor", None, {"lines": [fine, {**bad, "lie": 1}], "ok": True, "lie": 2})
    assert expect(answer, 200).json == {"node": "dora", "ok": False, "lines": [fine, bad]}, answer.text
    answer, _ = asked(c, "doctor", None, {"lines": [{**fine, "grade": "splendid"}]})
    refusal(answer, 409)


def case_a_ping_that_is_answered(c):
    answer, args = asked(c, "ping", {"to": "emil", "count": 2}, {"sent": 2, "received": 1, "rtt_ms": [1.5, None]})
    assert args["count"] == 2, args
    result = expect(answer, 200).json
    assert result["received"] == 1 and result["rtt_ms"] == [1.5, None] and result["path"][0] == "dora", result
    c.dora.close()


def case_what_became_of_a_write(c):
    assert expect(c.admin.get("/api/v1/operations/shape"), 200).json["state"] == "absent"
    expect(c.admin.put("/api/v1/sites/cape", {}, headers={"Idempotency-Key": "shape"}), 200)
    assert expect(c.admin.get("/api/v1/operations/shape"), 200).json == {"key": "shape", "state": "done"}
