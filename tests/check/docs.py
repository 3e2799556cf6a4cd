"""Every sentence that docs/troubleshooting.md explains is one that a program says; prints those that none does."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
ROOMS = ("common", "controller", "node-agent", "cli")


STRING = r'"(?:[^"\\\n]|\\.)*"'
TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|'(?:[^'\\\n]|\\.)+'|(" + STRING + r"(?:\s*(?:PRI\w+\s*)?" + STRING + ")*)", re.S)


def literals():
    """All string literals, adjacent ones joined, conversions as in the page."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.c")):
            for token in TOKEN.finditer(path.read_text(encoding="utf-8")):
                joined = "".join(part[1:-1] for part in re.findall(STRING, token[1] or ""))
                yield re.sub(r"%[-+ #0-9.*]*(?:ll|z|h)?[a-zA-Z]?", "…", joined)


def main():
    said = "\n".join(literals())
    sentences = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.M)
    unsaid = [s for s in sentences if s.strip(" …") not in said]
    for sentence in unsaid:
        print(f"{PAGE.relative_to(ROOT)}: no program says: {sentence}")
    sys.exit(1 if unsaid or len(sentences) < 10 else 0)


main()
