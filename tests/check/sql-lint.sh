#!/bin/bash
# Holds every SQL statement to the subset that also runs on dqlite: STRICT tables with INTEGER, TEXT, REAL and BLOB
# columns, ids made by the program, one statement per call, no RETURNING, no ATTACH, no PRAGMA but user_version.
# Usage: sql-lint.sh [DIRECTORY OF THE SOURCES]
set -euo pipefail
root=${1:-$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")}
exec python3 - "$root" <<'PYTHON'
import glob, os, re, sys

root = sys.argv[1]
problems = []

FORBIDDEN = [
    (r"\bRETURNING\b", "RETURNING: ids are made by the program"),
    (r"\bAUTOINCREMENT\b", "AUTOINCREMENT: ids are made by the program"),
    (r"\b(ATTACH|DETACH)\b", "ATTACH"),
    (r"\bPRAGMA\b(?!\s+user_version\b)", "a PRAGMA other than user_version"),
    (r"\bVACUUM\b", "VACUUM"),
    (r"\bCREATE\s+(TEMP|TEMPORARY|TRIGGER|VIRTUAL|VIEW)\b", "temporary tables, triggers, views and virtual tables"),
    (r"\b(last_insert_rowid|random|randomblob)\s*\(", "values made by the database"),
    (r"\bdatetime\s*\(|\bstrftime\s*\(|\bCURRENT_(TIME|DATE|TIMESTAMP)\b", "the database's clock"),
    (r"\bBEGIN\b|\bCOMMIT\b|\bROLLBACK\b|\bSAVEPOINT\b", "transaction control: that is the backend's"),
    (r"\bINSERT\s+OR\b|\bREPLACE\s+INTO\b", "INSERT OR / REPLACE INTO: say ON CONFLICT"),
]
TYPES = {"INTEGER", "TEXT", "REAL", "BLOB"}
NOT_COLUMNS = {"PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "CONSTRAINT"}


def check_statement(where, sql):
    for pattern, what in FORBIDDEN:
        if re.search(pattern, sql, re.I):
            problems.append(f"{where}: {what}: {sql[:70]!r}")
    if ";" in re.sub(r"'[^']*'", "", sql):
        problems.append(f"{where}: more than one statement: {sql[:70]!r}")
    numbers = [int(n) for n in re.findall(r"\?(\d+)", sql)]
    if re.search(r"\?(?!\d)", sql):
        problems.append(f"{where}: unnumbered parameter: {sql[:70]!r}")
    if numbers and (set(numbers) != set(range(1, max(numbers) + 1)) or max(numbers) > 255):
        problems.append(f"{where}: parameters are not ?1..?n (n <= 255): {sql[:70]!r}")


def split_top(body):
    depth, part, parts = 0, "", []
    for c in body:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += c
    return [p.strip() for p in parts + [part] if p.strip()]


def check_table(where, sql):
    m = re.match(r"CREATE\s+TABLE\s+(\w+)\s*\((.*)\)\s*(.*)$", sql, re.I | re.S)
    if not m:
        problems.append(f"{where}: cannot read {sql[:50]!r}")
        return
    name, body, tail = m.groups()
    if "STRICT" not in tail.upper().split():
        problems.append(f"{where}: table {name} is not STRICT")
    for part in split_top(body):
        words = part.split()
        if words[0].upper() in NOT_COLUMNS:
            continue
        if len(words) < 2 or words[1].upper() not in TYPES:
            problems.append(f"{where}: {name}.{words[0]} is not INTEGER, TEXT, REAL or BLOB")


def strip_sql_comments(text):
    return re.sub(r"--[^\n]*", "", text)


def schema():
    versions = []
    for path in sorted(glob.glob(os.path.join(root, "schema", "*.sql"))):
        name = os.path.basename(path)
        m = re.fullmatch(r"(\d{3})_[a-z0-9_]+\.sql", name)
        if not m:
            problems.append(f"{name}: is not named NNN_words.sql")
            continue
        versions.append(int(m.group(1)))
        for sql in strip_sql_comments(open(path).read()).split(";"):
            sql = sql.strip()
            if not sql:
                continue
            check_statement(f"schema/{name}", sql)
            if re.match(r"CREATE\s+TABLE", sql, re.I):
                check_table(f"schema/{name}", sql)
    if versions != list(range(1, len(versions) + 1)):
        problems.append(f"schema: the numbers are {versions}, not 1..{len(versions)}")
    return len(versions)


def table():
    path = os.path.join(root, "controller/store/sql.c")
    text = open(path).read()
    defines = {k: v for k, v in re.findall(r'^#define\s+(\w+)\s+((?:"[^"]*"\s*)+)$', text, re.M)}
    names = re.findall(r"^\s*(SQL_\w+),", open(os.path.join(root, "controller/store/sql.h")).read(), re.M)
    names = [n for n in names if n != "SQL_COUNT"]
    rows = re.findall(r"S\((SQL_\w+),\s*((?:\w+\s*)?(?:\"[^\"]*\"\s*)+)\)", text)
    seen = [n for n, _ in rows]
    for name in names:
        if seen.count(name) != 1:
            problems.append(f"sql.c: {name} has {seen.count(name)} rows")
    for name in set(seen) - set(names):
        problems.append(f"sql.h: {name} is missing")
    for name, body in rows:
        for key, value in defines.items():
            body = re.sub(rf"^{key}\b", lambda _: value, body)
        check_statement(f"sql.c: {name}", "".join(re.findall(r'"([^"]*)"', body)))
    return len(rows)


def strays():
    """SQL lives in the store: nobody else includes sqlite3.h."""
    for base in ("common", "controller", "node-agent", "cli"):
        for path in glob.glob(os.path.join(root, base, "**", "*.[ch]"), recursive=True):
            if path.endswith("controller/store/sqlite.c"):
                continue
            if re.search(r"#\s*include\s*<sqlite3\.h>", open(path).read()):
                problems.append(f"{os.path.relpath(path, root)}: only controller/store/sqlite.c may include sqlite3.h")


files, statements = schema(), table()
strays()
for p in problems:
    print(p)
if not problems:
    print(f"sql-lint: {files} schema files and {statements} statements are within the subset")
sys.exit(1 if problems else 0)
PYTHON
