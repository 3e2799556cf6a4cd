#!/usr/bin/env bash
# Namespace tests: every promise of the data plane, with the real programs and real packets, in rehearsals (`weft lab`)
# that each script makes and takes down again.
#   sudo tests/netns/run.sh [WORD|SCRIPT...]   only the scripts whose name contains one of WORD, and those given by path
# WEFT_BIN is the directory of the programs (default: build/release/bin), WEFT_SLOW how many times slower than real the
# machine is, WEFT_NETNS_LOGS where what the scripts say is written at once. One line a case, figures below it, then
# "N passed, N failed, N skipped".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export WEFT_BIN=${WEFT_BIN:-$here/../../build/release/bin}
passed=0 failed=0 skipped=0
scratch=$(mktemp -d)
logs=${WEFT_NETNS_LOGS:-$scratch}

# Each script has its own rehearsal, so several run side by side: they wait more than they work. One that fails there runs
# once more, alone, and that counts: a promise in milliseconds is one for a machine that has them. Both reports are shown.
jobs=${WEFT_NETNS_JOBS:-4}

# Those that take longest begin first, so that none of them is left over at the end.
long=" 10-five-sites 15-spanning-tree 90-lockout 81-agent-damaged 75-other-hosts 82-controller-away "
by_length() {
	local script
	for script in "$@"; do [[ $long != *" $(basename "$script" .sh) "* ]] || echo "$script"; done
	for script in "$@"; do [[ $long == *" $(basename "$script" .sh) "* ]] || echo "$script"; done
}

# wanted NAME [WORD|SCRIPT...]
wanted() {
	local word
	[ $# -gt 1 ] || return 0
	for word in "${@:2}"; do [[ $word != */* && $1 == *"$word"* ]] && return 0; done
	return 1
}

run() {
	local start=$SECONDS status=0
	"$1" >"$logs/$2" 2>&1 || status=$?
	echo "$status $((SECONDS - start))" >"$logs/$2.end"
}

# show NAME: what the script said, and how long it took; sets `status`.
show() {
	local took
	read -r status took <"$logs/$1.end"
	printf '== %s\n' "$1"
	cat "$logs/$1"
	printf -- '-- %s: %s s\n' "$1" "$took"
}

count() {
	local name bad status
	name=$(basename "$1" .sh)
	show "$name"
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		echo "$name failed beside others: again, alone"
		again+=("$name")
		run "$1" "$name"
		show "$name"
	fi
	bad=$(grep -c '^FAIL ' "$logs/$name")
	passed=$((passed + $(grep -c '^ok ' "$logs/$name")))
	skipped=$((skipped + $(grep -c '^skip ' "$logs/$name")))
	# A script that ends badly without a failed case still fails.
	if [ "$status" = 77 ]; then skipped=$((skipped + 1)); elif [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
	failed=$((failed + bad))
}

scripts=()
for script in "$@"; do
	[[ $script != */* ]] || scripts+=("$script")
done
for script in "$here"/[0-9][0-9]-*.sh; do
	! wanted "$(basename "$script" .sh)" "$@" || scripts+=("$script")
done
# Scripts end their rehearsals themselves; an interrupt is passed on and waited for.
trap 'trap - INT TERM; kill -TERM $(jobs -p) 2>/dev/null; wait; rm -rf "$scratch"; exit 1' INT TERM
mapfile -t ordered < <(by_length "${scripts[@]}")
for script in "${ordered[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
	run "$script" "$(basename "$script" .sh)" &
done
wait
again=()
for script in "${scripts[@]}"; do count "$script"; done
rm -rf "$scratch"
[ ${#again[@]} = 0 ] || echo "run twice: ${again[*]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
