#!/bin/sh
# Attacks on a real controller, in a temporary directory and on loopback addresses: each is told to be one by the figures of
# a canary that goes on with its work meanwhile.
#   tests/hostile/run.sh [NAME...]   only the cases whose name contains one of NAME
# WEFT_BIN is the directory of the programs (default: build/release/bin). One line a case, then "N passed, N failed".
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=${WEFT_BIN:-$root/build/release/bin}
[ -x "$bin/weft-controller" ] || { echo "tests/hostile: $bin/weft-controller is not built" >&2; exit 77; }
WEFT_CASES=$here exec python3 "$here/../api/runner.py" "$bin/weft-controller" "$root" "$@"
