"""A steady flow of numbered packets, and how long it was broken.

    flow.py send ADDRESS PORT EVERY-MS        until it is ended
    flow.py receive PORT FILE                 writes the time of each arrival (ms since 1970) to FILE, says "ready"
    flow.py gap FILE FROM-MS TO-MS            the longest time without an arrival that touches FROM..TO, ms; "-" when it lasts
"""
import bisect
import socket
import sys
import time


def send(address, port, every_ms):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    number, due = 0, time.monotonic()
    while True:
        try:
            udp.sendto(b"%d" % number, (address, int(port)))
        except OSError:
            pass  # no route for a moment: that packet is lost
        number += 1
        due = max(due + float(every_ms) / 1000, time.monotonic())
        time.sleep(max(0, due - time.monotonic()))


def receive(port, path):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("", int(port)))
    print("ready", flush=True)
    with open(path, "w", buffering=1) as log:
        while True:
            udp.recv(64)
            log.write("%.1f\n" % (time.time() * 1000))


def gap(path, start, end):
    with open(path) as log:
        arrivals = [float(line) for line in log if line.endswith("\n")]
    start, end = float(start), float(end)
    first = max(0, bisect.bisect_left(arrivals, start) - 1)
    near = arrivals[first:bisect.bisect_right(arrivals, end)]
    longest = max((b - a for a, b in zip(near, near[1:])), default=None)
    if longest is None or end - near[-1] > longest:
        print("-")
    else:
        print(round(longest))


{"send": send, "receive": receive, "gap": gap}[sys.argv[1]](*sys.argv[2:])
