"""Checks that every metric that deploy/grafana and the docs name is one that the controller exposes."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUFFIXES = ("_bucket", "_sum", "_count")
NAME = re.compile(r"\bweft_(?:controller|revision|event|nodes?|hub|webhook|list|link|peer|wire|port|path|guard|ha|policy_rule|gateway|splitter|dns)(?:_[a-z]+)*\b")


def exposed():
    source = "".join(path.read_text() for path in sorted((ROOT / "controller/rest").glob("metrics*.[ch]")))
    return set(re.findall(r'"(weft_[a-z_]+)"', source))


def main():
    known, wrong = exposed(), 0
    places = [*sorted((ROOT / "deploy/grafana").iterdir()), *sorted((ROOT / "docs").glob("*.md"))]
    named = set()
    for path in places:
        for number, line in enumerate(path.read_text().split("\n"), 1):
            for name in NAME.findall(line):
                family = next((name[:-len(s)] for s in SUFFIXES if name.endswith(s) and name[:-len(s)] in known), name)
                named.add(family)
                if family not in known:
                    wrong += 1
                    print(f"{path.relative_to(ROOT)}:{number}: {name} is no metric of the controller")
    if not named:
        print("no metric is named anywhere: this check looks at nothing")
    return 1 if wrong or not named else 0


sys.exit(main())
