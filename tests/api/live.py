"""Every GET of api/openapi.yaml against a running controller with real nodes, and its event stream, judged by it.

    WEFT_COOKIE='__Host-weft=…' live.py https://HOST:PORT

Its certificate is not verified: this asks what is answered, not who answers.
"""

import http.client
import json
import os
import ssl
import sys
import time
import urllib.parse

from contract import Contract

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QUERY = {"name": "www.example", "from": "10.1.0.7", "to": "www.example"}  # what has to stand behind a question mark
STREAM_S = 20  # at most; it ends when every kind of event that a quiet fleet sends has come


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        self.type = (response.headers.get("Content-Type") or "").split(";")[0]

    @property
    def json(self):
        return json.loads(self.body)


class Live:
    def __init__(self, url):
        self.where = urllib.parse.urlsplit(url)
        self.contract = Contract(ROOT)
        self.count = 0

    def request(self, method, path, body=None, more=None):
        connection = http.client.HTTPSConnection(self.where.hostname, self.where.port, timeout=30,
                                                 context=ssl._create_unverified_context())
        headers = {"Cookie": os.environ["WEFT_COOKIE"], **(more or {})}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return connection.getresponse()

    def get(self, path, *others):
        answer = Answer(self.request("GET", path))
        self.contract.check("GET", path, answer)
        assert answer.status in (200, *others), f"{path}: {answer.status}"
        self.count += 1
        return answer

    def names(self, path):
        """What stands for {name} in a path."""
        kind = path.split("/")[3]
        return [item["name"] for item in self.get(f"/api/v1/{kind}").json["items"]]

    def queries(self, item, node):
        """What the path needs behind a question mark, if anything: a link is one that the node measures."""
        needed = [each["name"] for each in item["get"].get("parameters", []) if each.get("required")]
        if needed != ["link"]:
            return ["?" + urllib.parse.urlencode({each: QUERY[each] for each in needed})] if needed else [""]
        entries = self.get(f"/api/v1/nodes/{urllib.parse.quote(node)}/observed").json["entries"]
        return ["?link=" + urllib.parse.quote(key[len("link/"):]) for key in entries if key.startswith("link/")]

    def sweep(self):
        for path, item in self.contract.document["paths"].items():
            if "get" not in item or path == "/api/v1/events" or "{file}" in path:
                continue
            for name in self.names(path) if "{name}" in path else [""]:
                real = path.replace("{name}", urllib.parse.quote(name)).replace("{key}", "never-used")
                for query in self.queries(item, name):
                    # A node without a resolver has nobody to ask, and in a fleet without LANs nobody is a client.
                    others = (409,) if "/dns/" in path else (422,) if path.endswith("/explain") else ()
                    self.get(real + query, *others)
                if any(each.get("$ref", "").endswith("/Effective") for each in item["get"].get("parameters", [])):
                    self.get(real + "?effective=true")

    def stream(self):
        """Samples of real nodes, the revisions of a site that comes and goes, and whatever else is told meanwhile."""
        response = self.request("GET", "/api/v1/events?samples=true")
        wanted, kind, end = {"sample", "revision"}, None, time.monotonic() + STREAM_S
        self.touch()
        while wanted and time.monotonic() < end:
            line = response.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                kind = line[len("event: "):]
            elif line.startswith("data: "):
                self.contract.check_event(kind, line[len("data: "):])
                wanted.discard(kind)
                self.count += 1
        assert not wanted, f"no event {' nor '.join(wanted)} within {STREAM_S} s"

    def touch(self):
        csrf = {"X-CSRF-Token": self.get("/api/v1/session").json["csrf"], "Content-Type": "application/json"}
        for method, body, status in (("PUT", {}, 201), ("DELETE", None, 204)):
            answer = Answer(self.request(method, "/api/v1/sites/contract-live", body, csrf))
            self.contract.check(method, "/api/v1/sites/contract-live", answer)
            assert answer.status == status, answer.body


def main():
    live = Live(sys.argv[1])
    live.stream()
    live.sweep()
    print(f"{live.count} answers and events are as api/openapi.yaml has them")


main()
