"""Every sentence that the pages on failures explain is one that a program says; prints those that none does."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / name for name in ("troubleshooting.md", "agent-failures.md")]
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
    is_bad = False
    for page in PAGES:
        sentences = re.findall(r"^\| `([^`]+)` \|", page.read_text(encoding="utf-8"), re.M)
        sentences = [s for s in sentences if not s.startswith("/") and " " in s]  # not the names of files
        unsaid = [s for s in sentences if s.strip(" …") not in said]
        for sentence in unsaid:
            print(f"{page.relative_to(ROOT)}: no program says: {sentence}")
        is_bad |= bool(unsaid) or len(sentences) < 10
    sys.exit(1 if is_bad else 0)


main()
