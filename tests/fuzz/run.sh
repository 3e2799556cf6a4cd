#!/usr/bin/env bash
# Runs every fuzz target for a while, two at a time, each from its seed corpus and what earlier runs here found beyond it.
#   tests/fuzz/run.sh [TARGET...]
#   WEFT_FUZZ_SECONDS     for each target (default: 20, or less if all of them would take longer than the budget)
#   WEFT_FUZZ_BUDGET      seconds for all targets together (default 75)
#   WEFT_FUZZ_JOBS        targets at a time (default 2)
#   WEFT_FUZZ_SEED        where the random numbers begin (default 1, so that two runs try much the same; 0: elsewhere each time)
# An input that fails is kept below build/logs/fuzz; put it into the target's corpus once what it shows is mended. One line
# a target, then "N passed, N failed, N skipped". Needs clang.
set -uo pipefail
cd "$(dirname "$0")/../.."
command -v clang >/dev/null || { echo "tests/fuzz: clang is not installed" >&2; exit 77; }
jobs=${WEFT_FUZZ_JOBS:-2}
logs=$PWD/build/logs/fuzz
mkdir -p "$logs"

targets=("$@")
if [ $# = 0 ]; then
	for dir in tests/fuzz/*/; do targets+=("$(basename "$dir")"); done
fi
{
	[ -f build/fuzz/build.ninja ] || cmake --preset fuzz
	cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}"
} >"$logs/build.log" 2>&1 || { tail -n 30 "$logs/build.log"; echo "0 passed, 1 failed, 0 skipped"; exit 1; }

each=${WEFT_FUZZ_SECONDS:-}
if [ -z "$each" ]; then
	each=$((${WEFT_FUZZ_BUDGET:-75} * jobs / ${#targets[@]}))
	[ $each -le 20 ] || each=20
	[ $each -ge 1 ] || each=1
fi
echo "${#targets[@]} targets, $each s each, $jobs at a time"

run() {
	local name=$1 found=build/fuzz/corpus/$1
	mkdir -p "$found"
	UBSAN_OPTIONS=print_stacktrace=1 build/fuzz/fuzz/fuzz_"$name" -max_total_time="$each" -seed="${WEFT_FUZZ_SEED:-1}" -timeout=20 -rss_limit_mb=2560 \
		-print_final_stats=1 -verbosity=0 -artifact_prefix="$logs/$name-" "$found" "tests/fuzz/$name/corpus" >"$logs/$name.log" 2>&1
	echo $? >"$logs/$name.status"
}

for name in "${targets[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
	run "$name" &
done
wait

passed=0 failed=0
for name in "${targets[@]}"; do
	status=$(cat "$logs/$name.status")
	inputs=$(sed -n 's/.*number_of_executed_units: *//p' "$logs/$name.log")
	if [ "$status" = 0 ] && [ "${inputs:-0}" -gt 0 ]; then
		passed=$((passed + 1))
		echo "ok   $name: $inputs inputs"
	else
		failed=$((failed + 1))
		echo "FAIL $name (exit status $status)"
		tail -n 40 "$logs/$name.log"
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
