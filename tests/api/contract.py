"""api/openapi.yaml as a judge of answers: what it promises must come, and what comes must stand in it.

Stricter than JSON Schema asks for: an object's fields are exactly those described, unless the document leaves them open
(`additionalProperties`, or an object without `properties`); a keyword this does not know is an error. It keeps which
fields it has seen, so that a field nobody ever answers is found too.
"""

import json
import os
import re

import yaml

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
FORMATS = {"date-time": TIME, "name": NAME}
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None), "object": dict,
         "array": list}
# What says nothing about an answer's shape, or only about what is written.
MUTE = {"description", "default", "x-kind", "x-later", "x-form", "x-minimum", "x-maximum", "x-step", "dependentRequired", "not", "writeOnly"}
KNOWN = MUTE | {"$ref", "type", "enum", "properties", "required", "additionalProperties", "items", "allOf", "anyOf", "format",
                "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"}


def is_of(value, kind):
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


class Contract:
    def __init__(self, root):
        with open(os.path.join(root, "api", "openapi.yaml")) as f:
            self.document = yaml.safe_load(f)
        self.seen = set()
        self.composed = {}
        self.paths = [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + r"\Z"), path.count("{"), item)
                      for path, item in self.document["paths"].items()]
        self.paths.sort(key=lambda each: each[1])

    def resolved(self, thing):
        """(name or None, the thing a $ref leads to)."""
        name = None
        while "$ref" in thing:
            *way, name = thing["$ref"].lstrip("#/").split("/")
            at = self.document
            for step in way:
                at = at[step]
            thing = at[name]
        return name, thing

    def operation(self, method, path):
        for pattern, _, item in self.paths:
            if pattern.match(path.split("?")[0]):
                return item.get("get" if method == "HEAD" else method.lower())
        return None

    def check(self, method, path, answer):
        """Raises AssertionError when the answer is not one that the document promises for this request."""
        operation = self.operation(method, path)
        if not operation:
            return
        where = f"{method} {path.split('?')[0]} -> {answer.status}"
        assert str(answer.status) in operation["responses"], f"{where}: this status is not documented"
        _, response = self.resolved(operation["responses"][str(answer.status)])
        for header in response.get("headers", {}):
            assert answer.headers[header], f"{where}: the header {header} is missing"
        content = response.get("content", {})
        if method == "HEAD":
            return
        if not content:
            assert not answer.body, f"{where}: a body where none is documented"
            return
        assert answer.type in content, f"{where}: {answer.type}, documented is {', '.join(content)}"
        if answer.type.endswith("json"):
            self.validate(answer.json, content[answer.type]["schema"], where)

    def check_event(self, kind, data):
        """The data of a server-sent event."""
        schemas = {"node": "StateNode", "entry": "EntryEvent", "sample": "SampleEvent", "revision": "RevisionEvent",
                   "event": "Event", "reset": "ResetEvent"}
        self.validate(json.loads(data), {"$ref": "#/components/schemas/" + schemas[kind]}, f"event {kind}")

    def validate(self, value, schema, where, owner=""):
        name, schema = self.resolved(schema)
        owner = name or owner
        assert set(schema) <= KNOWN, f"{owner}: what is {set(schema) - KNOWN}?"
        if "anyOf" in schema:
            self.validate_any(value, schema["anyOf"], where, owner)
            return
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        assert not kinds or any(is_of(value, kind) for kind in kinds), f"{where}: {value!r} is not {'/'.join(kinds)}"
        assert value in schema.get("enum", [value]), f"{where}: {value!r} is not one of {schema['enum']}"
        if isinstance(value, str):
            self.validate_text(value, schema, where)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            assert schema.get("minimum", value) <= value <= schema.get("maximum", value), f"{where}: {value} is out of bounds"
        elif isinstance(value, list):
            assert schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)), f"{where}: {len(value)} items"
            for item in value:
                self.validate(item, schema.get("items", {}), where + "[]", owner)
        elif isinstance(value, dict) and (kinds or "allOf" in schema):
            self.validate_object(value, schema, where, owner)

    def validate_any(self, value, schemas, where, owner):
        refusals = []
        for schema in schemas:
            try:
                self.validate(value, schema, where, owner)
                return
            except AssertionError as refusal:
                refusals.append(str(refusal))
        raise AssertionError("; ".join(refusals))

    @staticmethod
    def validate_text(value, schema, where):
        pattern = FORMATS.get(schema.get("format")) or re.compile("")
        assert pattern.match(value), f"{where}: {value!r} is no {schema['format']}"
        assert re.search(schema.get("pattern", ""), value), f"{where}: {value!r} does not match {schema['pattern']}"
        assert schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)), f"{where}: length of {value!r}"

    def composition(self, schema, owner):
        """What an object must and may hold: fields, required, schema of others, whether others are free; worked out once."""
        key = id(schema)
        if key not in self.composed:
            parts = list(self.parts(schema, owner))
            fields = {}
            for part_owner, part in parts:
                for field, inner in part.get("properties", {}).items():
                    fields.setdefault(field, []).append((part_owner, inner))
            required = {field for _, part in parts for field in part.get("required", [])}
            more = [part["additionalProperties"] for _, part in parts if "additionalProperties" in part]
            is_open = not more and not any("properties" in part for _, part in parts)
            values = next((each for each in more if isinstance(each, dict)), None)
            self.composed[key] = (fields, required, values, is_open)
        return self.composed[key]

    def parts(self, schema, owner):
        """(owner, object schema) of a schema and of all it is composed of."""
        name, schema = self.resolved(schema)
        owner = name or owner
        yield owner, schema
        for part in schema.get("allOf", []):
            yield from self.parts(part, owner)

    def validate_object(self, value, schema, where, owner):
        fields, required, values, is_open = self.composition(schema, owner)
        assert required <= set(value), f"{where}: without {', '.join(required - set(value))}"
        for field, inner in value.items():
            at = f"{where}.{field}"
            for part_owner, part in fields.get(field, []):
                assert not part.get("writeOnly"), f"{at} is never to be shown"
                self.seen.add((part_owner, field))
                self.validate(inner, part, at, f"{part_owner}.{field}")
            if field not in fields and values is not None:
                self.validate(inner, values, f"{where}.*", f"{owner}.*")
            assert field in fields or values is not None or is_open, f"{at} is not documented (it is {inner!r})"

    def unseen(self):
        """Documented fields of answers that no answer had, as "Schema.field". What operators write is left out."""
        promised, done = set(), set()

        def walk(schema, owner):
            name, schema = self.resolved(schema)
            owner = name or owner
            if owner.endswith("Spec") or (name and name in done):
                return
            done.add(name)
            for field, inner in schema.get("properties", {}).items():
                promised.add((owner, field))
                walk(inner, f"{owner}.{field}")
            for inner in schema.get("allOf", []) + schema.get("anyOf", []):
                walk(inner, owner)
            if "items" in schema:
                walk(schema["items"], owner)
            if isinstance(schema.get("additionalProperties"), dict):
                walk(schema["additionalProperties"], f"{owner}.*")

        for item in self.document["paths"].values():
            for operation in (each for each in item.values() if isinstance(each, dict)):
                for response in operation["responses"].values():
                    for content in self.resolved(response)[1].get("content", {}).values():
                        walk(content["schema"], "")
        return sorted(f"{owner}.{field}" for owner, field in promised - self.seen)
