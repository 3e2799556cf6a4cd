"""Checks the tree against docs/development.md; prints each breach as file:line and exits 1 if there is any."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_LINES, FUNCTION_LINES, PARAMETERS = 600, 60, 6

# Who may include whom: room -> rooms below it.
BELOW = {
    "common": {"common"},
    "controller": {"common", "controller"},
    "node-agent": {"common", "node-agent"},
    "cli": {"common", "cli"},
}
# Modules that decide: no socket, clock, SQL, netlink or loop.
PURE = ["common/lease", "node-agent/probe/history", "node-agent/probe/hmac", "node-agent/probe/link", "node-agent/probe/offset", "node-agent/probe/reflector",
        "node-agent/probe/sender", "node-agent/probe/stamp", "common/base/text", "common/base/map", "common/model", "common/wire", "common/names/name", "common/names/rule", "common/names/list.", "node-agent/decide", "node-agent/proxy/sniff", "node-agent/proxy/quic", "node-agent/dns/message", "node-agent/dns/writer", "node-agent/dns/rewrite", "node-agent/dns/cache", "node-agent/dns/learned", "node-agent/dns/learn_addresses", "node-agent/dns/memo", "node-agent/dns/hash", "node-agent/sets/record", "node-agent/sets/sets", "controller/plan", "node-agent/steer", "cli/lab/sites"]
IMPURE = re.compile(r"<(sys/socket|netinet/|sys/time|uv|sqlite3|libmnl/|libwebsockets|linux/|unistd|fcntl|poll)")
CLOCKS = re.compile(r"\b(clock_gettime|gettimeofday|clock_mono_ms|clock_wall_ms|time)\((NULL|0|CLOCK|&|\))")
# Each third-party library has one home (and tests may use what they like).
HOMES = {
    "sqlite3.h": ["controller/store"],
    "microhttpd.h": ["controller/rest"],
    "gnutls/": ["controller/rest"],
    "libwebsockets.h": ["controller/hub", "node-agent/uplink"],
    "libmnl/": ["node-agent/kernel"],
    "nftables/": ["node-agent/kernel"],
    "yaml.h": ["common/settings"],
    "curl/": ["cli", "controller/lists", "controller/webhook", "node-agent/uplink", "node-agent/main.c", "node-agent/dns/exchange"],
}

breaches = []


def breach(path, line, text):
    breaches.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT, check=True,
                         capture_output=True, text=True).stdout
    return [ROOT / name for name in out.split("\n") if name and (ROOT / name).is_file()]


def module_exists(room, name):
    return (ROOT / room / name).is_dir()


def check_includes(path, lines):
    rel = path.relative_to(ROOT).as_posix()
    room = rel.split("/")[0]
    is_pure = any(rel.startswith(p) for p in PURE)
    for number, line in enumerate(lines, 1):
        if is_pure and IMPURE.search(line) and line.startswith("#include"):
            breach(path, number, f"a pure module includes {line.split()[1]}")
        if is_pure and CLOCKS.search(line):
            breach(path, number, "a pure module reads a clock")
        found = re.match(r'#include\s+[<"]([^>"]+)[>"]', line)
        if not found:
            continue
        for library, homes in HOMES.items():
            at_home = any(rel.startswith(home) for home in homes)
            if found[1].startswith(library) and not at_home:
                breach(path, number, f"{found[1]} belongs to {', '.join(homes)}")
        module = found[1].split("/")[0]
        for other, _ in BELOW.items():
            if other not in BELOW[room] and other != "common" and module_exists(other, module) and \
                    not module_exists(room, module) and not module_exists("common", module) and '"' in line:
                breach(path, number, f"{room}/ includes {found[1]} of {other}/")


def check_functions(path, lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start - 1 > FUNCTION_LINES:
                breach(path, start, f"a function of {number - start - 1} lines (at most {FUNCTION_LINES})")
            above = start - 1
            while above > 0 and lines[above - 1].strip():
                above -= 1
            signature = re.sub(r"/\*.*?\*/", "", " ".join(lines[above:start - 1]))
            signature = re.split(r"[;}]\s|#\S*\s", signature)[-1]
            inner = re.search(r"\w\s*\((.*)\)\s*$", signature)
            if inner:
                # Commas of function pointer parameters do not count.
                flat = inner[1]
                while re.search(r"\([^()]*\)", flat):
                    flat = re.sub(r"\([^()]*\)", "", flat)
                # The error carrier is in every signature; what a library calls has the library's own.
                count = flat.count(",") + 1 - bool(re.search(r"struct err \*\w+$", flat))
                if count > PARAMETERS and not re.search(r"MHD_|gnutls_|lws", signature):
                    breach(path, start, f"a function of {count} parameters (at most {PARAMETERS})")
            start = None


def check_file(path):
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    room = path.relative_to(ROOT).parts[0]
    if len(lines) - 1 > FILE_LINES:
        breach(path, 1, f"{len(lines) - 1} lines (at most {FILE_LINES})")
    for number, line in enumerate(lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line) and path.name != "tree.py":
            breach(path, number, "promises instead of code")
    if path.suffix == ".h" and not text.startswith("//"):
        breach(path, 1, "a header begins with one sentence on what it is for")
    if path.suffix == ".h" and "#pragma once" not in text:
        breach(path, 1, "no #pragma once")
    if path.suffix in (".c", ".h") and room in BELOW:
        check_includes(path, lines)
    if path.suffix == ".c":
        check_functions(path, lines)


def main():
    for path in tracked("*.c", "*.h", "*.ts", "*.tsx", "*.py", "*.sh"):
        check_file(path)
    for line in breaches:
        print(line)
    sys.exit(1 if breaches else 0)


main()
