#!/bin/sh
# The part of the benches that asserts something: function, never speed. About 10 s.
# WEFT_BIN is the directory of the programs (default: build/release/bin). The figures of docs/performance.md come from
# tests/bench/fleet/bench.py and its neighbours, as that page says.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=${WEFT_BIN:-$root/build/release/bin}
for program in weft-controller bench-fleet; do
	[ -x "$bin/$program" ] || { echo "tests/bench: $bin/$program is not built" >&2; exit 77; }
done
exec python3 "$here/fleet/smoke.py" "$bin" "$root"
