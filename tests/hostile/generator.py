"""Requests made out of api/openapi.yaml: right ones, ones at the edges of what it allows, and wrong ones of many kinds.

Everything follows from the seed, so that a request that shows a fault comes again.
"""

import base64
import ipaddress
import json
import re
import string
import urllib.parse

# Few names, so that requests meet what earlier ones made.
NAMES = ["a", "b", "c"]
WORDS = string.ascii_lowercase + string.digits
LONG = 300
DEEP = 3000  # levels; deeper than any parser of ours goes
HUGE_NUMBER = 10 ** 400
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "A" * 40]
# Fields of which an object has exactly one, and one that another must stand beside: no schema says it.
ONE_OF = [("names", "url", "file"), ("a", "aaaa", "cname", "txt", "ptr"), ("site", "nodes")]
BESIDE = {"interfaces": ("intercept", True)}
ENDLESS = {"streamEvents"}  # an answer without end: the tests of the API read it

NASTY_TEXTS = [
    "", " ", "\0", "a\0b", "\n", "a" * 63, "a" * 64, "é" * 63, "\u202e", "\ud800", "\U0001f980" * 70, "-a", "a-", "A",
    "a b", "..", "../../etc/passwd", "%00", "%2e%2e", "a/b", "node/", "/", "'; DROP TABLE node; --", "${a}", "{{a}}",
    "%s%n", "<script>", "null", "true", "0", "1e3", "-1", "0s", "99999999999999999999d", "1.5s", "10.0.0.0/33",
    "10.0.0.1/8", "0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104", "fe80::1%eth0", "255.255.255.255", "[::1]:0", "a:65536",
    "a" * LONG,
]
NASTY_NUMBERS = [
    0, -1, 1, 0.5, -0.0, 1e308, 2 ** 31, 2 ** 32, 2 ** 53 + 1, 2 ** 63 - 1, 2 ** 63, -2 ** 63 - 1, 2 ** 64, HUGE_NUMBER,
]
NASTY_VALUES = [
    None, True, False, [], {}, [[]], [None], {"": 0}, {"__proto__": {}}, {"$ref": "#"}, {"a" * LONG: 1}, ["a"] * 2000,
]
NASTY_BODIES = [
    b"", b" ", b"{", b"}", b"[]", b"null", b"0", b'""', b'{"a":1,"a":2}', b"{}{}", b"\xff\xfe{}", b"\xef\xbb\xbf{}",
    b'{"a":"\xc3"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\\ud800"}', b'{"a":"\\u0000"}', b'{"\\u0000":1}', b'{"a":1e999}',
    b'{"a":NaN}', b'{"a":01}', b"{'a':1}", b'{"a":1,}', b"/* */{}", b"{}\0", b"\0" * 100, b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b'{"comment":"' + b"\\n" * 2000 + b'"}',
    bytes(range(256)), b"a=1&b=2", b"<?xml version='1.0'?><a/>",
    b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--",
]
NASTY_TYPES = [
    "text/plain", "application/json; charset=utf-16", "application/xml", "multipart/form-data; boundary=x",
    "application/", "/", "json", "application/json, text/plain", "a" * LONG, None,
]
NASTY_HEADERS = [
    ("Accept", "image/png"), ("Accept", "*/*;q=2"), ("Range", "bytes=5-1"), ("Range", "bytes=0-,0-,0-"),
    ("Expect", "200-maybe"), ("X-HTTP-Method-Override", "DELETE"), ("X-Forwarded-For", "127.0.0.1"),
    ("Cookie", "__Host-weft="), ("Cookie", "=;" * 200), ("Cookie", "__Host-weft=" + "a" * LONG), ("Origin", "null"),
    ("Accept-Encoding", "br;q=x"), ("Host", "elsewhere.example"), ("Last-Event-ID", "x-99999999999999999999"),
    ("X-CSRF-Token", "\xff\xfe"), ("If-None-Match", '"1"'), ("If-Match", "W/*"),
]
NASTY_PATHS = [
    "/", "//", "/api", "/api/v1", "/api/v1/", "/api/v2/nodes", "/api/v1/nodes/a/", "/api/v1/nodes//a",
    "/api/v1/nodes/a/b/c", "/api/v1/nodes/a%2Frename", "/api/v1/nodes/%00", "/api/v1/nodes/%ff%fe", "/api/v1/nodes/..",
    "/api/v1/../../etc/passwd", "/api/v1/nodes/%", "/api/v1/nodes/%zz", "/packages/..%2f..%2fetc%2fpasswd",
    "/packages/%2e%2e", "/assets/../../x", "/api/v1/NODES", "/api/v1/nodes;a=b", "/api/v1/nodes/" + "a" * 4000, "*",
    "/docs/../docs", "/.git/config", "/api/v1/nodes?limit",
]


class Values:
    """JSON values after a schema; `wild` of a hundred leaves stand at an edge or are nasty."""

    def __init__(self, random, contract):
        self.random = random
        self.contract = contract
        self.wild = 0
        self.revision = 1  # the last that an answer told
        self.network, self.ends = None, []  # of the link that a path named last

    def name(self):
        if self.random.random() < 0.9:
            return self.random.choice(NAMES)
        return "".join(self.random.choices(WORDS, k=self.random.choice((1, 2, 63))))

    def link(self):
        self.ends = sorted(self.random.sample(NAMES, 2))
        self.network = self.random.choice(NAMES)
        return ".".join([self.network, *self.ends])

    def prefix(self):
        bits = self.random.choice((32, 128))
        length = self.random.choice((8, 16, 24, bits // 2, bits - 1, bits))
        number = self.random.getrandbits(bits) >> (bits - length) << (bits - length)
        return str(ipaddress.ip_network((number if bits == 128 else number & 0xDFFFFFFF, length), strict=False))

    def duration(self, schema):
        if "x-minimum" in schema and self.random.random() < 0.8:
            return self.random.choice((schema["x-minimum"], schema["x-maximum"], schema.get("default", schema["x-maximum"])))
        return f"{self.random.choice((0, 1, 2, 7, 15, 60, 400))}{self.random.choice(('ms', 's', 'm', 'h', 'd'))}"

    def formatted(self, schema):
        kind = schema["format"]
        if kind == "prefix":
            return self.prefix()
        if kind == "duration":
            return self.duration(schema)
        return self.random.choice({
            "name": [self.name()],
            "reference": [self.name(), schema.get("x-kind", "nodes").rstrip("s") + "/" + self.name()],
            "address": [f"192.0.2.{self.random.randint(1, 254)}", f"2001:db8::{self.random.randint(1, 9999):x}"],
            "endpoint": ["192.0.2.1", "192.0.2.2:61000", "[2001:db8::1]:7", "host.example.net", "host.example.net:9"],
            "expiry": ["1h", "90d", "2031-01-31T12:00:00Z", "1s"],
            "date-time": ["2031-01-31T12:00:00Z"],
            "duration-limit": ["150ms", "2x", "1.5x"],
            "share-limit": ["1%", "0.5%", "4x"],
            "binary": ["x"],
            "source": ["tag/none", f"site/{self.name()}", f"node/{self.name()}", self.prefix(), "192.0.2.7"],
            "destination": ["any", self.prefix(), "2001:db8::7", f"list/{self.name()}"],
            "ports": ["tcp/443", "udp/5000-6000", "tcp"],
            "uplink": [f"{self.name()}/fibre"],
            "upstream": ["9.9.9.9", "[2620:fe::fe]:53", "tls://1.1.1.1#one.example", "https://dns.example/dns-query@192.0.2.3"],
            "name-rule": [f"{self.name()}.example", f"={self.name()}.example", f"*.{self.name()}.example"],
            "domain": [f"{self.name()}.example", f"{self.name()}.example."],
        }[kind])

    def text(self, schema):
        if "format" in schema:
            return self.formatted(schema)
        if "pattern" in schema:
            key = self.random.randbytes(32)
            least, most = schema.get("minLength", 0), schema.get("maxLength", 70000)
            word = "".join(self.random.choices(WORDS, k=min(20, most)))
            offers = [word, "AAAA", "http://127.0.0.1:9/hook", base64.urlsafe_b64encode(key).decode()[:-1], base64.b64encode(key).decode()]
            return next(each for each in offers if re.search(schema["pattern"], each) and least <= len(each) <= most)
        least, most = schema.get("minLength", 0), min(schema.get("maxLength", 40), 70000)
        length = self.random.randint(least, min(most, least + 12))
        if self.is_wild():
            length = self.random.choice((least, most, most + 1, max(0, least - 1)))
        return "".join(self.random.choices(WORDS + " é", k=length))

    def number(self, schema):
        low, high = schema.get("minimum", 0), schema.get("maximum", self.revision + 2)
        if self.is_wild():
            return self.random.choice((low, high, low - 1, high + 1))
        if schema["type"] == "number":
            return self.random.uniform(low, high)
        return self.random.choice((self.revision, self.random.randint(low, max(low, high))))

    def is_wild(self):
        return self.random.randrange(100) < self.wild

    def nasty(self):
        return self.random.choice(self.random.choice((NASTY_TEXTS, NASTY_NUMBERS, NASTY_VALUES)))

    def value(self, schema):
        _, schema = self.contract.resolved(schema)
        if self.random.randrange(200) < self.wild:
            return self.nasty()
        kind = schema.get("type", "object")
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        if kind == "object":
            return self.object(schema)
        if kind == "array":
            return self.array(schema)
        if kind == "boolean":
            return self.random.random() < 0.5
        return self.text(schema) if kind == "string" else self.number(schema)

    def array(self, schema):
        least, most = schema.get("minItems", 0), schema.get("maxItems", 100)
        count = self.random.randint(least, min(most, least + 3))
        if self.is_wild():
            count = self.random.choice((least, min(most, 2000) + 1, max(0, least - 1)))
        items = []
        for _ in range(count):
            item = self.value(schema.get("items", {}))
            if item not in items or self.is_wild():
                items.append(item)
        return items

    def object(self, schema):
        taken = {}
        for field, inner in schema.get("properties", {}).items():
            is_needed = field in schema.get("required", []) and not self.is_wild()
            if is_needed or self.random.random() < 0.4:
                taken[field] = self.value(inner)
        if isinstance(schema.get("additionalProperties"), dict):
            for _ in range(self.random.randint(0, 3)):
                taken[self.name()] = self.value(schema["additionalProperties"])
        if not self.is_wild():
            self.settle(schema, taken)
        if self.is_wild():
            taken[self.random.choice(["unknown", "", "n\u0430me", *NASTY_TEXTS])] = self.nasty()
        return taken

    def settle(self, schema, taken):
        """Fields that need others get them; of two that exclude each other one goes, with all that need it."""
        needs, apart = schema.get("dependentRequired", {}), schema.get("not", {}).get("required", [])
        if apart and not any(field in taken for field in apart):
            taken[self.random.choice(apart)] = None
        waiting = [field for field in needs if field in taken]
        while waiting:
            for field in needs.get(waiting.pop(), []):
                if field not in taken:
                    taken[field] = self.value(schema["properties"][field])
                    waiting.append(field)
        gone = [self.random.choice(apart)] if apart and all(field in taken for field in apart) else []
        while gone:
            taken.pop(gone[-1], None)
            last = gone.pop()
            gone += [field for field, needed in needs.items() if last in needed and field in taken]
        for fields in ONE_OF:
            if all(field in schema.get("properties", {}) for field in fields):
                kept = self.random.choice(fields)
                for field in fields:
                    taken.pop(field, None)
                taken[kept] = self.value(schema["properties"][kept])
                if kept != "url":
                    taken.pop("refresh", None)
        for field, (other, value) in BESIDE.items():
            if field in taken and other in schema.get("properties", {}):
                taken[other] = value
        for field in apart:
            if field in taken and taken[field] is None:
                taken[field] = self.value(schema["properties"][field])


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    def __str__(self):
        body = repr(self.body if len(self.body or b"") < 400 else self.body[:400] + b"...")
        return f"{self.method} {self.path[:300]} {[(k, v[:80]) for k, v in self.headers]} {body}"


class Generator:
    """Requests of every kind for each operation of the document."""

    def __init__(self, random, contract):
        self.random = random
        self.contract = contract
        self.values = Values(random, contract)
        self.operations = [(method.upper(), path, item, operation) for path, item in contract.document["paths"].items()
                           for method, operation in item.items()
                           if isinstance(operation, dict) and operation["operationId"] not in ENDLESS]

    def request(self, method, path, item, operation):
        """Two of five are as the document says, the others more and more wild."""
        self.values.wild = self.random.choice((0, 0, 2, 10, 40))
        parameters = [self.contract.resolved(each)[1]
                      for each in item.get("parameters", []) + operation.get("parameters", [])]
        for each in parameters:
            if each["in"] == "path":
                part = urllib.parse.quote(self.path_part(each), safe=self.random.choice(("", "/.~")))
                path = path.replace("{%s}" % each["name"], part)
        body, headers = self.body(item, operation)
        headers += [(each["name"], self.plain(each)) for each in parameters
                    if each["in"] == "header" and self.random.random() < 0.15]
        if self.values.is_wild():
            headers.append(self.random.choice(NASTY_HEADERS))
        return Request(method, path + self.query(parameters), headers, body)

    def anywhere(self):
        """A method or a path that the document does not have."""
        method, path, item, operation = self.random.choice(self.operations)
        if self.random.random() < 0.5:
            path = self.random.choice(NASTY_PATHS)
        else:
            method = self.random.choice(METHODS)
        body, headers = self.body(item, operation)
        return Request(method, re.sub(r"\{\w+\}", "a", path), headers, body)

    def plain(self, parameter):
        """A parameter's value as text that a header can carry."""
        if self.values.is_wild():
            value = self.random.choice(NASTY_TEXTS)
        elif parameter["name"] == "If-Match":
            value = self.random.choice((f'"{self.values.revision}"', "*", '"1"'))
        else:
            value = self.values.value(parameter["schema"])
        text = value if isinstance(value, str) else json.dumps(value)
        return re.sub(r"[^\x20-\x7e]", "?", text)[:4000]

    def path_part(self, parameter):
        if self.values.is_wild():
            return self.random.choice(NASTY_TEXTS).encode("utf-8", "surrogatepass")
        if parameter["name"] == "name" and "format" not in parameter["schema"]:
            return self.values.link()
        return self.values.text(parameter["schema"])

    def query(self, parameters):
        """Documented parameters, sometimes twice, sometimes others."""
        pairs = [(each["name"], self.plain(each)) for each in parameters
                 if each["in"] == "query" and (self.random.random() < 0.4 or each.get("required") and not self.values.is_wild())]
        if pairs and self.values.is_wild():
            pairs.append(pairs[0])
        if self.values.is_wild():
            value = self.random.choice(NASTY_TEXTS).encode("utf-8", "surrogatepass")
            pairs.append((self.random.choice(("limit", "unknown", "", "after")), value))
        return "?" + urllib.parse.urlencode(pairs) if pairs else ""

    def schema(self, item, operation):
        """(content type, schema) of what the operation takes; a patch takes parts of what is put."""
        content = self.contract.resolved(operation["requestBody"])[1]["content"]
        kind = next(iter(content))
        if kind.endswith("merge-patch+json"):
            return kind, item["put"]["requestBody"]["content"]["application/json"]["schema"]
        return kind, content[kind]["schema"]

    def body(self, item, operation):
        """(bytes or None, headers)."""
        if "requestBody" not in operation:
            is_odd = self.values.is_wild()
            return (self.random.choice(NASTY_BODIES), [("Content-Type", "application/json")]) if is_odd else (None, [])
        kind, schema = self.schema(item, operation)
        value = self.values.value(schema)
        if isinstance(value, dict) and "ends" in value and not self.values.is_wild():
            value.update(network=self.values.network, ends=self.values.ends)
        if isinstance(value, dict) and "members" in value and not self.values.is_wild():
            value.update(members=NAMES[:2], witness=[])  # each of them needs links with all others
        if kind.endswith("merge-patch+json") and isinstance(value, dict):
            value = {field: None if self.random.random() < 0.2 else inner for field, inner in value.items()}
        is_text = kind == "text/plain" and isinstance(value, str)
        data = value.encode("utf-8", "surrogatepass") if is_text else json.dumps(value).encode()
        if self.values.is_wild():
            broken = (data[:-1], data + b"}", data.replace(b":", b"::", 1))
            data = self.random.choice((self.random.choice(NASTY_BODIES), *broken))
        if self.values.is_wild():
            kind = self.random.choice(NASTY_TYPES)
        return data, [("Content-Type", kind)] if kind else []
