"""Prometheus' text format 0.0.4, read strictly: what is not exactly as documented fails."""

import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|\Z)')


def parse_labels(text):
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        assert found, f"labels: {text!r}"
        name, value, comma = found.groups()
        assert name not in labels, f"label twice: {text!r}"
        labels[name] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)
        at = found.end()
        assert not (comma and at == len(text)), f"a comma at the end: {text!r}"
    return labels


def histogram_add(families, name, key, value):
    """A series of a histogram stands under its own name: NAME_bucket, NAME_sum, NAME_count."""
    families.setdefault(name, ("histogram", {}))[1][key] = float(value)


def parse(text):
    """{family: (type, {frozenset of labels: value})}; every family has one HELP, one TYPE, and stands together."""
    families, current, series = {}, None, set()
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            current, words = line[7:].split(" ", 1)
            assert NAME.match(current) and words.strip(), line
            assert current not in families, f"{current}: a second HELP, or lines apart"
            families[current] = (None, {})
            continue
        if line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == current and families[name] == (None, {}), line
            assert kind in ("counter", "gauge", "histogram"), line
            assert (kind == "counter") == name.endswith("_total"), line
            families[name] = (kind, {})
            continue
        found = SAMPLE.match(line)
        assert found, f"no sample: {line!r}"
        name, labels, value = found.groups()
        own = name if families[current][0] != "histogram" else re.sub("_(bucket|sum|count)$", "", name)
        assert own == current and families[current][0], f"{line!r} stands under {current}"
        key = frozenset(parse_labels(labels or "").items())
        assert (name, key) not in series, f"twice: {line!r}"
        series.add((name, key))
        families[current][1].setdefault(key, float(value)) if own == name else histogram_add(families, name, key, value)
    return families


def value_of(families, name, **labels):
    """The value of the one series with these labels among others."""
    wanted = set(labels.items())
    found = [value for key, value in families[name][1].items() if wanted <= key]
    assert len(found) == 1, (name, labels, found)
    return found[0]
