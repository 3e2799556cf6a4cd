"""What the tests of learned addresses do by hand.

    learning.py serve ADDRESS TAG         a resolver whose answers have TAG in them: `n5.anything` is 10.TAG.0.5 and
                                          fd57:TAG::5, `shared.anything` 10.TAG.255.1, what begins with `brief` lives 1 s,
                                          with `quick` none; HTTPS records with hints and an encrypted hello
    learning.py ask ADDRESS NAME [TYPE]   one question: prints rcode, milliseconds, and what the answer has
    learning.py has SET ADDRESS           is the address in that set of weft_policy? its time left in s, or exit status 1
    learning.py fresh ADDRESS SET COUNT RATE [FIRST]
                                          asks for COUNT names that nobody asked for, RATE a second; when an answer is here,
                                          is its address in SET (`-`: not looked at)? prints answers, how many were not, lost ones, seconds
    learning.py control NUMBER SOCKET JSON
                                          asks weft-dns's control socket as the user and group of that number
"""
import ipaddress
import os
import random
import re
import select
import socket
import struct
import sys
import time

A, AAAA, HTTPS = 1, 28, 65
TYPES = {"A": A, "AAAA": AAAA, "HTTPS": HTTPS}
FROM = os.environ.get("FROM")  # the client's address
PORT = int(os.environ.get("DNS_PORT", "53"))


# ---- messages ----

def wire_name(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".") if x) + b"\0"


def question(name, kind, number):
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + wire_name(name) + struct.pack(">2H", kind, 1)


def read_name(data, at):
    labels = []
    while data[at]:
        if data[at] >= 0xc0:
            labels.append(read_name(data, (data[at] & 63) << 8 | data[at + 1])[0])
            return ".".join(labels), at + 2
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(labels), at + 1


def records(data):
    """Type, TTL and data of the answer's records."""
    _, at = read_name(data, 12)
    at += 4
    for _ in range(struct.unpack(">H", data[6:8])[0]):
        _, at = read_name(data, at)
        kind, _, ttl, size = struct.unpack(">2HIH", data[at:at + 10])
        yield kind, ttl, data[at + 10:at + 10 + size]
        at += 10 + size


def sockaddr(address, port):
    return (socket.AF_INET6 if ":" in address else socket.AF_INET), (address, port)


# ---- a resolver ----

def data_of(name, kind, tag):
    number = re.match(r"[a-z]*(\d+)", name.lower())
    n = int(number[1]) if number else 0
    if name.lower().startswith("shared"):
        n = 0xff01
    four = bytes([10, tag, n >> 8 & 255, n & 255])
    six = ipaddress.ip_address(f"fd57:{tag}::").packed[:12] + struct.pack(">I", n)
    if kind == A:
        return four
    if kind == AAAA:
        return six
    return b"\0\1\0" + b"".join(struct.pack(">2H", k, len(v)) + v for k, v in (
        (1, b"\2h2"), (4, four), (5, b"encrypted"), (6, six)))


def reply(data, tag):
    name, at = read_name(data, 12)
    kind = struct.unpack(">H", data[at:at + 2])[0]
    ttl = 1 if name.lower().startswith("brief") else 0 if name.lower().startswith("quick") else 300
    head = data[:2] + b"\x81\x80\0\1"
    if kind not in (A, AAAA, HTTPS):
        return head + b"\0\0\0\0\0\0" + data[12:at + 4]
    rdata = data_of(name, kind, tag)
    return head + b"\0\1\0\0\0\0" + data[12:at + 4] + b"\xc0\x0c" + struct.pack(">2HIH", kind, 1, ttl, len(rdata)) + rdata


def serve(address, tag):
    family, to = sockaddr(address, PORT)
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind(to)
    while True:
        data, peer = s.recvfrom(4096)
        s.sendto(reply(data, int(tag)), peer)


# ---- one question ----

def text_of(kind, data):
    if kind in (A, AAAA):
        return str(ipaddress.ip_address(data))
    return "ech" if b"encrypted" in data else "no-ech"


def ask(address, name, kind="A"):
    family, to = sockaddr(address, PORT)
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(6)
        if FROM:
            s.bind((FROM, 0))
        s.connect(to)
        began = time.monotonic()
        s.send(question(name, TYPES[kind], random.randrange(65536)))
        try:
            data = s.recv(65536)
        except OSError:
            print("silence")
            return
    took = int((time.monotonic() - began) * 1000)
    print(data[3] & 15, took, *[text_of(k, d) for k, _, d in records(data) if k == TYPES[kind]])


# ---- the kernel's sets ----

def attr(kind, data):
    return struct.pack("=2H", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


class Sets:
    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.socket.bind((0, 0))

    def has(self, name, address):
        """Whether the set has the address."""
        key = attr(0x8001, attr(0x8001, attr(1, ipaddress.ip_address(address).packed)))
        body = struct.pack("=2BH", 1, 0, 0) + attr(1, b"weft_policy\0") + attr(2, name.encode() + b"\0") + \
            attr(0x8003, key)
        self.socket.send(struct.pack("=I2H2I", 16 + len(body), 0x0a0d, 1, 1, 0) + body)
        return struct.unpack("=H", self.socket.recv(65536)[4:6])[0] == 0x0a0c


def has(name, address):
    sys.exit(0 if Sets().has(name, address) else 1)


def fresh(address, name, count, rate, first="1"):
    count, rate, first, sets = int(count), float(rate), int(first), Sets()
    family, to = sockaddr(address, PORT)
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    if FROM:
        s.bind((FROM, 0))
    s.connect(to)
    began, sent, seen, wrong, failed, last = time.monotonic(), 0, 0, 0, 0, time.monotonic()
    while seen < count and time.monotonic() - last < 5:
        while sent < count and sent <= (time.monotonic() - began) * rate:
            s.send(question(f"n{first + sent}.listed", A, sent & 0xffff))
            sent += 1
        wait = max(0, began + sent / rate - time.monotonic()) if sent < count else 0.2
        if not select.select([s], [], [], min(wait, 0.2))[0]:
            continue
        data = s.recv(4096)
        seen, last = seen + 1, time.monotonic()
        answers = [text_of(k, d) for k, _, d in records(data)]
        failed += not answers
        wrong += name != "-" and any(not sets.has(name, x) for x in answers)
    print(seen - failed, wrong, count - seen + failed, round(time.monotonic() - began, 2))


def control(number, path, request):
    os.setgroups([])
    os.setresgid(*[int(number)] * 3)
    os.setresuid(*[int(number)] * 3)
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(request.encode() + b"\n")
        print(b"".join(iter(lambda: s.recv(65536), b"")).decode())


if __name__ == "__main__":
    {"control": control, "serve": serve, "ask": ask, "has": has, "fresh": fresh}[sys.argv[1]](*sys.argv[2:])
