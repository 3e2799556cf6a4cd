"""A node in hostile hands: it has a true certificate and says what it likes. What is not its own stays out of its reach."""

import base64
import json
import os
import time

from agent import Agent, ZERO, openssl
from controller import Controller, expect, refusal

FLEET = {"resources": {
    "nodes": {"ann": {"address": "192.0.2.1"}, "ben": {"address": "192.0.2.2"}, "eve": {"address": "192.0.2.66"}, "pi": {}},
    "networks": {"sea": {"mesh": ["ann", "ben"], "links": [["ann", "pi"], ["ann", "eve"]]}},
    "segments": {"lan": {"network": "sea"}},
}, "set": "sea"}
LINGER_S = 0.6  # longer than reports take to become a revision


def case_the_fleet_joins(c):
    expect(c.admin.post("/api/v1/apply", FLEET), 200)
    c.nodes = {name: Agent(c, name) for name in ("ann", "ben", "eve", "pi")}
    for node in c.nodes.values():
        expect(node.join(), 200)
        node.hello()
    c.nodes["ann"].follow(lambda desired: "peer/sea/pi" in desired and "peer/sea/eve" in desired)


def awake(c, *names):
    """Sessions again for those that were silent or thrown out."""
    for name in names:
        c.nodes[name].close()
        c.nodes[name].hello()
    return [c.nodes[name] for name in names]


def revision(c):
    return c.admin.get("/api/v1/state").json["revision"]


def body_of(agent, key):
    return json.loads(agent.desired[key])


def case_it_is_sent_only_its_own(c):
    expect(c.admin.put("/api/v1/secrets/mine", {}), 201)
    expect(c.admin.put("/api/v1/secrets/mine/value", None, raw=b"hunter2-hunter2",
                       headers={"Content-Type": "text/plain"}), 204)
    eve, ann, ben = awake(c, "eve", "ann", "ben")
    eve.send(type="keys", entries=[], digest=ZERO, more=False)  # as if it had nothing: give me all
    time.sleep(LINGER_S)
    eve.follow(lambda desired: "peer/sea/ann" in desired)
    everything = json.dumps(eve.desired)
    assert "hunter2" not in everything and "PRIVATE" not in everything
    assert [k for k in eve.desired if k.startswith("peer/")] == ["peer/sea/ann"], sorted(eve.desired)
    assert ben.public not in everything, "it learns of a node that it has no link with"
    for entry in eve.desired.values():
        assert "private_key" not in entry and "secret" not in entry


def case_it_cannot_move_others(c):
    """What it reports of nodes it has no link with, of networks that are none, and of places that are none."""
    (eve,) = awake(c, "eve")
    before = revision(c)
    lies = {f"peer/{link}": {"state": "up", "endpoint": "203.0.113.66:1", "fragments": "lost", "path_mtu": 600}
            for link in ("sea/pi", "sea/ben", "lake/pi", "sea/nobody", "sea/eve")}
    eve.observe({**lies, "peer/sea/ann": {"state": "up", "endpoint": "evil.example.net:51820"}})
    time.sleep(LINGER_S)
    assert revision(c) == before
    assert "203.0.113.66" not in c.nodes["ann"].desired["peer/sea/pi"]


def case_it_cannot_outvote_a_nodes_own_word(c):
    ann, pi = awake(c, "ann", "pi")
    where = "127.0.0.1:4242"  # pi's session comes from there
    ann.observe({"peer/sea/pi": {"state": "up", "endpoint": where}})
    expect(c.admin.patch("/api/v1/networks/sea", {"links": [["ann", "pi"], ["ann", "eve"], ["pi", "eve"]]}), 200)
    (eve,) = awake(c, "eve")
    eve.follow(lambda desired: "peer/sea/pi" in desired)
    for port in range(1, 20):
        eve.observe({"peer/sea/pi": {"state": "up", "endpoint": f"203.0.113.66:{port}"}})
    time.sleep(LINGER_S)
    ann, = awake(c, "ann")
    ann.follow(lambda desired: where in desired.get("peer/sea/pi", ""))
    assert "203.0.113.66" not in ann.desired["peer/sea/pi"]
    expect(c.admin.patch("/api/v1/networks/sea", {"links": [["ann", "pi"], ["ann", "eve"]]}), 200)


def case_it_cannot_take_anothers_key(c):
    ben_key = c.nodes["ben"].public
    eve = c.nodes["eve"]
    own, eve.public = eve.public, ben_key
    awake(c, "eve")
    eve.public = own
    time.sleep(LINGER_S)
    (ann,) = awake(c, "ann")
    ann.follow(lambda desired: "peer/sea/ben" in desired and "peer/sea/eve" in desired)
    assert body_of(ann, "peer/sea/ben")["public_key"] == ben_key
    assert body_of(ann, "peer/sea/eve")["public_key"] == own
    assert "key_refused" in c.admin.get("/api/v1/log?node=eve").text
    # The same 32 bytes in other letters are the same key.
    other_letters = ben_key[:-2] + chr(ord(ben_key[-2]) + 1) + "="
    assert base64.b64decode(other_letters) == base64.b64decode(ben_key)
    eve.close()
    eve.connect()
    eve.send(type="hello", protocol={"major": 1, "minor": 0}, version="0", boot_id="b", public_key=other_letters,
             base={"revision": 0, "digest": ZERO})
    assert "public_key" in eve.await_type("bye")["reason"]
    # Nor by joining under another name.
    stranger = Agent(c, "mallory", base64.b64decode(ben_key))
    expect(c.admin.put("/api/v1/nodes/mallory", {}), 201)
    assert "key" in refusal(stranger.join(), 409)
    expect(c.admin.delete("/api/v1/nodes/mallory"), 204)


def case_it_cannot_speak_as_another(c):
    ann, eve = awake(c, "ann", "eve")
    before = [n for n in c.admin.get("/api/v1/state").json["nodes"] if n["name"] == "ann"][0]
    for more in ({"node": "ann"}, {"name": "ann"}, {"node_id": before["id"]}, {"id": before["id"]}):
        eve.send(type="applied", revision=10**15, digest=ZERO, errors=[
            {"entry": "peer/sea/ben", "text": "a lie", "blocked_by": None}], writes=1, **more)
        eve.send(type="event", at=1, severity="error", kind="lie", entry=None, text="ann burns", **more)
    time.sleep(LINGER_S)
    after = [n for n in c.admin.get("/api/v1/state").json["nodes"] if n["name"] == "ann"][0]
    assert after["applied"] == before["applied"] and after["errors"] == before["errors"], after
    assert "lie" not in c.admin.get("/api/v1/log?node=ann").text
    liar = [n for n in c.admin.get("/api/v1/state").json["nodes"] if n["name"] == "eve"][0]
    assert liar["health"] == "error", liar  # it told of errors of its own


def case_it_cannot_paint_the_picture_of_others(c):
    """Topology, counts and metrics show links that there are, and each node's word under its own name."""
    ann, eve = awake(c, "ann", "eve")
    ann.observe({"peer/sea/ben": {"state": "up"}})
    links = c.admin.get("/api/v1/topology").json["links"]
    eve.observe({**{f"peer/sea/ghost{i}": {"state": "up"} for i in range(500)},
                 **{f"peer/sea/{n}": {"state": "down"} for n in ("ben", "pi")},
                 "port/ghosts/ann": {"state": "forwarding"}})
    expect(c.admin.get("/metrics"), 200)  # from now on nodes send samples
    deadline = time.monotonic() + 5
    while not eve.is_sampling and time.monotonic() < deadline:
        try:
            eve.await_type("samples", 1)
        except TimeoutError:
            pass
    eve.send(type="samples", at=1, values={
        "hub/x": {"sessions_total": 999999}, "controller/x": {"resident_bytes": 1, "info": 7},
        "node/self": {"connected": 0, "target_revision": 77777, "honest": 5}, "peer/sea/ben": {"rx_bytes": 1, "up": 0}})
    time.sleep(LINGER_S)
    topology = c.admin.get("/api/v1/topology").json
    assert {(x["a"], x["b"]) for x in topology["links"]} == {(x["a"], x["b"]) for x in links}, topology["links"]
    assert "ghosts" not in [s["name"] for s in topology["segments"]]
    page = c.admin.get("/metrics").text
    assert 'weft_node_honest{node="eve"} 5' in page, "the samples did not come"
    for lie in ("999999", "77777", 'weft_controller_info{node='):
        assert lie not in page, lie
    told = [line for line in page.split("\n") if "ghost" in line]
    assert all('node="eve"' in line for line in told), told[:3]


def case_lies_about_digests_end_its_own_session(c):
    ann, eve = awake(c, "ann", "eve")
    for _ in range(4):
        eve.send(type="observe", reset=True, set={"peer/sea/ann": "{}"}, drop=[], digest="1" * 32, more=False)
    assert "digest" in eve.await_type("bye")["reason"]
    (eve,) = awake(c, "eve")
    for _ in range(15):
        eve.send(type="keys", entries=[["1" * 32, "2" * 32]], digest="3" * 32, more=False)
    assert "comparisons" in eve.await_type("bye")["reason"]
    ann.send(type="event", at=1, severity="info", kind="still_here", entry=None, text="ann is not disturbed")
    time.sleep(LINGER_S)
    assert "still_here" in c.admin.get("/api/v1/log?node=ann").text


def case_floods_end_its_own_session(c):
    ann, eve = awake(c, "ann", "eve")
    with_filler = {"type": "event", "at": 1, "severity": "info", "kind": "x", "entry": None, "text": "x" * 1000}
    try:
        for _ in range(3000):
            eve.send(**with_filler)
    except OSError:
        pass
    try:
        assert "messages a second" in eve.await_type("bye")["reason"]
    except OSError:
        pass  # it was cut while it was still sending
    kept = len(c.admin.get("/api/v1/log?node=eve&limit=1000").json["items"])
    assert kept <= 80, f"{kept} events of one node were kept"
    before = revision(c)
    for i in range(40):  # another address each time: 30 at once become revisions, no more
        (eve,) = awake(c, "eve")
        eve.observe({"node/self": {"addresses": [f"10.{i}.0.1/24"]}})
        eve.close()
    time.sleep(LINGER_S)
    assert revision(c) - before <= 32, revision(c) - before
    ann.send(type="event", at=1, severity="info", kind="here_yet", entry=None, text="ann is not disturbed")
    time.sleep(LINGER_S)
    assert "here_yet" in c.admin.get("/api/v1/log?node=ann").text


def case_it_gets_no_certificate_for_another(c):
    """A request that asks for another's name and number gets its own, and not without end."""
    (eve,) = awake(c, "eve")
    ann_id = c.admin.get("/api/v1/nodes/ann").json["id"]
    eve_id = c.admin.get("/api/v1/nodes/eve").json["id"]
    csr = openssl("req", "-new", "-key", eve.key, "-subj", "/CN=node:ann", "-addext",
                  f"subjectAltName=URI:weft:node:{ann_id}", "-addext", "basicConstraints=critical,CA:TRUE")
    eve.send(type="renew", csr=csr)
    certificate = eve.await_type("renewed")["certificate"]
    text = openssl("x509", "-noout", "-text", stdin=certificate.encode())
    assert f"weft:node:{eve_id}" in text and "CN = node:eve" in text, text
    assert f"weft:node:{ann_id}" not in text.replace(f"weft:node:{eve_id}", "") and "CA:TRUE" not in text, text
    got = 1
    try:
        for _ in range(130):
            eve.send(type="renew", csr=eve.csr)
        while eve.await_type("renewed", 10):
            got += 1
    except OSError:
        pass
    print(f"      {got} certificates within a moment")
    assert 50 < got <= 101, got


def case_a_name_is_bound_to_who_had_it(c):
    with Controller(c.binary, c.root) as mine:
        expect(mine.admin.post("/api/v1/apply", FLEET), 200)
        old = Agent(mine, "ben")
        expect(old.join(), 200)
        old.hello()
        old.close()
        # Renamed: the certificate says the old name, the session has the new one.
        expect(mine.admin.post("/api/v1/nodes/ben/rename", {"name": "bob"}), 200)
        assert old.hello()["name"] == "bob"
        old.close()
        # Another node under the old name is another node.
        expect(mine.admin.put("/api/v1/nodes/ben", {"address": "192.0.2.9"}), 201)
        assert old.hello()["name"] == "bob"
        old.close()
        # Deleted, and made again under the same name: what let the first in opens nothing.
        expect(mine.admin.patch("/api/v1/networks/sea", {"mesh": ["ann"]}), 200)
        expect(mine.admin.delete("/api/v1/nodes/bob"), 204)
        expect(mine.admin.put("/api/v1/nodes/bob", {}), 201)
        old.connect()
        old.send(type="hello", protocol={"major": 1, "minor": 0}, version="0", boot_id="b", public_key=old.public,
                 base={"revision": 0, "digest": ZERO})
        assert "no such node" in old.await_type("bye")["reason"]
        old.close()
        assert mine.stop()


def case_certificates_of_other_authorities_are_none(c):
    """Self-signed with a node's number, and signed by an authority of the same name."""
    ann_id = c.admin.get("/api/v1/nodes/ann").json["id"]
    fake = Agent(c, "fake")
    names = ["-addext", f"subjectAltName=URI:weft:node:{ann_id}", "-addext", "extendedKeyUsage=clientAuth"]
    fake.keep(openssl("req", "-x509", "-key", fake.key, "-subj", "/CN=node:ann", "-days", "30", *names))
    issuer = openssl("x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in", os.path.join(c.state, "ca.crt"))
    subject = "/" + issuer.strip().split("=", 1)[1].replace(",", "/")
    for certificate in (None, subject):
        if certificate:
            base = os.path.join(c.dir, "fake-ca")
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    base + ".key", "-out", base + ".crt", "-subj", subject, "-days", "30")
            with open(base + ".ext", "w") as f:
                f.write(f"subjectAltName=URI:weft:node:{ann_id}\nextendedKeyUsage=clientAuth\n")
            fake.keep(openssl("x509", "-req", "-CA", base + ".crt", "-CAkey", base + ".key", "-CAcreateserial", "-days",
                              "30", "-extfile", base + ".ext", stdin=fake.csr.encode()))
        try:
            fake.hello()
        except (OSError, AssertionError):
            fake.close()
        else:
            raise AssertionError("a certificate of nobody's opened a session")


def case_everybody_else_is_well(c):
    ann, ben = awake(c, "ann", "ben")
    for node in (ann, ben):
        node.follow(lambda desired: "wireguard/sea" in desired)
    assert c.is_alive()
