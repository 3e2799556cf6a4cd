"""Webhooks: every event an operator asked for reaches the address he named, signed, in order, over failures and kill -9."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

from controller import Client, Controller, eventually, expect, refusal

KEY = b"\x01" * 24
SECRET = "whsec_" + base64.b64encode(KEY).decode()


class Receiver:
    """An address that takes what it is sent, or answers `status`."""

    def __init__(self, port=0):
        self.status, self.got, self.refused, self.redirect = 200, [], 0, None
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status == 200:
                    receiver.got.append((dict(self.headers), body, self.path))
                else:
                    receiver.refused += 1
                self.send_response(receiver.status)
                if receiver.redirect:
                    self.send_header("Location", receiver.redirect)
                self.end_headers()

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self):
        return [json.loads(body) for _, body, _ in self.got]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def status(c, name):
    return expect(c.admin.get(f"/api/v1/webhooks/{name}/status"), 200).json


def test(c, name):
    return expect(c.admin.post(f"/api/v1/webhooks/{name}/test"), 202).json


def signed(headers, body):
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(KEY, text, hashlib.sha256).digest()).decode()


def waits(c, name):
    """Makes two events by a change that waits for confirmation and is confirmed."""
    body = {"resources": {"sites": {name: {}}}, "confirm": "1m"}
    expect(c.admin.post("/api/v1/apply", body), 200)
    expect(c.admin.post("/api/v1/confirm", {}), 200)


def case_an_event_arrives_signed_and_once(c):
    with Receiver() as receiver:
        expect(c.admin.put("/api/v1/secrets/hook-key", {}), 201)
        expect(c.admin.put("/api/v1/secrets/hook-key/value", None, raw=SECRET.encode(), headers={"Content-Type": "text/plain"}), 204)
        spec = {"url": receiver.url, "secret": "hook-key", "events": ["revision_*"], "severity": "info"}
        expect(c.admin.put("/api/v1/webhooks/signed", spec), 201)
        waits(c, "hooked")
        eventually(lambda: len(receiver.got) >= 2)
        assert [event["kind"] for event in receiver.events()] == ["revision_waits", "revision_confirmed"]
        headers, body, path = receiver.got[0]
        assert path == "/hook" and headers["Content-Type"] == "application/json"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        assert headers["webhook-signature"] == signed(headers, body)
        event = json.loads(body)
        assert event["id"] == headers["webhook-id"] and event["webhook"] == "signed" and event["severity"] == "info"
        test(c, "signed")
        eventually(lambda: len(receiver.got) == 3)
        assert receiver.events()[2]["kind"] == "webhook_test"
        assert len({event["id"] for event in receiver.events()}) == 3
        now = status(c, "signed")
        assert now["delivered"] == 3 and now["failures"] == 0 and now["error"] is None and now["delivered_at"]
        assert 'weft_webhook_delivered_total{webhook="signed"} 3' in c.admin.get("/metrics").text
        assert "signed" in refusal(c.admin.delete("/api/v1/secrets/hook-key"), 409)
        expect(c.admin.delete("/api/v1/webhooks/signed"), 204)
        expect(c.admin.delete("/api/v1/secrets/hook-key"), 204)
        expect(c.admin.delete("/api/v1/sites/hooked"), 204)


def case_only_what_was_asked_for_and_as_text(c):
    with Receiver() as receiver:
        expect(c.admin.put("/api/v1/secrets/hook-url", {}), 201)
        expect(c.admin.put("/api/v1/secrets/hook-url/value", None, raw=receiver.url.encode() + b"\n", headers={"Content-Type": "text/plain"}), 204)
        expect(c.admin.put("/api/v1/webhooks/chat", {"url_from": "secret/hook-url", "format": "text"}), 201)
        waits(c, "unasked")  # of severity info, and a warning is the least
        test(c, "chat")
        eventually(lambda: receiver.got)
        assert [json.loads(body) for _, body, _ in receiver.got] == [{"text": "info: a test of webhook chat by user/admin"}]
        assert "webhook-signature" not in receiver.got[0][0]
        expect(c.admin.put("/api/v1/webhooks/chat", {"url_from": "hook-url", "disabled": True}), 200)
        refusal(c.admin.post("/api/v1/webhooks/chat/test"), 409)
        expect(c.admin.delete("/api/v1/webhooks/chat"), 204)
        expect(c.admin.delete("/api/v1/secrets/hook-url"), 204)
        expect(c.admin.delete("/api/v1/sites/unasked"), 204)


def case_an_address_that_refuses_is_tried_again(c):
    with Receiver() as receiver:
        receiver.status = 503
        expect(c.admin.put("/api/v1/webhooks/shaky", {"url": receiver.url}), 201)
        test(c, "shaky")
        eventually(lambda: receiver.refused >= 2, 15)
        now = status(c, "shaky")
        assert now["error"] == "the address answered HTTP 503" and now["failures"] >= 1 and now["waiting"] >= 1, now
        receiver.status, receiver.redirect = 302, receiver.url
        eventually(lambda: status(c, "shaky")["error"] == "the address answered HTTP 302", 20)
        receiver.status = 200
        expect(c.admin.patch("/api/v1/webhooks/shaky", {"comment": "a change is a reason to try at once"}), 200)
        eventually(lambda: receiver.got)
        assert receiver.events()[0]["text"] == "a test of webhook shaky by user/admin"
        eventually(lambda: status(c, "shaky")["failures"] == 0)
        expect(c.admin.delete("/api/v1/webhooks/shaky"), 204)


def case_what_waits_survives_kill_9(c):
    with Controller(c.binary, c.root) as mine, Receiver() as receiver:
        receiver.status = 500
        expect(mine.admin.put("/api/v1/webhooks/kept", {"url": receiver.url, "severity": "info"}), 201)
        for number in range(5):
            test(mine, "kept")
        # What is in the log survives; an event is put there right after the answer.
        log = "/api/v1/log?kind=webhook_test"
        eventually(lambda: receiver.refused and len(expect(mine.admin.get(log), 200).json["items"]) == 5)
        mine.process.kill()
        mine.process.wait()
        receiver.status = 200
        mine.start()
        eventually(lambda: len(receiver.got) >= 5)
        ids = [event["id"] for event in receiver.events() if event["kind"] == "webhook_test"]
        assert len(ids) == len(set(ids)) == 5 and ids == sorted(ids, key=lambda one: int(one.split("-")[1]))
        eventually(lambda: status(mine, "kept")["waiting"] == 0)
        assert mine.stop()


def case_a_webhook_is_refused_in_one_sentence(c):
    for spec, field, text in [
        ({}, "webhooks.bad.url", "an address is needed, here or in the secret that url_from names"),
        ({"url": "ftp://example.net/"}, "webhooks.bad.url", None),
        ({"url": "http://example.net/", "secret": "nowhere"}, "webhooks.bad.secret", "there is no secret nowhere"),
        ({"url": "http://example.net/", "events": ["Link down"]}, "webhooks.bad.events[0]", None),
    ]:
        answer = c.admin.put("/api/v1/webhooks/bad", spec)
        refusal(answer, 422)
        assert answer.json["errors"][0]["field"] == field, answer.json
        assert text in (None, answer.json["errors"][0]["text"]), answer.json
    expect(c.admin.put("/api/v1/users/hook-op", {"role": "operator", "password": "a-long-password"}), 201)
    operator = Client(c)
    expect(operator.sign_in("hook-op", "a-long-password"), 200)
    refusal(operator.put("/api/v1/webhooks/mine", {"url": "http://127.0.0.1:1/"}), 403)
    expect(c.admin.delete("/api/v1/users/hook-op"), 204)
    refusal(c.admin.get("/api/v1/webhooks/none/status"), 404)
    refusal(c.admin.post("/api/v1/webhooks/none/test"), 404)


def case_the_log_is_asked_for_by_severity_and_kind(c):
    with Receiver() as receiver:
        receiver.status = 500
        expect(c.admin.put("/api/v1/webhooks/log", {"url": receiver.url}), 201)
        test(c, "log")
        everything = expect(c.admin.get("/api/v1/log?limit=1000"), 200).json["items"]
        for query, holds in [("severity=warning", lambda e: e["severity"] != "info"),
                             ("severity=error", lambda e: e["severity"] == "error"),
                             ("kind=webhook_", lambda e: e["kind"].startswith("webhook_")),
                             ("kind=webhook_&severity=info", lambda e: e["kind"].startswith("webhook_"))]:
            got = expect(c.admin.get("/api/v1/log?limit=1000&" + query), 200).json["items"]
            assert [e["id"] for e in got] == [e["id"] for e in everything if holds(e)], query
        assert expect(c.admin.get("/api/v1/log?kind=webhook_"), 200).json["items"]
        refusal(c.admin.get("/api/v1/log?severity=bad"), 400)
        expect(c.admin.delete("/api/v1/webhooks/log"), 204)
