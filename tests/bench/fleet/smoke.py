"""What must hold for a fleet of any size, tried with a small one: everybody converges, nobody is told in vain.

    smoke.py BINARIES ROOT [COUNT]

One line a case, then "N passed, N failed". No time is held against a limit but that of giving up.
"""

import sys
import time
import traceback

from fleet import NETWORK, Fleet, Line, raise_file_limit, sparse

PATIENCE_S = 60


def link_change(fleet, a, b, is_disabled):
    return "PUT", f"/api/v1/links/{NETWORK}.{a}.{b}", {
        "network": f"network/{NETWORK}", "ends": [f"node/{a}", f"node/{b}"], "disabled": is_disabled}


def port_change(fleet, port):
    return "PUT", f"/api/v1/networks/{NETWORK}", dict(sparse(fleet.names)["networks"][NETWORK], port=port)


def told(fleet, change, acks):
    """Commits a change, waits for that many acknowledgements; what came from the hub meanwhile."""
    before = fleet.ask("totals")
    since, answer, _ = fleet.commit(*change)
    figure = fleet.await_acks(answer["revision"], since, acks, PATIENCE_S)
    assert figure["reached"] and figure["count"] == acks, figure
    assert fleet.settle(PATIENCE_S) == [], "the controller still waits for someone"
    after = fleet.ask("totals")
    return {name: after[name] - before[name] for name in before}


def all_converge(fleet):
    """every agent connects, gets its entries and says so"""
    figure = fleet.start_agents(len(fleet.names))
    assert figure["reached"], figure
    assert fleet.settle(PATIENCE_S) == [], fleet.unsettled()
    totals = fleet.ask("totals")
    assert totals["failures"] == 0 and totals["disconnects"] == 0, totals
    assert totals["held"] >= 4 * len(fleet.names), totals


ENTRIES_OF_A_LINK = 3  # at each end: the peer, its probe, and the probe's key


def one_link_tells_two(fleet):
    """a change of one link is one message to each of its two nodes, without a comparison of hashes"""
    a, b = fleet.names[:2]
    for is_disabled in (True, False):
        came = told(fleet, link_change(fleet, a, b, is_disabled), 2)
        assert came["messages"] == 2 and came["entries"] == 2 * ENTRIES_OF_A_LINK and came["resyncs"] == 0, came


def every_node_is_told_once(fleet):
    """a change of every node is one message to each, without a comparison of hashes"""
    for port in (40001, 40002, 40003):
        came = told(fleet, port_change(fleet, port), len(fleet.names))
        assert came["messages"] == len(fleet.names) and came["resyncs"] == 0, came


def many_changes_lose_no_ack(fleet):
    """of many changes in a row, faster than they are acknowledged, the last arrives everywhere"""
    since = time.monotonic_ns()
    for i in range(20):
        _, answer, _ = fleet.commit(*port_change(fleet, 40100 + i))
    figure = fleet.await_acks(answer["revision"], since, len(fleet.names), PATIENCE_S)
    assert figure["reached"], figure
    assert fleet.settle(PATIENCE_S) == [], fleet.unsettled()


def all_come_back(fleet):
    """a killed controller that starts again gets everybody back, and sends nobody what he has"""
    before = fleet.ask("totals")
    since = time.monotonic_ns()
    fleet.controller.process.kill()
    fleet.controller.process.wait()
    fleet.controller.start()
    fleet.line = Line(fleet.controller.admin)
    figure = fleet.ask(f"await welcome {since} {len(fleet.names)} {PATIENCE_S * 1000}")
    assert figure["reached"], figure
    assert fleet.settle(PATIENCE_S) == [], fleet.unsettled()
    after = fleet.ask("totals")
    assert after["entries"] == before["entries"] and after["resyncs"] == before["resyncs"], (before, after)


CASES = [all_converge, one_link_tells_two, every_node_is_told_once, many_changes_lose_no_ack, all_come_back]


def main():
    binaries, root = sys.argv[1:3]
    names = [f"n{i:05d}" for i in range(int(sys.argv[3]) if len(sys.argv) > 3 else 50)]
    passed = failed = 0
    raise_file_limit()
    with Fleet(binaries, root, names) as fleet:
        fleet.apply(sparse(names))
        fleet.enrol()
        fleet.launch()
        for case in CASES:
            try:
                case(fleet)
                print(f"ok   fleet: {case.__doc__}", flush=True)
                passed += 1
            except Exception:
                print(f"FAIL fleet: {case.__doc__}", flush=True)
                traceback.print_exc(file=sys.stdout)
                failed += 1
        if failed:
            print(fleet.controller.log_tail())
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


main()
