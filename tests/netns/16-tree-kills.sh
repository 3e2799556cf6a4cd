#!/usr/bin/env bash
# The article's five sites on one bridge: how long the others are parted when the root, a bridge on the way or a link
# between others goes.
#
#      bob --- epsilon --- vorke      the tree, by costs that an operator has set; the other three wires of the mesh
#       |                             wait. Its root moves on when it goes, and stays where it is then.
#      rho --- pi0
#
# WEFT_TREE_KILLS: how many kills of each kind (default 2; the full proof takes 20).
. "$(dirname "$0")/lib.sh"
use_lab kills
kills=${WEFT_TREE_KILLS:-2}
nodes=(bob epsilon pi0 rho vorke)
limit_ms=1000
step=0.02

tree() { weft tree internet -o json; }
wires() { tree | jq -r --arg s "$1" '.wires[] | select(.state == $s) | [.a, .b] | sort | join("-")' | sort | paste -sd' '; }
shape="bob-epsilon bob-rho epsilon-vorke pi0-rho"
root() { tree | jq -r .root; }
has_shape() { [ "$(wires forwarding)" = "$shape" ] && [ "$(root)" != null ]; }
is_known() { [ "$(weft get links "$1" -o json | jq -r .spec.cost)" = "$2" ]; }

# The four that carry frames, and what is set is what counts.
takes_shape() {
	till 60 has_shape || die "root $(root), forwarding: $(wires forwarding)"
	[ "$(tree | jq -r '.wires[] | select([.a, .b] | sort == ["bob", "vorke"]) | .cost')" = 920 ] || die "the cost of bob-vorke is not what was set"
	note "root $(root); $(wires forwarding) carry frames, $(wires blocked) wait"
	is_known home.bob.rho 200
}

# Every pair pings all the time; the clock tells which echoes came when.
pairs() {
	local a b
	for a in "${nodes[@]}"; do for b in "${nodes[@]}"; do [[ $a < $b ]] && echo "$a $b"; done; done
}
start_pings() {
	local a b
	mkdir "$scratch/pings"
	while read -r a b; do
		setsid weft lab exec --lab "$LAB" "$a" -- sh -c 'echo $$ >"$0.pid"; exec ping -n -D -i "$2" "$1"' \
			"$scratch/pings/$a-$b" "$(address internet "$b" 4)" $step >"$scratch/pings/$a-$b" 2>/dev/null </dev/null &
	done < <(pairs)
}
# answering FROM-MS BUT...: every pair without one of BUT has had an echo since then.
answering() {
	local file from=$1 last
	for file in "$scratch"/pings/*[a-z0-9]; do
		[[ $file != *.pid ]] || continue
		is_among "$(basename "$file")" "${@:2}" && continue
		last=$(tail -n 1 "$file" | sed -n 's/^\[\([0-9]*\)\.\([0-9][0-9][0-9]\).*time=.*/\1\2/p')
		[ "${last:-0}" -gt "$from" ] || return 1
	done
}
is_among() {
	local but
	for but in "${@:2}"; do [[ -$1- != *-$but-* ]] || return 0; done
	return 1
}
# gap FROM-MS TO-MS BUT...: "MS PAIR" of the longest time without an echo.
gap() {
	local file pair
	for file in "$scratch"/pings/*[a-z0-9]; do
		[[ $file != *.pid ]] || continue
		pair=$(basename "$file")
		is_among "$pair" "${@:3}" && continue
		awk -v from="$1" -v to="$2" -v step=$step -v pair="$pair" '
			/time=/ && !/DUP/ { t = substr($1, 2) * 1000; if (t < from) { last = t; next } if (t > to) exit
				if (last && t - last > worst) worst = t - last; last = t }
			END { if (to - last > worst) worst = to - last; printf "%d %s\n", worst - step * 1000, pair }' "$file"
	done | sort -n | tail -n 1
}

cut_off() {
	lab cut "$1"
	[[ $1 == *-* ]] || in_host "$1" pkill -9 -x weft-agent || true
}

# Whom to cut off: what the root is not, or has no part in.
bridge_on_the_way() { local n; for n in epsilon bob rho; do [ $n = "$(root)" ] || { echo $n; return; }; done; }
link_of_others() { local l; for l in epsilon-vorke bob-epsilon bob-rho; do is_among $l "$(root)" || { echo $l; return; }; done; }

# killed WHO: WHO tells whom, so many times; those who are left must go on. pi0 has nobody but rho.
killed() {
	local i victim from to worst pair all= most=0 but
	for i in $(seq "$kills"); do
		till 30 has_shape || die "no whole tree before kill $i: $(wires forwarding)"
		till 30 answering "$(now_ms)" || die "not all pairs answer before kill $i"
		victim=$($1)
		but=()
		[[ $victim == *-* ]] || but=("$victim")
		[ "$victim" != rho ] || but+=(pi0)
		from=$(now_ms)
		cut_off "$victim"
		till 20 answering $((from + 1500)) "${but[@]}" || die "kill $i, of $victim: not all others answer each other after 20 s"
		to=$(now_ms)
		read -r worst pair < <(gap "$from" "$to" "${but[@]}")
		all="$all $victim:$worst"
		[ "$worst" -le "$most" ] || most=$worst
		lab heal "$victim"
	done
	note "$kills times, longest gap of any pair left (ms):$all"
	in_time "$most" $limit_ms || die "$most ms without an echo"
}

lab_up -f "$here/fleets/article.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
check "costs that are set shape the tree" takes_shape
all_pairs 60 internet "${nodes[@]}" >/dev/null
start_pings
check "the root goes" killed root
check "a bridge on the way goes" killed bridge_on_the_way
check "a link that the root has no part in goes" killed link_of_others
finish
