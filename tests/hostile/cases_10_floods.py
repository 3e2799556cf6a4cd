"""Strangers with many connections, much patience and no password: the canary goes on."""

import base64
import hashlib
import json
import os
import socket
import ssl
import subprocess
import sys
import time

from agent import Agent, openssl
from canary import Attack, Canary, Elsewhere, connect_from
from controller import Client, Controller, expect

HERE = os.path.dirname(os.path.abspath(__file__))
GROWTH_KB = 250 * 1024  # of the controller under any of these attacks: every place taken, and no more


def unverified():
    context = ssl._create_unverified_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def tls_from(source, port):
    plain = connect_from(source, port)
    return unverified().wrap_socket(plain, server_hostname="controller.weft")


def case_the_canary_sings(c):
    c.canary = Canary(c)
    c.canary.judge("nothing", c.canary.work(3))
    c.quiet_kb = c.resident_kb()


def within_memory(c):
    grown = c.resident_kb() - c.quiet_kb
    print(f"      the controller has grown by {grown} kB")
    assert grown < GROWTH_KB, f"{grown} kB"


def is_over(s):
    """True once the other end has closed."""
    try:
        s.settimeout(0.01)
        return s.recv(65536) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def case_headers_that_never_end(c):
    """Slow loris: a byte now and then, so that no time-out for silence strikes; on both doors."""
    with Controller(c.binary, c.root, "rest.anonymous_time: 4s\nhub.handshake_time: 4s\n") as mine:
        canary = Canary(mine)
        lorises = [tls_from(f"127.0.1.{i % 50 + 1}", mine.rest_port) for i in range(150)]
        lorises += [connect_from(f"127.0.1.{i % 50 + 1}", mine.hub_port) for i in range(100)]
        begin = time.monotonic()

        def dribble():
            for s in lorises:
                try:
                    s.settimeout(1)
                    s.send(b"GET / HTTP/1.1\r\nX-A: "[:1] if time.monotonic() - begin < 1 else b"a")
                except OSError:
                    pass
            return time.monotonic() - begin < 7

        canary.judge("slow headers", canary.work(3, dribble))
        assert all(is_over(s) for s in lorises), "a connection without a request still stands after 7 s"
        canary.close()
        for s in lorises:
            s.close()
        assert mine.stop()


def case_handshakes_that_stop_half_way(c):
    """One is enough, if the server waits for it in a circle."""
    half = [connect_from("127.0.1.60", port) for port in (c.rest_port, c.hub_port) for _ in range(3)]
    for s in half:
        s.sendall(b"\x16\x03\x01")
    c.canary.judge("half handshakes", c.canary.work(5))
    used = cpu_seconds(c)
    time.sleep(1)
    used = cpu_seconds(c) - used
    print(f"      waiting for them takes {100 * used:.0f} % of a core")
    assert used < 0.3
    for s in half:
        s.close()


def cpu_seconds(c):
    with open(f"/proc/{c.process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def opened(holder):
    """How many connections a holder has opened so far."""
    os.set_blocking(holder.stdout.fileno(), False)
    try:
        holder.told = (os.read(holder.stdout.fileno(), 65536).decode().split() or [holder.told])[-1]
    except BlockingIOError:
        pass
    return int(holder.told)


def case_ten_thousand_idle_connections(c):
    command = [sys.executable, os.path.join(HERE, "holder.py"), "5000", f"{c.rest_port},{c.hub_port}"]
    holders = [subprocess.Popen([*command, str(first), str(first + 39)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
               for first in (1, 101)]
    try:
        deadline = time.monotonic() + 40
        for holder in holders:
            holder.told = "0"
            while opened(holder) < 5000:
                c.canary.work(1)
                assert time.monotonic() < deadline and holder.poll() is None, "the connections were not opened"
        begin = time.monotonic()
        c.canary.judge("10,000 idle connections", c.canary.work(5, lambda: time.monotonic() - begin < 6), 3)
        begin = time.monotonic()
        c.canary.come_back(20)
        print(f"      a node that comes back is let in after {time.monotonic() - begin:.1f} s")
        within_memory(c)
    finally:
        for holder in holders:
            holder.stdin.close()
            holder.stdout.close()
            holder.wait(20)


def case_a_flood_of_bad_logins(c):
    expect(c.admin.put("/api/v1/users/honest", {"role": "viewer", "password": "correct horse staple"}), 201)
    expect(Client(Elsewhere(c)).sign_in("honest", "correct horse staple"), 200)

    def guess(number):
        strangers = Client(Elsewhere(c, f"127.0.2.{number % 4 + 1}"))
        return strangers.sign_in("honest", "wrong-wrong-wrong").status

    with Attack(12, guess) as attack:
        begin = time.monotonic()
        figures = c.canary.work(3, lambda: time.monotonic() - begin < 5)
        begin = time.monotonic()
        expect(Client(Elsewhere(c)).sign_in("honest", "correct horse staple"), 200)
        took = time.monotonic() - begin
    c.canary.judge(f"bad logins {attack.counts}", figures)
    print(f"      who has been here before signs in within {took:.1f} s")
    assert set(attack.counts) <= {401, 429, "cut"} and attack.counts[429] > 0, attack.counts
    assert took < 8
    within_memory(c)


def case_a_flood_of_enrolments(c):
    """With keys that are none, and with one good key again and again."""
    csr = openssl("req", "-new", "-newkey", "rsa:4096", "-nodes", "-keyout", os.path.join(c.dir, "flood.key"),
                  "-subj", "/CN=flood")
    text = expect(c.admin.put("/api/v1/enrolment-keys/flood", {"uses": 1}), 201).json["key"][len("weft1."):]
    key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    public = base64.b64encode(hashlib.sha256(b"flood").digest()).decode()
    good = {"key_id": key["i"], "secret": key["s"], "csr": csr, "public_key": public, "name": "flood"}
    bad = dict(good, secret="B" * 43)

    def knock(number):
        client = Client(Elsewhere(c, f"127.0.3.{number % 4 + 1}"))
        kind, body = ("bad", bad) if number % 4 else ("good", good)
        return kind, client.post("/api/v1/enrol", body).status

    with Attack(8, knock) as attack:
        begin = time.monotonic()
        figures = c.canary.work(3, lambda: time.monotonic() - begin < 6)
    c.canary.judge(f"enrolments {attack.counts}", figures)
    assert set(attack.counts) <= {("bad", 401), ("bad", 429), ("good", 200), ("good", 429), "cut"}, attack.counts
    assert attack.counts[("bad", 401)] <= 3 * 40, "bad keys are tried without end"
    assert attack.counts.get(("good", 200), 0) <= 100, "one key gives certificates without end"
    names = [item["name"] for item in c.admin.get("/api/v1/nodes").json["items"]]
    assert names.count("flood") == 1, names
    within_memory(c)


def case_a_reader_that_never_reads(c):
    """A node's websocket and event streams of browsers that take nothing while much happens."""
    expect(c.admin.put("/api/v1/nodes/deaf", {"address": "192.0.2.66"}), 201)
    expect(c.admin.patch("/api/v1/networks/canary-net", {"mesh": ["canary", "deaf"]}), 200)
    deaf = Agent(c, "deaf")
    expect(deaf.join(), 200)
    deaf.hello()
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    token = expect(c.admin.put("/api/v1/tokens/eyes", {"role": "viewer"}), 201).json["token"]
    streams, refused = [], 0
    for i in range(130):
        s = tls_from(f"127.0.4.{i % 4 + 1}", c.rest_port)
        s.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        status = s.recv(100).split(b" ")[1]
        refused += status == b"429"
        streams.append(s)
    assert refused == 30, f"{refused} of 130 streams of one token were refused"
    begin = time.monotonic()
    c.canary.agent.await_type("desired", 10)
    figures = c.canary.work(10, lambda: time.monotonic() - begin < 6)
    c.canary.judge("100 streams and a node that take nothing", figures)
    other = expect(c.admin.put("/api/v1/tokens/other-eyes", {"role": "viewer"}), 201).json["token"]
    s = tls_from("127.0.4.9", c.rest_port)
    s.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {other}\r\n\r\n".encode())
    assert b" 200 " in s.recv(100), "another user's stream was refused"
    within_memory(c)
    for one in (*streams, s):
        one.close()
    deaf.close()
    expect(c.admin.patch("/api/v1/networks/canary-net", {"mesh": ["canary"]}), 200)
    c.canary.agent.await_type("desired", 10)


def talk(port, name, data, wait=3):
    """What comes back for these bytes after a TLS handshake, and whether the other end then closed."""
    s = tls_from("127.0.5.1", port)
    try:
        s.sendall(data)
        s.settimeout(wait)
        answer = b""
        while len(answer) < 65536:
            more = s.recv(65536)
            if not more:
                break
            answer += more
            if b"\r\n\r\n" in answer:
                break
        return answer.split(b"\r\n")[0]
    except OSError:
        return b""
    finally:
        s.close()


def case_oversized_and_malformed_requests(c):
    head = b"Host: x\r\n"
    login = b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    refused = {
        "a header of 60 kB": b"GET /healthz HTTP/1.1\r\n" + head + b"X-A: " + b"a" * 60000 + b"\r\n\r\n",
        "a thousand headers": b"GET /healthz HTTP/1.1\r\n" + head + b"X-A: a\r\n" * 20000 + b"\r\n",
        "a path of 60 kB": b"GET /" + b"a" * 60000 + b" HTTP/1.1\r\n" + head + b"\r\n",
        "a body told to be 10 GB": login + b"Content-Length: 10000000000\r\n\r\n{}",
        "a body of no number of bytes": login + b"Content-Length: 5x\r\n\r\n{}",
        "two lengths": login + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}",
        "a body of 100 kB to the open door": login + b"Content-Length: 100000\r\n\r\n" + b" " * 100000,
        "a chunk of nonsense": login + b"Transfer-Encoding: chunked\r\n\r\nzzzz\r\n{}\r\n",
        "no HTTP": b"\x00\x01\x02\x03\r\n\r\n",
        "a compressed body": login + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + b"\x1f\x8b" + b"\0" * 18,
        "an absurd method": b"A" * 5000 + b" / HTTP/1.1\r\n" + head + b"\r\n",
    }
    for what, data in refused.items():
        line = talk(c.rest_port, what, data)
        status = int(line.split(b" ")[1]) if line.startswith(b"HTTP/1.1 ") else 0
        assert status == 0 or 400 <= status < 500, f"{what}: {line!r}"
    c.canary.judge("oversized requests", c.canary.work(2))
    within_memory(c)


def case_tls_games(c):
    hello = bytes.fromhex("1603010200010001fc0303") + bytes(500)
    for port in (c.rest_port, c.hub_port):
        for data in (b"", hello, hello[:50], b"\x16\x03\x01\xff\xff" + b"\xff" * 70000, b"GET / HTTP/1.1\r\n\r\n",
                     b"\x80\x80" * 1000, b"\x15\x03\x03\x00\x02\x02\x28"):
            for _ in range(20):
                s = connect_from("127.0.6.1", port)
                try:
                    s.sendall(data)
                except OSError:
                    pass
                s.close()
        old = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2"],
                             stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
        assert b"Cipher is (NONE)" in old.stdout + old.stderr or old.returncode != 0, "TLS 1.2 was spoken"

    def rekey(number):
        """Thousands of key updates that ask for one in return; renegotiation is no more in TLS 1.3."""
        port = (c.rest_port, c.hub_port)[number % 2]
        subprocess.run(["timeout", "6", "openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3", "-quiet"],
                       input=b"K\n" * 20000, capture_output=True)

    with Attack(2, rekey):
        begin = time.monotonic()
        figures = c.canary.work(3, lambda: time.monotonic() - begin < 3)
    c.canary.judge("TLS games", figures)
    within_memory(c)
    assert c.is_alive()
