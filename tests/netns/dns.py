"""What the DNS tests do by hand.

    dns.py control SOCKET JSON          asks weft-dns's control socket, prints what it says
    dns.py pipelined ADDRESS NAME...    sends all questions in one piece on one connection, prints how many were answered
    dns.py steady ADDRESS NAME FILE     asks every 5 ms until FILE is gone; prints the longest time without an answer (ms)
                                        and how many came
    dns.py flood ADDRESS COUNT          sends COUNT broken messages
    dns.py rate ADDRESS NAME ZONE FILE  asks 1,000 times a second, NAME and new names below ZONE by turns, until FILE is gone; prints
                                        how many were asked, how many of them were not answered, and the longest wait (ms)
    dns.py many ADDRESS NAME COUNT      asks COUNT times as fast as it can, prints how many were answered
    dns.py resolver ADDRESS PORT IP     a resolver that says IP of every name, and of the root that it has name servers
"""
import json
import os
import pathlib
import random
import socket
import struct
import sys
import time


def question(name, number=1):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


def datagrams(address):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((address, 53))
    return s


def control(path, request):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        s.sendall(request.encode() + b"\n")
        said = b"".join(iter(lambda: s.recv(65536), b""))
    print(json.dumps(json.loads(said)))


def pipelined(address, *names):
    frames = b"".join(struct.pack(">H", len(q)) + q for q in (question(n, i) for i, n in enumerate(names)))
    seen, have = set(), b""
    with socket.create_connection((address, 53), 10) as s:
        s.settimeout(10)
        # Byte by byte at first: no border of a segment is one of a question.
        for i in range(5):
            s.sendall(frames[i:i + 1])
        s.sendall(frames[5:])
        while len(seen) < len(names):
            got = s.recv(65536)
            if not got:
                break
            have += got
            while len(have) >= 2 and len(have) >= 2 + struct.unpack(">H", have[:2])[0]:
                size = struct.unpack(">H", have[:2])[0]
                seen.add(struct.unpack(">H", have[2:4])[0])
                have = have[2 + size:]
    print(len(seen))


def steady(address, name, path):
    s, longest, count, number = datagrams(address), 0.0, 0, 0
    s.settimeout(0.02)
    last = time.monotonic()
    while pathlib.Path(path).exists():
        number = (number + 1) % 65536
        s.send(question(name, number))
        try:
            while s.recv(4096)[:2] != struct.pack(">H", number):
                pass
            now = time.monotonic()
            longest, last, count = max(longest, now - last), now, count + 1
        except OSError:
            pass
        time.sleep(0.005)
    longest = max(longest, time.monotonic() - last)
    print(int(longest * 1000), count)


def rate(address, name, zone, path):
    s, asked, longest, number, done = datagrams(address), {}, 0.0, 0, 0
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    begin = time.monotonic()
    end = None
    while end is None or (asked and time.monotonic() < end):
        now = time.monotonic()
        if end is None and number <= (now - begin) * 1000 and (number & 0xffff) not in asked:
            s.send(question(name if number % 2 else f"new{number}.{zone}", number & 0xffff))
            asked[number & 0xffff] = now
            number += 1
            if number % 100 == 0 and not pathlib.Path(path).exists():
                end = now + 8
        s.settimeout(0.0005)
        try:
            since = asked.pop(struct.unpack(">H", s.recv(4096)[:2])[0], None)
            longest, done = max(longest, time.monotonic() - (since or now)), done + 1
        except OSError:
            pass
    print(number, len(asked), int(longest * 1000))


def flood(address, count):
    s, whole = datagrams(address), question("a.who")
    for i in range(int(count)):
        bad = bytearray(whole + os.urandom(random.randrange(60)))
        for _ in range(3):
            bad[random.randrange(2, len(bad))] = random.randrange(256)
        try:
            s.send(bad[:random.randrange(len(bad))] if i % 2 else bad)
        except OSError:
            pass


def many(address, name, count):
    s, got = datagrams(address), 0
    s.settimeout(2)
    for i in range(int(count)):
        s.send(question(name, i))
    try:
        while s.recv(4096):
            got += 1
    except OSError:
        pass
    print(got)


def resolver(address, port, ip):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, int(port)))
    while True:
        asked, client = s.recvfrom(4096)
        end = asked.index(b"\0", 12) + 5
        kind = struct.unpack(">H", asked[end - 4:end - 2])[0]
        data = {1: socket.inet_aton(ip), 2: b"\1a\4root\0"}.get(kind)
        record = b"\xc0\x0c" + struct.pack(">2HIH", kind, 1, 60, len(data)) + data if data else b""
        s.sendto(asked[:2] + struct.pack(">5H", 0x8180, 1, bool(data), 0, 0) + asked[12:end] + record, client)


globals()[sys.argv[1]](*sys.argv[2:])
