#!/bin/sh
# The part of the benches that asserts something: function, never speed. About 10 s for a fleet of simulated agents, 40 s
# for two silent cuts at each of two settings, beside BIRD (WEFT_CUTS: how many), 15 s for weft-dns beside unbound and dnsmasq
# with 100,000 names (WEFT_DNS_NAMES, WEFT_DNS_SECONDS, WEFT_DNS_ROUNDS: the full form is 1000000, 5, 3), 10 s for names whose
# addresses are learned (WEFT_LEARN_NAMES: how many, WEFT_DNS_SECONDS), 10 s for weft-proxy beside haproxy and nginx
# (WEFT_SPLIT_CONNECTIONS, _MEGABYTES, _IDLE, _ROUNDS: the full form is 2000, 4096, 3000, 3).
# WEFT_BIN is the directory of the programs (default: build/release/bin). The figures of docs/performance.md come from
# tests/bench/fleet/bench.py and its neighbours, as that page says.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export WEFT_BIN="${WEFT_BIN:-$root/build/release/bin}"
for program in weft-controller bench-fleet; do
	[ -x "$WEFT_BIN/$program" ] || { echo "tests/bench: $WEFT_BIN/$program is not built" >&2; exit 77; }
done
said=$(mktemp)
trap 'rm -f "$said"' EXIT

# part COMMAND...: a part that ends badly without a failed case still fails; 77: it cannot run here.
passed=0 failed=0 skipped=0
part() {
	status=0
	"$@" >"$said" 2>&1 || status=$?
	cat "$said"
	bad=$(grep -c '^FAIL ' "$said") || true
	passed=$((passed + $(grep -c '^ok ' "$said" || true))) failed=$((failed + bad))
	if [ $status = 77 ]; then skipped=$((skipped + 1)); elif [ $status != 0 ] && [ "$bad" = 0 ]; then failed=$((failed + 1)); fi
}
part python3 "$here/fleet/smoke.py" "$WEFT_BIN" "$root"
part "$here/failover/failover.sh"
part python3 "$here/dns/bench.py" "$WEFT_BIN"
part python3 "$here/split/bench.py" "$WEFT_BIN"
part python3 "$here/dns/learn.py" "$WEFT_BIN"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
