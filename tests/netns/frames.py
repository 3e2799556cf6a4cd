"""Frames and packets that no ordinary program sends, for the namespace tests.

    frames.py burst DEVICE COUNT             broadcast ARP requests for an address nobody has
    frames.py flood DEVICE MAC COUNT         as fast as they go, to a host that may not be there
    frames.py vxlan ADDRESS VNI SOURCE DESTINATION [SENDER]  an echo request inside VXLAN, to ADDRESS
    frames.py say ADDRESS SENDER TEXT        the text to UDP port 9 of ADDRESS; SENDER may be an address of others
"""
import socket
import struct
import sys
import time


def burst(device, count):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((device, 0))
    mac = raw.getsockname()[4]
    arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, mac, bytes(4), bytes(6), socket.inet_aton("192.0.2.99"))
    frame = b"\xff" * 6 + mac + b"\x08\x06" + arp + bytes(18)
    for _ in range(int(count)):
        raw.send(frame)
        time.sleep(0.002)


def flood(device, mac, count):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((device, 0))
    frame = bytes.fromhex(mac.replace(":", "")) + raw.getsockname()[4] + b"\x88\xb5" + bytes(46)
    for _ in range(int(count)):
        raw.send(frame)


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


IPV6_TRANSPARENT = 75


def socket_of(address, sender):
    """A UDP socket for `address` that sends from `sender`, though that may be somebody else's."""
    is_v6 = ":" in address
    udp = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6 if is_v6 else socket.SOL_IP, IPV6_TRANSPARENT if is_v6 else socket.IP_TRANSPARENT, 1)
    udp.bind((sender, 0))
    return udp


def say(address, sender, text):
    udp = socket_of(address, sender)
    for _ in range(5):
        udp.sendto(text.encode(), (address, 9))


def vxlan(address, vni, source, destination, sender=""):
    echo = struct.pack("!BBHHH", 8, 0, 0, 1, 1)
    echo = struct.pack("!BBHHH", 8, 0, checksum(echo), 1, 1)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(echo), 0, 0, 64, 1, 0,
                     socket.inet_aton(source), socket.inet_aton(destination))
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    frame = b"\xff" * 6 + b"\x02\x00\x00\x00\x00\x01" + b"\x08\x00" + ip + echo
    header = struct.pack("!BBHI", 8, 0, 0, int(vni) << 8)
    udp = socket_of(address, sender)
    for _ in range(5):
        udp.sendto(header + frame, (address, 4789))


{"burst": burst, "flood": flood, "say": say, "vxlan": vxlan}[sys.argv[1]](*sys.argv[2:])
