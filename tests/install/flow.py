"""A transfer that lasts as long as its client likes, and that the client can tell from any other.

    flow.py serve ADDRESS        by HTTP's port; a name as Host, then bytes until the client says that it is enough, then their hash
    flow.py fetch ADDRESS FILE   reads until FILE is gone; prints how many bytes came, and fails if they are not those that were sent"""
import hashlib
import os
import pathlib
import socket
import sys
import threading
import time

PORT, CHUNK, PAUSE_S, WAIT = 80, 1 << 15, 0.005, 30


def send(talk):
    said, digest = b"", hashlib.sha256()
    while not said.endswith(b"\r\n\r\n"):
        said += talk.recv(1)
    talk.setblocking(False)
    while True:
        try:
            talk.recv(1)
            break
        except BlockingIOError:
            pass
        data = os.urandom(CHUNK)
        digest.update(data)
        talk.settimeout(WAIT)
        talk.sendall(data)
        talk.setblocking(False)
        time.sleep(PAUSE_S)
    talk.settimeout(WAIT)
    talk.sendall(digest.digest())
    talk.close()


def serve(address):
    with socket.create_server((address, PORT)) as door:
        while True:
            threading.Thread(target=send, args=(door.accept()[0],), daemon=True).start()


def fetch(address, path):
    tail, digest, count, is_asked = b"", hashlib.sha256(), 0, True
    with socket.create_connection((address, PORT), WAIT) as talk:
        talk.sendall(b"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n")
        while data := talk.recv(1 << 18):
            tail += data
            digest.update(tail[:-32])
            count, tail = count + len(data), tail[-32:]
            if is_asked and not pathlib.Path(path).exists():
                talk.sendall(b".")
                is_asked = False
    if is_asked or digest.digest() != tail:
        sys.exit(f"{count} bytes came, and not those that were sent")
    print(count - 32)


globals()[sys.argv[1]](*sys.argv[2:])
