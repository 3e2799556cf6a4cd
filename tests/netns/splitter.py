"""weft-proxy by itself, from a client behind it: whom flows are for, their bytes, limits, and what a restart does. Run by
57-splitter.sh in the client's namespace; prints a line a case.

    splitter.py serve NAME                          a server: says who it is and who came, then what it hears
    splitter.py client WHERE ROUTER PROGRAMS        the cases; WHERE holds the lists and sockets"""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import handover
from hellos import handshake, http, initial, tls

FOUR, SIX = "203.0.113.10", "2001:db8::10"
SPEAKS_FIRST = 8443
PORTS = (80, 443, SPEAKS_FIRST)
WAIT = 20


# ---- the servers ----

def serve(name):
    for port in PORTS:
        for family, address in ((socket.AF_INET, FOUR), (socket.AF_INET6, SIX)):
            door = socket.socket(family)
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind((address, port))
            door.listen(512)
            threading.Thread(target=take, args=(door, name, port), daemon=True).start()
    threading.Thread(target=datagrams, args=(name, socket.AF_INET6, SIX), daemon=True).start()
    datagrams(name, socket.AF_INET, FOUR)


def take(door, name, port):
    while True:
        talk, peer = door.accept()
        threading.Thread(target=echo, args=(talk, peer, name, port), daemon=True).start()


def echo(talk, peer, name, port):
    hello = f"{name} {peer[0]} {peer[1]}\n".encode()
    try:
        if port == SPEAKS_FIRST:
            talk.sendall(hello)
        data = talk.recv(65536)
        if port != SPEAKS_FIRST:
            talk.sendall(hello)
        if b"deaf" in data:
            time.sleep(2 * WAIT)
        while data:
            talk.sendall(data)
            data = talk.recv(65536)
        talk.sendall(b"bye")
    except OSError:
        pass
    talk.close()


def datagrams(name, family, address):
    with socket.socket(family, socket.SOCK_DGRAM) as door:
        door.bind((address, 443))
        while True:
            data, peer = door.recvfrom(65536)
            door.sendto(f"{name} {peer[0]} {peer[1]} {len(data)}".encode(), peer)


# ---- a client ----

def connect(port=443, to=FOUR, timeout=WAIT):
    return socket.create_connection((to, port), timeout)


def udp(to):
    talk = socket.socket(socket.AF_INET if to == FOUR else socket.AF_INET6, socket.SOCK_DGRAM)
    talk.settimeout(WAIT)
    talk.connect((to, 443))
    return talk


def line(talk):
    said = b""
    while not said.endswith(b"\n"):
        more = talk.recv(1)
        if not more:
            raise EOFError(f"after {said!r}")
        said += more
    return said.decode().split()


def reaches(data, server, port=443, to=FOUR, pieces=None):
    """By which server these words are heard; the client's port stays its own."""
    with connect(port, to) as talk:
        talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(data), pieces or len(data)):
            talk.sendall(data[at:at + (pieces or len(data))])
            if pieces:
                time.sleep(0.0005)
        said = line(talk)
        if said[0] != server or int(said[2]) != talk.getsockname()[1]:
            raise AssertionError(f"{data[:40]!r} came to {said}, not {server}")
        got = b""
        while len(got) < len(data):
            got += talk.recv(65536)
        if got != data:
            raise AssertionError("what came back is not what was said")


def fails(action, *kinds):
    try:
        action()
    except kinds:
        return
    raise AssertionError(f"no {kinds[0].__name__}")


class Case:
    """The proxy and what stands around it."""

    def __init__(self, where, router, programs):
        self.where, self.router, self.programs = pathlib.Path(where), router, pathlib.Path(programs)
        self.learned, self.saw, self.failed = {}, [], 0
        self.processes = []
        self.config = {"control": f"{where}/proxy.sock", "dns": f"{where}/dns.sock", "sets": f"{where}/sets.sock", "workers": 2,
                       "user": "nobody", "policies": [self.policy()]}
        self.dns = threading.Thread(target=self.answer, daemon=True)
        self.dns.start()

    def policy(self, **more):
        rules = [("tv", {"verdict": "mark", "mark": 0x10000}), ("no", {"verdict": "block", "block": "reject"}),
                 ("hush", {"verdict": "block", "block": "drop"}), ("odd", {"verdict": "mark", "mark": 0x10000, "unknown": True})]
        out = [{"number": i + 1, "to": [], "ports": [], "lists": [{"id": i + 1, "name": name, "path": f"{self.where}/{name}.image"}],
                **verdict} for i, (name, verdict) in enumerate(rules)]
        out.append({"number": 9, "to": [], "ports": [], "verdict": "mark", "mark": 0x20000})
        out[3]["unknown"] = more.get("unknown", False)
        return {"name": "home", "id": 1, "from": ["10.57.0.0/24", "fd57::/64"], "needs": [], "rules": out,
                "split": [{"proto": "tcp", "first": 443, "last": 443}]}

    def answer(self):
        """Says what weft-dns would say."""
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(f"{self.where}/dns.sock")
            os.chmod(f"{self.where}/dns.sock", 0o666)
            door.listen(64)
            while True:
                talk, _ = door.accept()
                with talk, contextlib.suppress(OSError, ValueError):  # who asks may be killed meanwhile
                    asked = json.loads(talk.makefile().readline())
                    if asked["do"] == "saw":
                        self.saw.append((asked["name"], asked["client"], asked["address"]))
                    talk.sendall(json.dumps(self.learned.get(asked["address"], {"lists": [], "names": []})).encode() + b"\n")

    def start(self, **more):
        self.config.update(more)
        path = self.where / "proxy.json"
        path.write_text(json.dumps(self.config))
        command = ["ip", "netns", "exec", self.router, str(self.programs / "weft-proxy"), "run", str(path)]
        with open(self.where / "proxy.log", "ab") as log:
            self.processes.append(subprocess.Popen(command, stderr=log, start_new_session=True))
        pid = self.processes[-1].pid
        self.till(lambda: self.status()["pid"] == pid)

    def till(self, holds, seconds=WAIT):
        end = time.monotonic() + seconds
        while True:
            try:
                if holds():
                    return
            except OSError:
                pass
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {self.status()['counts']}")
            time.sleep(0.02)

    def ask(self, **what):
        with socket.socket(socket.AF_UNIX) as talk:
            talk.settimeout(WAIT)
            talk.connect(self.config["control"])
            talk.sendall(json.dumps(what).encode() + b"\n")
            return json.loads(talk.makefile().read())

    def status(self):
        return self.ask(do="status")

    def count(self, name):
        return self.status()["counts"][name]

    def reload(self, **more):
        loaded = self.status()["loaded_ms"]
        self.config.update(more)
        (self.where / "proxy.json").write_text(json.dumps(self.config))
        time.sleep(0.002)  # loaded_ms has to differ
        self.ask(do="reload")
        self.till(lambda: self.status()["loaded_ms"] != loaded)

    def check(self, what, case):
        begin = time.monotonic()
        try:
            notes = case() or []
            print(f"ok   {what} ({time.monotonic() - begin:.1f} s)")
        except Exception as error:  # whatever it is, the case has failed and the others go on
            notes = [f"{type(error).__name__}: {error}"]
            self.failed += 1
            print(f"FAIL {what} ({time.monotonic() - begin:.1f} s)")
        for note in notes:
            print(f"     {note}")
        sys.stdout.flush()

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(WAIT)
            except subprocess.TimeoutExpired:
                process.kill()
        said = (self.where / "proxy.log").read_text()
        ends = {process.returncode for process in self.processes} - {0, -signal.SIGKILL} | set(re.findall("Sanitizer|runtime error", said))
        if ends:
            print(f"FAIL weft-proxy ends well: {ends}", said[-3000:])
        return self.failed + len(ends)

    # ---- cases ----

    def names(self):
        for to in (FOUR, SIX):
            reaches(tls("www.tv.example"), "one", to=to)
            reaches(tls("TV.Example"), "one", to=to)
            reaches(http("tv.example"), "one", port=80, to=to)
            reaches(tls("else.example"), "two", to=to)
            reaches(http("else.example:80"), "two", port=80, to=to)

    def pieces(self):
        reaches(tls("www.tv.example"), "one", pieces=1)
        reaches(http("www.tv.example"), "one", port=80, pieces=1)
        reaches(tls("www.tv.example", 4000), "one")
        reaches(tls("www.tv.example", 4000), "one", pieces=700)

    def refused(self):
        def heard(name):
            with connect(timeout=2) as talk:
                talk.sendall(tls(name))
                return talk.recv(1)
        fails(lambda: heard("no.example"), ConnectionResetError)
        fails(lambda: heard("hush.example"), TimeoutError)
        fails(lambda: heard_of(22380), ConnectionError)

    def addresses(self):
        noise = b"SSH-2.0-x\r\n"
        reaches(noise, "two")
        reaches(tls(None), "two")
        self.reload(policies=[self.policy(unknown=True)])
        reaches(noise, "one")
        reaches(tls(None), "one")
        reaches(tls("else.example"), "two")
        self.reload(policies=[self.policy()])
        self.learned[SIX] = {"lists": ["tv"], "names": [{"name": "tv.example", "lists": ["tv"], "expires_s": 9}]}
        reaches(tls(None), "one", to=SIX)
        reaches(tls("else.example"), "two", to=SIX)
        self.till(lambda: ("else.example", "10.57.0.2", FOUR) in self.saw)
        if len([x for x in self.saw if x[0] == "else.example"]) > 1:
            raise AssertionError(f"weft-dns is told of a name too often: {self.saw}")

    def silent(self):
        begin = time.monotonic()
        with connect(SPEAKS_FIRST) as talk:
            said = line(talk)
            took = time.monotonic() - begin
            talk.sendall(b"hello")
            if said[0] != "two" or talk.recv(5) != b"hello":
                raise AssertionError(f"{said}")
        if took > 5:
            raise AssertionError(f"its first word took {took:.1f} s")
        return [f"a server that speaks first is heard after {took * 1000:.0f} ms"]

    def late(self):
        """Clients that say their first words when the splitter has begun without: each goes by its name, and none of it elsewhere."""
        def have_begun():
            return [r["state"] for r in self.ask(do="connections")["rows"]] == ["connected"] * 4
        connections = self.count("connections")
        with connect() as tv, connect(to=SIX) as other, connect() as blocked, connect() as mute:
            self.till(have_begun)
            for talk, name, server in ((tv, "tv.example", "one"), (other, "else.example", "two")):
                hello = tls(name)
                talk.sendall(hello[:9])
                time.sleep(0.01)
                talk.sendall(hello[9:])
                said = line(talk)
                if said[0] != server or not said[1].startswith(("10.57.", "fd57:")):
                    raise AssertionError(f"{name} came to {said}, not {server}")
            alive(tv)
            blocked.sendall(tls("no.example"))
            fails(lambda: blocked.recv(1), ConnectionResetError)
            mute.shutdown(socket.SHUT_WR)
            if not mute.makefile("rb").read().endswith(b"bye"):
                raise AssertionError("who will never say a word does not hear the server")
        self.till(lambda: self.count("active") == 0)
        if self.count("connections") != connections + 4:
            raise AssertionError(f"{self.count('connections') - connections} connections are counted, not 4")

    def half_closed(self):
        with connect() as talk:
            talk.sendall(tls("tv.example"))
            talk.shutdown(socket.SHUT_WR)
            if not talk.makefile("rb").read().endswith(b"bye"):
                raise AssertionError("the server's last words are lost")
        self.till(lambda: self.count("active") == 0)

    def much(self, size=40 << 20):
        """Much in both directions at once, towards a client that does not read for a while."""
        data = os.urandom(1 << 20)
        before = self.memory()
        with connect() as talk:
            talk.sendall(tls("tv.example"))
            line(talk)
            sender = threading.Thread(target=lambda: ([talk.sendall(data) for _ in range(size >> 20)], talk.shutdown(socket.SHUT_WR)))
            sender.start()
            self.till(lambda: self.stalled())
            held = self.memory() - before
            want, got, have = hashlib.sha256(tls("tv.example") + data * (size >> 20) + b"bye"), hashlib.sha256(), 0
            while part := talk.recv(1 << 20):
                got.update(part)
                have += len(part)
            sender.join()
        if got.digest() != want.digest():
            raise AssertionError(f"{have} bytes came back, and not as they were sent")
        if held > 16 << 10:
            raise AssertionError(f"{held} kB are held for one stalled connection")
        return [f"{have >> 20} MB came back whole; stalled, the program held {held} kB more"]

    def stalled(self):
        first = self.count("bytes_up")
        time.sleep(0.3)
        return first > 1 << 20 and self.count("bytes_up") == first

    def memory(self):
        return int(re.search(r"Pss: +(\d+)", pathlib.Path(f"/proc/{self.status()['pid']}/smaps_rollup").read_text())[1])

    def reloaded(self):
        with connect() as talk:
            talk.sendall(tls("tv.example"))
            line(talk)
            rows = self.ask(do="connections", client="10.57.0.2")["rows"]
            if [r["name"] for r in rows] != ["tv.example"] or rows[0]["client_port"] != talk.getsockname()[1]:
                raise AssertionError(f"connections: {rows}")
            policy = self.policy()
            policy["rules"][0]["mark"] = 0x20000
            self.reload(policies=[policy])
            reaches(tls("tv.example"), "two")
            (self.where / "proxy.json").write_text("{")
            self.ask(do="reload")
            self.till(lambda: "error" in self.status())
            reaches(tls("tv.example"), "two")
            self.reload(policies=[self.policy()])
            reaches(tls("tv.example"), "one")
            alive(talk)

    def handed_over(self):
        return handover.handed_over(self, connect, line, reaches, alive, tls("tv.example"))

    def upgraded(self):
        return handover.upgraded(self, connect, line, reaches, tls("tv.example"))

    def killed_meanwhile(self):
        return handover.killed_meanwhile(self, reaches, tls("tv.example"))

    def ended(self):
        handover.ended(self, connect, line, tls("tv.example"))
        self.start()

    def killed(self):
        with connect() as talk:
            talk.sendall(tls("tv.example"))
            line(talk)
            self.processes[-1].kill()
            self.processes[-1].wait()
            fails(lambda: (talk.sendall(b"x"), alive(talk)), OSError, EOFError)
        begin = time.monotonic()
        work = threading.Thread(target=self.start)
        work.start()
        reaches(tls("tv.example"), "one")
        took = time.monotonic() - begin
        work.join()
        return [f"a connection that came in between got through after {took:.1f} s"]

    def limits(self):
        if self.status()["workers"] != 1:
            raise AssertionError("several workers share what there may be")
        self.reload(connections=8, idle="1s")
        talks = [connect(timeout=WAIT) for _ in range(8)]
        for talk in talks:
            talk.sendall(tls("tv.example"))
            line(talk)
        begin = time.monotonic()
        reaches(tls("tv.example"), "one")
        took = time.monotonic() - begin
        for talk in talks:
            fails(lambda: hear_out(talk), ConnectionResetError)
            talk.close()
        self.reload(connections=1000, idle="5m")
        if self.count("full") == 0:
            raise AssertionError("there were never too many")
        return [f"the ninth of eight waited {took:.1f} s for silent ones to end"]

    def cut_short(self):
        """Clients that fall silent in the midst of their first words, or say the last of them: they may be to any name."""
        begin, before = time.monotonic(), self.status()["counts"]
        with connect() as hello, connect(port=80) as head, connect() as ended, udp(FOUR) as datagram:
            hello.sendall(tls("www.tv.example")[:60])
            head.sendall(http("www.tv.example")[:-2])
            ended.sendall(tls("www.tv.example")[:60])
            ended.shutdown(socket.SHUT_WR)
            datagram.send(initial(handshake("www.tv.example", 1400)[:1000]))
            for talk in (hello, head, ended):
                fails(lambda: talk.recv(1), ConnectionResetError)
            took = time.monotonic() - begin
            self.till(lambda: self.count("failed") == before["failed"] + 4)
            datagram.settimeout(0.2)
            fails(lambda: datagram.recv(1), TimeoutError)
        after = self.status()["counts"]
        if [k for k in ("named", "unknown", "foreign") if after[k] != before[k]]:
            raise AssertionError(f"{before} became {after}")
        return [f"they are reset after {took:.1f} s"]

    def gone(self):
        """A client that resets its connection while the server reads nothing."""
        with connect() as talk:
            talk.sendall(tls("deaf.tv.example"))
            line(talk)
            talk.setblocking(False)

            def is_full():
                try:
                    while talk.send(bytes(1 << 20)):
                        pass
                except BlockingIOError:
                    return self.stalled()
            self.till(is_full)
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.till(lambda: self.count("active") == 0)

    def flooded(self):
        """Hellos that never end, of one client and of many, and datagrams that look like QUIC, each from somewhere else."""
        self.start(workers=1)
        before, talks = self.memory(), []
        unknown = self.count("unknown")
        hello = tls("www.tv.example", 15000)

        def half(address, count):
            for _ in range(count):
                talks.append(socket.create_connection((FOUR, 443), WAIT, (address, 0)))
                talks[-1].sendall(hello[:14000])
        half("10.57.0.2", 400)
        addresses = [f"10.57.0.{n}" for n in range(10, 20)]
        for address in addresses:
            subprocess.run(["ip", "addr", "add", f"{address}/24", "dev", "eth0"], check=True)
            half(address, 65)
        reaches(tls("www.tv.example", 4000), "one", to=SIX, pieces=700)
        junk = initial(handshake("www.tv.example", 1400)[:900])

        def are_too_many():
            for _ in range(500):
                with udp(FOUR) as talk:
                    talk.send(junk)
            return self.count("quic_lost") > 0
        self.till(are_too_many)
        held = self.memory() - before
        reaches(tls("www.tv.example"), "one")
        for talk in talks:
            talk.close()
        self.till(lambda: self.count("active") == 0)
        if held > 48 << 10:
            raise AssertionError(f"{held} kB for {len(talks)} connections and datagrams that say nothing")
        if self.count("unknown") != unknown:
            raise AssertionError(f"{self.count('unknown') - unknown} hellos were decided that were not there")
        return [f"{len(talks)} hellos and more flows of QUIC than are kept hold {held} kB"]

    def quic(self):
        if not (self.where / "sets.sock").exists():
            raise AssertionError("weft-sets does not run")
        hello = handshake("www.tv.example")
        long = handshake("www.tv.example", 1400)
        self.datagrams([initial(hello)], "one")
        self.datagrams([initial(handshake("else.example"))], "two")
        self.datagrams([initial(long[:1000]), initial(long[1000:], 1000, 1)], "one")
        self.datagrams([initial(long[1000:], 1000, 1), initial(long[:1000])], "one")
        self.datagrams([initial(hello)], "one", SIX)
        self.datagrams([initial(hello, fixed=0)], "one")
        for to in (FOUR, SIX):
            with udp(to) as talk:
                talk.send(initial(handshake("no.example")))
                fails(lambda: talk.recv(100), ConnectionRefusedError)

    def datagrams(self, them, server, to=FOUR):
        with udp(to) as talk:
            for one in them:
                talk.send(one)
            for one in them:
                said = talk.recv(100).decode().split()
                if said[0] != server or int(said[2]) != talk.getsockname()[1]:
                    raise AssertionError(f"a datagram came to {said}, not {server}")
            flows = self.count("quic")
            for first in (0xe0, 0x40):  # another long header, and a short one
                talk.send(bytes([first]) * 50)
                if talk.recv(100).decode().split()[0] != server:
                    raise AssertionError("what follows takes another way")
            element = f"{talk.getsockname()[0]} . {talk.getsockname()[1]} . {to} . 443"
            listed = subprocess.run(["ip", "netns", "exec", self.router, "nft", "list", "map", "inet", "weft_policy",
                                     "quic_4" if to == FOUR else "quic_6"], capture_output=True, text=True, check=True).stdout
            if element not in re.sub(r"\s+", " ", listed) or self.count("quic") != flows:
                raise AssertionError(f"{element} is not the kernel's: {listed}")


def heard_of(port):
    """Connects to the proxy's own port, as somebody on the router could."""
    return connect(port, "10.57.0.1", 2)


def hear_out(talk):
    while talk.recv(65536):
        pass


def alive(talk):
    talk.settimeout(WAIT)
    talk.sendall(b"are you there?")
    got = b""
    while not got.endswith(b"are you there?"):
        part = talk.recv(65536)
        if not part:
            raise EOFError("the connection has ended")
        got += part


def client(where, router, programs):
    case = Case(where, router, programs)
    try:
        case.start()
        for what, one in (
                ("names decide, and the client's address and port are kept", case.names),
                ("a hello in pieces, and one of 4 kB", case.pieces),
                ("a blocked name is reset, or meets silence; the proxy's own port is nobody's", case.refused),
                ("what names nobody is decided by its address, or by the rule for that", case.addresses),
                ("a server that speaks first does not hang", case.silent),
                ("a name that is said late is where it belongs", case.late),
                ("a client that has said all still hears all", case.half_closed),
                ("much goes both ways, and who does not read slows who sends", case.much),
                ("a reload leaves connections alone, and a bad one leaves all as it was", case.reloaded),
                ("QUIC: its flow is written into the kernel, which forwards what follows", case.quic),
                ("first words that are cut short go nowhere", case.cut_short),
                ("a client that resets while the server does not read", case.gone),
                ("a flood of what never ends is bounded, and others get through", case.flooded),
                ("a restart hands over its sockets and ends with its last connection", case.handed_over),
                ("an upgrade: a new program takes over, a long transfer goes on, nothing is refused", case.upgraded),
                ("kill -9 of the new or the old one in the midst of it: one is left that serves", case.killed_meanwhile),
                ("an end is that of the old one as well, which still has a connection", case.ended),
                ("as many connections as there may be: silent ones make room", case.limits),
                ("killed: its connections end, the next ones wait for its successor", case.killed)):
            case.check(what, one)
    finally:
        failed = case.end()
    sys.exit(1 if failed else 0)


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    client(*sys.argv[2:])
