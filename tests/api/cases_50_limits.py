"""Bodies that are too large, clients that are too many or too slow."""

import os
import socket
import subprocess

from controller import Client, expect, refusal

MEGABYTE = 1024 * 1024


def case_100_mb_body_is_refused_before_it_is_read(c):
    before = c.resident_kb()
    connection = c.connect()
    connection.putrequest("POST", "/api/v1/apply")
    connection.putheader("Authorization", "Bearer " + token(c))
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(100 * MEGABYTE))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413, answer.status
    assert b"8388608" in answer.read()
    connection.close()
    assert c.resident_kb() - before < 4096


def case_100_mb_in_chunks_is_refused_without_being_kept(c):
    before = c.resident_kb()
    connection = c.connect()
    connection.putrequest("POST", "/api/v1/apply")
    connection.putheader("Authorization", "Bearer " + token(c))
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    block = b"%x\r\n" % MEGABYTE + b" " * MEGABYTE + b"\r\n"
    sent = 0
    try:
        for _ in range(100):
            connection.send(block)
            sent += 1
        connection.send(b"0\r\n\r\n")
        status = connection.getresponse().status
        assert status == 413, status
    except OSError:
        pass  # cut: as good
    assert sent < 100, "all of it was taken"
    connection.close()
    assert c.resident_kb() - before < 48 * 1024, c.resident_kb() - before
    expect(Client(c).get("/healthz"), 200)


def case_a_bit_too_large_in_chunks_is_413(c):
    connection = c.connect()
    body = b'{"comment": "' + b"x" * (300 * 1024) + b'"}'
    connection.request("PUT", "/api/v1/nodes/big", iter([body[:200000], body[200000:]]),
                       {"Authorization": "Bearer " + token(c), "Content-Type": "application/json"},
                       encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


def case_resource_bodies_are_limited_too(c):
    answer = c.admin.call("PUT", "/api/v1/nodes/big", raw=b"{}" + b" " * (300 * 1024),
                          headers={"Content-Type": "application/json"})
    refusal(answer, 413)


def case_curl_is_told_before_it_sends(c):
    big = os.path.join(c.dir, "big")
    with open(big, "wb") as f:
        f.truncate(100 * MEGABYTE)
    done = subprocess.run(
        ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "-T", big, "-X", "POST",
         "-H", "Content-Type: application/json", "-H", "Authorization: Bearer " + token(c),
         f"https://127.0.0.1:{c.rest_port}/api/v1/apply"], capture_output=True)
    status, sent = done.stdout.decode().split()
    assert status == "413" and int(sent) < MEGABYTE, done.stdout


def case_apply_takes_8_megabytes(c):
    nodes = {f"n{i}": {"comment": "x" * 900} for i in range(5000)}
    answer = c.admin.post("/api/v1/apply", {"resources": {"nodes": nodes}, "dry_run": True}, timeout=120)
    assert len(expect(answer, 200).json["changes"]) == 5000


def case_many_connections_at_once(c):
    connections = [c.connect() for _ in range(100)]
    for connection in connections:
        connection.request("GET", "/healthz")
    assert all(x.getresponse().status == 200 for x in connections)
    for connection in connections:
        connection.close()


def case_noise_on_the_port_harms_nothing(c):
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x00" * 500, b""):
        with socket.create_connection(("127.0.0.1", c.rest_port), 5) as plain:
            plain.sendall(noise)
    expect(Client(c).get("/healthz"), 200)


def case_broken_http_harms_nothing(c):
    for raw in (b"NONSENSE\r\n\r\n", b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
                b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"):
        connection = c.connect(timeout=5)
        connection.connect()
        try:
            connection.sock.sendall(raw)
            connection.sock.settimeout(0.3)
            connection.sock.recv(4096)
        except OSError:
            pass
        connection.close()
    expect(Client(c).get("/healthz"), 200)


def token(c):
    if not hasattr(c, "limits_token"):
        c.limits_token = expect(c.admin.put("/api/v1/tokens/limits", {"role": "admin"}), 201).json["token"]
    return c.limits_token
