"""A controller with a fleet of simulated agents: what bench.py and smoke.py measure and check."""

import base64
import http.client
import json
import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../api"))
from controller import Client, Controller  # noqa: E402

NETWORK = "fleet"
LINKS_MAX = 10000  # of one network


def raise_file_limit():
    """Programs started from here may open as many files as the machine lets root have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# ---- shapes: node names -> the resources of a fleet file ----

def _nodes(names):
    # Every host has an address of its own, as machines on the Internet do.
    return {name: {"address": f"198.{18 + i // 65536}.{i // 256 % 256}.{i % 256}"} for i, name in enumerate(names)}


def sparse(names):
    """Four links a node: each to the next and the next but one, in a ring; in two networks where one may not have so
    many."""
    count = len(names)
    rings = [[[names[i], names[(i + step) % count]] for i in range(count)] for step in (1, 2)]
    if 2 * count <= LINKS_MAX:
        return {"nodes": _nodes(names), "networks": {NETWORK: {"links": rings[0] + rings[1]}}}
    return {"nodes": _nodes(names), "networks": {NETWORK: {"links": rings[0]}, f"{NETWORK}-2": {"links": rings[1]}}}


def mesh(names):
    return {"nodes": _nodes(names), "networks": {NETWORK: {"mesh": list(names)}}}


def hub_and_spokes(names):
    """One hub, the others its spokes; every one is a site with a LAN."""
    nodes = {name: dict(spec, site=f"s-{name}") for name, spec in _nodes(names).items()}
    sites = {f"s-{name}": {"lan": [f"10.{i // 256}.{i % 256}.0/24"]} for i, name in enumerate(names)}
    return {"sites": sites, "nodes": nodes, "networks": {NETWORK: {"hub": names[0], "spokes": list(names[1:])}}}


SHAPES = {"sparse": sparse, "mesh": mesh, "hub": hub_and_spokes}


# ---- the controller's side ----

class Line:
    """REST over one connection that stays open, so that a figure has no TLS handshake in it."""

    def __init__(self, client):
        self.client = client
        self.connection = None

    def call(self, method, path, body=None, headers=None, timeout=120):
        """(status, body, seconds of this very request)"""
        headers = self.client.headers(method, headers)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        was_open = self.connection is not None
        if not was_open:
            self.connection = self.client.controller.connect(timeout)
            self.connection.connect()
        start = time.monotonic()
        try:
            self.connection.request(method, path, data, headers)
            response = self.connection.getresponse()
            return response.status, response.read(), time.monotonic() - start
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            # A connection that idled may have been closed just now: nothing of this request was read.
            if was_open:
                return self.call(method, path, body, timeout=timeout)
            raise

    def json(self, method, path, body=None):
        status, text, seconds = self.call(method, path, body)
        if status not in (200, 201):
            raise AssertionError(f"{method} {path}: {status} {text[:300]!r}")
        return json.loads(text), seconds


class Process:
    """What /proc tells of a process."""

    def __init__(self, pid):
        self.pid = pid

    def cpu_s(self):
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_kb(self):
        with open(f"/proc/{self.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


class Fleet:
    def __init__(self, binaries, root, names):
        self.simulator_path = os.path.join(binaries, "bench-fleet")
        self.controller = Controller(os.path.join(binaries, "weft-controller"), root, log_level="warn")
        self.names = names
        self.simulator = None
        self.identities = None
        self.line = None

    def __enter__(self):
        self.controller.__enter__()
        self.line = Line(self.controller.admin)
        return self

    def __exit__(self, *_):
        if self.simulator:
            self.simulator.stdin.close()
            self.simulator.wait()
        self.controller.__exit__()

    # ---- REST ----

    def apply(self, resources, dry_run=False):
        """(answer, seconds, bytes of the answer)"""
        status, text, seconds = self.line.call("POST", "/api/v1/apply", {"resources": resources, "dry_run": dry_run})
        if status != 200:
            raise AssertionError(f"apply: {status} {text[:600]!r}")
        return json.loads(text), seconds, len(text)

    def revision(self):
        return self.line.json("GET", "/api/v1/state")[0]["revision"]

    def unsettled(self):
        """Nodes that are not connected, lag or have errors, as the controller sees it."""
        nodes = self.line.json("GET", "/api/v1/state")[0]["nodes"]
        return [n["name"] for n in nodes if not n["connected"] or n["lag"] or n["errors_total"]]

    def settle(self, timeout_s):
        """Waits until every node is connected and has what it should; the names of those that do not."""
        deadline = time.monotonic() + timeout_s
        while True:
            names = self.unsettled()
            if not names or time.monotonic() > deadline:
                return names
            time.sleep(0.2)

    # ---- agents ----

    def enrol(self):
        """Every host joins with one key, by the real API; seconds it took."""
        made = subprocess.run([self.simulator_path, "make", str(len(self.names)), "x"], capture_output=True, check=True)
        self.identities = json.loads(made.stdout)
        answer, _ = self.line.json("PUT", "/api/v1/enrolment-keys/bench", {"uses": 10000})
        key = json.loads(base64.urlsafe_b64decode(answer["key"][len("weft1."):] + "==="))
        guest = Line(Client(self.controller))
        start = time.monotonic()
        for name, identity in zip(self.names, self.identities):
            identity["name"] = name
            answer, _ = guest.json("POST", "/api/v1/enrol", {
                "key_id": key["i"], "secret": key["s"], "csr": identity.pop("csr"), "name": name,
                "public_key": identity["public_key"]})
            identity["certificate"] = answer["certificate"]
        return time.monotonic() - start

    def launch(self):
        """Starts the simulator; no agent connects yet."""
        path = os.path.join(self.controller.dir, "identities.json")
        with open(path, "w") as f:
            json.dump(self.identities, f)
        self.simulator = subprocess.Popen(
            [self.simulator_path, "run", "127.0.0.1", str(self.controller.hub_port),
             os.path.join(self.controller.state, "ca.crt"), path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        answer = json.loads(self.simulator.stdout.readline())
        assert answer["agents"] == len(self.names), answer

    def ask(self, command):
        self.simulator.stdin.write(command + "\n")
        self.simulator.stdin.flush()
        answer = json.loads(self.simulator.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def start_agents(self, count, spread_ms=0):
        """Lets the first `count` connect; figures of their welcomes."""
        since = time.monotonic_ns()
        self.ask(f"start {count} {spread_ms}")
        return self.ask(f"await welcome {since} {count} 300000")

    def commit(self, method, path, body):
        """Makes a change and waits for the last acknowledgement: figures, with the answer's own time."""
        since = time.monotonic_ns()
        answer, seconds = self.line.json(method, path, body)
        return since, answer, seconds

    def await_acks(self, revision, since_ns, count, timeout_s=60):
        return self.ask(f"await {revision} {since_ns} {count} {timeout_s * 1000}")
