"""A TLS client that says hello in its own way, for the tests of the splitter; prints the body of what it is answered.

    hello.py ADDRESS [--sni NAME] [--bytes N] [--size N] [--port N]

--sni: whom it is for, in this very case; nobody if not given. --bytes: the hello goes in segments of N bytes.
--size: it is made at least so large.
"""
import argparse
import re
import socket
import ssl
import sys
import time


def hello_of(client, outgoing):
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise SystemExit("the handshake ended before it began")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--sni")
    parser.add_argument("--bytes", type=int, default=0)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--port", type=int, default=443)
    args = parser.parse_args()

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    protocols = ["http/1.1"] + [f"x{i:03d}" + "y" * 200 for i in range(args.size // 205)]
    context.set_alpn_protocols(protocols)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    # Python makes names small; the wire has them as they were written.
    name = args.sni and args.sni.lower()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    hello = hello_of(client, outgoing)
    if name and name != args.sni:
        hello, count = re.subn(re.escape(name.encode()), args.sni.encode(), hello)
        if count != 1:
            raise SystemExit("the name does not stand in the hello once")
    if len(hello) < args.size:
        raise SystemExit(f"the hello has only {len(hello)} bytes")

    sock = socket.create_connection((args.address, args.port), 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    step = args.bytes or len(hello)
    for at in range(0, len(hello), step):
        sock.sendall(hello[at:at + step])
        if args.bytes:
            time.sleep(0.001)
    if name and name != args.sni:
        # The transcript is no longer the client's own: that the server answers is all there is to see.
        answer = sock.recv(5)
        sys.exit(0 if answer[:1] in (b"\x16", b"\x15") else "the server says nothing")
    while True:
        try:
            client.do_handshake()
            break
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            incoming.write(sock.recv(65536) or sys.exit("the server has hung up"))
    client.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    sock.sendall(outgoing.read())
    body = b""
    while True:
        try:
            got = client.read(65536)
            body += got
            if not got:
                break
        except ssl.SSLWantReadError:
            more = sock.recv(65536)
            if not more:
                break
            incoming.write(more)
        except ssl.SSLError:
            break
    print(body.decode().split("\r\n\r\n", 1)[-1].strip())


main()
