"""Joining, approval, revocation."""

import base64
import concurrent.futures
import hashlib
import json
import os
import re
import ssl
import subprocess
import time

from controller import Client, Skip, expect, refusal


def make_csr(c, name="host"):
    key = os.path.join(c.dir, name + ".key")
    done = subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                           "-nodes", "-keyout", key, "-subj", "/CN=" + name], capture_output=True)
    if done.returncode != 0:
        raise Skip("no openssl program")
    return done.stdout.decode()


def new_key(c, name, spec):
    answer = expect(c.admin.put(f"/api/v1/enrolment-keys/{name}", spec), 201).json
    text = answer["key"]
    assert text.startswith("weft1.")
    raw = text[len("weft1."):]
    key = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    return answer, key


def request_of(key, csr, **more):
    public = base64.b64encode(hashlib.sha256(csr.encode()).digest()).decode()
    body = {"key_id": key["i"], "secret": key["s"], "csr": csr, "public_key": public}
    body.update(more)
    return body


def case_key_holds_urls_and_the_hash_of_the_ca(c):
    answer, key = new_key(c, "shape", {})
    with open(os.path.join(c.state, "ca.crt")) as f:
        der = ssl.PEM_cert_to_DER_cert(f.read())
    assert key["h"] == hashlib.sha256(der).hexdigest()
    assert key["u"] == [f"https://127.0.0.1:{c.rest_port}"]
    assert answer["join"].startswith("curl -fsSk --pinnedpubkey 'sha256//") and answer["key"] in answer["join"]
    assert key["s"] not in c.admin.get("/api/v1/enrolment-keys/shape").text
    assert key["s"] not in c.admin.get("/api/v1/history").text


def case_a_host_joins_and_the_key_is_used_up(c):
    expect(c.admin.put("/api/v1/sites/depot", {}), 201)
    _, key = new_key(c, "once", {"site": "depot", "tags": ["new"]})
    csr = make_csr(c)
    identity = expect(Client(c).post("/api/v1/enrol", request_of(key, csr, name="joiner")), 200).json
    assert identity["name"] == "joiner" and "BEGIN CERTIFICATE" in identity["certificate"]
    assert identity["hub"] == [f"wss://127.0.0.1:{c.hub_port}/agent"]
    node = expect(c.admin.get("/api/v1/nodes/joiner"), 200).json
    assert node["id"] == identity["id"] and node["spec"]["site"] == "depot" and node["spec"]["tags"] == ["new"]
    detail = refusal(Client(c).post("/api/v1/enrol", request_of(key, make_csr(c, "b"), name="second")), 401)
    assert "used" in detail, detail
    refusal(c.admin.get("/api/v1/nodes/second"), 404)
    text = subprocess.run(["openssl", "x509", "-noout", "-subject", "-ext", "subjectAltName"],
                          input=identity["certificate"].encode(), capture_output=True).stdout.decode()
    assert "node:joiner" in text and f"weft:node:{identity['id']}" in text, text


def case_a_lost_answer_is_given_again_and_takes_no_use(c):
    _, key = new_key(c, "lossy", {"uses": 2})
    body = request_of(key, make_csr(c), name="lossy-host")
    first = expect(Client(c).post("/api/v1/enrol", body), 200).json
    for _ in range(3):
        again = expect(Client(c).post("/api/v1/enrol", body), 200).json
        assert again["id"] == first["id"] and again["name"] == first["name"]
        assert again["certificate"] != first["certificate"]
    # The same key pair in another request is the same host, and the second use is still there.
    expect(Client(c).post("/api/v1/enrol", request_of(key, make_csr(c, "b"), name="second-host")), 200)
    refusal(Client(c).post("/api/v1/enrol", request_of(key, make_csr(c, "d"), name="third-host")), 401)
    expect(Client(c).post("/api/v1/enrol", body), 200)
    refusal(Client(c).post("/api/v1/enrol", dict(body, secret="A" * 43)), 401)
    # Thrown out, it needs a new key.
    expect(c.admin.post("/api/v1/nodes/lossy-host/revoke"), 204)
    refusal(Client(c).post("/api/v1/enrol", body), 401)


def case_one_host_asks_many_times_at_once(c):
    """Whichever is first makes the node; the others find it made."""
    for round_ in range(5):
        _, key = new_key(c, f"crowd-{round_}", {"uses": 1})
        body = request_of(key, make_csr(c, f"crowd-{round_}"), name=f"crowd-{round_}")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _, body=body: Client(c).post("/api/v1/enrol", body), range(8)))
        assert {expect(answer, 200).json["id"] for answer in answers} == {answers[0].json["id"]}


def case_preset_node_keeps_its_spec(c):
    expect(c.admin.put("/api/v1/nodes/preset", {"comment": "mine"}), 201)
    _, key = new_key(c, "for-preset", {"node": "preset"})
    identity = expect(Client(c).post("/api/v1/enrol", request_of(key, make_csr(c))), 200).json
    assert identity["name"] == "preset"
    assert c.admin.get("/api/v1/nodes/preset").json["spec"] == {"comment": "mine"}
    _, key = new_key(c, "for-preset-again", {"node": "preset"})
    expect(Client(c).post("/api/v1/enrol", request_of(key, make_csr(c))), 200)


def case_a_joined_name_cannot_be_taken_over(c):
    _, key = new_key(c, "thief", {"uses": 5})
    refusal(Client(c).post("/api/v1/enrol", request_of(key, make_csr(c), name="joiner")), 409)


def case_wrong_and_unknown_keys(c):
    _, key = new_key(c, "good", {})
    csr = make_csr(c)
    wrong = dict(key, s="A" * 43)
    refusal(Client(c).post("/api/v1/enrol", request_of(wrong, csr, name="x")), 401)
    refusal(Client(c).post("/api/v1/enrol", request_of(dict(key, i="unknown"), csr, name="x")), 401)
    refusal(Client(c).post("/api/v1/enrol", request_of(key, csr)), 422)
    refusal(Client(c).post("/api/v1/enrol", request_of(key, "no csr", name="x")), 422)
    refusal(Client(c).post("/api/v1/enrol", {"key_id": "good"}), 422)
    refusal(c.admin.get("/api/v1/nodes/x"), 404)
    expect(Client(c).post("/api/v1/enrol", request_of(key, csr, name="x")), 200)


def case_expired_key(c):
    _, key = new_key(c, "brief", {"expires": "1s"})
    time.sleep(1.2)
    detail = refusal(Client(c).post("/api/v1/enrol", request_of(key, make_csr(c), name="late")), 401)
    assert "expired" in detail, detail


def case_deleted_key(c):
    _, key = new_key(c, "gone", {})
    expect(c.admin.delete("/api/v1/enrolment-keys/gone"), 204)
    refusal(Client(c).post("/api/v1/enrol", request_of(key, make_csr(c), name="late")), 401)


def case_approval(c):
    _, key = new_key(c, "asks", {"approval": True})
    csr = make_csr(c)
    body = request_of(key, csr, name="waiting")
    answer = expect(Client(c).post("/api/v1/enrol", body), 202)
    assert answer.json["pending"] is True and int(answer.headers["Retry-After"]) > 0
    refusal(c.admin.get("/api/v1/nodes/waiting"), 404)
    waiting = c.admin.get("/api/v1/state").json["pending"]
    assert [w["name"] for w in waiting] == ["waiting"] and waiting[0]["source"] == "127.0.0.1", waiting
    expect(Client(c).post("/api/v1/enrol", body), 202)
    refusal(Client(c).post("/api/v1/enrol", request_of(key, make_csr(c, "other"), name="waiting")), 409)
    refusal(c.admin.post("/api/v1/nodes/nobody-waits/approve"), 404)
    expect(c.admin.post("/api/v1/nodes/waiting/approve"), 204)
    identity = expect(Client(c).post("/api/v1/enrol", body), 200).json
    assert identity["name"] == "waiting"
    expect(c.admin.get("/api/v1/nodes/waiting"), 200)
    assert c.admin.get("/api/v1/state").json["pending"] == []
    events = [(e["kind"], e["text"]) for e in c.admin.get("/api/v1/log?node=waiting").json["items"]]
    assert events == [("approved", "its host was approved by user/admin"),
                      ("approval_wanted", "a host at 127.0.0.1 waits for approval")], events


def case_revoke(c):
    expect(c.admin.post("/api/v1/nodes/joiner/revoke"), 204)
    refusal(c.admin.post("/api/v1/nodes/absent/revoke"), 404)
    _, key = new_key(c, "again", {})
    expect(Client(c).post("/api/v1/enrol", request_of(key, make_csr(c), name="joiner")), 200)


def case_ping_of_who_is_not_there(c):
    refusal(c.admin.post("/api/v1/nodes/absent/ping", {"to": "joiner"}), 404)
    refusal(c.admin.post("/api/v1/nodes/joiner/ping", {"to": "192.0.2.1"}), 409)
    refusal(c.admin.post("/api/v1/nodes/joiner/ping", {"to": "no such node"}), 422)
    refusal(c.admin.post("/api/v1/nodes/joiner/ping", {"to": "192.0.2.1", "count": 1000}), 422)
