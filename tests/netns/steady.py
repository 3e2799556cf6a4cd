"""A steady stream of small UDP datagrams, and how long it was ever interrupted.

    steady.py listen PORT FILE            counts what comes; at SIGTERM writes a line to FILE: "GAP-MS LOST SENT MOST-LATE-MS"
    steady.py send ADDRESS PORT MS        sends one every MS milliseconds until it is killed

GAP is the longest time between two datagrams that came, as the receiver's clock has it, beside what the sender itself
paused (a busy machine's fault): the two clocks are the same machine's.
"""
import signal
import socket
import struct
import sys
import time


def listen(port, path):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", port))
    seen, state = set(), {"last": None, "sent": None, "gap": 0.0, "first": None, "high": 0, "late": 0.0}

    def end(*_):
        lost = state["high"] - state["first"] + 1 - len(seen) if seen else 0
        total = state["high"] - state["first"] + 1 if seen else 0
        with open(path, "w", encoding="ascii") as out:
            out.write(f"{state['gap'] * 1000:.0f} {lost} {total} {state['late'] * 1000:.0f}\n")
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    with open(path + ".ready", "w", encoding="ascii") as out:
        out.write("ready\n")
    while True:
        number, at, paused = struct.unpack("!Qdd", sock.recv(64))
        now = time.monotonic()
        if state["last"] is not None:
            state["gap"] = max(state["gap"], now - state["last"] - paused)
        state["late"] = max(state["late"], now - at)
        state["first"] = number if state["first"] is None else state["first"]
        state["high"] = max(state["high"], number)
        state["last"] = now
        seen.add(number)


def send(address, port, interval):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    number, due, before = 0, time.monotonic(), time.monotonic()
    while True:
        now = time.monotonic()
        try:
            # Paused: how much later than it should this one leaves behind the one before.
            sock.sendto(struct.pack("!Qdd", number, now, max(0.0, now - before - interval)), (address, port))
        except OSError:
            pass  # no route at this moment: that is lost like any other
        number, before, due = number + 1, now, due + interval
        time.sleep(max(0.0, due - time.monotonic()))


if sys.argv[1] == "listen":
    listen(int(sys.argv[2]), sys.argv[3])
else:
    send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]) / 1000)
