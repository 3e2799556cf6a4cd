"""The ten kinds: list, get, put, patch, delete, rename, and everything that is refused."""

from controller import expect, refusal


def case_put_creates_then_changes_nothing(c):
    first = expect(c.admin.put("/api/v1/nodes/rho", {"address": "192.0.2.1"}), 201)
    assert first.headers["Location"] == "/api/v1/nodes/rho"
    body = first.json
    assert body["kind"] == "nodes" and body["name"] == "rho" and body["id"] > 0
    assert first.headers["ETag"] == f'"{body["revision"]}"'
    again = expect(c.admin.put("/api/v1/nodes/rho", {"address": "192.0.2.1"}), 200)
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.json["id"] == body["id"]
    changed = expect(c.admin.put("/api/v1/nodes/rho", {"address": "192.0.2.2"}), 200)
    assert changed.json["revision"] > body["revision"]


def case_get_has_the_same_etag(c):
    answer = expect(c.admin.get("/api/v1/nodes/rho"), 200)
    assert answer.headers["ETag"] == f'"{answer.json["revision"]}"'
    assert answer.json["spec"] == {"address": "192.0.2.2"}
    assert "effective" in expect(c.admin.get("/api/v1/nodes/rho?effective=true"), 200).json


def case_if_match(c):
    old = c.admin.get("/api/v1/nodes/rho").headers["ETag"]
    new = expect(c.admin.put("/api/v1/nodes/rho", {"comment": "a"}, headers={"If-Match": old}), 200).headers["ETag"]
    refusal(c.admin.put("/api/v1/nodes/rho", {"comment": "b"}, headers={"If-Match": old}), 412)
    refusal(c.admin.patch("/api/v1/nodes/rho", {"comment": "b"}, headers={"If-Match": old}), 412)
    refusal(c.admin.delete("/api/v1/nodes/rho", headers={"If-Match": old}), 412)
    refusal(c.admin.put("/api/v1/nodes/absent", {}, headers={"If-Match": "*"}), 412)
    assert c.admin.get("/api/v1/nodes/rho").headers["ETag"] == new


def case_if_none_match(c):
    refusal(c.admin.put("/api/v1/nodes/rho", {}, headers={"If-None-Match": "*"}), 412)
    refusal(c.admin.put("/api/v1/nodes/rho", {}, headers={"If-None-Match": '"1"'}), 400)
    expect(c.admin.put("/api/v1/nodes/fresh", {}, headers={"If-None-Match": "*"}), 201)
    expect(c.admin.delete("/api/v1/nodes/fresh"), 204)


def case_patch_merges(c):
    expect(c.admin.put("/api/v1/nodes/bob", {"address": "192.0.2.3", "comment": "x", "tags": ["eu"]}), 201)
    patched = expect(c.admin.patch("/api/v1/nodes/bob", {"comment": None, "tags": ["us"]}), 200)
    assert patched.json["spec"] == {"address": "192.0.2.3", "tags": ["us"]}
    refusal(c.admin.patch("/api/v1/nodes/absent", {"comment": "x"}), 404)


def case_list_pages_and_filters(c):
    for name in ("p1", "p2", "p3"):
        expect(c.admin.put(f"/api/v1/nodes/{name}", {"tags": ["paged"]}), 201)
    page = expect(c.admin.get("/api/v1/nodes?tag=paged&limit=2"), 200).json
    assert [i["name"] for i in page["items"]] == ["p1", "p2"] and page["total"] == 3
    rest = expect(c.admin.get(f"/api/v1/nodes?tag=paged&limit=2&after={page['next']}"), 200).json
    assert [i["name"] for i in rest["items"]] == ["p3"] and rest["next"] is None
    found = expect(c.admin.get("/api/v1/nodes?q=p2"), 200).json
    assert [i["name"] for i in found["items"]] == ["p2"]
    for bad in ("limit=0", "limit=x", "limit=100000", "effective=maybe"):
        refusal(c.admin.get("/api/v1/nodes?" + bad), 400)
    for name in ("p1", "p2", "p3"):
        expect(c.admin.delete(f"/api/v1/nodes/{name}"), 204)


def case_missing_is_404(c):
    refusal(c.admin.get("/api/v1/nodes/absent"), 404)
    refusal(c.admin.delete("/api/v1/nodes/absent"), 404)
    refusal(c.admin.post("/api/v1/nodes/absent/rename", {"name": "other"}), 404)
    refusal(c.admin.get("/api/v1/nodes/absent/observed"), 404)


def case_invalid_json_says_where(c):
    answer = c.admin.call("PUT", "/api/v1/nodes/bad", raw=b'{"a": 1,\n  oops}',
                          headers={"Content-Type": "application/json"})
    assert "line 2" in refusal(answer, 400)
    answer = c.admin.call("PUT", "/api/v1/nodes/bad", raw=b'{"comment": "\xff\xfe"}',
                          headers={"Content-Type": "application/json"})
    assert "UTF-8" in refusal(answer, 400), answer.body
    answer = c.admin.call("PUT", "/api/v1/nodes/bad", raw=b'{"comment": "a", "comment": "b"}',
                          headers={"Content-Type": "application/json"})
    refusal(answer, 400)
    refusal(c.admin.call("PUT", "/api/v1/nodes/bad", headers={"Content-Type": "application/json"}), 400)
    refusal(c.admin.get("/api/v1/nodes/bad"), 404)


def case_deep_nesting_is_refused(c):
    answer = c.admin.call("PUT", "/api/v1/nodes/deep", raw=b"[" * 100000,
                          headers={"Content-Type": "application/json"})
    refusal(answer, 400)


def case_wrong_type_is_415(c):
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        refusal(c.admin.call("PUT", "/api/v1/nodes/bad", raw=b"{}", headers={"Content-Type": kind}), 415)


def case_misspelt_field_gets_a_suggestion(c):
    answer = c.admin.put("/api/v1/nodes/bad", {"adress": "192.0.2.1"})
    detail = refusal(answer, 422)
    assert "address" in answer.text, detail


def case_every_bad_field_is_listed(c):
    answer = c.admin.put("/api/v1/nodes/bad", {"listen_port": 99999999, "site": "nowhere", "tags": ["UPPER"]})
    refusal(answer, 422)
    assert len(answer.fields()) >= 2, answer.body


def case_bad_names_are_refused(c):
    for name in ("UPPER", "-dash", "a" * 64, "under_score", "%00", "%ff"):
        refusal(c.admin.put(f"/api/v1/nodes/{name}", {}), c.admin.put(f"/api/v1/nodes/{name}", {}).status)
        assert c.admin.put(f"/api/v1/nodes/{name}", {}).status in (400, 404, 422), name


def case_unknown_reference_is_refused(c):
    answer = c.admin.put("/api/v1/nodes/bad", {"site": "nowhere"})
    assert "nowhere" in refusal(answer, 422)
    answer = c.admin.put("/api/v1/networks/bad", {"mesh": ["rho", "nobody"]})
    assert "nobody" in refusal(answer, 422)
    refusal(c.admin.get("/api/v1/networks/bad"), 404)


def case_host_bits_are_refused(c):
    answer = c.admin.put("/api/v1/sites/bad", {"lan": ["10.1.0.1/16"]})
    assert "10.1.0.0/16" in refusal(answer, 422), answer.body


def case_overlapping_lans_are_refused(c):
    expect(c.admin.put("/api/v1/sites/paris", {"lan": ["10.1.0.0/16", "fd00:1::/48"]}), 201)
    refusal(c.admin.put("/api/v1/sites/lyon", {"lan": ["10.1.2.0/24"]}), 409)
    refusal(c.admin.put("/api/v1/sites/lyon", {"lan": ["fd00:1:0:1::/64"]}), 409)
    expect(c.admin.put("/api/v1/sites/lyon", {"lan": ["10.2.0.0/16"]}), 201)


def case_exhausted_pool_is_refused_and_changes_nothing(c):
    before = c.admin.get("/api/v1/state").json["revision"]
    nodes = {f"many{i}": {} for i in range(8)}
    answer = c.admin.post("/api/v1/apply", {"resources": {
        "nodes": nodes, "networks": {"tight": {"mesh": list(nodes), "pool": ["10.77.0.0/30"]}}}})
    assert "10.77.0.0/30" in refusal(answer, 409)
    assert c.admin.get("/api/v1/state").json["revision"] == before
    refusal(c.admin.get("/api/v1/nodes/many0"), 404)


def case_delete_while_referenced_is_409(c):
    expect(c.admin.put("/api/v1/networks/home", {"mesh": ["rho", "bob"]}), 201)
    detail = refusal(c.admin.delete("/api/v1/nodes/bob"), 409)
    assert "home" in detail, detail
    expect(c.admin.get("/api/v1/nodes/bob"), 200)


def case_rename_keeps_identity_and_references(c):
    before = c.admin.get("/api/v1/nodes/bob").json
    after = expect(c.admin.post("/api/v1/nodes/bob/rename", {"name": "robert"}), 200).json
    assert after["id"] == before["id"] and after["name"] == "robert"
    assert c.admin.get("/api/v1/networks/home").json["spec"]["mesh"] == ["rho", "robert"]
    refusal(c.admin.get("/api/v1/nodes/bob"), 404)
    refusal(c.admin.post("/api/v1/nodes/robert/rename", {"name": "rho"}), 409)
    refusal(c.admin.post("/api/v1/nodes/robert/rename", {"nom": "x"}), 422)
    expect(c.admin.post("/api/v1/nodes/robert/rename", {"name": "bob"}), 200)


def case_delete_after_the_reference_is_gone(c):
    expect(c.admin.delete("/api/v1/networks/home"), 204)
    expect(c.admin.delete("/api/v1/nodes/bob"), 204)
    refusal(c.admin.get("/api/v1/nodes/bob"), 404)


def case_secret_value_goes_in_and_never_out(c):
    plain = {"Content-Type": "text/plain"}
    refusal(c.admin.call("PUT", "/api/v1/secrets/vpn/value", raw=b"s3cr3t", headers=plain), 404)
    expect(c.admin.put("/api/v1/secrets/vpn", {"comment": "login"}), 201)
    expect(c.admin.call("PUT", "/api/v1/secrets/vpn/value", raw=b"s3cr3t", headers=plain), 204)
    expect(c.admin.call("PUT", "/api/v1/secrets/vpn/value", raw=b"s3cr3t-2", headers=plain), 204)
    refusal(c.admin.call("PUT", "/api/v1/secrets/vpn/value", headers=plain), 422)
    refusal(c.admin.get("/api/v1/secrets/vpn/value"), 405)
    for path in ("/api/v1/secrets/vpn?effective=true", "/api/v1/secrets", "/api/v1/history"):
        assert "s3cr3t" not in c.admin.get(path).text
    with open(c.state + "/weft.db", "rb") as f:
        assert b"s3cr3t" not in f.read()
    expect(c.admin.delete("/api/v1/secrets/vpn"), 204)


def case_history_tells_who_and_what(c):
    page = expect(c.admin.get("/api/v1/history?limit=5"), 200).json
    newest = page["items"][0]
    assert newest["user"] == "user/admin" and newest["action"] == "delete" and newest["name"] == "vpn"
    older = expect(c.admin.get(f"/api/v1/history?limit=5&after={page['next']}"), 200).json
    assert older["items"][0]["revision"] < page["items"][-1]["revision"]
    refusal(c.admin.get("/api/v1/history?after=x"), 400)


def case_log_and_fleet_state(c):
    assert isinstance(expect(c.admin.get("/api/v1/log"), 200).json["items"], list)
    state = expect(c.admin.get("/api/v1/state"), 200).json
    node = next(n for n in state["nodes"] if n["name"] == "rho")
    assert node["health"] == "never" and node["connected"] is False
    assert state["revision"] >= 1 and state["controller"] and state["counts"]["never"] >= 1
    topology = expect(c.admin.get("/api/v1/topology"), 200).json
    assert {"nodes", "links", "segments"} <= set(topology)
    observed = expect(c.admin.get("/api/v1/nodes/rho/observed"), 200).json
    assert observed["entries"] == {} and "desired" in observed


def case_an_sla_is_written_referred_to_and_guarded(c):
    for name in ("sla-a", "sla-b"):
        expect(c.admin.put("/api/v1/nodes/" + name, {}), 201)
    voice = {"latency": "150ms", "jitter": "3x", "loss": "0.5%"}
    made = expect(c.admin.put("/api/v1/slas/voice", voice), 201).json
    assert made["spec"] == voice and made["kind"] == "slas"
    assert expect(c.admin.get("/api/v1/slas/voice?effective=true"), 200).json["effective"] == \
        {**voice, "for": "3s", "clear_for": "30s"}
    network = {"mesh": ["sla-b", "sla-a"], "sla": "voice", "probe": {"interval": "50ms", "down": 4}}
    expect(c.admin.put("/api/v1/networks/judged", network), 201)
    expect(c.admin.put("/api/v1/links/judged.sla-a.sla-b", {"network": "judged", "ends": ["sla-b", "sla-a"], "sla": "sla/voice"}), 201)
    assert "judged" in refusal(c.admin.delete("/api/v1/slas/voice"), 409)
    expect(c.admin.post("/api/v1/slas/voice/rename", {"name": "speech"}), 200)
    assert expect(c.admin.get("/api/v1/networks/judged"), 200).json["spec"]["sla"] == "speech"
    assert expect(c.admin.get("/api/v1/links/judged.sla-a.sla-b"), 200).json["spec"]["sla"] == "sla/speech"
    for name in ("links/judged.sla-a.sla-b", "networks/judged", "slas/speech", "nodes/sla-a", "nodes/sla-b"):
        expect(c.admin.delete("/api/v1/" + name), 204)


def case_an_ha_group_is_written_and_guarded(c):
    for name in ("ha-a", "ha-b", "ha-c"):
        expect(c.admin.put("/api/v1/nodes/" + name, {}), 201)
    expect(c.admin.put("/api/v1/networks/ha", {"mesh": ["ha-a", "ha-b"], "links": [["ha-b", "ha-c"]]}), 201)
    group = {"members": ["ha-a", "ha-b"], "vip": ["10.77.0.1", "fd77::1"], "interface": "eth1"}
    for change, field, text in [
        ({"members": ["ha-a"]}, "members", "it has 1 items and needs at least 2"),
        ({"members": ["ha-a", "node/ha-a"]}, "members[1]", "ha-a votes already: it stands there twice"),
        ({"witness": ["ha-b"]}, "witness[0]", "ha-b votes already: it stands there twice"),
        ({"witness": ["nobody"]}, "witness[0]", "there is no node nobody"),
        ({"witness": ["ha-c"]}, "members", "no network links each member with every other voter"),
        ({"witness": ["ha-c"], "network": "ha"}, "network",
         "ha has no link between ha-a and ha-c: each member needs one with every other voter"),
        ({"vip": ["fd77::1", "fd77:0::1"]}, "vip[1]", "fd77:0::1 stands there twice"),
        ({"vip": ["fe80::1"]}, "vip[0]", "fe80::1 is no address that a host of a LAN can have"),
        ({"vip": ["eth1"]}, "vip[0]", None),
        ({"lease": "100ms"}, "lease", "100ms is not in 300ms..30s"),
        ({"preempt": False, "hold_down": "3s"}, "hold_down", "nothing waits for it, as preempt is false"),
        ({"on_active": ["rm -rf"]}, "on_active[0]", None),
    ]:
        answer = c.admin.put("/api/v1/ha-groups/pair", {**group, **change})
        # What only the other resources make wrong is a conflict.
        refusal(answer, 409 if text and "every other voter" in text else 422)
        (error,) = answer.json["errors"]
        assert error["field"] == "ha-groups.pair." + field and text in (None, error["text"]), answer.json
    expect(c.admin.put("/api/v1/ha-groups/pair", group), 201)
    effective = expect(c.admin.get("/api/v1/ha-groups/pair?effective=true"), 200).json["effective"]
    assert effective["voters"] == ["ha-a", "ha-b", "(controller)"] and effective["network"] == "ha", effective
    assert effective["generation"] == 1 and effective["is_settled"] and effective["lease"] == "650ms"
    # What carries it cannot go.
    assert "pair" in refusal(c.admin.delete("/api/v1/nodes/ha-b"), 409)
    answer = c.admin.put("/api/v1/links/ha.ha-a.ha-b", {"network": "ha", "ends": ["ha-a", "ha-b"], "disabled": True})
    refusal(answer, 409)
    assert answer.json["errors"][0]["field"] == "ha-groups.pair.members", answer.json
    # The same address twice, in two groups.
    answer = c.admin.put("/api/v1/ha-groups/other", {**group, "vip": ["10.77.0.1"]})
    refusal(answer, 409)
    assert answer.json["errors"] == [{"field": "ha-groups.other.vip[0]", "text": "10.77.0.1 is already that of ha-groups.pair"}], answer.json
    for name in ("ha-groups/pair", "networks/ha", "nodes/ha-a", "nodes/ha-b", "nodes/ha-c"):
        expect(c.admin.delete("/api/v1/" + name), 204)


def case_policies_and_their_gateways(c):
    expect(c.admin.put("/api/v1/sites/pol", {"lan": ["10.88.0.0/16"], "tags": ["pol"]}), 201)
    expect(c.admin.put("/api/v1/nodes/pol-a", {"site": "pol", "uplinks": {"fibre": {"interface": "eth0"}}}), 201)
    expect(c.admin.put("/api/v1/nodes/pol-b", {}), 201)
    expect(c.admin.put("/api/v1/nodes/pol-c", {}), 201)
    expect(c.admin.put("/api/v1/networks/pol", {"mesh": ["pol-a", "pol-b"]}), 201)
    for kind, spec, field, text in [
        ("nodes", {"uplinks": {"A": {"interface": "eth0"}}}, "uplinks.A", None),
        ("nodes", {"uplinks": {"a": {"interface": "eth0"}, "b": {"interface": "eth0"}}}, "uplinks.b", "eth0 is already uplink a"),
        ("nodes", {"uplinks": {"a": {"interface": "eth0", "via": ["192.0.2.1", "192.0.2.2"]}}}, "uplinks.a.via[1]",
         "192.0.2.2 is a second address of its family"),
        ("gateways", {}, "", "an uplink is needed, or the node whose own way is taken"),
        ("gateways", {"uplink": "pol-a/fibre", "node": "pol-a"}, "", "uplink and node may not stand together"),
        ("gateways", {"uplink": "pol-a"}, "uplink", '"pol-a" is not of the form <node>/<uplink>'),
        ("gateways", {"uplink": "nobody/fibre"}, "uplink", "there is no node nobody"),
        ("gateways", {"uplink": "pol-a/lte"}, "uplink", "node pol-a has no uplink lte"),
        ("gateways", {"node": "pol-a", "check": ["9.9.9.9"]}, "check", "it is asked through an uplink, which is not named"),
        ("gateways", {"uplink": "pol-a/fibre", "check": ["9.9.9.9", "1.1.1.1"]}, "check[1]", "1.1.1.1 is a second address of its family"),
        ("gateway-groups", {"try": []}, "try", "it may not be empty"),
        ("gateway-groups", {"try": ["nothing"]}, "try[0]", "there is no gateway nothing"),
        ("policies", {"from": ["site/nowhere"], "rules": [{"to": ["any"]}]}, "from[0]", "there is no site nowhere"),
        ("policies", {"from": ["pol"], "rules": [{"to": ["any"]}]}, "from[0]",
         '"pol" is no site/NAME, node/NAME, tag/NAME, prefix or address'),
        ("policies", {"from": ["10.99.0.0/24"], "rules": [{"to": ["any"]}]}, "from[0]",
         "10.99.0.0/24 is within no site's lan: no node knows where these clients are"),
        ("policies", {"from": ["tag/pol"], "rules": [{"to": ["any"]}, {"to": ["192.0.2.1"]}]}, "rules[1]",
         "it is never reached: rule 1 before it fits all"),
        ("policies", {"from": ["tag/pol"], "rules": [{"to": ["any"], "via": "x", "block": "drop"}]}, "rules[0]",
         "via and block may not stand together"),
        ("policies", {"from": ["tag/pol"], "rules": [{"to": ["any"], "ports": ["tcp/0"]}]}, "rules[0].ports[0]", None),
        ("policies", {"from": ["tag/pol"], "rules": [{"to": ["any"], "otherwise": "direct"}]}, "rules[0].via",
         "it is missing and needed beside otherwise"),
        ("policies", {"from": ["tag/pol"], "rules": [{"to": ["any"], "block": "drop", "otherwise": "direct"}]}, "rules[0].otherwise",
         "it does not go with block"),
        ("policies", {"from": ["tag/pol"], "rules": [{"to": ["netflix.com"]}]}, "rules[0].to[0]",
         '"netflix.com" is no prefix or address: names go into a domain-list, list/NAME'),
        ("policies", {"from": ["tag/pol"], "rules": [{"to": ["1.2.3.4/24"]}]}, "rules[0].to[0]",
         '"1.2.3.4/24" has host bits set, did you mean 1.2.3.0/24?'),
        ("policies", {"from": ["tag/pol"], "rules": [{"to": ["list/nobody"]}]}, "rules[0].to[0]", "there is no domain-list nobody"),
        ("policies", {"from": ["tag/pol"], "rules": [{"to": ["any"], "unknown": True}]}, "rules[0].unknown",
         "it is for rules by name: to has no list/NAME, or has any"),
    ]:
        answer = c.admin.put(f"/api/v1/{kind}/bad", spec)
        assert answer.status in (409, 422), answer.status
        (error,) = answer.json["errors"]
        assert error["field"] == (f"{kind}.bad.{field}" if field else f"{kind}.bad"), answer.json
        assert text in (None, error["text"]), answer.json
    expect(c.admin.put("/api/v1/gateways/fibre", {"uplink": "pol-a/fibre", "check": ["9.9.9.9"]}), 201)
    expect(c.admin.put("/api/v1/gateways/far", {"node": "pol-b"}), 201)
    expect(c.admin.put("/api/v1/gateways/off", {"node": "pol-c"}), 201)
    (error,) = c.admin.put("/api/v1/policies/bad", {"from": ["tag/pol"], "rules": [{"to": ["any"], "via": "far"}]}).json["errors"]
    assert error["field"] == "policies.bad.rules[0].via", error
    assert error["text"] == "there is no gateway-group far, but a gateway of that name: a gateway-group has to try it", error
    expect(c.admin.put("/api/v1/gateway-groups/both", {"try": ["fibre", "far"]}), 201)
    expect(c.admin.put("/api/v1/gateway-groups/off", {"try": ["off"]}), 201)
    policy = {"from": ["tag/pol"], "rules": [{"to": ["203.0.113.0/24"], "ports": ["tcp/443"], "via": "both"}, {"to": ["any"]}]}
    answer = c.admin.put("/api/v1/policies/home", {**policy, "rules": [{"to": ["any"], "via": "off"}]})
    assert "no node that has these clients is linked with a gateway of off" in refusal(answer, 409)
    expect(c.admin.put("/api/v1/policies/home", policy), 201)
    effective = expect(c.admin.get("/api/v1/policies/home?effective=true"), 200).json["effective"]
    assert effective["clients"] == {"pol-a": ["10.88.0.0/16"]}, effective
    effective = expect(c.admin.get("/api/v1/gateways/far?effective=true"), 200).json["effective"]
    assert effective["node"] == "pol-b" and list(effective["used_by"]) == ["pol-a"], effective
    answer = c.admin.put("/api/v1/policies/again", {"from": ["site/pol"], "rules": [{"to": ["any"]}]})
    assert "is already from of policies.home" in refusal(answer, 409)
    # Names: a resolver learns their addresses, and a list that is in use stays.
    expect(c.admin.put("/api/v1/domain-lists/shows", {"names": ["shows.example"]}), 201)
    named = {**policy, "rules": [{"to": ["list/shows"], "via": "both", "unknown": True}, *policy["rules"]]}
    answer = c.admin.put("/api/v1/policies/home", named)
    assert "rules by name need a resolver on pol-a, where these clients are" in refusal(answer, 409)
    expect(c.admin.put("/api/v1/resolvers/pol", {"site": "pol", "upstreams": ["192.0.2.53"]}), 201)
    expect(c.admin.put("/api/v1/policies/home", named), 200)
    assert "rules by name need a resolver" in refusal(c.admin.delete("/api/v1/resolvers/pol"), 409)
    assert "home" in refusal(c.admin.delete("/api/v1/domain-lists/shows"), 409)
    expect(c.admin.post("/api/v1/domain-lists/shows/rename", {"name": "films"}), 200)
    assert expect(c.admin.get("/api/v1/policies/home"), 200).json["spec"]["rules"][0]["to"] == ["list/films"]
    expect(c.admin.put("/api/v1/policies/home", policy), 200)
    expect(c.admin.delete("/api/v1/resolvers/pol"), 204)
    expect(c.admin.delete("/api/v1/domain-lists/films"), 204)
    # What carries it cannot go, and a rename is followed in every form.
    assert "far" in refusal(c.admin.delete("/api/v1/nodes/pol-b"), 409)
    assert "home" in refusal(c.admin.delete("/api/v1/gateway-groups/both"), 409)
    refusal(c.admin.put("/api/v1/nodes/pol-a", {"site": "pol"}), 409)
    expect(c.admin.post("/api/v1/nodes/pol-a/rename", {"name": "pol-z"}), 200)
    assert expect(c.admin.get("/api/v1/gateways/fibre"), 200).json["spec"]["uplink"] == "pol-z/fibre"
    for name in ("policies/home", "gateway-groups/both", "gateway-groups/off", "gateways/fibre", "gateways/far", "gateways/off", "networks/pol",
                 "nodes/pol-z", "nodes/pol-b", "nodes/pol-c", "sites/pol"):
        expect(c.admin.delete("/api/v1/" + name), 204)


def case_an_sla_is_refused_in_one_sentence(c):
    for kind, spec, field, text in [
        ("slas", {"for": "3s"}, "slas.bad", "it limits nothing: a latency, a jitter or a loss is needed"),
        ("slas", {"latency": "fast"}, "slas.bad.latency", '"fast" is neither a duration such as 150ms nor a factor such as 2x'),
        ("slas", {"loss": "1"}, "slas.bad.loss", '"1" is neither a share such as 1% nor a factor such as 2x'),
        ("slas", {"loss": "100%"}, "slas.bad.loss", "100% is not in 0.01%..99%"),
        ("slas", {"jitter": "1x"}, "slas.bad.jitter", "1x is not in 1.1x..100x"),
        ("networks", {"probe": {"interval": "7ms"}}, "networks.bad.probe.interval", "7ms is not in 20ms..1m"),
        ("networks", {"sla": "nowhere"}, "networks.bad.sla", "there is no sla nowhere"),
    ]:
        answer = c.admin.put(f"/api/v1/{kind}/bad", spec)
        refusal(answer, 422)
        assert answer.json["errors"] == [{"field": field, "text": text}], answer.json
