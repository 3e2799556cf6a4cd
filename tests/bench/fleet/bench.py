"""What a controller does with a large fleet: simulated agents over real TLS, in figures.

    bench.py BINARIES ROOT SHAPE COUNT [ROUNDS]

SHAPE is sparse (four links a node), mesh (linked when all are connected) or hub (one hub, its spokes with a LAN each). One line a figure; nothing is
held against a limit, but what goes wrong (an agent that does not come to its state) ends the program with status 1.
"""

import multiprocessing
import statistics
import sys
import time

from fleet import NETWORK, SHAPES, Fleet, Line, Process, raise_file_limit

PATIENCE_S = 300


def show(name, text):
    print(f"{name:<44} {text}", flush=True)


def spread(values, unit="ms"):
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    return (f"min {ordered[0]:.1f}  median {statistics.median(ordered):.1f}  p99 {p99:.1f}  max {ordered[-1]:.1f} "
            f"{unit}  (n={len(ordered)})")


def check(names, when):
    if names:
        raise AssertionError(f"{when}: {len(names)} nodes are not what they should be: {', '.join(names[:5])} ...")


def connect(fleet, process):
    before_kb, before_s = process.resident_kb(), process.cpu_s()
    count = len(fleet.names)
    figure = fleet.start_agents(count)
    assert figure["reached"], figure
    show("all connect at once", f"{figure['last_ms'] / 1000:.2f} s, {count * 1000 / figure['last_ms']:.0f}/s, "
                                f"p50 {figure['p50_ms'] / 1000:.2f} s")
    check(fleet.settle(PATIENCE_S), "after connecting")
    time.sleep(1)
    check(fleet.settle(PATIENCE_S), "after connecting")
    show("  controller CPU until all is told", f"{(process.cpu_s() - before_s) * 1000 / count:.2f} ms/agent")
    show("  controller resident", f"{process.resident_kb() / 1024:.1f} MB, "
                                  f"{(process.resident_kb() - before_kb) / count:.1f} kB/agent connected")
    show("  entries held by the agents", str(fleet.ask("totals")["held"]))


def change_one_link(fleet, rounds):
    a, b = fleet.names[0], fleet.names[1]
    total, rest = [], []
    for i in range(rounds):
        since, answer, seconds = fleet.commit("PUT", f"/api/v1/links/{NETWORK}.{a}.{b}", {
            "network": f"network/{NETWORK}", "ends": [f"node/{a}", f"node/{b}"], "disabled": i % 2 == 0})
        figure = fleet.await_acks(answer["revision"], since, 2)
        assert figure["reached"], figure
        total.append(figure["last_ms"])
        rest.append(seconds * 1000)
    show("one link changes: request to last ack", spread(total))
    show("  the answer itself", spread(rest))


def network_spec(resources, port):
    return dict(resources["networks"][NETWORK], port=port)


def change_every_node(fleet, resources, rounds, process):
    count, last, middle, p99, rest, cpu = len(fleet.names), [], [], [], [], []
    for i in range(rounds):
        before = process.cpu_s()
        since, answer, seconds = fleet.commit("PUT", f"/api/v1/networks/{NETWORK}", network_spec(resources, 40001 + i % 2))
        figure = fleet.await_acks(answer["revision"], since, count, PATIENCE_S)
        assert figure["reached"], figure
        check(fleet.settle(PATIENCE_S), "after a change of every node")
        last.append(figure["last_ms"])
        p99.append(figure["p99_ms"])
        middle.append(figure["p50_ms"])
        rest.append(seconds * 1000)
        cpu.append((process.cpu_s() - before) * 1000)
    show("every node changes: request to last ack", spread(last))
    show("  to the ack of 99 of 100", spread(p99))
    show("  to the ack of half of them", spread(middle))
    show("  the answer itself", spread(rest))
    show("  controller CPU", spread(cpu))


class Prober:
    """Asks for something cheap again and again; how long the answers took while the controller was there.

    In a process of its own: what the bench does meanwhile is not to be measured.
    """

    def __init__(self, fleet, path="/api/v1/networks?limit=1", pause_s=0.05):
        self.line = Line(fleet.controller.admin)
        self.path, self.pause_s = path, pause_s
        self.taken = []
        self.is_over = multiprocessing.Event()
        self.answers = multiprocessing.SimpleQueue()
        self.process = multiprocessing.Process(target=self.run)

    def run(self):
        taken = []
        while not self.is_over.is_set():
            try:
                taken.append(self.line.call("GET", self.path, timeout=60)[2] * 1000)
            except OSError:
                pass
            time.sleep(self.pause_s)
        self.answers.put(taken)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.taken = self.answers.get()
        self.process.join()


def link_all(fleet, resources, process):
    """Nodes that are there and connected get their network: nothing else may have to wait for that."""
    count, before = len(fleet.names), process.cpu_s()
    with Prober(fleet, "/healthz", 0.005) as prober:
        since, answer, seconds = fleet.commit("PUT", f"/api/v1/networks/{NETWORK}", resources["networks"][NETWORK])
        figure = fleet.await_acks(answer["revision"], since, count, PATIENCE_S)
        assert figure["reached"], figure
        check(fleet.settle(PATIENCE_S), "after being linked")
    totals = fleet.ask("totals")
    show("all linked: request to last ack", f"{figure['last_ms'] / 1000:.2f} s, half {figure['p50_ms'] / 1000:.2f} s")
    show("  the answer itself", f"{seconds:.2f} s")
    show("  entries held by the agents", str(totals["held"]))
    show("  controller CPU", f"{process.cpu_s() - before:.2f} s")
    show("  controller resident", f"{process.resident_kb() / 1024:.1f} MB")
    show("  /healthz meanwhile", spread(prober.taken))


def restart(fleet):
    """kill -9 and a new start: when is everybody back?"""
    count = len(fleet.names)
    before = fleet.ask("totals")
    since = time.monotonic_ns()
    fleet.controller.process.kill()
    fleet.controller.process.wait()
    fleet.controller.start()
    started = (time.monotonic_ns() - since) / 1e9
    process = Process(fleet.controller.process.pid)
    fleet.line = Line(fleet.controller.admin)
    with Prober(fleet) as prober:
        figure = fleet.ask(f"await welcome {since} {count} {PATIENCE_S * 1000}")
    assert figure["reached"], figure
    check(fleet.settle(PATIENCE_S), "after a restart")
    after = fleet.ask("totals")
    show("controller killed and started again", f"answers after {started:.2f} s")
    show("  half, 99 of 100, all agents are back", f"{figure['p50_ms'] / 1000:.2f}, {figure['p99_ms'] / 1000:.2f}, "
                                                   f"{figure['last_ms'] / 1000:.2f} s")
    show("  failed attempts, comparisons of hashes", f"{after['failures'] - before['failures']}, "
                                                     f"{after['resyncs'] - before['resyncs']}")
    show("  REST meanwhile", spread(prober.taken))
    show("  controller CPU", f"{process.cpu_s():.2f} s")
    show("  controller resident", f"{process.resident_kb() / 1024:.1f} MB, "
                                  f"{process.resident_kb() / count:.1f} kB/agent with all it has")


def idle(fleet, seconds):
    process = Process(fleet.controller.process.pid)
    before = process.cpu_s()
    time.sleep(seconds)
    show("controller CPU with all connected and idle", f"{(process.cpu_s() - before) * 100 / seconds:.1f} % of a core")


def read(fleet):
    """What people and monitors ask for."""
    for path in ("/api/v1/state", "/api/v1/topology", "/api/v1/nodes?limit=1000",
                 f"/api/v1/nodes/{fleet.names[0]}/observed", "/metrics"):
        taken, size = [], 0
        for _ in range(5):
            status, text, seconds = fleet.line.call("GET", path)
            assert status == 200, (path, status, text[:300])
            taken.append(seconds * 1000)
            size = len(text)
        show(f"GET {path}", f"{size / 1024:.0f} kB, {spread(taken)}")


def plan(fleet, resources):
    """What a dry run costs of a change of every node."""
    changed = {"networks": {NETWORK: network_spec(resources, 40000)}}
    _, seconds, size = fleet.apply(changed, dry_run=True)
    show("plan a change of every node", f"{seconds * 1000:.0f} ms, answer {size / 1024:.0f} kB")


def main():
    binaries, root, shape, count = sys.argv[1:5]
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 10
    names = [f"n{i:05d}" for i in range(int(count))]
    resources = SHAPES[shape](names)
    raise_file_limit()
    with Fleet(binaries, root, names) as fleet:
        process = Process(fleet.controller.process.pid)
        is_late = shape == "mesh"
        _, seconds, size = fleet.apply(dict(resources, networks={}) if is_late else resources)
        show(f"{shape} of {count}: apply", f"{seconds:.2f} s, answer {size / 1024:.0f} kB")
        seconds = fleet.enrol()
        show("enrolment, one after another", f"{seconds:.1f} s, {len(names) / seconds:.0f}/s")
        show("controller resident before any agent", f"{process.resident_kb() / 1024:.1f} MB")
        fleet.launch()
        connect(fleet, process)
        if is_late:
            link_all(fleet, resources, process)
        change_one_link(fleet, rounds * 3)
        change_every_node(fleet, resources, rounds, process)
        plan(fleet, resources)
        read(fleet)
        idle(fleet, 10)
        restart(fleet)


main()
