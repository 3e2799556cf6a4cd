#!/usr/bin/env bash
# A host with many devices, whose other programs make and remove some all the time: the agent's look at the kernel's
# tables is run into again and again, and must begin anew instead of getting stuck.
. "$(dirname "$0")/lib.sh"
[ -x "$WEFT_BIN/weft-reconcile-once" ] || skip_all "weft-reconcile-once is not built"

# Inside a network namespace of its own: 400 pairs of veth, and a bridge that comes and goes.
busy_host() {
	local i runs=0 whole=0 bad=0
	for i in $(seq 400); do echo "link add v$i type veth peer name w$i"; done | ip -batch -
	echo '{}' >"$scratch/nothing.json"
	while [ -e "$scratch/nothing.json" ]; do ip link add c0 type bridge && ip link del c0; done >/dev/null 2>&1 &
	while [ $runs -lt 60 ] && [ $bad = 0 ]; do
		runs=$((runs + 1))
		if weft-reconcile-once "$scratch/nothing.json" >"$scratch/said" 2>&1; then
			whole=$((whole + 1))
		else
			# Nothing else may be wrong than that it changes too fast.
			grep -q 'changed while they were read' "$scratch/said" || bad=1
		fi
	done
	rm "$scratch/nothing.json"
	wait
	[ $bad = 0 ] || cat "$scratch/said"
	echo "$whole of $runs looks found the tables at rest in time"
	[ $bad = 0 ] && [ $whole -gt 0 ]
}
looks() {
	export -f busy_host
	export scratch
	unshare -n bash -c 'ip link set lo up; busy_host' || die "a look that was run into got stuck"
}

check "a look at tables that never rest begins anew" looks
finish
