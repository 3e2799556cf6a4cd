#!/bin/bash
# The lint of the SQL subset accepts this tree and refuses each forbidden construct.
# Usage: sql-lint-test.sh ROOT
set -euo pipefail
root=$1
lint=$root/tests/check/sql-lint.sh
tree=$(mktemp -d /tmp/weft-lint.XXXXXX)
trap 'rm -rf "$tree"' EXIT
"$lint" "$root"

fresh() {
	rm -rf "${tree:?}"/*
	mkdir -p "$tree/schema" "$tree/controller/store"
	cp "$root"/schema/*.sql "$tree/schema/"
	cp "$root"/controller/store/sql.[ch] "$tree/controller/store/"
}

refuses() { # WORDS: the lint fails and says them
	if out=$("$lint" "$tree"); then
		echo "accepted: $1"
		exit 1
	fi
	grep -qF "$1" <<<"$out" || { echo "does not say '$1': $out"; exit 1; }
}

schema() { # WORDS SQL: refused in a new schema file
	fresh
	echo "$2" >"$tree/schema/002_more.sql"
	refuses "$1"
}

statement() { # WORDS SQL: refused in the table
	fresh
	sed -i "s|S(SQL_META_GET, .*|S(SQL_META_GET, \"$2\"),|" "$tree/controller/store/sql.c"
	refuses "$1"
}

schema "not STRICT" "CREATE TABLE t (id INTEGER PRIMARY KEY);"
schema "is not INTEGER" "CREATE TABLE t (is_up BOOLEAN) STRICT;"
schema "is not INTEGER" "CREATE TABLE t (at DATETIME NOT NULL, b TEXT) STRICT;"
schema "AUTOINCREMENT" "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;"
schema "triggers" "CREATE TRIGGER t AFTER INSERT ON meta BEGIN SELECT 1; END;"
schema "PRAGMA" "PRAGMA journal_mode = DELETE;"
schema "transaction control" "COMMIT;"
statement "RETURNING" "INSERT INTO meta (key, value) VALUES (?1, ?2) RETURNING key"
statement "ATTACH" "ATTACH ?1 AS other"
statement "PRAGMA" "PRAGMA foreign_keys = OFF"
statement "more than one statement" "DELETE FROM meta; DELETE FROM change"
statement "unnumbered parameter" "SELECT value FROM meta WHERE key = ?"
statement "?1..?n" "SELECT value FROM meta WHERE key = ?2"
statement "clock" "SELECT strftime('%s')"
fresh
sed -i '/S(SQL_META_GET,/d' "$tree/controller/store/sql.c"
refuses "SQL_META_GET has 0 rows"
fresh
mv "$tree/schema/001_init.sql" "$tree/schema/003_init.sql"
refuses "the numbers are"
