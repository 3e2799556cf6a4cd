"""The event stream."""

import re
import socket
import time

from controller import Client, expect, refusal


class Stream:
    """Reads events one after the other, with a deadline."""

    def __init__(self, c, last=None, query=""):
        self.connection = c.connect(timeout=20)
        headers = {"Cookie": c.admin.cookie}
        if last:
            headers["Last-Event-ID"] = last
        self.connection.request("GET", "/api/v1/events" + query, headers=headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()
        assert self.response.headers["Content-Type"] == "text/event-stream"
        self.last = None
        self.contract = c.contract

    def next(self):
        event = {"event": "message", "data": None}
        while True:
            line = self.response.readline().decode().rstrip("\n")
            if line.startswith(":"):
                continue
            if not line:
                if event["data"] is not None:
                    self.contract.check_event(event["event"], event["data"])
                    return event
                continue
            key, _, value = line.partition(":")
            event[key] = value.strip()
            if key == "id":
                self.last = value.strip()

    def until(self, kind, limit=200):
        for _ in range(limit):
            event = self.next()
            if event["event"] == kind:
                return event
        raise AssertionError(f"no {kind}")

    def close(self):
        self.connection.close()


def case_a_commit_is_told(c):
    stream = Stream(c)
    expect(c.admin.put("/api/v1/sites/told", {}), 201)
    event = stream.until("revision")
    assert '"user":"user/admin"' in event["data"] and event["id"].count("-") >= 1
    stream.close()


def case_resume_tells_what_was_missed_and_nothing_twice(c):
    stream = Stream(c)
    expect(c.admin.put("/api/v1/sites/seen", {}), 201)
    stream.until("revision")
    last = stream.last
    stream.close()
    for name in ("missed1", "missed2"):
        expect(c.admin.put(f"/api/v1/sites/{name}", {}), 201)
    stream = Stream(c, last)
    first, second = stream.until("revision"), stream.until("revision")
    assert "missed1" in first["data"] and "missed2" in second["data"], (first, second)
    stream.close()


def case_a_foreign_id_gets_a_reset(c):
    stream = Stream(c, "somebody-else-17")
    assert stream.next()["event"] == "reset"
    expect(c.admin.put("/api/v1/sites/after-reset", {}), 201)
    stream.until("revision")
    stream.close()


def case_streams_ask_who_you_are(c):
    refusal(Client(c).get("/api/v1/events"), 401)
    refusal(c.admin.get("/api/v1/events?samples=maybe"), 400)


def case_many_streams_all_hear(c):
    streams = [Stream(c, query="?samples=true") for _ in range(30)]
    expect(c.admin.put("/api/v1/sites/heard", {}), 201)
    for stream in streams:
        assert "heard" in stream.until("revision")["data"]
        stream.close()


def case_a_client_that_does_not_read_harms_nobody(c):
    lazy = Stream(c)
    for i in range(300):
        expect(c.admin.patch("/api/v1/sites/heard", {"comment": f"{i} " + "x" * 500}), 200)
    eager = Stream(c)
    expect(c.admin.put("/api/v1/sites/eager", {}), 201)
    assert "eager" in eager.until("revision")["data"]
    eager.close()
    lazy.close()


def streams_open(c):
    return int(re.search(r"^weft_event_streams (\d+)$", c.admin.get("/metrics").text, flags=re.M).group(1))


def case_a_client_that_does_not_read_is_dropped(c):
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", c.rest_port))
    lazy = c.context().wrap_socket(plain, server_hostname="controller.weft")
    lazy.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: controller.weft\r\nCookie: "
                 + c.admin.cookie.encode() + b"\r\n\r\n")
    deadline = time.monotonic() + 60
    while streams_open(c) != 1:  # those that went away are noticed at once
        assert time.monotonic() < deadline
        time.sleep(0.1)
    bulk = {f"bulk{i}": {} for i in range(4000)}
    for round in range(4):
        for site in bulk.values():
            site["comment"] = str(round)
        expect(c.admin.post("/api/v1/apply", {"resources": {"sites": bulk}, "set": "bulk"}, timeout=60), 200)
    # This one says nothing: only its standstill tells.
    deadline = time.monotonic() + 60
    while streams_open(c) > 0:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    lazy.close()
    expect(c.admin.post("/api/v1/apply", {"resources": {}, "set": "bulk", "prune": True}, timeout=60), 200)


def case_heartbeat_keeps_an_idle_stream(c):
    stream = Stream(c)
    started = time.monotonic()
    beat = False
    while time.monotonic() - started < 18 and not beat:
        beat = stream.response.readline().startswith(b":")
    assert beat
    stream.close()
