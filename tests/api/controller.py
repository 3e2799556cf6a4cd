"""A real controller in a temporary directory, and a client for it that checks every answer against api/openapi.yaml."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from contract import Contract


class Skip(Exception):
    """This machine cannot run the case."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()

    @property
    def type(self):
        return (self.headers.get("Content-Type") or "").split(";")[0]

    def fields(self):
        """The bad fields of a problem."""
        return [e["field"] for e in self.json.get("errors", [])]


class Client:
    """One who speaks to the controller: nobody, a token, or a browser with cookie and CSRF token."""

    def __init__(self, controller, token=None):
        self.controller = controller
        self.token = token
        self.cookie = None
        self.csrf = None

    def headers(self, method, more):
        headers = {}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        if self.cookie:
            headers["Cookie"] = self.cookie
        if self.csrf and method not in ("GET", "HEAD"):
            headers["X-CSRF-Token"] = self.csrf
        headers.update(more or {})
        return {k: v for k, v in headers.items() if v is not None}

    def call(self, method, path, body=None, headers=None, raw=None, timeout=30):
        connection = self.controller.connect(timeout)
        try:
            headers = self.headers(method, headers)
            data = raw
            if body is not None:
                data = json.dumps(body).encode()
                kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
                headers.setdefault("Content-Type", kind)
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            answer = Answer(response, response.read())
        finally:
            connection.close()
        self.controller.contract.check(method, path, answer)
        return answer

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def put(self, path, body, **more):
        return self.call("PUT", path, body, **more)

    def patch(self, path, body, **more):
        return self.call("PATCH", path, body, **more)

    def post(self, path, body=None, **more):
        return self.call("POST", path, body, **more)

    def delete(self, path, **more):
        return self.call("DELETE", path, **more)

    def sign_in(self, user, password):
        answer = self.post("/api/v1/login", {"user": user, "password": password})
        if answer.status == 200:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
            self.csrf = answer.json["csrf"]
        return answer


CONTRACTS = {}


def contract_of(root):
    """One for all controllers of a run, so that what was seen of any of them counts."""
    if root not in CONTRACTS:
        CONTRACTS[root] = Contract(root)
    return CONTRACTS[root]


class Controller:
    def __init__(self, binary, root, extra="", log_level="debug"):
        """`extra` is YAML that is put behind the settings."""
        self.extra = extra
        self.log_level = log_level
        self.contract = contract_of(root)
        self.binary = binary
        self.root = root
        self.dir = tempfile.mkdtemp(prefix="weft-api-")
        self.state = os.path.join(self.dir, "state")
        self.packages = os.path.join(self.dir, "packages")
        os.mkdir(self.packages)
        self.lists = os.path.join(self.dir, "lists")
        self.rest_port = free_port()
        self.hub_port = free_port()
        self.log_path = os.path.join(self.dir, "log")
        self.process = None
        self.admin = None
        self.password = None

    def command(self, *words):
        """Runs another command of the program with the same settings."""
        return subprocess.run([self.binary, "--config", self.write_settings(), *words],
                              capture_output=True, timeout=30)

    def write_settings(self):
        path = os.path.join(self.dir, "controller.yaml")
        with open(path, "w") as f:
            f.write(f"""state_dir: {self.state}
advertise: [127.0.0.1]
packages_dir: {self.packages}
lists_dir: {self.lists}
log: {{level: {self.log_level}}}
rest: {{listen: ["127.0.0.1:{self.rest_port}", "[::1]:{self.rest_port}"], connections_per_address: 1000}}
hub: {{listen: ["127.0.0.1:{self.hub_port}"]}}
{self.extra}
""")
        return path

    def launch(self):
        """Starts the program and does not wait for it."""
        # With the sanitizer's quarantine of freed memory its size would tell nothing.
        environment = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1:thread_local_quarantine_size_kb=64")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "--config", self.write_settings(), "run"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment,
                start_new_session=True)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def start(self):
        self.launch()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError("the controller did not start:\n" + self.log_tail())
            try:
                if Client(self).get("/healthz").status == 200:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
        raise RuntimeError("the controller does not answer:\n" + self.log_tail())

    def __enter__(self):
        try:
            self.start()
            with open(self.log_path) as f:
                self.password = re.search(r"with the password (\S+)", f.read()).group(1)
            self.admin = Client(self)
            answer = self.admin.sign_in("admin", self.password)
            assert answer.status == 200, answer.body
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def context(self):
        # The CA is made in the first moments of the start.
        ca = os.path.join(self.state, "ca.crt")
        if not os.path.exists(ca):
            raise OSError("no CA yet")
        context = ssl.create_default_context(cafile=ca)  # without the system's own CAs, which take long to read
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context

    def connect(self, timeout=30, host="127.0.0.1"):
        return http.client.HTTPSConnection(host, self.rest_port, timeout=timeout,
                                           context=self.context())

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        """SIGTERM; true when it ends by itself, in time and without an error."""
        if not self.is_alive():
            return False
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            return False
        return code == 0

    def resident_kb(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))

    def log_tail(self):
        with open(self.log_path, errors="replace") as f:
            return "".join(f.readlines()[-60:])


def eventually(check, seconds=20):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.05)


def expect(answer, *statuses):
    """The answer, when its status is one of those; else fails with what the controller said."""
    if answer.status not in statuses:
        raise AssertionError(f"status {answer.status}, expected {statuses}: {answer.body[:400]!r}")
    return answer


def refusal(answer, status):
    """A well-formed problem with this status; its sentence."""
    expect(answer, status)
    assert answer.type == "application/problem+json", answer.type
    problem = answer.json
    assert problem["status"] == status and problem["title"] and problem["detail"], problem
    return problem["detail"]
