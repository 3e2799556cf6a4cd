#!/bin/sh
# What a controller survives: kill -9 while it writes, a full disk, damaged and missing files, backup and restore.
#   tests/crash/run.sh [--kills N] [WORD...]   only the cases whose name contains one of WORD
# --kills: how often it is killed (default 10, the full proof is 50). WEFT_BIN is the directory of the programs (default:
# build/release/bin). One line a case, figures below it, then "N passed, N failed, N skipped".
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=${WEFT_BIN:-$root/build/release/bin}
[ -x "$bin/weft-controller" ] || { echo "tests/crash: $bin/weft-controller is not built" >&2; exit 77; }
exec python3 "$here/crash.py" "$bin/weft-controller" "$root" "$@"
