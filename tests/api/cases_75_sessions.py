"""What a node's session leads to elsewhere: metrics, topology, revocation, renewal of certificates."""

import json
import os
import re
import socket
import ssl
import time

from agent import Agent, openssl
from controller import Controller, eventually, expect, refusal
from exposition import parse, value_of

FLEET = {"resources": {
    "sites": {"port": {"lan": ["192.0.2.0/24"]}},
    "nodes": {"ann": {"address": "198.51.100.1", "site": "port"}, "ben": {"address": "198.51.100.2"}, "cleo": {}},
    "networks": {"sea": {"mesh": ["ann", "ben", "cleo"]}},
}, "set": "sea"}


def link_state(c, a, b):
    links = c.admin.get("/api/v1/topology").json["links"]
    found = [x["state"] for x in links if (x["network"], x["a"], x["b"]) == ("sea", a, b)]
    assert len(found) == 1, links
    return found[0]


def case_topology_shows_links_of_who_never_joined(c):
    expect(c.admin.post("/api/v1/apply", FLEET), 200)
    assert link_state(c, "ann", "ben") == "never"
    assert c.admin.get("/api/v1/topology").json["truncated"] is False


def case_a_topology_of_very_many_links_is_cut(c):
    with Controller(c.binary, c.root) as mine:
        names = [f"m{i}" for i in range(205)]  # 20,910 links
        fleet = {"nodes": {name: {} for name in names}, "networks": {"full": {"mesh": names}}}
        expect(mine.admin.post("/api/v1/apply", {"resources": fleet}, timeout=120), 200)
        topology = expect(mine.admin.get("/api/v1/topology"), 200).json
        assert topology["truncated"] is True and len(topology["links"]) == 20000
        assert len({(x["a"], x["b"]) for x in topology["links"]}) == 20000
        assert mine.stop()


def case_nodes_join_and_become_peers(c):
    c.agents = {name: Agent(c, name) for name in ("ann", "ben")}
    for agent in c.agents.values():
        expect(agent.join(), 200)
        agent.hello()
    for agent, peer in ((c.agents["ann"], "ben"), (c.agents["ben"], "ann")):
        agent.follow(lambda desired, key=f"peer/sea/{peer}": key in desired)
    assert link_state(c, "ann", "ben") == "unknown"  # has joined, has not reported
    assert link_state(c, "ann", "cleo") == "never"


def case_the_key_of_a_link_is_told_to_its_ends_only(c):
    ann, ben = c.agents["ann"], c.agents["ben"]
    ann.follow(lambda desired: "probe-key/sea/ben" in desired and "probe/sea/ben" in desired)
    ben.follow(lambda desired: "probe-key/sea/ann" in desired)
    key = json.loads(ann.desired["probe-key/sea/ben"])["key"]
    assert re.fullmatch("[0-9a-f]{64}", key) and json.loads(ben.desired["probe-key/sea/ann"])["key"] == key
    observed = expect(c.admin.get("/api/v1/nodes/ann/observed"), 200)
    assert observed.json["desired"]["probe-key/sea/ben"]["key"] == "(redacted)"
    assert observed.json["desired"]["probe/sea/ben"]["interval_ms"] == 200
    assert key not in observed.text


def case_metrics_of_very_many_links_are_told_by_node(c):
    with Controller(c.binary, c.root, "metrics_links: 2") as mine:
        expect(mine.admin.post("/api/v1/apply", FLEET), 200)
        ann = Agent(mine, "ann")
        expect(ann.join(), 200)
        ann.hello()
        peers = {"peer/sea/ben": {"endpoint": None, "state": "up"}, "peer/sea/cleo": {"endpoint": None, "state": "never"}}
        ann.observe(peers)
        eventually(lambda: 'weft_node_peers{node="ann",site="port"} 2' in mine.admin.get("/metrics").text)
        families = parse(mine.admin.get("/metrics").text)
        assert value_of(families, "weft_node_peers_up", node="ann", site="port") == 1
        assert value_of(families, "weft_metrics_links_left_out") == 0 and "weft_peer_up" in families
        ann.observe(dict(peers, **{"wire/lan/ben": {"up": True}}))
        eventually(lambda: "weft_metrics_links_left_out 3" in mine.admin.get("/metrics").text)
        families = parse(mine.admin.get("/metrics").text)
        assert "weft_peer_up" not in families and "weft_wire_up" not in families
        assert value_of(families, "weft_node_peers", node="ann", site="port") == 2
        families = parse(expect(mine.admin.get("/metrics?node=ann"), 200).text)
        assert value_of(families, "weft_peer_up", node="ann", site="port", network="sea", peer="ben") == 1
        assert "weft_revision" not in families
        refusal(mine.admin.get("/metrics?node=nobody"), 404)
        assert mine.stop()


def case_metrics_of_nodes_are_prometheus_text(c):
    ann = c.agents["ann"]
    revision = c.admin.get("/api/v1/state").json["revision"]
    ann.applied(revision)
    ann.observe({"node/self": {"version": "0.1.0"}, "peer/sea/ben": {"endpoint": None, "state": "up"},
                 "link/sea/ben": {"state": "degraded", "since": 1, "cause": "ann-ben degraded: loss"},
                 "link/upstairs": {"state": "down", "since": 1, "cause": "ann-upstairs down: its device is gone"},
                 "gateway/isp": {"state": "degraded", "since": 1, "cause": "its check: loss"},
                 "gateway-group/tv.block": {"gateway": "gateway/isp", "since": 1, "cause": "moved to isp"},
                 "gateway-group/work.direct": {"gateway": None, "since": 1, "cause": "no gateway is left"},
                 "wire/lan/ben": {"up": True, "state": "down", "since": 1, "cause": "3 of 3 probes lost"}, "port/lan/ben": {"state": "forwarding"}})
    eventually(lambda: "weft_peer_up" in c.admin.get("/metrics").text)
    assert link_state(c, "ann", "ben") == "degraded"  # its probes know better than the handshake
    assert c.admin.get("/api/v1/topology").json["external"] == [{"node": "ann", "name": "upstairs", "state": "down"}]
    if not ann.is_sampling:  # nobody scraped before
        ann.await_type("samples")
    assert ann.is_sampling
    ann.send(type="samples", at=1, values={
        "peer/sea/ben": {"rx_bytes": 12345678901234, "tx_bytes": 7, "handshake_age_s": 12.5},
        "link/sea/ben": {"rtt_us": 12500, "jitter_us": 250, "loss": 0.25, "sent": 100, "lost": 25, "lost_there": 20,
                         "late": 1, "reordered": 2, "duplicate": 3, "rejected": 4, "rtt_le_10000": 30, "rtt_le_25000": 70,
                         "rtt_le_31": 9, "rtt_count": 75, "rtt_sum": 900000, "latency_us": 1, "other_thing": 5, "returned": 75,
                         "forward_le_5000": 60, "forward_count": 75, "forward_sum": 300000, "back_count": 74, "back_sum": 600000},
        "link/upstairs": {"sent": 9, "rtt_count": 0, "rtt_sum": 0},
        "gateway-group/tv.block": {"moves_total": 4},
        "policy/home": {"rule_3_flows_total": 2, "rule_3_packets_total": 20, "rule_3_bytes_total": 3000},
        "splitter/weft": {"connections_total": 6, "active": 2},
        "dns/port": {"learned": 4, "shared": 1, "queries": 50, "udp": 48, "tcp": 2, "cached": 30, "blocked": 9, "limited": 3, "hits": 31, "misses": 7,
                     "expired": 2, "renewals": 5, "evicted": 6, "entries": 11, "bytes": 5000, "p99_us": 2500, "client_192_0_2_7": 1},
        "dns-upstream/tls/192.0.2.1@853": {"up": 0, "answers": 8, "waited_us": 2500000, "useless": 1, "failures": 3},
        "dns-upstream/plain/2001:db8::1@53": {"up": 1, "answers": 9},
        "dns-block/ads/tracking": {"hits": 9, "names": 100000}, "names/films": {"hits": 12},
        "guard/counters": {"spoof_in": 3, "spoof_out": 0, "vxlan_in": 1, "vxlan_out": 0, "overlay_in": 2},
        "node/self": {"rss_kb": 9000, "uptime_s": 5, "entries": 3, "writes_total": 8}})
    eventually(lambda: "spoof_in" in c.admin.get("/metrics").text)
    answer = expect(c.admin.get("/metrics"), 200)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = parse(answer.text)
    link = {"node": "ann", "site": "port", "network": "sea", "peer": "ben"}
    assert value_of(families, "weft_node_connected", node="ann", site="port") == 1
    assert value_of(families, "weft_node_connected", node="cleo") == 0
    assert value_of(families, "weft_node_applied_revision", node="ann") == revision
    assert value_of(families, "weft_node_target_revision", node="ann") <= revision
    assert value_of(families, "weft_peer_up", **link) == 1
    assert value_of(families, "weft_peer_rx_bytes_total", **link) == 12345678901234
    assert value_of(families, "weft_peer_tx_bytes_total", **link) == 7
    assert value_of(families, "weft_peer_handshake_age_seconds", **link) == 12.5
    assert value_of(families, "weft_link_up", **link) == 1 and value_of(families, "weft_link_degraded", **link) == 1
    assert value_of(families, "weft_link_latency_seconds", **link) == 0.0125
    assert value_of(families, "weft_link_jitter_seconds", **link) == 0.00025
    assert value_of(families, "weft_link_loss", **link) == 0.25
    here = {"node": "ann", "site": "port"}
    assert value_of(families, "weft_gateway_up", gateway="isp", **here) == 1
    assert value_of(families, "weft_gateway_group_uses", group="tv.block", gateway="isp", **here) == 1
    assert value_of(families, "weft_gateway_group_up", group="work.direct", **here) == 0
    assert value_of(families, "weft_gateway_group_moves_total", group="tv.block", **here) == 4
    assert value_of(families, "weft_policy_rule_flows_total", policy="home", rule="3", **here) == 2
    assert value_of(families, "weft_policy_rule_bytes_total", policy="home", rule="3", **here) == 3000
    assert value_of(families, "weft_splitter_connections_total", **here) == 6
    dns = {"resolver": "port", **here}
    assert value_of(families, "weft_dns_learned", **dns) == 4
    assert value_of(families, "weft_dns_questions_total", transport="udp", **dns) == 48
    assert value_of(families, "weft_dns_answers_total", result="blocked", **dns) == 9
    assert value_of(families, "weft_dns_answers_total", result="limited", **dns) == 3
    assert value_of(families, "weft_dns_cache_lookups_total", result="hit", **dns) == 31
    assert value_of(families, "weft_dns_cache_renewals_total", **dns) == 5 and value_of(families, "weft_dns_cache_bytes", **dns) == 5000
    assert value_of(families, "weft_dns_answer_seconds", quantile="0.99", **dns) == 0.0025
    asked = {"transport": "tls", "upstream": "192.0.2.1", "port": "853", **here}
    assert value_of(families, "weft_dns_upstream_up", **asked) == 0 and value_of(families, "weft_dns_upstream_failures_total", **asked) == 3
    assert value_of(families, "weft_dns_upstream_answer_seconds_total", **asked) == 2.5
    assert value_of(families, "weft_dns_upstream_answers_total", transport="plain", upstream="2001:db8::1", port="53", **here) == 9
    assert value_of(families, "weft_dns_blocked_total", blocklist="ads", list="tracking", **here) == 9
    assert value_of(families, "weft_dns_list_hits_total", list="films", **here) == 12
    assert families["weft_dns_answers_total"][0] == "counter" and families["weft_dns_cache_bytes"][0] == "gauge"
    assert "client_192" not in answer.text
    assert value_of(families, "weft_link_lost_total", **link) == 25
    assert value_of(families, "weft_link_lost_there_total", **link) == 20
    assert value_of(families, "weft_link_rtt_seconds_bucket", le="0.025", **link) == 70
    assert value_of(families, "weft_link_rtt_seconds_bucket", le="+Inf", **link) == 75
    assert value_of(families, "weft_link_rtt_seconds_sum", **link) == 0.9
    assert value_of(families, "weft_link_rtt_seconds_count", **link) == 75
    assert value_of(families, "weft_link_returned_total", **link) == 75
    assert value_of(families, "weft_link_one_way_seconds_bucket", direction="forward", le="0.005", **link) == 60
    assert value_of(families, "weft_link_one_way_seconds_sum", direction="forward", **link) == 0.3
    assert value_of(families, "weft_link_one_way_seconds_count", direction="back", **link) == 74
    assert value_of(families, "weft_link_up", node="ann", site="port", link="upstairs") == 0
    assert value_of(families, "weft_link_sent_total", node="ann", site="port", link="upstairs") == 9
    assert value_of(families, "weft_wire_up", node="ann", segment="lan", peer="ben") == 1
    assert value_of(families, "weft_wire_forwards", node="ann", segment="lan", peer="ben") == 0
    assert "other_thing" not in answer.text and "3.1e-05" not in answer.text  # nothing of a node's own invention
    assert value_of(families, "weft_guard_spoof_in_total", node="ann", site="port") == 3
    assert value_of(families, "weft_guard_overlay_in_total", node="ann") == 2
    assert value_of(families, "weft_port_forwarding", node="ann", segment="lan", peer="ben") == 1
    assert families["weft_nodes"][0] == "gauge" and sum(families["weft_nodes"][1].values()) >= 3


def case_what_is_drained_is_marked(c):
    expect(c.admin.put("/api/v1/links/upstairs", {"node": "ann", "interface": "tun0", "target": "192.0.2.9", "drain": True}), 201)
    expect(c.admin.put("/api/v1/links/sea.ann.ben", {"network": "sea", "ends": ["ann", "ben"], "drain": True}), 201)
    topology = expect(c.admin.get("/api/v1/topology"), 200).json
    assert [link.get("drained") for link in topology["links"] if (link["a"], link["b"]) == ("ann", "ben")] == [True], topology["links"]
    assert [link.get("drained") for link in topology["external"]] == [True], topology["external"]
    for name in ("upstairs", "sea.ann.ben"):
        expect(c.admin.delete("/api/v1/links/" + name), 204)
    topology = expect(c.admin.get("/api/v1/topology"), 200).json
    assert not any("drained" in link for link in topology["links"] + topology["external"]), topology


def case_a_move_of_a_roaming_node_is_news_only_once(c):
    with Controller(c.binary, c.root) as mine:
        expect(mine.admin.post("/api/v1/apply", FLEET), 200)
        agents = {name: Agent(mine, name) for name in ("ann", "ben", "cleo")}
        for agent in agents.values():
            expect(agent.join(), 200)
            agent.hello()

        def sees_cleo(observer, endpoint, **more):
            agents[observer].observe({"peer/sea/cleo": {"endpoint": endpoint, "state": "up", **more}})

        def told(name, endpoint):
            agents[name].follow(lambda desired: endpoint in desired.get("peer/sea/cleo", ""))

        for observer in ("ann", "ben"):
            sees_cleo(observer, "203.0.113.7:4001")
        told("ben", "203.0.113.7:4001")
        sees_cleo("ben", "203.0.113.9:4002")
        told("ann", "203.0.113.9:4002")
        revision = mine.admin.get("/api/v1/state").json["revision"]
        # ann still believes in the old address, and has something else to say of that peer.
        sees_cleo("ann", "203.0.113.7:4001", path_mtu=1400)
        sees_cleo("ann", "203.0.113.7:4001")
        time.sleep(1)
        assert mine.admin.get("/api/v1/state").json["revision"] == revision
        sees_cleo("ann", "203.0.113.11:4003")
        told("ben", "203.0.113.11:4003")
        for agent in agents.values():
            agent.close()


def case_revoking_ends_session_certificate_and_tunnels(c):
    ann, ben = c.agents["ann"], c.agents["ben"]
    assert "peer/sea/ben" in ann.desired
    expect(c.admin.post("/api/v1/nodes/ben/revoke"), 204)
    bye = ben.await_type("bye", 20)
    assert bye["retry"] is False and "revoked" in bye["reason"], bye
    ann.follow(lambda desired: "peer/sea/ben" not in desired)
    assert link_state(c, "ann", "ben") in ("never", "degraded")  # what ann told last
    assert c.admin.get("/api/v1/state").json["counts"]["connected"] == 1
    ben.close()
    ben.connect()
    ben.send(type="hello", protocol={"major": 1, "minor": 0}, version="0.1.0", boot_id="b", public_key=ben.public,
             base={"revision": 0, "digest": "0" * 32})
    bye = ben.await_type("bye")
    assert bye["retry"] is False and "revoked" in bye["reason"], bye
    ben.close()
    time.sleep(0.5)
    assert "peer/sea/ben" not in c.admin.get("/api/v1/nodes/ann/observed").json["desired"]


def case_the_key_that_let_it_in_does_not_do_so_again(c):
    ben = c.agents["ben"]
    key = c.admin.get("/api/v1/enrolment-keys/agent-ben")
    expect(key, 200)
    refusal(ben.join({"i": "agent-ben", "s": "A" * 43}), 401)


def case_a_revoked_node_comes_back_by_a_new_key(c):
    ben = c.agents["ben"]
    expect(c.admin.delete("/api/v1/enrolment-keys/agent-ben"), 204)
    expect(ben.join(), 200)
    ben.hello()
    c.agents["ann"].follow(lambda desired: "peer/sea/ben" in desired)


def expired_certificate(c, agent, node_id):
    """Signed by the controller's own authority, over since a minute."""
    base = os.path.join(c.dir, "forge")
    os.makedirs(base, exist_ok=True)
    for name, text in (("index", ""), ("serial", "7A01\n"), ("csr", agent.csr), ("conf", f"""[ca]
default_ca = c
[c]
database = {base}/index
serial = {base}/serial
new_certs_dir = {base}
certificate = {c.state}/ca.crt
private_key = {c.state}/ca.key
default_md = sha256
policy = p
x509_extensions = e
unique_subject = no
[p]
commonName = supplied
[e]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = URI:weft:node:{node_id}
""")):
        with open(os.path.join(base, name), "w") as f:
            f.write(text)
    stamp = [time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() - ago)) for ago in (7200, 60)]
    return openssl("ca", "-batch", "-notext", "-config", base + "/conf", "-in", base + "/csr", "-subj",
                   "/CN=node:" + agent.name, "-startdate", stamp[0], "-enddate", stamp[1])


def case_an_expired_certificate_may_only_renew(c):
    ben = c.agents["ben"]
    ben.close()
    node_id = c.admin.get("/api/v1/nodes/ben").json["id"]
    ben.keep(expired_certificate(c, ben, node_id))
    eventually(lambda: c.admin.get("/api/v1/state").json["counts"]["connected"] == 1)
    ben.hello()
    assert c.admin.get("/api/v1/state").json["counts"]["connected"] == 1
    ben.send(type="renew", csr=ben.csr)
    ben.keep(ben.await_type("renewed")["certificate"])
    bye = ben.await_type("bye")
    assert bye["retry"] is True, bye
    ben.close()
    ben.hello()
    assert c.admin.get("/api/v1/state").json["counts"]["connected"] == 2


def case_a_renewal_after_the_revocation_is_refused(c):
    ben = c.agents["ben"]
    expect(c.admin.post("/api/v1/nodes/ben/revoke"), 204)
    ben.await_type("bye")
    ben.close()
    ben.keep(expired_certificate(c, ben, c.admin.get("/api/v1/nodes/ben").json["id"]))
    ben.hello()  # this serial is not known to be revoked: it was forged for the test
    ben.send(type="renew", csr=ben.csr)
    bye = ben.await_type("bye")
    assert "revoked" in bye["reason"], bye
    ben.close()


def presented(port, certificate, key):
    """The certificate that the controller shows to an agent."""
    context = ssl._create_unverified_context()
    context.load_cert_chain(certificate, key)
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        with context.wrap_socket(plain, server_hostname="controller.weft") as tls:
            return tls.getpeercert(True)


def case_own_certificate_is_renewed_while_running(c):
    ann = c.agents["ann"]
    ports = (c.rest_port, c.hub_port)
    before = presented(c.hub_port, ann.certificate, ann.key)
    os.unlink(os.path.join(c.state, "tls.crt"))
    c.process.send_signal(1)  # SIGHUP
    eventually(lambda: all(presented(p, ann.certificate, ann.key) != before for p in ports))
    assert presented(c.rest_port, ann.certificate, ann.key) == presented(c.hub_port, ann.certificate, ann.key)
    ann.send(type="event", at=1, severity="info", kind="still_here", entry=None, text="the session stands")
    eventually(lambda: "still_here" in c.admin.get("/api/v1/log").text)
    ann.close()
    ann.hello()
    ann.close()


def case_certificate_life_is_a_setting(c):
    with Controller(c.binary, c.root, "certificate_life: 1m") as mine:
        expect(mine.admin.put("/api/v1/nodes/brief", {}), 201)
        agent = Agent(mine, "brief")
        expect(agent.join(), 200)
        end = openssl("x509", "-noout", "-enddate", "-in", agent.certificate).strip().split("=")[1]
        left = ssl.cert_time_to_seconds(end) - time.time()
        assert 50 <= left <= 61, left
        agent.hello()
        agent.close()
        assert mine.stop()
    for bad in ("30s", "826d", "soon"):
        mine = Controller(c.binary, c.root, f"certificate_life: {bad}")
        done = mine.command("run")
        assert done.returncode == 1 and b"certificate_life" in done.stderr, done.stderr
        mine.__exit__()
