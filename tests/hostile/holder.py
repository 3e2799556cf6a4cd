"""Opens many connections and holds them, half of them with a first byte: those that are closed are opened again, until
standard input ends.

    holder.py COUNT PORT[,PORT] FIRST LAST    from the addresses 127.1.0.FIRST to 127.1.0.LAST

Prints the number of connections that stand, once a second."""

import resource
import select
import socket
import sys
import time


def main():
    count, ports = int(sys.argv[1]), [int(p) for p in sys.argv[2].split(",")]
    sources = [f"127.1.0.{n}" for n in range(int(sys.argv[3]), int(sys.argv[4]) + 1)]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    poll = select.epoll()
    poll.register(0, select.EPOLLIN)
    held, opened, told = {}, 0, 0
    while True:
        for _ in range(min(200, count - len(held))):
            s = socket.socket()
            s.setblocking(False)
            try:
                s.bind((sources[opened % len(sources)], 0))
                s.connect_ex(("127.0.0.1", ports[opened % len(ports)]))
            except OSError:
                s.close()
                break
            opened += 1
            held[s.fileno()] = s
            poll.register(s.fileno(), select.EPOLLOUT | select.EPOLLRDHUP if len(held) % 2 else select.EPOLLIN)
        for fd, event in poll.poll(0.2, 1000):
            if fd == 0:
                return
            if event == select.EPOLLOUT:  # connected: the first byte of a handshake, and no more
                try:
                    held[fd].send(b"\x16")
                except OSError:
                    pass
                poll.modify(fd, select.EPOLLIN | select.EPOLLRDHUP)
                continue
            poll.unregister(fd)
            held.pop(fd).close()
        if time.monotonic() - told >= 1:
            told = time.monotonic()
            print(len(held), opened, flush=True)


main()
