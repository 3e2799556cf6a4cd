"""A web and its names, for 57-names.sh.

    names.py web CERTIFICATE KEY              answers HTTP and TLS at every address with who came
    names.py count SOCKET NAME                what weft-proxy has counted, by its control socket
    names.py hold NAME ADDRESS FILE           connects, says so, and asks as below once the file is there
    names.py get NAME ADDRESS [plain|SECONDS] asks for NAME at ADDRESS (by TLS, or plain), prints who came as the web sees it; for SECONDS:
                                              again and again, printing each other answer with the milliseconds since the start"""
import http.server
import json
import os
import socket
import ssl
import sys
import threading
import time

PATIENCE, HELD = 4, 30


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = self.client_address[0].removeprefix("::ffff:").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


class Web(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 128


def serve(port, context):
    web = Web(("::", port), Answer)
    if context:
        web.socket = context.wrap_socket(web.socket, server_side=True, do_handshake_on_connect=False)
    web.serve_forever()


def web(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    threading.Thread(target=serve, args=(80, None), daemon=True).start()
    serve(443, context)


def get(name, address, is_plain, until=None):
    """Who came, or why nobody did."""
    try:
        with socket.create_connection((address, 80 if is_plain else 443), PATIENCE) as talk:
            if not is_plain:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                talk = context.wrap_socket(talk, server_hostname=name or None)
            if until:
                hold(until)
            talk.sendall(f"GET / HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
            said = b""
            while more := talk.recv(4096):
                said += more
        return said.rpartition(b"\r\n")[2].decode() or "(nothing)"
    except OSError as error:
        return f"({error.strerror or error})"


def hold(until):
    print("connected", flush=True)
    end = time.monotonic() + HELD
    while not os.path.exists(until) and time.monotonic() < end:
        time.sleep(0.02)


def count(path, name):
    with socket.socket(socket.AF_UNIX) as talk:
        talk.connect(path)
        talk.sendall(b'{"do": "status"}\n')
        return json.loads(talk.makefile().read())["counts"][name]


def watch(name, address, seconds):
    start, last = time.monotonic(), None
    while time.monotonic() < start + seconds:
        said = get(name, address, False)
        if said != last:
            print(int((time.monotonic() - start) * 1000), said, flush=True)
        last = said
        time.sleep(0.02)


if sys.argv[1] == "web":
    web(*sys.argv[2:])
elif sys.argv[1] == "count":
    print(count(*sys.argv[2:]))
elif sys.argv[1] == "hold":
    print(get(sys.argv[2], sys.argv[3], False, sys.argv[4]))
elif sys.argv[4:] and sys.argv[4] != "plain":
    watch(sys.argv[2], sys.argv[3], float(sys.argv[4]))
else:
    print(get(sys.argv[2], sys.argv[3], sys.argv[4:] == ["plain"]))
