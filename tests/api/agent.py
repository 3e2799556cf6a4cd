"""A node's side of the wire: joins with a key, then speaks weft.v1 over a websocket made by hand."""

import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import subprocess
import time

from controller import Client, Skip, expect

ZERO = "0" * 32


def openssl(*words, stdin=None):
    done = subprocess.run(["openssl", *words], input=stdin, capture_output=True)
    if done.returncode != 0:
        raise Skip("openssl: " + done.stderr.decode()[-200:])
    return done.stdout.decode()


def digest_of(entries):
    """The digest of a set of entries: the sum of their hashes."""
    total = 0
    for key, body in entries.items():
        total += int.from_bytes(hashlib.sha256(key.encode() + b"\0" + body.encode()).digest()[:16], "little")
    return "%032x" % (total % 2**128)


class Agent:
    def __init__(self, c, name, public=None):
        """Makes the keys of a host; `public` is its WireGuard key."""
        self.c = c
        self.name = name
        self.public = base64.b64encode(public or hashlib.sha256(name.encode()).digest()).decode()
        self.key = os.path.join(c.dir, f"agent-{name}.key")
        self.certificate = os.path.join(c.dir, f"agent-{name}.crt")
        self.socket = None
        self.patience_s = 5  # for a connection and its handshake
        self.inbox = b""
        self.desired = {}
        self.is_sampling = False
        self.csr = openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                           "-keyout", self.key, "-subj", "/CN=" + name)

    def keep(self, certificate):
        with open(self.certificate, "w") as f:
            f.write(certificate)

    def join(self, key=None):
        """Enrols with a key made for it, or with `key` ({"i", "s"})."""
        if not key:
            text = expect(self.c.admin.put(f"/api/v1/enrolment-keys/agent-{self.name}", {"node": self.name}),
                          201).json["key"][len("weft1."):]
            key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        answer = Client(self.c).post("/api/v1/enrol", {
            "key_id": key["i"], "secret": key["s"], "csr": self.csr, "public_key": self.public, "name": self.name})
        if answer.status == 200:
            self.keep(answer.json["certificate"])
        return answer

    def connect(self):
        context = ssl.create_default_context(cafile=os.path.join(self.c.state, "ca.crt"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.certificate, self.key)
        plain = socket.create_connection(("127.0.0.1", self.c.hub_port), self.patience_s)
        self.socket = context.wrap_socket(plain, server_hostname="controller.weft")
        self.inbox = b""
        self.socket.sendall(b"GET /agent HTTP/1.1\r\nHost: controller.weft\r\nUpgrade: websocket\r\n"
                            b"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: weft.v1\r\n\r\n")
        while b"\r\n\r\n" not in self.inbox:
            self.more()
        head, self.inbox = self.inbox.split(b"\r\n\r\n", 1)
        assert b" 101 " in head.split(b"\r\n")[0], head

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        self.inbox += data

    def frame(self):
        """(opcode, payload) of the next frame."""
        while True:
            if len(self.inbox) >= 2:
                size, at = self.inbox[1] & 127, 2
                if size == 126 and len(self.inbox) >= 4:
                    size, at = struct.unpack(">H", self.inbox[2:4])[0], 4
                elif size == 127 and len(self.inbox) >= 10:
                    size, at = struct.unpack(">Q", self.inbox[2:10])[0], 10
                elif size >= 126:
                    size = 1 << 62
                if len(self.inbox) >= at + size:
                    opcode, payload = self.inbox[0], self.inbox[at:at + size]
                    self.inbox = self.inbox[at + size:]
                    return opcode, payload
            self.more()

    def send_frame(self, first, payload):
        size = len(payload)
        head = struct.pack(">BB", first, 128 | size) if size < 126 else struct.pack(">BBH", first, 254, size)
        self.socket.sendall(head + b"\0\0\0\0" + payload)

    def send(self, **message):
        self.send_frame(0x81, json.dumps(message).encode())

    def receive(self, timeout=5):
        """The next message; answers pings. ConnectionError when closed, TimeoutError when nothing comes."""
        deadline = time.monotonic() + timeout
        text = b""
        while True:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            first, payload = self.frame()
            if first & 15 == 9:
                self.send_frame(0x8A, payload)
            elif first & 15 == 8:
                raise ConnectionError("closed")
            else:
                text += payload
                if first & 128:
                    return json.loads(text)

    def await_type(self, kind, timeout=5):
        """The next message of a kind; keeps what is desired up to date meanwhile."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.receive(deadline - time.monotonic())
            if message["type"] == "desired":
                self.desired.update(message["set"])
                for key in message["drop"]:
                    self.desired.pop(key, None)
            elif message["type"] == "resync":
                self.desired.clear()
                self.send(type="keys", entries=[], digest=ZERO, more=False)
            elif message["type"] == "samples":
                self.is_sampling = message["on"]
            if message["type"] == kind:
                return message

    def hello(self):
        self.connect()
        self.send(type="hello", protocol={"major": 1, "minor": 0}, version="0.1.0", boot_id="b",
                  public_key=self.public, base={"revision": 0, "digest": ZERO})
        welcome = self.await_type("welcome")
        self.is_sampling = welcome["samples"]
        return welcome

    def follow(self, until, timeout=5):
        """Takes what is desired until it is as `until` wants it."""
        deadline = time.monotonic() + timeout
        while not until(self.desired):
            self.await_type("desired", deadline - time.monotonic())

    def applied(self, revision, errors=()):
        self.send(type="applied", revision=revision, digest=digest_of(self.desired), errors=list(errors), writes=1)

    def observe(self, entries):
        """Reports these (key: object) as all that there is."""
        bodies = {k: json.dumps(v, sort_keys=True, separators=(",", ":")) for k, v in entries.items()}
        self.send(type="observe", reset=True, set=bodies, drop=[], digest=digest_of(bodies), more=False)

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None
