#!/usr/bin/env python3
"""weft-proxy beside HAProxy and nginx, in the same run: CPU time per GB and per 1,000 TLS connections, how much later a
server's first byte comes, and memory per idle connection.

    bench.py PROGRAMS [--connections 200] [--megabytes 256] [--idle 300] [--rounds 1]

    client 10.58.0.2 ---- router 10.58.0.1 ---- server 203.0.113.10
                          weft-proxy, or in its place haproxy, haproxy with forced splice and 1 MB pipes: led there by
                          TPROXY, from the client's own address to where it wanted to go; or nginx stream with
                          ssl_preread, which cannot be led to and has a port and an address of its own: less to do

All look at the server name of a ClientHello. What counts is the process's own time (all threads), the order changes from
round to round. The table has the best round of each figure, the ratios are medians of the rounds: neighbours in time, who
had the same of a noisy machine. Then what the kernel forwards to a learned address, against what it
forwards without a policy. Prints a table with ratios; says `ok` or `FAIL` only of function."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

NAME = "www.tv.example"
ROUTER, SERVER, TLS_PORT, BULK_PORT, ECHO_PORT = "10.58.0.1", "203.0.113.10", 443, 5001, 5002
PEERS = {"weft-proxy": None, "haproxy": None, "haproxy tuned": None, "nginx": 8201}  # ports of their own: TLS, bulk, echo
PORTS = (TLS_PORT, BULK_PORT, ECHO_PORT)
CHUNK = 1 << 20
WAIT = 20


def ns(name):
    return f"wbsplit{os.getppid()}-{name}" if "--inside" in sys.argv else f"wbsplit{os.getpid()}-{name}"


def run(*command, **more):
    return subprocess.run([str(x) for x in command], check=True, **more)


# ---- the server's side ----

def serve(where):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{where}/cert", f"{where}/key")
    for port, talk in ((TLS_PORT, lambda s: secret(context, s)), (BULK_PORT, bulk), (ECHO_PORT, echo)):
        door = socket.create_server((SERVER, port), backlog=1024)
        threading.Thread(target=accept, args=(door, talk), daemon=True).start()
    (pathlib.Path(where) / "server.pid").write_text(str(os.getpid()))
    threading.Event().wait()


def accept(door, talk):
    while True:
        threading.Thread(target=quietly, args=(talk, door.accept()[0]), daemon=True).start()


def quietly(talk, one):
    try:
        talk(one)
    except OSError:
        pass
    one.close()


def secret(context, one):
    with context.wrap_socket(one, server_side=True) as talk:
        talk.recv(1000)
        talk.sendall(bytes(1000))


def bulk(one):
    """After the hello (whose last four bytes say how much) so many bytes."""
    left, data = int.from_bytes(one.recv(65536)[-4:], "big"), bytes(CHUNK)
    while left > 0:
        left -= one.send(data[:left])


def echo(one):
    while data := one.recv(65536):
        one.sendall(data)


# ---- the client's side ----

def hello(tail=b""):
    """A ClientHello for NAME; `tail` is the last thing in it."""
    def vector(size, data):
        return len(data).to_bytes(size, "big") + data
    extensions = b"\x00\x00" + vector(2, vector(2, b"\x00" + vector(2, NAME.encode()))) + b"\x00\x15" + vector(2, bytes(300) + tail)
    body = b"\x03\x03" + bytes(32) + vector(1, bytes(32)) + vector(2, b"\x13\x01") + vector(1, b"\x00") + vector(2, extensions)
    return b"\x16\x03\x01" + vector(2, b"\x01" + vector(3, body))


def place(peer, which):
    port = PEERS[peer]
    return (SERVER, PORTS[which]) if port is None else (ROUTER, port + which)


def connect(at):
    talk = socket.create_connection(at, WAIT)
    talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return talk


def tls_connections(at, count):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def one(_):
        with context.wrap_socket(connect(at), server_hostname=NAME) as talk:
            talk.sendall(b"GET / HTTP/1.0\r\n\r\n")
            got = 0
            while part := talk.recv(4096):
                got += len(part)
            return got == 1000
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return all(pool.map(one, range(count)))


def load(at, size):
    with connect(at) as talk:
        talk.sendall(hello(size.to_bytes(4, "big")))
        got, room = 0, bytearray(CHUNK)
        while part := talk.recv_into(room, CHUNK, socket.MSG_TRUNC):
            got += part
        return got == size


def first_bytes(at, count):
    """Milliseconds from connect() to the server's first byte, sorted."""
    took = []
    for _ in range(count):
        begin = time.perf_counter()
        with connect(at) as talk:
            talk.sendall(hello())
            talk.recv(65536)
            took.append((time.perf_counter() - begin) * 1000)
    return sorted(took)


def idle(at, count):
    talks = []
    for _ in range(count):
        talk = connect(at)
        talk.sendall(hello())
        talk.recv(65536)
        talks.append(talk)
    return talks


# ---- the processes that are measured ----

def cpu_of(pid):
    """Seconds of a process, threads that have ended as well (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


class Peer:
    def __init__(self, name, command, where):
        self.name = name
        self.log = open(where / f"{name.replace(' ', '-')}.log", "wb")
        self.process = subprocess.Popen(["ip", "netns", "exec", ns("router"), *map(str, command)], stdout=self.log, stderr=self.log,
                                        start_new_session=True)
        self.wait(where)

    def wait(self, where):
        end = time.monotonic() + WAIT
        while True:
            try:
                first_bytes(place(self.name, 2), 1)
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    sys.exit(f"{self.name} carries nothing: " + pathlib.Path(self.log.name).read_text()[-500:])
                time.sleep(0.05)

    def pids(self):
        """Itself and the processes that it started."""
        known, found = [self.process.pid], []
        while known:
            pid = known.pop()
            found.append(pid)
            known += map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found

    def cpu_s(self):
        return sum(map(cpu_of, self.pids()))

    def memory_kb(self):
        return sum(int(re.search(r"^Pss: +(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])
                   for pid in self.pids())

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def haproxy_conf(is_tuned):
    lines = ["global", " maxconn 6000"] + ([" tune.pipesize 1048576", " maxpipes 1000"] if is_tuned else [])
    lines += ["defaults", " mode tcp", " timeout connect 10s", " timeout client 5m", " timeout server 5m"]
    lines += [" option splice-request", " option splice-response"] if is_tuned else []
    lines += ["frontend all", " bind 127.0.0.1:22380 transparent", " tcp-request inspect-delay 5s",
              " tcp-request content accept if { req_ssl_hello_type 1 }", " use_backend tv if { req_ssl_sni -m end tv.example }",
              "backend tv", " source 0.0.0.0 usesrc client", " server there *"]
    return "\n".join(lines) + "\n"


# What haproxy cannot say of its packets, and weft-proxy does: that these go to clients, and those in their name.
OWN_TABLE = f"""table inet own {{
	chain post {{ type nat hook postrouting priority srcnat; oifname server masquerade; }}
	chain marks {{ type filter hook output priority raw - 10
		meta mark 0 ip saddr {SERVER} meta mark set 0x0ff08000
		meta mark 0 ip saddr 10.58.0.0/24 ip daddr {SERVER} meta mark set 0x0fff8102; }}
}}"""


def nginx_conf(where, port):
    servers = "".join(f"map $ssl_preread_server_name $to{i} {{ hostnames; *.tv.example {SERVER}:{to}; default {SERVER}:9; }}\n"
                      f"server {{ listen {ROUTER}:{port + i}; ssl_preread on; proxy_buffer_size 64k; proxy_pass $to{i}; }}\n"
                      for i, to in enumerate(PORTS))
    return (f"load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off; worker_processes 2; pid {where}/nginx.pid;\n"
            f"error_log {where}/nginx.error;\nevents {{ worker_connections 8000; }}\nstream {{\n{servers}}}\n")


ENTRIES = {
    "policy/home": {"id": 1, "from": ["10.58.0.0/24"], "needs": [], "split": [{"proto": "tcp", "first": p, "last": p} for p in PORTS],
                    "rules": [{"number": 1, "to": [], "ports": [], "lists": [{"id": 1, "name": "tv"}], "verdict": "direct"},
                              {"number": 2, "to": [], "ports": [], "verdict": "block", "block": "reject"}]},
    "splitter/weft": {"port": 22380, "needs": []}}


def in_router(*command, **more):
    return run("ip", "netns", "exec", ns("router"), *command, **more)


def put_table(args, where):
    """The very table that an agent makes."""
    in_router(args.programs / "weft-reconcile-once", where / "entries.json", stdout=subprocess.DEVNULL)


def drop_table():
    in_router("nft", "delete", "table", "inet", "weft_policy")


def learn():
    """The server's address is one of the list's, and of nothing else: what weft-dns has the kernel know."""
    for name in ("l1_4", "known_4"):
        in_router("nft", f"add element inet weft_policy {name} {{ {SERVER} timeout 1h }}")


def forwarded(args, where):
    """What a GB costs that the kernel forwards by itself: with conntrack and masquerade as a home's router has them, and with
    a policy that has learned the address. They take turns, the best of each counts. Packets are forwarded in the time of who
    sends them, so the two ends are measured: that is steadier than speed, where others use the machine as well."""
    best, server = {"plain": 1e9, "learned": 1e9}, int((where / "server.pid").read_text())
    for _ in range(4 * args.rounds):
        for which in best:
            if which == "learned":
                put_table(args, where)
                learn()
            before = cpu_of(server) + time.process_time()
            good = load((SERVER, BULK_PORT), args.megabytes << 20)
            cost = (cpu_of(server) + time.process_time() - before) / args.megabytes * 1024
            best[which] = min(best[which], cost)
            if which == "learned":
                drop_table()
            if not good:
                print("FAIL the kernel lost something on the way")
    print(f"a GB to a learned address costs {best['learned'] / best['plain']:.3f} x of plain forwarding ({best['plain']:.3f} CPU s)")


def make_network():
    for one in ("client", "router", "server"):
        run("ip", "netns", "add", ns(one))
        run("ip", "-n", ns(one), "link", "set", "lo", "up")
    for one, net in (("client", "10.58.0"), ("server", "10.58.1")):
        run("ip", "-n", ns("router"), "link", "add", one, "type", "veth", "peer", "name", "eth0", "netns", ns(one))
        for where, device, last in (("router", one, 1), (one, "eth0", 2)):
            run("ip", "-n", ns(where), "addr", "add", f"{net}.{last}/24", "dev", device)
            run("ip", "-n", ns(where), "link", "set", device, "up")
        run("ip", "-n", ns(one), "route", "add", "default", "via", f"{net}.1")
    run("ip", "-n", ns("server"), "addr", "add", f"{SERVER}/32", "dev", "lo")
    run("ip", "-n", ns("router"), "route", "add", "default", "via", "10.58.1.2")
    run("ip", "-n", ns("router"), "route", "add", "local", "default", "dev", "lo", "table", "22499")
    run("ip", "-n", ns("router"), "rule", "add", "pref", "22346", "iif", "lo", "fwmark", "0x0ff00000/0x0fff0000", "lookup", "main")
    run("ip", "-n", ns("router"), "rule", "add", "pref", "22347", "fwmark", "0x0ff00000/0x0fff0000", "lookup", "22499")
    in_router("sysctl", "-qw", "net.ipv4.ip_forward=1")
    in_router("nft", OWN_TABLE)


def drop_network():
    for one in ("client", "router", "server"):
        subprocess.run(["ip", "netns", "del", ns(one)], check=False, stderr=subprocess.DEVNULL)


def start(name, programs, where):
    if name == "weft-proxy":
        return Peer(name, [programs / "weft-proxy", "run", where / "weft.json"], where)
    if name == "nginx":
        return Peer(name, ["nginx", "-c", where / "nginx.conf", "-p", where, "-e", where / "nginx.error"], where)
    return Peer(name, ["haproxy", "-db", "-f", where / f"{name.replace(' ', '-')}.cfg"], where)


def prepare(where, programs):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-keyout",
        where / "key", "-out", where / "cert", "-subj", f"/CN={NAME}", stderr=subprocess.DEVNULL)
    (where / "tv.txt").write_text("tv.example\n")
    run(programs / "weft-dns", "image", where / "tv.txt", where / "tv.image", stdout=subprocess.DEVNULL)
    (where / "entries.json").write_text(json.dumps(ENTRIES))
    policy = json.loads(json.dumps(ENTRIES["policy/home"]))
    policy["name"], policy["rules"][0]["lists"][0]["path"] = "home", f"{where}/tv.image"
    (where / "weft.json").write_text(json.dumps({"control": f"{where}/proxy.sock", "policies": [policy]}))
    (where / "haproxy.cfg").write_text(haproxy_conf(False))
    (where / "haproxy-tuned.cfg").write_text(haproxy_conf(True))
    (where / "nginx.conf").write_text(nginx_conf(where, PEERS["nginx"]))
    for path in where.iterdir():
        path.chmod(0o644)


def measure(peer, args):
    """The figures of a peer that runs; ends with a sentence when it does not do its work."""
    good = tls_connections(place(peer.name, 0), 50)
    before = peer.cpu_s()
    good = tls_connections(place(peer.name, 0), args.connections) and good
    tls_ms = (peer.cpu_s() - before) / args.connections * 1e6
    good = load(place(peer.name, 1), 64 << 20) and good
    before, begin = peer.cpu_s(), time.monotonic()
    good = load(place(peer.name, 1), args.megabytes << 20) and good
    gb_s, took = (peer.cpu_s() - before) / args.megabytes * 1024, time.monotonic() - begin
    late = first_bytes(place(peer.name, 2), 200)
    memory = peer.memory_kb()
    talks = idle(place(peer.name, 2), args.idle)
    kb = (peer.memory_kb() - memory) / args.idle
    for talk in talks:
        talk.close()
    if not good:
        print(f"FAIL {peer.name} lost something on the way")
    return {"tls": tls_ms, "gb": gb_s, "rate": args.megabytes / 1024 / took, "p50": statistics.median(late),
            "p99": late[int(len(late) * 0.99)], "kb": kb}


def inside(args, where):
    """In the client's namespace."""
    took, order = {name: [] for name in PEERS}, list(PEERS)
    put_table(args, where)
    for _ in range(args.rounds):
        for name in order:
            peer = start(name, args.programs, where)
            try:
                took[name].append(measure(peer, args))
            finally:
                peer.stop()
        order.append(order.pop(0))
    drop_table()
    report(args, took)
    forwarded(args, where)
    print("ok   weft-proxy beside haproxy and nginx, and the kernel with learned addresses: all of it came through")


def ratios(mine, theirs, what):
    """The median of the rounds, and the least and the most."""
    all_of = sorted(a[what] / b[what] for a, b in zip(mine, theirs))
    return f"{statistics.median(all_of):.2f} x ({all_of[0]:.2f}-{all_of[-1]:.2f})"


def report(args, took):
    print(f"{args.rounds} x {args.connections} TLS connections, {args.megabytes} MB, {args.idle} idle connections")
    print(f"{'':14} {'CPU ms per 1,000':>17} {'CPU s per GB':>13} {'GB/s':>6} {'first byte ms p50':>18} {'p99':>6} {'kB per idle':>12}")
    for name, rounds in took.items():
        b = {k: (max if k == "rate" else min)(r[k] for r in rounds) for k in rounds[0]}
        print(f"{name:14} {b['tls']:17.0f} {b['gb']:13.3f} {b['rate']:6.2f} {b['p50']:18.2f} {b['p99']:6.2f} {b['kb']:12.2f}")
    mine = took["weft-proxy"]
    for name, theirs in took.items():
        if name != "weft-proxy":
            print(f"weft-proxy takes {ratios(mine, theirs, 'tls')} of {name} a connection, {ratios(mine, theirs, 'gb')} a GB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--connections", type=int, default=int(os.environ.get("WEFT_SPLIT_CONNECTIONS", "200")))
    parser.add_argument("--megabytes", type=int, default=int(os.environ.get("WEFT_SPLIT_MEGABYTES", "256")))
    parser.add_argument("--idle", type=int, default=int(os.environ.get("WEFT_SPLIT_IDLE", "300")))
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("WEFT_SPLIT_ROUNDS", "1")))
    parser.add_argument("--inside", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.inside)
    elif args.inside:
        inside(args, args.inside)
    else:
        outside(args)


def outside(args):
    missing = [p for p in ("haproxy", "nginx", "nft", "openssl") if not shutil.which(p)]
    missing += [p for p in ("weft-proxy", "weft-dns", "weft-reconcile-once") if not (args.programs / p).exists()]
    if missing or os.getuid() != 0:
        print("skip the bench of the splitter: not here:", *(missing or ["root"]))
        sys.exit(77)
    where = pathlib.Path(tempfile.mkdtemp(prefix="weft-bench-split-"))
    where.chmod(0o755)
    server = None
    try:
        prepare(where, args.programs)
        make_network()
        again = [sys.executable, __file__, str(args.programs), "--inside", str(where)] + [
            f"--{k}={getattr(args, k)}" for k in ("connections", "megabytes", "idle", "rounds")]
        server = subprocess.Popen(["ip", "netns", "exec", ns("server"), *again, "--serve"], start_new_session=True)
        code = subprocess.run(["ip", "netns", "exec", ns("client"), *again], check=False).returncode
    finally:
        if server:
            server.kill()
            server.wait()
        drop_network()
        shutil.rmtree(where)
    sys.exit(code)


main()
