"""A whole set as one transaction."""

from controller import Client, expect, refusal

FLEET = {
    "nodes": {"alpha": {"address": "192.0.2.11"}, "beta": {"address": "192.0.2.12"}, "gamma": {}},
    "networks": {"mesh": {"mesh": ["alpha", "beta"], "links": [["alpha", "gamma"]]}},
    "segments": {"lan": {"network": "mesh"}},
}


def actions(answer):
    return {f"{x['kind']}/{x['name']}": x["action"] for x in answer["changes"]}


def case_dry_run_changes_nothing(c):
    before = c.admin.get("/api/v1/state").json["revision"]
    plan = expect(c.admin.post("/api/v1/apply", {"resources": FLEET, "dry_run": True}), 200).json
    assert actions(plan)["nodes/alpha"] == "create"
    assert {n["name"] for n in plan["nodes"]} <= {"alpha", "beta", "gamma"}
    assert c.admin.get("/api/v1/state").json["revision"] == before
    refusal(c.admin.get("/api/v1/nodes/alpha"), 404)


def case_apply_then_again_changes_nothing(c):
    first = expect(c.admin.post("/api/v1/apply", {"resources": FLEET}), 200).json
    assert first["revision"] == c.admin.get("/api/v1/state").json["revision"]
    again = expect(c.admin.post("/api/v1/apply", {"resources": FLEET}), 200).json
    assert again["revision"] == first["revision"]
    assert set(actions(again).values()) <= {"none"} and again["nodes"] == []


def case_desired_entries_are_planned(c):
    for name in ("alpha", "beta", "gamma"):
        desired = expect(c.admin.get(f"/api/v1/nodes/{name}/observed"), 200).json["desired"]
        assert any(key.startswith("wireguard/") for key in desired), sorted(desired)


def case_new_and_changed_entries_are_told_apart(c):
    moved = {"nodes": dict(FLEET["nodes"], delta={}),
             "networks": {"mesh": {"mesh": ["alpha", "beta", "delta"], "links": [["alpha", "gamma"]]}},
             "segments": {"lan": {"network": "mesh", "mtu": 1400}}}
    plan = expect(c.admin.post("/api/v1/apply", {"resources": moved, "dry_run": True}), 200).json
    nodes = {n["name"]: n for n in plan["nodes"]}
    desired = {name: set(c.admin.get(f"/api/v1/nodes/{name}/observed").json["desired"]) for name in FLEET["nodes"]}
    assert "bridge/lan" in nodes["alpha"]["changed"], nodes["alpha"]
    for name, there in desired.items():
        node = nodes[name]
        assert set(node["changed"]) <= there and set(node["drop"]) <= there and not set(node["set"]) & there, node
    assert nodes["delta"]["set"] and nodes["delta"]["changed"] == []


def case_a_bridge_of_65_is_refused_in_a_sentence(c):
    names = [f"many-{i}" for i in range(65)]
    crowd = {
        "nodes": {name: {} for name in names},
        "networks": {"crowd": {"mesh": names}},
        "segments": {"crowded": {"network": "crowd", "mode": "bridge"}},
    }
    for is_dry in (True, False):
        sentence = refusal(c.admin.post("/api/v1/apply", {"resources": crowd, "dry_run": is_dry}), 409)
        assert sentence == "segments.crowded.network: a segment holds at most 64 nodes, network crowd has 65", sentence
    refusal(c.admin.get("/api/v1/segments/crowded"), 404)


def case_a_segment_has_a_tree_before_any_node_tells(c):
    tree = expect(c.admin.get("/api/v1/segments/lan/tree"), 200).json
    assert tree == {"segment": "lan", "root": None, "nodes": [], "wires": [], "pairs": []}, tree
    refusal(c.admin.get("/api/v1/segments/nowhere/tree"), 404)


def case_bad_set_is_refused_whole(c):
    before = c.admin.get("/api/v1/state").json["revision"]
    bad = {"nodes": {"delta": {}}, "networks": {"broken": {"mesh": ["delta", "ghost"]}}}
    answer = c.admin.post("/api/v1/apply", {"resources": bad})
    refusal(answer, 422)
    assert any("networks.broken.mesh[1]" in f for f in answer.fields()), answer.body
    refusal(c.admin.get("/api/v1/nodes/delta"), 404)
    assert c.admin.get("/api/v1/state").json["revision"] == before


def case_unknown_kind_and_field_are_refused(c):
    refusal(c.admin.post("/api/v1/apply", {"resources": {"nods": {}}}), 422)
    refusal(c.admin.post("/api/v1/apply", {"resources": {}, "prun": True}), 422)
    refusal(c.admin.post("/api/v1/apply", []), 422)


def case_prune_removes_only_what_the_set_applied(c):
    expect(c.admin.post("/api/v1/apply", {"resources": {"sites": {"one": {}, "two": {}}}, "set": "trial"}), 200)
    expect(c.admin.put("/api/v1/sites/by-hand", {}), 201)
    kept = expect(c.admin.post("/api/v1/apply", {"resources": {"sites": {"one": {}}}, "set": "trial"}), 200).json
    expect(c.admin.get("/api/v1/sites/two"), 200)
    plan = expect(c.admin.post("/api/v1/apply", {"resources": {"sites": {"one": {}}}, "set": "trial",
                                                 "prune": True}), 200).json
    assert actions(plan)["sites/two"] == "delete", kept
    refusal(c.admin.get("/api/v1/sites/two"), 404)
    expect(c.admin.get("/api/v1/sites/by-hand"), 200)
    expect(c.admin.get("/api/v1/sites/paris"), 200)


def case_users_tokens_and_keys_in_a_set(c):
    body = {"resources": {
        "users": {"grace": {"role": "viewer", "password": "a long password"}},
        "tokens": {"robot": {"role": "viewer"}},
        "enrolment-keys": {"hosts": {"uses": 3}},
    }, "set": "people"}
    answer = expect(c.admin.post("/api/v1/apply", body), 200)
    shown = answer.json["shown_once"]
    assert shown["enrolment-keys/hosts"].startswith("weft1.")
    expect(Client(c, shown["tokens/robot"]).get("/api/v1/nodes"), 200)
    expect(Client(c).sign_in("grace", "a long password"), 200)
    again = expect(c.admin.post("/api/v1/apply", body), 200).json
    assert "shown_once" not in again
    assert set(actions(again).values()) <= {"none"}
    assert "a long password" not in c.admin.get("/api/v1/history").text
