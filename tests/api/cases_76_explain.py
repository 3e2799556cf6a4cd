"""Why a flow goes where it goes: which node is asked, what it may say, and how a person reads it."""

from agent import Agent
from cases_76_dns import answered, at_the_command_line
from controller import Client, expect, refusal

ROUTE = {"sentence": "by wgate1 via 192.0.0.8, as table 22501 says", "device": "wgate1", "via": "192.0.0.8", "table": 22501}
TOLD = {
    "client": "10.77.0.7", "name": "www.films.example", "protocol": "tcp", "port": 443, "outcome": "via", "rule": 1,
    "sentence": "rule 1 of policy home sends it by gateway-group tv, which leaves by via-bob",
    "policy": {"name": "home", "from": "10.77.0.0/16"},
    "rules": [{"number": 1, "text": "to list/films: via tv", "decides": True, "sentence": "www.films.example is in films", "flows": 12, "packets": 30, "bytes": 3100000},
              {"number": 2, "text": "to any: block: reject", "decides": False, "sentence": "rule 1 comes before it"}],
    "dns": {"sentence": "www.films.example goes to 9.9.9.9", "outcome": "forwarded", "view": "tv", "upstreams": ["9.9.9.9"], "lists": ["films"]},
    "addresses": [{"address": "203.0.113.9", "state": "learned", "sentence": "learned as one of films", "lists": ["films"], "decided_by": "kernel",
                   "rule": 1, "names": [{"name": "cdn.films.example", "lists": ["films"], "expires_s": 90}], "route": ROUTE}],
    "group": {"name": "tv", "otherwise": "block", "gateway": "via-bob", "since": 1000, "sentence": "moved to via-bob: fibre is down",
              "gateways": [{"name": "fibre", "state": "down", "in_use": False, "sentence": "down: its check is silent"},
                           {"name": "via-bob", "state": "up", "in_use": True, "sentence": "in use", "by": "wire/gateway:via-bob/bob"}]},
}
PATH = "/api/v1/explain?from=10.77.0.7&to=www.Films.example"


def case_nobody_can_be_asked(c):
    assert "10.99.0.1 is in no site's lan" in refusal(c.admin.get("/api/v1/explain?from=10.99.0.1&to=a.example"), 422)
    expect(c.admin.put("/api/v1/sites/why", {"lan": ["10.77.0.0/16", "fd77::/64"]}), 201)
    assert "no node stands at sites/why" in refusal(c.admin.get(PATH), 409)
    expect(c.admin.put("/api/v1/nodes/why-a", {"site": "why"}), 201)
    assert "nodes/why-a is not connected" in refusal(c.admin.get(PATH), 409)
    for query in ("", "from=10.77.0.7", "from=bob&to=a.example", "from=10.77.0.7&to=a%20b", "from=10.77.0.7&to=a.example&port=0",
                  "from=10.77.0.7&to=a.example:80&port=81", "from=10.77.0.7&to=a.example&proto=icmp", "from=10.77.0.7&to=fd77::1"):
        refusal(c.admin.get("/api/v1/explain?" + query), 400)
    token = expect(c.admin.put("/api/v1/tokens/why-viewer", {"role": "viewer"}), 201).json["token"]
    refusal(Client(c, token).get(PATH), 403)


def case_the_node_before_the_client_is_asked(c):
    c.dnsa = Agent(c, "why-a")
    expect(c.dnsa.join(), 200)
    c.dnsa.hello()
    answer, args = answered(c, "explain", lambda: c.admin.get(PATH), TOLD)
    assert args == {"client": "10.77.0.7", "to": "www.Films.example", "port": 443, "proto": "tcp"}, args
    told = expect(answer, 200).json
    assert told["node"] == "why-a" and told["asked"] == "why-a is before 10.77.0.0/16 of why", told
    assert told["group"]["since"] == "1970-01-01T00:00:01Z" and told["rules"] == TOLD["rules"], told
    _, args = answered(c, "explain", lambda: c.admin.get("/api/v1/explain?from=fd77::7&to=[2001:db8::1]:53&proto=udp"), TOLD)
    assert args == {"client": "fd77::7", "to": "2001:db8::1", "port": 53, "proto": "udp"}, args
    _, args = answered(c, "explain", lambda: c.admin.get(PATH + "."), TOLD)
    assert args["to"] == "www.Films.example", args
    assert "xn--" in refusal(c.admin.get("/api/v1/explain?from=10.77.0.7&to=%C3%BC.example"), 400)
    for lie in (None, {}, {**TOLD, "outcome": "magic"}, {**TOLD, "rules": [{"number": 0}]}, {**TOLD, "addresses": "all"}):
        assert "malformed" in refusal(answered(c, "explain", lambda: c.admin.get(PATH), lie)[0], 409)
    answer, _ = answered(c, "explain", lambda: c.admin.get(PATH), None, "this version of the agent does not know that request")
    assert "does not know that request" in refusal(answer, 409)


def case_the_active_one_of_a_site_is_asked(c):
    first, c.dnsa = c.dnsa, Agent(c, "why-b")
    expect(c.admin.post("/api/v1/apply", {"resources": {
        "nodes": {"why-b": {"site": "why"}}, "networks": {"why": {"mesh": ["why-a", "why-b"]}},
        "ha-groups": {"why": {"site": "why", "members": ["why-a", "why-b"], "vip": ["10.77.0.1"], "interface": "eth1"}}}}), 200)
    expect(c.dnsa.join(), 200)
    c.dnsa.hello()
    c.dnsa.observe({"ha/why": {"state": "active", "since": 5, "epoch": 1, "heard": 2, "needed": 2, "voters": 2, "cause": ""}})
    told = expect(answered(c, "explain", lambda: c.admin.get(PATH), TOLD)[0], 200).json
    assert told["node"] == "why-b" and told["asked"] == "why-b is before 10.77.0.0/16 of why, and the active one of ha-groups/why", told
    first.socket.close()


def case_a_person_reads_why(c):
    said = at_the_command_line(c, [("explain", TOLD)], "explain", "--from", "10.77.0.7", "--to", "www.films.example")
    assert said.returncode == 0, said
    for line in ("rule 1 of policy home sends it by gateway-group tv, which leaves by via-bob",
                 "→ 1 to list/films: via tv  (12 flows, 3.1 MB)", "      www.films.example is in films", "  2 to any: block: reject",
                 "  its question leaves by gateway-group tv", "  203.0.113.9  learned  rule 1", "      it is an address of cdn.films.example",
                 "      by wgate1 via 192.0.0.8, as table 22501 says", "  fibre    down      down: its check is silent", "→ via-bob  up        in use", "      wire/gateway:via-bob/bob"):
        assert line in said.stdout.split("\n"), (line, said.stdout)
    said = at_the_command_line(c, [("explain", TOLD)], "explain", "--from", "10.77.0.7", "--to", "www.films.example", "-o", "yaml")
    assert "decided_by: kernel" in said.stdout, said
    said = at_the_command_line(c, [], "explain", "--from", "10.77.0.7")
    assert said.returncode == 2 and "--to" in said.stderr, said
    c.dnsa.socket.close()
    for path in ("ha-groups/why", "networks/why", "nodes/why-a", "nodes/why-b", "sites/why", "tokens/why-viewer"):
        expect(c.admin.delete("/api/v1/" + path), 204)
