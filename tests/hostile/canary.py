"""One who goes on with honest work while others attack: how long it takes is the verdict."""

import http.client
import multiprocessing
import os
import socket
import statistics
import time

from agent import Agent
from controller import Client, expect

SOURCE = "127.0.0.77"  # an address that no attacker comes from
GRACE_S = 0.5  # what a loaded machine may add by itself
TIMES = 15     # so many times the quiet state an answer may take
WORST_S = 8.0  # and none may take longer


class Canary:
    """Requests on fresh connections, and changes that its agent takes and confirms."""

    def __init__(self, c, name="canary"):
        self.c = c
        self.name = name
        expect(c.admin.put(f"/api/v1/nodes/{name}", {"address": "192.0.2.77"}), 200, 201)
        expect(c.admin.put(f"/api/v1/networks/{name}-net", {"mesh": [name]}), 200, 201)
        token = expect(c.admin.put(f"/api/v1/tokens/{name}", {"role": "admin"}), 201).json["token"]
        self.client = Client(Elsewhere(c), token)
        self.agent = Agent(c, name)
        expect(self.agent.join(), 200)
        self.agent.hello()
        self.agent.follow(lambda desired: f"wireguard/{name}-net" in desired)
        self.step = 0
        self.seen = time.monotonic()
        self.quiet = self.work(6)

    def request(self):
        begin = time.monotonic()
        expect(self.client.get("/api/v1/session"), 200)
        return time.monotonic() - begin

    def ack(self):
        """From a change to the controller's word that the node has it."""
        begin = time.monotonic()
        self.step += 1
        expect(self.client.patch(f"/api/v1/networks/{self.name}-net", {"port": 20000 + self.step}), 200)
        revision = self.agent.await_type("desired", WORST_S)["revision"]
        assert f'"port":{20000 + self.step}' in self.agent.desired[f"wireguard/{self.name}-net"]
        self.agent.applied(revision)
        while True:
            node = [n for n in self.client.get("/api/v1/state").json["nodes"] if n["name"] == self.name][0]
            if node["applied"] >= revision:
                return time.monotonic() - begin
            assert time.monotonic() - begin < WORST_S, f"the canary's word was not heard: {node}"
            time.sleep(0.02)

    def come_back(self, seconds):
        """A new session, tried again as agents do."""
        deadline = time.monotonic() + seconds
        self.agent.patience_s = seconds  # others may stand in the kernel's queue before it
        self.agent.close()
        while True:
            try:
                self.agent.hello()
                break
            except OSError:
                self.agent.close()
                assert time.monotonic() < deadline, "the canary's node is not let in"
                time.sleep(0.5)
        self.seen = time.monotonic()

    def work(self, rounds, while_=None):
        """Figures of so many rounds, and of more as long as `while_` says so."""
        requests, acks = [], []
        if time.monotonic() - self.seen > 15:  # nobody answered the controller's pings meanwhile
            self.come_back(20)
        while len(requests) < rounds or (while_ and while_()):
            requests.append(self.request())
            acks.append(self.ack())
            self.seen = time.monotonic()
            time.sleep(0.05)
        return requests, acks

    def judge(self, what, figures, grace_s=GRACE_S):
        """Prints and bounds the figures of an attack against those of the quiet state."""
        for name, quiet, attacked in zip(("request", "change to ack"), self.quiet, figures):
            usual, typical, worst = statistics.median(quiet), statistics.median(attacked), max(attacked)
            print(f"      {what}: {name} {1000 * typical:.0f} ms (worst {1000 * worst:.0f}), "
                  f"quiet {1000 * usual:.0f} ms, {len(attacked)} times")
            assert typical <= TIMES * usual + grace_s, f"{name}: {typical:.2f} s instead of {usual:.2f} s"
            assert worst <= WORST_S, f"{name}: {worst:.2f} s once"

    def close(self):
        self.agent.close()


class Elsewhere:
    """The controller as met from one of the loopback's addresses."""

    def __init__(self, c, source=SOURCE):
        self.c = c
        self.source = source
        self.contract = c.contract  # every answer is held to api/openapi.yaml here too
        self.context = c.context()

    def connect(self, timeout=30):
        return http.client.HTTPSConnection("127.0.0.1", self.c.rest_port, timeout=timeout, context=self.context,
                                           source_address=(self.source, 0))


def repeat(one, number, is_over, results):
    """An attacker's process: what `one` gives back each time is counted."""
    os.nice(10)  # attackers have machines of their own, the canary's is the controller's here
    counts = {}
    while not is_over.is_set():
        try:
            outcome = one(number)
        except (OSError, http.client.HTTPException):
            outcome = "cut"
            time.sleep(0.01)
        counts[outcome] = counts.get(outcome, 0) + 1
    results.put(counts)


class Attack:
    """Runs `one(number)` again and again in several processes until it is left."""

    def __init__(self, processes, one):
        fork = multiprocessing.get_context("fork")
        self.is_over = fork.Event()
        self.results = fork.Queue()
        self.counts = {}
        self.processes = [fork.Process(target=repeat, args=(one, i, self.is_over, self.results), daemon=True)
                          for i in range(processes)]

    def __enter__(self):
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_):
        """Afterwards `counts` tells how often each outcome was had."""
        self.is_over.set()
        for _ in self.processes:
            for outcome, n in self.results.get(timeout=60).items():
                self.counts[outcome] = self.counts.get(outcome, 0) + n
        for process in self.processes:
            process.join(10)


def connect_from(source, port, timeout=10):
    """A plain connection from one of the loopback's addresses."""
    s = socket.socket()
    s.settimeout(timeout)
    s.bind((source, 0))
    s.connect(("127.0.0.1", port))
    return s
