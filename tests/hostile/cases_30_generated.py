"""Thousands of requests made out of api/openapi.yaml, right and wrong: each answer is one that the document promises.

    WEFT_GENERATED   how many requests (default 4000)
    WEFT_SEED        where the random numbers begin (default 1)
    WEFT_SECONDS     after which it ends all the same (default 45; with WEFT_GENERATED: no end)
"""

import collections
import http.client
import itertools
import os
import random
import re
import ssl
import time

from controller import Answer, Controller, expect
from generator import NAMES, Generator

SLOW_S = 3     # no answer may take longer
SHOWN = 12      # so many faults are printed
VIPS = itertools.count(1)  # a renamed group keeps its own
TRIES = 400  # of each operation that chance has left out
LARGE = 16000   # bytes: who refuses so much unread may close before all is sent, and the answer may be lost with that
# What succeeds only with a node that is connected, a host that joins, or a package.
UNREACHED = {"pingFromNode", "getDnsLog", "lookupDns", "getDnsCache", "flushDns", "explainFlow", "examineNode", "getLinkHistory", "retryNode", "approveNode", "enrol", "getPackage", "login"}


class Wire:
    """One connection that is kept; requests go out as they are, without a client's opinion."""

    def __init__(self, c, token):
        self.c = c
        self.token = token
        self.connection = None

    def send(self, request, credential):
        if not self.connection:
            self.connection = self.c.connect(SLOW_S)
        connection = self.connection
        connection.putrequest(request.method, request.path, skip_accept_encoding=True,
                              skip_host=any(name == "Host" for name, _ in request.headers))
        for name, value in request.headers + credential:
            connection.putheader(name, value)
        if request.body is not None:
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        response = connection.getresponse()
        answer = Answer(response, response.read())
        if response.will_close:
            self.close()
        return answer

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ask(self, request, credential):
        """The answer, or None for a large request that was cut. A kept connection may have been closed meanwhile."""
        for is_last in (self.connection is None, True):
            try:
                return self.send(request, credential)
            except (http.client.HTTPException, ConnectionError, ssl.SSLError):
                self.close()
                if is_last and len(request.body or b"") < LARGE:
                    raise
        return None


def judge(c, request, answer):
    assert answer.status < 500, "a fault of the controller's own"
    is_problem = request.method == "HEAD" or answer.type == "application/problem+json"
    assert answer.status < 400 or is_problem, f"a refusal as {answer.type}"
    path = re.sub("%2f", "/", request.path, flags=re.I)  # it decodes first and then looks for the route
    if request.method.isupper() and c.contract.operation(request.method, path) and answer.status != 414:
        c.contract.check(request.method, path, answer)
    elif answer.status >= 400:
        assert answer.status in (400, 401, 404, 405, 411, 413, 414, 431), "not what an unknown path or method gets"
    else:
        assert request.method in ("GET", "HEAD"), "something was done that the document does not have"


class Trial:
    """Sends, judges, and keeps what was wrong and what was reached."""

    def __init__(self, c, seed):
        self.c = c
        self.random = random.Random(seed)
        self.generator = Generator(self.random, c.contract)
        tokens = [expect(c.admin.put(f"/api/v1/tokens/generated-{role}", {"role": role}), 201).json["token"]
                  for role in ("admin", "viewer")]
        self.credentials = [[("Authorization", "Bearer " + token)] for token in (*tokens, "weftt_x")] + [[]]
        self.wire = Wire(c, tokens[0])
        self.reached = collections.Counter()
        self.statuses = collections.Counter()
        self.faults = {}

    def revision(self):
        state = expect(self.c.admin.get("/api/v1/state"), 200).json
        return None if "confirmation" in state else state["revision"]

    def one(self, request, name):
        credential = self.random.choices(self.credentials, (90, 4, 2, 4))[0]
        answer = None
        is_watched = request.method not in ("GET", "HEAD") and self.random.random() < 0.05
        before = self.revision() if is_watched else None
        try:
            answer = self.wire.ask(request, credential)
            if not answer:
                return
            self.statuses[answer.status] += 1
            self.reached[name] += answer.status < 400
            judge(self.c, request, answer)
            if before is not None and answer.status >= 400:
                assert self.revision() in (before, None), "refused, and yet something changed"
            self.learn(answer)
        except (AssertionError, ValueError, OSError, http.client.HTTPException) as fault:
            self.wire.close()
            said = getattr(fault, "args", [""])[0]
            self.faults.setdefault((name, str(said)[-60:]), f"{fault} <- {request}: {answer and answer.body[:300]}")

    def learn(self, answer):
        tag = answer.headers.get("ETag", "")
        if tag.strip('"').isdigit():
            self.generator.values.revision = int(tag.strip('"'))

    def run(self, count, seconds):
        """How many were sent in time."""
        end = time.monotonic() + seconds
        for i in range(count):
            if time.monotonic() > end:
                return i
            if i % 20 == 19:
                self.one(self.generator.anywhere(), "anywhere")
            else:
                each = self.random.choice(self.generator.operations)
                self.one(self.generator.request(*each), each[3]["operationId"])
            assert self.c.is_alive(), f"the controller died of {list(self.faults.values())[-1:]}"
        return count

    def insist(self, tries):
        """What chance has left out is asked for again; the operations that never succeed."""
        missed = [each for each in self.generator.operations if each[3]["operationId"] not in UNREACHED]
        for round in range(tries):
            if round % 20 == 0:
                seed_fleet(self.c)
                leave_waiting(self.c)
            missed = [each for each in missed if not self.reached[each[3]["operationId"]]]
            for each in missed:
                self.one(self.generator.request(*each), each[3]["operationId"])
        return sorted(each[3]["operationId"] for each in missed)


def seed_fleet(c):
    """Something that the few names mean, as far as what stands lets it; one node and two networks that nothing refers to."""
    bare, pair = {name: {} for name in NAMES}, NAMES[:2]
    # What waits for a confirmation, or hangs on networks and nodes as chance has left them, would keep them so.
    c.admin.post("/api/v1/confirm", {})
    for kind in ("ha-groups", "links", "resolvers", "dns-zones"):
        for item in expect(c.admin.get(f"/api/v1/{kind}?limit=1000"), 200).json["items"]:
            c.admin.delete(f"/api/v1/{kind}/{item['name']}")
    fleet = {"sites": bare, "nodes": bare, "secrets": bare, "networks": {**bare, "a": {"mesh": pair}},
             "segments": {"a": {"network": "a"}}, "links": {".".join(["a", *pair]): {"network": "a", "ends": pair}},
             "ha-groups": {"a": {"members": pair, "vip": [f"198.51.100.{next(VIPS)}"], "interface": "eth0"}},
             "domain-lists": {"a": {"names": ["a.example"]}, "b": {"url": "http://127.0.0.1:9/list"}, "c": {"names": []}}, "blocklists": {"a": {"lists": ["a"]}},
             "dns-zones": {name: {"zone": f"{name}.seed.example", "records": []} for name in NAMES}, "dns-forwards": {"a": {"names": ["a.example"], "to": ["192.0.2.1"]}},
             "resolvers": {"a": {"nodes": ["a"], "upstreams": ["192.0.2.1"]}},
             "gateways": {name: {"node": pair[0]} for name in NAMES}, "gateway-groups": {name: {"try": [pair[0]]} for name in NAMES},
             "policies": {name: {"from": ["tag/none"], "rules": [{"to": ["any"], "via": pair[0]}]} for name in NAMES},
             "webhooks": {name: {"url": "http://127.0.0.1:9/"} for name in NAMES}, "slas": {name: {"latency": "150ms"} for name in NAMES}, "enrolment-keys": bare,
             "tokens": {name: {"role": "viewer"} for name in NAMES}}
    for kind, resources in fleet.items():
        for name, spec in resources.items():
            c.admin.put(f"/api/v1/{kind}/{name}", spec)


def leave_waiting(c):
    """Something waits for a confirmation, in nobody's way."""
    c.admin.post("/api/v1/apply", {"resources": {"sites": {"waiting": {"comment": str(next(VIPS))}}}, "set": "waiting", "confirm": "5m"})


def listed(c):
    """Everything that is kept, page by page."""
    kept = {}
    paths = c.contract.document["paths"]
    for kind in (path.split("/")[-1] for path in paths if path + "/{name}" in paths):
        page = {"next": ""}
        while page["next"] is not None:
            page = expect(c.admin.get(f"/api/v1/{kind}?limit=1000&after={page['next']}"), 200).json
            kept.update({(kind, item["name"]): item for item in page["items"]})
    return kept


def case_answers_are_what_the_document_promises(c):
    count, seed = int(os.environ.get("WEFT_GENERATED", "4000")), int(os.environ.get("WEFT_SEED", "1"))
    seconds = float(os.environ.get("WEFT_SECONDS", "inf" if "WEFT_GENERATED" in os.environ else "45"))
    with Controller(c.binary, c.root, log_level="info") as mine:
        seed_fleet(mine)
        trial = Trial(mine, seed)
        sent = trial.run(count, seconds)
        statuses = ", ".join(f"{n} x {status}" for status, n in sorted(trial.statuses.items()))
        print(f"      {sent} requests from seed {seed}: {statuses}")
        for text in list(trial.faults.values())[:SHOWN]:
            print("      " + text)
        assert not trial.faults, f"{len(trial.faults)} kinds of fault"
        unreached = trial.insist(TRIES) if sent >= 3000 else []
        assert not unreached, f"never succeeded: {', '.join(unreached)}"
        assert not trial.faults, "; ".join(trial.faults.values())
        before = listed(mine)
        assert mine.stop(), "it does not stop"
        mine.start()  # what was let in can be read and planned again
        assert listed(mine) == before, "a new start finds other resources"
        assert mine.stop()
