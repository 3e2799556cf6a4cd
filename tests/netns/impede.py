"""A stretch of the Internet that delays packets or lets some overtake others, for kernels without netem.

    impede.py TUN DELAY-MS REORDER-PERCENT

What is routed to the TUN device comes out of it again DELAY-MS later; REORDER-PERCENT of the packets wait 25 ms more, so
that those behind them come first. Prints "ready" once the device is up, and ends when it is killed.
"""
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
LATER_S = 0.025


def main():
    name, delay, share = sys.argv[1], float(sys.argv[2]) / 1000, float(sys.argv[3]) / 100
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    subprocess.run(["sysctl", "-qw", f"net.ipv4.conf.{name}.rp_filter=0", "net.ipv4.conf.all.rp_filter=0"], check=True)
    subprocess.run(["ip", "link", "set", name, "up", "mtu", "9000"], check=True)
    print("ready", flush=True)
    chance, waiting, number = random.Random(1), [], 0
    while True:
        pause = None if not waiting else max(0, waiting[0][0] - time.monotonic())
        readable, _, _ = select.select([tun], [], [], pause)
        now = time.monotonic()
        while readable:
            try:
                packet = os.read(tun, 65536)
            except BlockingIOError:
                break
            number += 1
            heapq.heappush(waiting, (now + delay + (LATER_S if chance.random() < share else 0), number, packet))
        while waiting and waiting[0][0] <= now:
            try:
                os.write(tun, heapq.heappop(waiting)[2])
            except OSError:
                pass  # what cannot be sent is lost, as on the Internet


main()
