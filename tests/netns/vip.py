#!/usr/bin/env python3
"""Watches who on a LAN answers for an address, and how long nobody does.

    vip.py INTERFACE IPV4 IPV6|- SECONDS-MAX     asks until SIGTERM or the time is over, then prints one JSON object

Every 10 ms it asks for both addresses by ARP and neighbour discovery and sends an echo to each, all as broadcasts of the
LAN, so that every host that thinks it has them answers every time. Whatever any host sends from the addresses counts, also
unasked."""

import json
import select
import signal
import socket
import struct
import sys
import time

STEP = 0.01
EVERYBODY = b"\xff" * 6


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Watch:
    def __init__(self, interface, ipv4, ipv6):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((interface, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.mac = self.socket.getsockname()[4]
        self.vip4 = socket.inet_aton(ipv4)
        self.vip6 = socket.inet_pton(socket.AF_INET6, ipv6) if ipv6 != "-" else None
        net = self.vip4[:3]
        self.own4 = net + b"\xfa"
        self.own6 = self.vip6[:15] + b"\xfa" if self.vip6 else None
        self.asked = {}      # sequence -> when
        self.answered = {}   # sequence -> when, of IPv4 echoes
        self.frames = []     # (when, what, MAC)
        self.by_request = {} # (what, sequence) -> MACs

    def send(self, kind, frame):
        self.socket.send(EVERYBODY + self.mac + struct.pack("!H", kind) + frame)

    def ask(self, number):
        self.asked[number] = time.monotonic()
        self.send(0x0806, struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + self.mac + self.own4 + b"\0" * 6 + self.vip4)
        echo = struct.pack("!BBHI", 8, 0, 0, number)
        echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(echo), number & 0xffff, 0, 64, 1, 0) + self.own4 + self.vip4
        self.send(0x0800, head[:10] + struct.pack("!H", checksum(head)) + head[12:] + echo)
        if self.vip6:
            self.send_icmp6(struct.pack("!BBHI", 135, 0, 0, 0) + self.vip6 + b"\1\1" + self.mac)
            self.send_icmp6(struct.pack("!BBHI", 128, 0, 0, number))

    def send_icmp6(self, body):
        pseudo = self.own6 + self.vip6 + struct.pack("!II", len(body), 58)
        body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
        self.send(0x86dd, struct.pack("!IHBB", 0x60000000, len(body), 58, 255) + self.own6 + self.vip6 + body)

    def answer_for_self(self, frame):
        """Whoever answers an echo has to find this host first."""
        kind, = struct.unpack("!H", frame[12:14])
        if kind == 0x0806 and frame[20:22] == b"\0\1" and frame[38:42] == self.own4:
            self.socket.send(frame[6:12] + self.mac + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) +
                             self.mac + self.own4 + frame[22:28] + frame[28:32])
        elif kind == 0x86dd and self.own6 and len(frame) >= 78 and frame[20] == 58 and frame[54] == 135 and frame[62:78] == self.own6:
            body = struct.pack("!BBHI", 136, 0, 0, 0x60000000) + self.own6 + b"\2\1" + self.mac
            pseudo = self.own6 + frame[22:38] + struct.pack("!II", len(body), 58)
            body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
            self.socket.send(frame[6:12] + self.mac + b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, len(body), 58, 255) +
                             self.own6 + frame[22:38] + body)

    def note(self, when, what, frame, number=None):
        mac = frame[6:12].hex(":")
        self.frames.append((when, what, mac))
        if number is not None:
            self.by_request.setdefault((what, number), set()).add(mac)
            if what == "echo4":
                self.answered.setdefault(number, when)

    def take(self, frame, when):
        kind, = struct.unpack("!H", frame[12:14])
        self.answer_for_self(frame)
        if kind == 0x0806 and frame[28:32] == self.vip4:
            self.note(when, "arp", frame)
        elif kind == 0x0800 and frame[26:30] == self.vip4:
            is_echo = frame[23] == 1 and frame[34] == 0
            self.note(when, "echo4" if is_echo else "ip4", frame, struct.unpack("!I", frame[38:42])[0] if is_echo else None)
        elif kind == 0x86dd and self.vip6 and frame[22:38] == self.vip6:
            is_echo = frame[20] == 58 and frame[54] == 129
            self.note(when, "echo6" if is_echo else "nd", frame, struct.unpack("!I", frame[58:62])[0] if is_echo else None)

    def run(self, seconds):
        end = time.monotonic() + seconds
        number, due = 1, time.monotonic()
        while not stopped and due < end:
            now = time.monotonic()
            if now >= due:
                self.ask(number)
                number, due = number + 1, due + STEP
                if due < now - 0.5: # this machine stood still: that is no gap of theirs
                    due = now
            ready, _, _ = select.select([self.socket], [], [], max(0, due - time.monotonic()))
            if ready:
                frame, address = self.socket.recvfrom(2048)
                if address[2] != socket.PACKET_OUTGOING:
                    self.take(frame, time.monotonic())

    def result(self):
        turns = []
        for when, what, mac in self.frames:
            if not turns or turns[-1]["mac"] != mac:
                turns.append({"mac": mac, "from": when, "frames": 0})
            turns[-1]["to"] = when
            turns[-1]["frames"] += 1
        times = [self.asked[n] for n in sorted(self.answered) if n in self.asked]
        gaps = [b - a for a, b in zip(times, times[1:])]
        return {
            "asked": len(self.asked), "answered": len(self.answered), "frames": len(self.frames),
            "kinds": sorted({what for _, what, _ in self.frames}),
            "gap_ms": round(1000 * max(gaps), 0) if gaps else None,
            "two_at_once": sum(len(macs) > 1 for macs in self.by_request.values()),
            "turns": [{**t, "from": round(t["from"] - turns[0]["from"], 3), "to": round(t["to"] - turns[0]["from"], 3)} for t in turns],
        }


stopped = False


def stop(*_):
    global stopped
    stopped = True


signal.signal(signal.SIGTERM, stop)
watch = Watch(sys.argv[1], sys.argv[2], sys.argv[3])
print("ready", file=sys.stderr, flush=True)
watch.run(float(sys.argv[4]))
print(json.dumps(watch.result()))
