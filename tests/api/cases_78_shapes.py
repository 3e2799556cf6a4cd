"""What a node's troubles, links, pings and a write's fate look like to who asks: shapes that contract.py judges as it does all others."""

import datetime
import threading
import time

from agent import Agent
from cases_75_sessions import eventually
from controller import Controller, expect, refusal

FLEET = {"resources": {
    "sites": {"cape": {"location": {"lat": 48.9, "lon": -2.5}, "lan": ["10.89.0.0/24"]}},
    "nodes": {"dora": {"address": "198.51.100.3", "site": "cape",
                       "uplinks": {"fibre": {"interface": "eth0", "via": ["192.0.2.1"], "metered": True}}}, "emil": {}, "fritz": {}},
    "networks": {"bay": {"mesh": ["dora", "emil", "fritz"]}},
    "links": {"bay.emil.fritz": {"network": "bay", "ends": ["emil", "fritz"], "disabled": True}},
    "segments": {"lan": {"network": "bay"}},
    "slas": {"calls": {"loss": "1%"}},
    "ha-groups": {"pair": {"members": ["dora", "emil"], "vip": ["198.51.100.200", "2001:db8::200"], "interface": "eth1"}},
    "domain-lists": {"work": {"names": ["corp.example", "=www.example"]}, "ads": {"url": "http://127.0.0.1:9/ads.txt", "refresh": "30d"}, "mine": {"file": "mine.txt"}},
    "blocklists": {"ads": {"lists": ["ads", "mine"], "answer": "zero", "exempt": ["198.51.100.7/32"], "except": ["good.example"], "ttl": "1m"}},
    "dns-zones": {"lan": {"zone": "lan.example", "ttl": "1h", "records": [
        {"name": "printer", "a": "198.51.100.9", "ttl": "5m"}, {"name": "www", "cname": "printer"}, {"name": "@", "txt": "hello"},
        {"name": "*.apps", "aaaa": "2001:db8::9"}, {"name": "9", "ptr": "printer.lan.example"}]}},
    "dns-forwards": {"corp": {"from": ["198.51.100.0/24"], "names": ["corp.example"], "pattern": "*.int.*", "to": ["198.51.100.53"]}},
    "resolvers": {
        "cape": {"site": "cape", "upstreams": ["9.9.9.9", "tls://1.1.1.1#one.example"], "listen": ["198.51.100.3"], "clients": ["198.51.100.0/24"], "intercept": True,
                 "interfaces": ["eth1"], "log": "blocked", "stale": "1h", "rate": 100, "cache_mb": 8, "doh": "block", "blocklists": ["ads"]},
        "far": {"nodes": ["fritz"], "upstreams": ["https://dns.example/dns-query@192.0.2.3"]}},
    "gateways": {"fibre": {"uplink": "dora/fibre", "check": ["9.9.9.9"], "probe": {"down": 4}, "sla": "calls", "drain": True, "resolvers": ["tls://1.1.1.1#one.example"]},
                 "emil": {"node": "emil"}},
    "gateway-groups": {"both": {"try": ["fibre", "emil"], "choose": "latency", "hold_down": "5s"}},
    "policies": {"out": {"from": ["site/cape"], "rules": [
        {"to": ["203.0.113.0/24"], "ports": ["tcp/443"], "via": "both", "otherwise": "direct", "comment": "one"},
        {"to": ["list/work", "192.0.2.0/24"], "via": "both", "unknown": True}, {"to": ["list/ads"], "block": "nxdomain"}, {"to": ["any"], "block": "drop"}],
        "split": ["tcp/80", "tcp/443", "udp/443", "tcp/8443"]}},
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


def case_who_is_active_in_a_group(c):
    def pair():
        return next((g for g in expect(c.admin.get("/api/v1/state"), 200).json["ha_groups"] if g["name"] == "pair"), None)
    standby = {"state": "standby", "since": 5, "holder": None, "generation": 1, "epoch": 6, "heard": 2, "needed": 2, "voters": 3, "cause": "waits"}
    c.dora.observe({"ha/pair": standby})
    eventually(lambda: pair() and pair()["members"][0]["state"] == "standby")
    assert pair()["active"] == [] and pair()["since"] is None and pair()["epoch"] == 6, pair()
    c.dora.observe({"ha/pair": {**standby, "state": "active", "holder": "dora", "epoch": 7, "heard": 3, "cause": "active, since nobody was"}})
    eventually(lambda: pair()["active"] == ["dora"])
    assert pair()["since"] == "1970-01-01T00:00:00.005Z" and pair()["heard"] == 3 and pair()["cause"] == "active, since nobody was", pair()
    metrics = expect(c.admin.get("/metrics"), 200).text
    assert 'weft_ha_active{node="dora",site="cape",group="pair"} 1' in metrics, [line for line in metrics.split("\n") if "_ha_" in line]


def case_the_tree_of_a_segment(c):
    def port(role, state):
        return {"port_id": 32769, "cost": 120, "priority": 32, "designated_root": "8000.02", "designated_bridge": "8000.02",
                "designated_port": 32769, "designated_cost": 0, "role": role, "state": state, "rtt_us": 11000, "loss_ppm": 20000}

    with Controller(c.binary, c.root) as mine:
        expect(mine.admin.post("/api/v1/apply", FLEET), 200)
        agents = {name: Agent(mine, name) for name in ("dora", "emil")}
        for name, agent in agents.items():
            expect(agent.join(), 200)
            agent.hello()
        dora = {"root_id": "8000.02", "bridge_id": "8000.01", "root_cost": 100}
        agents["dora"].observe({"bridge/lan": dora, "port/lan/emil": port("root", "forwarding")})
        agents["emil"].observe({"bridge/lan": {"root_id": "8000.02", "bridge_id": "8000.02", "root_cost": 0}, "port/lan/dora": port("designated", "forwarding")})
        refusal(mine.admin.get("/api/v1/segments/none/tree"), 404)

        def tree():
            return expect(mine.admin.get("/api/v1/segments/lan/tree"), 200).json
        eventually(lambda: len(tree()["wires"]) == 1 and tree()["wires"][0]["state"] == "forwarding")
        now = tree()
        assert now["root"] == "emil", now
        assert now["nodes"] == [{"name": "dora", "connected": True, "root_port": "emil", "root_cost": 100},
                                {"name": "emil", "connected": True, "root_port": None, "root_cost": 0}], now
        assert now["wires"] == [{"a": "dora", "b": "emil", "state": "forwarding", "blocked_at": None, "cost": 120, "rtt_ms": 11, "loss": 0.02}], now
        assert now["pairs"] == [{"a": "dora", "b": "emil", "path": ["dora", "emil"], "path_ms": 11, "direct_ms": 11, "best_ms": 11, "stretch": 1}], now
        agents["dora"].observe({"bridge/lan": dora, "port/lan/emil": port("alternate", "blocking")})
        eventually(lambda: tree()["wires"][0]["blocked_at"] == "dora" and tree()["pairs"][0]["path"] == [])


def answered(c, verb, ask, result, error=None):
    """The controller's answer when `ask` makes it ask dora, who answers with `result`, and what she was asked."""
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask()))
    asking.start()
    request = c.dora.await_type("request")
    assert request["verb"] == verb, request
    c.dora.send(type="response", id=request["id"], ok=error is None, error=error, result=result)
    asking.join(10)
    return answers[0], request["args"]


def asked(c, verb, body, result):
    return answered(c, verb, lambda: c.admin.post(f"/api/v1/nodes/dora/{verb}", body), result)


def case_a_node_examines_itself(c):
    fine = {"check": "clock", "grade": "ok", "text": "the clock is right", "cure": ""}
    bad = {"check": "disk", "grade": "bad", "text": "the disk is full", "cure": "make room"}
    answer, _ = asked(c, "doctor", None, {"lines": [fine, {**bad, "lie": 1}], "ok": True, "lie": 2})
    assert expect(answer, 200).json == {"node": "dora", "ok": False, "lines": [fine, bad]}, answer.text
    answer, _ = asked(c, "doctor", None, {"lines": [{**fine, "grade": "splendid"}]})
    refusal(answer, 409)


def history_of(c, result, error=None, span="1h"):
    path = f"/api/v1/nodes/dora/history?link=bay/emil&span={span}"
    return answered(c, "history", lambda: c.admin.get(path), result, error)


def case_the_history_of_a_link(c):
    columns = ("rtt_min_us", "rtt_avg_us", "rtt_max_us", "jitter_us", "loss", "rx_bps", "tx_bps")
    told = {"step_ms": 10000, "age_ms": 4000, "sla": {"latency_us": 150000, "jitter_us": None, "loss": 0.01, "lie": 1},
            "slots": {**{name: [None, 5, 7.5] for name in columns}, "lie": [1, 2, 3]}, "lie": 2}
    before = time.time()
    answer, args = history_of(c, told, span="24h")
    assert args == {"link": "bay/emil", "span": "24h"}, args
    history = expect(answer, 200).json
    assert history["slots"] == {name: [None, 5, 7.5] for name in columns}, history
    assert history["sla"] == {"latency_us": 150000, "jitter_us": None, "loss": 0.01}, history
    assert (history["node"], history["link"], history["span"], history["step_ms"]) == ("dora", "bay/emil", "24h", 10000)
    # The node tells ages; the times are the controller's.
    start = datetime.datetime.fromisoformat(history["start"].replace("Z", "+00:00")).timestamp()
    assert before - 24.1 <= start <= time.time() - 23.9, history["start"]
    for lie in ({**told, "slots": {**told["slots"], "loss": [1]}}, {**told, "age_ms": -5}, {**told, "step_ms": 0}, {}):
        refusal(history_of(c, lie)[0], 409)
    answer, _ = history_of(c, {**told, "slots": {name: [-1, "x", 2] for name in columns}})
    assert expect(answer, 200).json["slots"]["loss"] == [None, None, 2], answer.text
    answer, _ = history_of(c, None, "it does not measure a link bay/emil")
    assert "does not measure" in refusal(answer, 409)
    refusal(c.admin.get("/api/v1/nodes/dora/history"), 400)
    refusal(c.admin.get("/api/v1/nodes/dora/history?link=bay/emil&span=7d"), 400)
    refusal(c.admin.get("/api/v1/nodes/emil/history?link=bay/dora"), 409)
    refusal(c.admin.get("/api/v1/nodes/nobody/history?link=bay/dora"), 404)


def case_the_figures_of_links_are_told_while_somebody_asks(c):
    expect(c.admin.get("/api/v1/topology?figures=maybe"), 400)
    plain = expect(c.admin.get("/api/v1/topology"), 200).json["links"]
    assert all("rtt_us" not in link for link in plain), plain
    asked_for = expect(c.admin.get("/api/v1/topology?figures=true"), 200).json["links"]
    assert all(link.get("rtt_us") is None for link in asked_for), asked_for
    if not c.dora.is_sampling:  # a scrape of an earlier case may have asked already
        c.dora.await_type("samples")
    c.dora.send(type="samples", at=1, values={"link/bay/emil": {"rtt_us": 1500, "jitter_us": -7, "loss": 0.25}})

    def figures():
        links = c.admin.get("/api/v1/topology?figures=true").json["links"]
        link = next(link for link in links if (link["a"], link["b"]) == ("dora", "emil"))
        return link.get("rtt_us"), link.get("jitter_us"), link.get("loss")

    c.dora.observe({"peer/bay/emil": {"endpoint": None, "state": "up"}})
    eventually(lambda: figures() == (1500, None, 0.25))


def case_the_log_by_entry_and_time(c):
    def log(query):
        return [(e["entry"], e["text"]) for e in expect(c.admin.get("/api/v1/log?node=dora&kind=link_&" + query), 200).json["items"]]

    told = [("link/bay/emil", "one"), ("link/bay/fritz", "two"), ("link/bay/emil", "three")]
    for entry, text in told:
        c.dora.send(type="event", at=0, severity="warning", kind="link_down", entry=entry, text=text)
    eventually(lambda: len(log("")) == 3)
    assert log("entry=link/bay/emil") == [told[2], told[0]], log("entry=link/bay/emil")
    at = [e["at"] for e in c.admin.get("/api/v1/log?node=dora&kind=link_").json["items"]]
    assert log(f"since={at[-1]}&until={at[0]}") == told[::-1]
    assert log("until=2020-01-01T00:00:00Z") == [] and log("since=2100-01-01T00:00:00Z") == []
    refusal(c.admin.get("/api/v1/log?since=yesterday"), 400)


def case_a_ping_that_is_answered(c):
    answer, args = asked(c, "ping", {"to": "emil", "count": 2}, {"sent": 2, "received": 1, "rtt_ms": [1.5, None]})
    assert args["count"] == 2, args
    result = expect(answer, 200).json
    assert result["received"] == 1 and result["rtt_ms"] == [1.5, None] and result["path"][0] == "dora", result
    c.dora.close()


def case_what_became_of_a_write(c):
    assert expect(c.admin.get("/api/v1/operations/shape"), 200).json["state"] == "absent"
    expect(c.admin.put("/api/v1/sites/cape", {"lan": ["10.89.0.0/24"]}, headers={"Idempotency-Key": "shape"}), 200)
    assert expect(c.admin.get("/api/v1/operations/shape"), 200).json == {"key": "shape", "state": "done"}
