"""What the CLI does when a connection breaks between a write and its answer."""

import os
import select
import socket
import threading

from cli import signed_in, weft
from controller import Controller, expect, free_port

FLEET = "sites:\n  lost: {lan: [10.77.0.0/24]}\n"


class Relay:
    """Stands before a controller. `faults` says what happens to one connection after the other; those beyond pass.
    "refuse": closed at once; "request": what comes after the TLS hello is thrown away, and the connection closed;
    "answer": that is passed on, and closed when the controller has answered."""

    def __init__(self, port, faults):
        self.to = port
        self.faults = list(faults)
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            fault = self.faults.pop(0) if self.faults else None
            threading.Thread(target=self.relay, args=(client, fault), daemon=True).start()

    def relay(self, client, fault):
        with client:
            if fault == "refuse":
                return
            with socket.create_connection(("127.0.0.1", self.to)) as server:
                if not fault:
                    back = threading.Thread(target=pump, args=(server, client), daemon=True)
                    back.start()
                    pump(client, server)
                    back.join()
                    return
                lose(client, server, is_passed_on=fault == "answer")


def lose(client, server, is_passed_on):
    """Up to the end of the handshake all passes; nothing that the server says afterwards does."""
    server.sendall(client.recv(65536))  # the hello
    while client not in select.select([client, server], [], [], 20)[0]:
        client.sendall(server.recv(65536))
    while select.select([client], [], [], 2)[0] and (request := client.recv(65536)):
        if is_passed_on:
            server.sendall(request)
    # What comes at once are session tickets: only when it has been silent the answer is there, too.
    while is_passed_on and select.select([server], [], [], 2)[0] and server.recv(65536):
        pass


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def apply(c, faults):
    """`weft apply` through a relay; and how many revisions that made."""
    path = os.path.join(c.dir, "fleet.yaml")
    with open(path, "w") as f:
        f.write(FLEET)
    with Relay(c.rest_port, faults) as relay:
        environment = signed_in(c, relay.port)
        before = revision(c)
        done = weft(c, "apply", "-f", path, **environment)
        assert not relay.faults, "nothing was lost"
    return done, revision(c) - before


def revision(c):
    return expect(c.admin.get("/api/v1/history?limit=1"), 200).json["items"][0]["revision"]


def case_a_lost_request_is_sent_once_more(c):
    with Controller(c.binary, c.root) as mine:
        done, revisions = apply(mine, ["request", "refuse", "refuse"])
        assert done.returncode == 0 and revisions == 1, (done, revisions)
        assert "sites" in done.stdout, done.stdout


def case_a_lost_answer_is_told_and_nothing_is_done_twice(c):
    with Controller(c.binary, c.root) as mine:
        done, revisions = apply(mine, ["answer", "refuse"])
        assert done.returncode == 1 and revisions == 1, (done, revisions)
        assert "it is done, but the connection to" in done.stderr, done.stderr
        again, revisions = apply(mine, [])
        assert again.returncode == 3 and revisions == 0, (again, revisions)
