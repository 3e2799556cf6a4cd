"""What clients say first: a TLS ClientHello, an HTTP request, an Initial packet of QUIC."""
import hashlib
import hmac
import struct
import subprocess


def vector(size, data):
    return len(data).to_bytes(size, "big") + data


def handshake(name, padding=0):
    extensions = b"\x00\x2b" + vector(2, b"\x02\x03\x04")
    if name:
        extensions += b"\x00\x00" + vector(2, vector(2, b"\x00" + vector(2, name.encode())))
    if padding:
        extensions += b"\x00\x33" + vector(2, vector(2, b"\x11\xec" + vector(2, bytes(padding))))
    body = b"\x03\x03" + bytes(32) + vector(1, bytes(32)) + vector(2, b"\x13\x01") + vector(1, b"\x00") + vector(2, extensions)
    return b"\x01" + vector(3, body)


def tls(name, padding=0):
    return b"\x16\x03\x01" + vector(2, handshake(name, padding))


def http(name):
    return f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()


def aes(mode, key, data, iv=None):
    command = ["openssl", "enc", f"-aes-128-{mode}", "-nopad", "-K", key.hex()] + (["-iv", iv.hex()] if iv else [])
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def expand(secret, label, size):
    info = struct.pack(">H", size) + vector(1, b"tls13 " + label) + b"\0"
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:size]


def ghash(key, data):
    h, y = int.from_bytes(key, "big"), 0
    for at in range(0, len(data), 16):
        x, z = y ^ int.from_bytes(data[at:at + 16], "big"), 0
        v = h
        for bit in range(127, -1, -1):
            if x >> bit & 1:
                z ^= v
            v = v >> 1 ^ (0xe1 << 120 if v & 1 else 0)
        y = z
    return y.to_bytes(16, "big")


def initial(crypto, offset=0, number=0, fixed=0x40):
    """A client's Initial of QUIC v1 (RFC 9001) with this part of its ClientHello; `fixed` is its second bit."""
    ident = b"splitter"
    salt = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
    client = expand(hmac.new(salt, ident, hashlib.sha256).digest(), b"client in", 32)
    key, iv, hp = expand(client, b"quic key", 16), expand(client, b"quic iv", 12), expand(client, b"quic hp", 16)
    frame = b"\x06" + struct.pack(">HH", 0x4000 | offset, 0x4000 | len(crypto)) + crypto
    plain = frame + bytes(1162 - len(frame))
    head = bytes([0x83 | fixed]) + struct.pack(">I", 1) + vector(1, ident) + b"\0\0" + struct.pack(">H", 0x4000 | 4 + len(plain) + 16) + \
        struct.pack(">I", number)
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    sealed = aes("ctr", key, plain, nonce + struct.pack(">I", 2))
    fill = lambda data: data + bytes(-len(data) % 16)
    tag = ghash(aes("ecb", key, bytes(16)), fill(head) + fill(sealed) + struct.pack(">QQ", len(head) * 8, len(sealed) * 8))
    tag = bytes(a ^ b for a, b in zip(tag, aes("ctr", key, bytes(16), nonce + struct.pack(">I", 1))))
    mask = aes("ecb", hp, (sealed + tag)[:16])
    hidden = bytes([head[0] ^ mask[0] & 15]) + head[1:-4] + bytes(a ^ b for a, b in zip(head[-4:], mask[1:5]))
    return hidden + sealed + tag
