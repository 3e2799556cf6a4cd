#!/bin/sh
# API tests: starts a real controller in a temporary directory on 127.0.0.1 and speaks HTTPS to it.
#   tests/api/run.sh [NAME...]   only the cases whose name contains one of NAME
# WEFT_BIN is the directory of the programs (default: build/dev/bin). One line a case, then "N passed, N failed".
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=${WEFT_BIN:-$root/build/dev/bin}
[ -x "$bin/weft-controller" ] || { echo "tests/api: $bin/weft-controller is not built" >&2; exit 77; }
exec python3 "$here/runner.py" "$bin/weft-controller" "$root" "$@"
