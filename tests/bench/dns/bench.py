#!/usr/bin/env python3
"""weft-dns beside unbound and dnsmasq, each with one thread, in the same run: CPU time per cached and per blocked
question, time to load a list and memory with it.

    bench.py PROGRAMS [--names 1000000] [--seconds 5] [--rounds 3]

Each is asked by dnsperf over the loopback; what counts is the server's own CPU time per answer. The order changes from
round to round, the best round of each counts. Prints a table with ratios; says `ok` or `FAIL` only of function: every
question answered, the blocked ones blocked."""
import argparse
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HOT = 1000
UPSTREAM, SERVERS = 5490, {"weft-dns": 5491, "unbound": 5492, "dnsmasq": 5493}


def write(path, text):
    path.write_text(text)
    return path


def blocked_name(i):
    """Names as lists have them: of all lengths, the 21st letter of one unlike that of the next."""
    return f"{'ads' if i % 3 else 'track'}{i * 2654435761 % 4294967296:x}.{'cdn' if i % 2 else 'static'}{i % 977}.blocked"


def unbound_conf(where, port, lines):
    return "\n".join([
        "server:", f" interface: 127.0.0.1@{port}", " num-threads: 1", " do-daemonize: no", ' username: ""',
        ' chroot: ""', f' directory: "{where}"', f' pidfile: "{where}/unbound-{port}.pid"', ' use-syslog: no',
        ' module-config: "iterator"', " do-not-query-localhost: no", " msg-cache-size: 16m", " rrset-cache-size: 16m",
        *lines, "remote-control:", " control-enable: no", ""])


class Server:
    """A server under test: `pid` while it runs, `load_s` from its start to its first answer."""

    def __init__(self, name, port, command, where):
        self.name, self.port = name, port
        start = time.monotonic()
        self.log = open(where / f"{name}.log", "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, start_new_session=True)
        while not answers(port):
            if self.process.poll() is not None or time.monotonic() - start > 120:
                sys.exit(f"{name} does not answer: {(where / f'{name}.log').read_text()[-500:]}")
            time.sleep(0.01)
        self.load_s = time.monotonic() - start

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss: +(\d+)", text, re.M)[1]) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def query(name, kind=1):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, 1)


def ask(port, name, timeout=1.0):
    """The rcode and the number of answers, None when nothing comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect(("127.0.0.1", port))
        try:
            s.send(query(name))
            said = s.recv(4096)
        except OSError:
            return None
    return said[3] & 15, struct.unpack(">H", said[6:8])[0]


def answers(port):
    return ask(port, "h1.hot", 0.2) == (0, 1)


def dnsperf(port, names, seconds):
    """Answers, lost questions."""
    out = subprocess.run(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", names, "-l", str(seconds), "-c", "4",
                          "-q", "64"], capture_output=True, text=True, check=True).stdout
    done = int(re.search(r"Queries completed: +(\d+)", out)[1])
    lost = int(re.search(r"Queries lost: +(\d+)", out)[1])
    return done, lost


def start(name, programs, where, lists):
    if name == "weft-dns":
        command = [programs / "weft-dns", "run", where / "weft.json"]
    elif name == "unbound":
        command = ["unbound", "-d", "-c", where / "unbound.conf"]
    else:
        command = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=",
                   f"--pid-file={where}/dnsmasq.pid", "--listen-address=127.0.0.1", "--bind-interfaces",
                   f"--port={SERVERS[name]}", f"--server=127.0.0.1#{UPSTREAM}", "--cache-size=10000",
                   f"--conf-file={lists}"]
    return Server(name, SERVERS[name], [str(x) for x in command], where)


def prepare(where, programs, count):
    names = [blocked_name(i) for i in range(count)]
    write(where / "list.txt", "\n".join(names) + "\n")
    write(where / "list.dnsmasq", "".join(f"address=/{n}/\n" for n in names))
    write(where / "list.unbound", "server:\n" + "".join(f' local-zone: "{n}" always_nxdomain\n' for n in names))
    write(where / "hot", "".join(f"h{i}.hot A\n" for i in range(HOT)))
    write(where / "blocked", "".join(f"{names[i * 7919 % count]} A\n" for i in range(min(count, 50000))))
    write(where / "upstream.conf", unbound_conf(where, UPSTREAM, [' local-zone: "hot." static'] + [
        f' local-data: "h{i}.hot. 86400 A 192.0.2.{i % 250 + 1}"' for i in range(HOT)]))
    forward = f'forward-zone:\n name: "."\n forward-addr: 127.0.0.1@{UPSTREAM}\n'
    write(where / "unbound.conf", unbound_conf(where, SERVERS["unbound"], [f'include: "{where}/list.unbound"']) + forward)
    begin = time.monotonic()
    subprocess.run([programs / "weft-dns", "image", where / "list.txt", where / "list.image"], check=True,
                   stdout=subprocess.DEVNULL)
    made_s = time.monotonic() - begin
    write(where / "weft.json", '{"listen":["127.0.0.1"],"port":%d,"upstreams":["127.0.0.1:%d"],"blocks":[{"name":"b",'
          '"lists":["%s/list.image"]}]}' % (SERVERS["weft-dns"], UPSTREAM, where))
    for path in where.iterdir():
        path.chmod(0o644)
    return names, made_s


def measure(server, where, seconds):
    """Microseconds of CPU per answer by kind; ends with a sentence when questions stay without one."""
    took = {}
    for kind in ("hot", "blocked"):
        dnsperf(server.port, where / kind, 1)
        before = server.cpu_s()
        done, lost = dnsperf(server.port, where / kind, seconds)
        took[kind] = (server.cpu_s() - before) / max(done, 1) * 1e6
        if done == 0 or lost > done / 100:
            print(f"FAIL {server.name} answered {done} {kind} questions and lost {lost}")
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--names", type=int, default=int(os.environ.get("WEFT_DNS_NAMES", "100000")))
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("WEFT_DNS_SECONDS", "1")))
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("WEFT_DNS_ROUNDS", "1")))
    args = parser.parse_args()
    missing = [p for p in ("dnsperf", "unbound", "dnsmasq") if not shutil.which(p)]
    if missing or not (args.programs / "weft-dns").exists():
        print("skip the DNS bench: not here:", *(missing or ["weft-dns"]))
        sys.exit(77)
    where = pathlib.Path(tempfile.mkdtemp(prefix="weft-bench-dns-"))
    where.chmod(0o755)
    try:
        bench(args, where)
    finally:
        shutil.rmtree(where)


def bench(args, where):
    names, made_s = prepare(where, args.programs, args.names)
    upstream = Server("upstream", UPSTREAM, ["unbound", "-d", "-c", str(where / "upstream.conf")], where)
    best, loads, memory = {}, {}, {}
    order = list(SERVERS)
    try:
        for _ in range(args.rounds):
            for name in order:
                server = start(name, args.programs, where, where / "list.dnsmasq")
                try:
                    if ask(server.port, names[args.names // 2]) != (3, 0):
                        print(f"FAIL {name} does not block {names[args.names // 2]}")
                    took = measure(server, where, args.seconds)
                    best[name] = {k: min(v, best.get(name, took)[k]) for k, v in took.items()}
                    loads[name] = min(server.load_s, loads.get(name, server.load_s))
                    memory[name] = server.memory_mb()
                finally:
                    server.stop()
            order.append(order.pop(0))
    finally:
        upstream.stop()
    report(args, made_s, best, loads, memory)


def report(args, made_s, best, loads, memory):
    print(f"{args.names} names, {args.rounds} x {args.seconds} s a kind; CPU time per answer, one thread each")
    print(f"{'':10} {'cached us':>10} {'blocked us':>10} {'start s':>8} {'memory MB':>10}")
    for name in SERVERS:
        b = best[name]
        print(f"{name:10} {b['hot']:10.2f} {b['blocked']:10.2f} {loads[name]:8.2f} {memory[name]:10.1f}")
    for other in ("unbound", "dnsmasq"):
        print(f"weft-dns answers {best[other]['hot'] / best['weft-dns']['hot']:.2f} x cached and "
              f"{best[other]['blocked'] / best['weft-dns']['blocked']:.2f} x blocked per CPU-second of {other}")
    print(f"ok   weft-dns beside unbound and dnsmasq: the image of {args.names} names took {made_s:.2f} s to make")


main()
