#!/usr/bin/env bash
# Every test of Weft. Installs what is missing (as root), builds, runs, and closes with "N passed, N failed, N skipped".
#   sudo tests/run.sh             all stages
#   sudo tests/run.sh unit api    only these
# Stages: check (rules of the tree), unit (sanitizers), api (a live controller), crash (one that is killed, out of disk,
# damaged), netns (real packets), vm (the same with Debian's own kernel), bench (a simulated fleet; failover beside BIRD), install
# (the packages), web (a real browser), fuzz (every parser, for a while), hostile (attacks on a live controller). Logs go to
# build/logs/.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
logs=$root/build/logs
mkdir -p "$logs"

all=(check unit api crash netns vm bench install web fuzz hostile)
stages=("$@")
[ $# -gt 0 ] || stages=("${all[@]}")
passed=0 failed=0 skipped=0

say() { printf '\n== %s\n' "$*"; }
wants() { [[ " ${stages[*]} " == *" $1 "* ]]; }
for stage in "${stages[@]}"; do
	[[ " ${all[*]} " == *" $stage "* ]] || { echo "tests/run.sh: no stage is called $stage (${all[*]})" >&2; exit 2; }
done

# must NAME COMMAND...: a step without which nothing can be tested.
must() {
	local name=$1
	shift
	say "$name"
	"$@" >"$logs/$name.log" 2>&1 || { tail -n 40 "$logs/$name.log"; echo "$name failed (build/logs/$name.log)"; echo "$passed passed, $((failed + 1)) failed, $skipped skipped"; exit 1; }
}

# Stages that wait for live programs, threads or sockets: one that fails is run once more, both are shown, and the second counts. What passes
# only then is named at the end, to be looked into. (netns and vm also do so by the script.)
live=" unit api crash vm bench install web hostile "
twice=()

# stage NAME COMMAND...: runs it, shows it, and adds up the "N passed, N failed[, N skipped]" of its last such line.
stage() {
	local name=$1 start=$SECONDS status line
	shift
	say "$name"
	"$@" 2>&1 | tee "$logs/$name.log"
	status=${PIPESTATUS[0]}
	if [[ $live == *" $name "* ]] && [ "$status" != 0 ] && [ "$status" != 77 ]; then
		mv "$logs/$name.log" "$logs/$name.first.log"
		twice+=("$name")
		say "$name, once more"
		"$@" 2>&1 | tee "$logs/$name.log"
		status=${PIPESTATUS[0]}
	fi
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/$name.log" | tail -n 1)
	[[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]]
	if [ "$status" = 77 ]; then
		skipped=$((skipped + 1))
	elif [ -z "$line" ]; then
		# A stage without a count is one test.
		if [ "$status" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
	else
		passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
		# A stage that fails without a failed test still fails.
		[ "$status" = 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || failed=$((failed + 1))
	fi
	printf -- '-- %s: %s s\n' "$name" $((SECONDS - start))
}

# ahead NAME COMMAND...: begins a stage before its turn, beside others that mostly wait (one at a time). Its turn is
# `turn_of NAME COMMAND...`: waits for it and shows it; where it failed it runs once more as any live stage.
began=0
ahead() {
	local name=$1
	shift
	say "$name begins, and is shown later"
	"$@" >"$logs/$name.ahead" 2>&1 &
	began=$!
}
turn_of() {
	local ended=0
	wait "$began" || ended=$?
	stage "$1" ahead_or_now "$ended" "$logs/$1.ahead" "${@:2}"
}
ahead_or_now() {
	[ -e "$2" ] || { "${@:3}"; return; }
	cat "$2"
	rm "$2"
	return "$1"
}
trap 'trap - INT TERM; [ "$began" = 0 ] || kill "$began" 2>/dev/null; exit 130' INT TERM

checks() {
	local p=0 f=0 script
	for script in tests/check/*.sh; do
		if "$script"; then
			p=$((p + 1)) && echo "ok   $script"
		else
			f=$((f + 1)) && echo "FAIL $script"
		fi
	done
	echo "$p passed, $f failed"
	[ $f = 0 ]
}

units() {
	local report=$logs/ctest.txt
	ctest --test-dir build/dev -L unit -j 2 --output-on-failure | tee "$report"
	awk '/tests failed out of/ { for (i = 1; i <= NF; i++) if ($i == "out") { total = $(i + 2); bad = $(i - 3) } }
		/\*\*\*Skipped/ { skip++ }
		END { if (total == "") exit 1; printf "%d passed, %d failed, %d skipped\n", total - bad - skip, bad, skip; exit bad > 0 }' "$report"
}

must deps deploy/deps.sh test
if wants unit || wants api; then
	must configure-dev cmake --preset dev
	must build-dev cmake --build --preset dev
fi
if wants crash || wants netns || wants vm || wants bench || wants install || wants web || wants hostile; then
	must configure-release cmake --preset release
	must build-release cmake --build --preset release
fi

wants check && stage check checks
wants unit && stage unit units
in_vm=(env WEFT_BIN="$root/build/release/bin" tests/vm/run.sh)
wants vm && ahead vm "${in_vm[@]}"
wants api && stage api env WEFT_BIN="$root/build/dev/bin" tests/api/run.sh
wants crash && stage crash env WEFT_BIN="$root/build/release/bin" tests/crash/run.sh
wants vm && turn_of vm "${in_vm[@]}"
wants netns && stage netns env WEFT_BIN="$root/build/release/bin" tests/netns/run.sh
wants bench && stage bench env WEFT_BIN="$root/build/release/bin" tests/bench/run.sh
wants install && stage install env WEFT_BUILD="$root/build/release" tests/install/install.sh
wants web && stage web env WEFT_BIN="$root/build/release/bin" tests/web/run.sh
wants fuzz && stage fuzz tests/fuzz/run.sh
wants hostile && stage hostile env WEFT_BIN="$root/build/release/bin" tests/hostile/run.sh

echo
[ ${#twice[@]} = 0 ] || echo "run twice: ${twice[*]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
