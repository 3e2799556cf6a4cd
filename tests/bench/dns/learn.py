#!/usr/bin/env python3
"""What it costs weft-dns to have each address in the kernel's sets before it is told.

    learn.py PROGRAMS [--names 4000] [--rate 2000] [--seconds 3] [--lists 10]

In a network namespace of its own, with a resolver in Python that knows every name: fresh names at a rate, once without
policies and once with them, every answer's address looked up in the set when the answer is here; then names out of the
cache by dnsperf (where that is installed), without policies, with them, and with lists that have the names. Prints the CPU
time of weft-dns and weft-sets per name; `FAIL` when an address was not in its set in time."""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

TOOL = pathlib.Path(__file__).resolve().parents[2] / "netns/learning.py"
HOT = 1000


def cpu_s(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def table(lists):
    sets = "".join(f" set {name}_{family} {{ type ipv{family}_addr; flags timeout; size 131072; }}\n"
                   for name in [f"l{i + 1}" for i in range(lists)] + ["known"] for family in (4, 6))
    return f"table inet weft_policy {{\n{sets}}}\n"


def config(where, lists, first):
    """With `lists` lists, the first of which has the names below `listed` (and `hot` with first = "hot")."""
    rules = []
    for i in range(lists):
        text = where / f"list{i}"
        text.write_text(f"{first}\nlisted\n" if i == 0 else "".join(f"n{k}.other{i}\n" for k in range(1000)))
        subprocess.run([where / "weft-dns", "image", text, f"{text}.image"], check=True, stdout=subprocess.DEVNULL)
        os.chmod(f"{text}.image", 0o644)
        rules.append({"number": i + 1, "to": [], "ports": [], "verdict": "direct",
                      "lists": [{"id": i + 1, "name": f"list{i}", "path": f"{text}.image"}]})
    said = {"listen": ["127.0.0.1"], "upstreams": ["127.0.0.53"]}
    if lists:
        said |= {"sets": f"{where}/sets.sock", "policies": [
            {"id": 1, "name": "home", "from": ["127.0.0.0/8"], "split": [], "rules": rules}]}
    (where / "config.json").write_text(json.dumps(said))


class Servers:
    def __init__(self, where, lists, first):
        config(where, lists, first)
        subprocess.run(["nft", "-f", "-"], input=f"add table inet weft_policy\ndelete table inet weft_policy\n{table(lists)}",
                       text=True, check=True)
        log = open(where / "log", "ab")
        start = lambda *command: subprocess.Popen(command, stdout=log, stderr=log)
        self.sets = start(where / "weft-sets", "run", where / "sets.sock", "nobody")
        end = time.monotonic() + 20
        while not (where / "sets.sock").exists() and time.monotonic() < end:
            time.sleep(0.01)
        self.dns = start(where / "weft-dns", "run", where / "config.json")
        while ask("h1.hot").split()[0] != "0":
            if time.monotonic() > end:
                sys.exit(f"weft-dns does not answer: {(where / 'log').read_text()[-500:]}")
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.dns, self.sets):
            process.kill()
            process.wait()

    def cpu(self):
        return cpu_s(self.dns), cpu_s(self.sets)


def tool(*args):
    return subprocess.run([sys.executable, TOOL, *map(str, args)], capture_output=True, text=True, check=True).stdout


def ask(name):
    return tool("ask", "127.0.0.1", name)


def fresh(servers, names, rate, has_sets):
    before = servers.cpu()
    # Without policies no set is asked for.
    answered, wrong, lost, seconds = tool("fresh", "127.0.0.1", "l1_4" if has_sets else "-", names, rate, 100).split()
    spent = [(b - a) / max(int(answered), 1) * 1e6 for a, b in zip(before, servers.cpu())]
    what = "with its address in a set" if has_sets else "without policies"
    print(f"{answered} fresh names in {seconds} s {what}: {spent[0]:.0f} us of weft-dns and {spent[1]:.0f} us of "
          f"weft-sets a name; {lost} lost, {wrong} told too early")
    return int(answered), int(wrong)


def cached(servers, where, seconds, what):
    run = lambda s: subprocess.run(["dnsperf", "-s", "127.0.0.1", "-d", where / "hot", "-l", str(s), "-c", "4", "-q", "64"],
                                   capture_output=True, text=True, check=True).stdout
    run(1)
    before = servers.cpu()
    done = int(re.search(r"Queries completed: +(\d+)", run(seconds))[1])
    print(f"out of the cache, {what}: {(servers.cpu()[0] - before[0]) / max(done, 1) * 1e6:.2f} us a name")


def bench(args, where):
    resolver = subprocess.Popen([sys.executable, TOOL, "serve", "127.0.0.53", "1"])
    has_dnsperf = shutil.which("dnsperf")
    (where / "hot").write_text("".join(f"h{i}.hot A\n" for i in range(HOT)))
    try:
        with Servers(where, 0, "") as servers:
            fresh(servers, args.names, args.rate, False)
            if has_dnsperf:
                cached(servers, where, args.seconds, "no policies")
        with Servers(where, args.lists, "else") as servers:
            answered, wrong = fresh(servers, args.names, args.rate, True)
            if has_dnsperf:
                cached(servers, where, args.seconds, f"{args.lists} lists that have them not")
        with Servers(where, args.lists, "hot") as servers:
            if has_dnsperf:
                cached(servers, where, args.seconds, f"{args.lists} lists, the first has them")
    finally:
        resolver.kill()
        resolver.wait()
    well = wrong == 0 and answered > args.names * 0.9
    print("ok  " if well else "FAIL", f"{args.names} fresh names, {args.rate} a second: each address is in its set before it is told")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--names", type=int, default=int(os.environ.get("WEFT_LEARN_NAMES", "4000")))
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("WEFT_DNS_SECONDS", "1")))
    parser.add_argument("--lists", type=int, default=10)
    args = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("nft") or not (args.programs / "weft-sets").exists():
        print("skip learning: it needs root, nft and weft-sets")
        sys.exit(77)
    if "WEFT_IN_NETNS" not in os.environ:
        os.execvpe("unshare", ["unshare", "-n", sys.executable, *sys.argv], os.environ | {"WEFT_IN_NETNS": "1"})
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    where = pathlib.Path(tempfile.mkdtemp(prefix="weft-bench-learn-"))
    where.chmod(0o755)
    for program in ("weft-dns", "weft-sets"):
        (where / program).symlink_to((args.programs / program).resolve())
    try:
        bench(args, where)
    finally:
        shutil.rmtree(where)


main()
