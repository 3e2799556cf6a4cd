"""What the agent's reconciler costs for a hub of 1,000 peers and 200 wires, beside `wg syncconf` and `ip -batch`.

    reconcile.py BINARIES ROOT [RUNS]

The entries are those that a real controller plans for such a node. Each run has network and mount namespaces of its
own, Weft's and the plain tools' in turn, and prints wall and CPU seconds of the programs themselves (wireguard-go,
which both sides drive where the kernel has no WireGuard, is not in the CPU). As root.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fleet"))
from fleet import Fleet, raise_file_limit  # noqa: E402

PEERS, SEGMENTS, WIRES_EACH = 1000, 4, 50


def resources(names):
    hub, spokes = names[0], names[1:]
    nodes = {name: {"address": f"198.18.{i // 250}.{i % 250 + 1}"} for i, name in enumerate(names)}
    networks, segments = {}, {}
    for i in range(SEGMENTS):
        networks[f"lan{i}"] = {"hub": hub, "spokes": spokes[i * WIRES_EACH:(i + 1) * WIRES_EACH]}
        segments[f"seg{i}"] = {"network": f"lan{i}"}
    networks["wide"] = {"hub": hub, "spokes": spokes[SEGMENTS * WIRES_EACH:]}
    return {"nodes": nodes, "networks": networks, "segments": segments}


def entries_of_hub(binaries, root):
    names = [f"n{i:05d}" for i in range(PEERS + 1)]
    with Fleet(binaries, root, names) as fleet:
        fleet.apply(resources(names))
        fleet.enrol()
        while True:  # the last hosts' keys become peers a moment after they joined
            entries = fleet.line.json("GET", f"/api/v1/nodes/{names[0]}/observed")[0]["desired"]
            if len(of_kind(entries, "peer")) == PEERS:
                return entries
            time.sleep(0.1)


# ---- the plain tools' form of the same entries ----

def of_kind(entries, kind):
    return {key: body for key, body in entries.items() if key.startswith(kind + "/")}


def wg_configs(entries, private_key):
    """device -> text for wg syncconf"""
    texts = {body["device"]: [f"[Interface]\nPrivateKey = {private_key}\nListenPort = {body['port']}\n"]
             for body in of_kind(entries, "wireguard").values()}
    for body in of_kind(entries, "peer").values():
        texts[body["device"]].append(f"[Peer]\nPublicKey = {body['public_key']}\nEndpoint = {body['endpoints'][0]}\n"
                                     f"AllowedIPs = {','.join(body['allowed_ips'])}\n"
                                     f"PersistentKeepalive = {body['keepalive']}\n")
    return {device: "".join(parts) for device, parts in texts.items()}


def ip_batch(entries):
    lines = []
    for body in of_kind(entries, "wireguard").values():
        lines.append(f"link set {body['device']} mtu {body['mtu']} up")
    for body in of_kind(entries, "bridge").values():
        lines.append(f"link add {body['device']} mtu {body['mtu']} type bridge stp_state 1")
        lines.append(f"link set {body['device']} up")
    for body in of_kind(entries, "wire").values():
        lines.append(f"link add {body['device']} mtu {body['mtu']} type vxlan id {body['vni']} dstport {body['port']} "
                     f"local {body['local']} remote {body['remote']}")
    for body in of_kind(entries, "port").values():
        lines.append(f"link set {body['device']} master {body['bridge']} up")
    for body in of_kind(entries, "address").values():
        lines.append(f"address add {body['address']} dev {body['device']}")
    return "\n".join(lines) + "\n"


# ---- one namespace ----

class Box:
    """Network and mount namespaces with a WireGuard socket directory of their own."""

    def __enter__(self):
        self.keeper = subprocess.Popen(
            ["unshare", "-n", "-m", "--propagation", "private", "sh", "-c",
             "mkdir -p /run/wireguard && mount -t tmpfs none /run/wireguard && ip link set lo up && echo up && "
             "exec sleep 100000"], stdout=subprocess.PIPE, text=True)
        assert self.keeper.stdout.readline() == "up\n"
        return self

    def __exit__(self, *_):
        # wireguard-go ends when its socket goes.
        self.run("sh", "-c", "rm -f /run/wireguard/*.sock")
        self.keeper.kill()
        self.keeper.wait()

    def run(self, *words):
        """(wall seconds, CPU seconds, output)"""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        done = subprocess.run(["nsenter", "-t", str(self.keeper.pid), "-n", "-m", *words], capture_output=True,
                              text=True)
        wall = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)[:200]}: {done.stdout[-500:]}{done.stderr[-500:]}")
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def file_of(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def weft_runs(binaries, key, files):
    """From nothing, again, with one change."""
    with Box() as box:
        return [box.run(os.path.join(binaries, "weft-reconcile-once"), "--key", key, path) for path in files]


def plain_runs(directory, key, states):
    """The same by wg and ip; the second and third run know what changed, as a script would not."""
    out = []
    with Box() as box:
        has_kernel = subprocess.run(["nsenter", "-t", str(box.keeper.pid), "-n", "ip", "link", "add", "probe0", "type",
                                     "wireguard"], capture_output=True).returncode == 0
        for at, entries in enumerate(states):
            script = ["set -e"]
            for device, text in wg_configs(entries, key).items():
                if at == 0:
                    script.append(f"ip link add {device} type wireguard" if has_kernel else f"wireguard-go {device}")
                script.append(f"wg syncconf {device} {file_of(directory, device, text)}")
            if at == 0:
                script.append(f"ip -batch {file_of(directory, 'batch', ip_batch(entries))}")
            out.append(box.run("sh", "-c", "\n".join(script)))
    return out


def insist(runs):
    """wireguard-go 0.0.20220316 sometimes ends under a thousand peers: such a run tells nothing and is made anew."""
    for _ in range(5):
        try:
            return runs()
        except RuntimeError as e:
            print(f"made anew: {str(e).strip().splitlines()[-1]}", flush=True)
    raise RuntimeError("no run came to its end")


def show(name, weft, plain):
    def line(values):
        return f"min {min(values):.3f}  median {statistics.median(values):.3f} s"
    print(f"{name}\n  Weft    wall {line([v[0] for v in weft])}   CPU {line([v[1] for v in weft])}\n"
          f"  plain   wall {line([v[0] for v in plain])}   CPU {line([v[1] for v in plain])}", flush=True)
    ratios = [w[0] / p[0] for w, p in zip(weft, plain)]
    print(f"  ratio of wall times: {', '.join(f'{r:.2f}' for r in ratios)}   ({weft[0][2].splitlines()[0]})", flush=True)


def main():
    binaries, root = os.path.abspath(sys.argv[1]), sys.argv[2]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    raise_file_limit()
    entries = entries_of_hub(binaries, root)
    changed = json.loads(json.dumps(entries))
    of_kind(changed, "peer")[min(of_kind(changed, "peer"))]["keepalive"] = 25
    key = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{len(entries)} entries: {len(of_kind(entries, 'peer'))} peers, {len(of_kind(entries, 'wire'))} wires")
    weft, plain = [], []
    with tempfile.TemporaryDirectory() as directory:
        states = [entries, entries, changed]
        files = [file_of(directory, f"state{i}", json.dumps(state)) for i, state in enumerate(states)]
        for _ in range(runs):
            weft.append(insist(lambda: weft_runs(binaries, key, files)))
            plain.append(insist(lambda: plain_runs(directory, key, states)))
    for at, name in enumerate(("from nothing", "again, nothing to do", "one peer's keepalive changes")):
        show(name, [run[at] for run in weft], [run[at] for run in plain])


main()
