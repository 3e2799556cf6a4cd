"""What pings that went on all the time missed, and whether the event log knows why.

    outages.py LONGER-MS EVENTS.json PING-OUTPUT...    pings made with -D -i 0.1; EVENTS.json as `weft events -o json`

Prints one JSON object: sent and lost of each file, each outage longer than that, and the events near it. Exits 1 when an
outage has none."""

import datetime
import json
import os
import re
import sys

EVERY = 0.1
BEFORE, AFTER = 2.0, 3.0  # of an outage: its event may come so much earlier or later
KINDS = ("link_", "path_", "node_", "ha_", "tree_", "segment_", "drift_")


def replies(path):
    """(when, number) of each reply, and how many were sent."""
    seen, sent = {}, 0
    with open(path) as output:
        for line in output:
            found = re.match(r"\[([\d.]+)\] \d+ bytes .*icmp_seq=(\d+)", line)
            if found:
                seen.setdefault(int(found[2]), float(found[1]))
            total = re.match(r"(\d+) packets transmitted", line)
            sent = int(total[1]) if total else sent
    return seen, sent


def outages(seen, longer):
    """(from, to) of each stretch without a reply."""
    times = sorted(seen.values())
    return [(a, b) for a, b in zip(times, times[1:]) if b - a - EVERY > longer]


def moment(event):
    return datetime.datetime.fromisoformat(event["at"].replace("Z", "+00:00")).timestamp()


def explained(start, end, events):
    return [f"{e['node']}: {e['text']}" for e in events
            if e["kind"].startswith(KINDS) and start - BEFORE <= moment(e) <= end + AFTER]


def main():
    longer, events = float(sys.argv[1]) / 1000, json.load(open(sys.argv[2]))
    pairs, told, unexplained = {}, [], 0
    for path in sys.argv[3:]:
        name = os.path.basename(path)
        seen, sent = replies(path)
        pairs[name] = {"sent": sent, "lost": max(0, sent - len(seen))}
        for start, end in outages(seen, longer):
            why = explained(start, end, events)
            unexplained += not why
            told.append({"pair": name, "at": round(start, 1), "ms": round((end - start) * 1000), "why": why[:2]})
    print(json.dumps({"pairs": pairs, "outages": told, "unexplained": unexplained}))
    sys.exit(1 if unexplained else 0)


main()
