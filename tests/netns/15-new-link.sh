#!/usr/bin/env bash
# A new link under traffic passes packets as soon as both ends have it, whichever of them gets the other first.
#
#     fay --- gus        they ping each other without a pause while their link comes and goes
#      \     /
#        hal
#
# WEFT_JOINS: how often (default 6; the figure in docs/performance.md is of 20).
. "$(dirname "$0")/lib.sh"
use_lab join
joins=${WEFT_JOINS:-6}

fleet() {
	cat <<-END
		nodes: {fay: {address: fay.example.net}, gus: {address: gus.example.net}, hal: {address: hal.example.net}}
		networks: {home: {mesh: [], links: [[fay, hal], [gus, hal]$1]}}
	END
}
link() { fleet ', [fay, gus]' | weft apply -f - >/dev/null; }
unlink() { fleet '' | weft apply -f - >/dev/null; }
no_answer() { ! answers fay "$to" -W 0.3; }
# Traffic that goes on whether there is a link or not.
traffic() { in_host "$1" sh -c 'echo $$ >"$0"; exec ping -n -q -i 0.02 "$1"' "$scratch/$1.pid" "$2" >/dev/null 2>&1 & }
no_traffic() { in_host "$1" kill "$(cat "$scratch/$1.pid")"; }

joined() {
	local i start took worst=0 to
	to=$(overlay home gus 4)
	traffic fay "$to"
	traffic gus "$(overlay home fay 4)"
	for ((i = 0; i < joins; i++)); do
		start=$(now_ms)
		link
		till 15 answers fay "$to" -W 0.2 || die "nothing passes the new link"
		took=$(($(now_ms) - start))
		worst=$((took > worst ? took : worst))
		unlink
		till 15 no_answer || die "the link does not go"
	done
	no_traffic fay
	no_traffic gus
	note "$joins times linked: from the apply to the first echo at most $worst ms"
	# WireGuard by itself repeats a handshake that came too early after 5 s.
	in_time $worst 3500
}

fleet '' >"$scratch/fleet.yaml"
lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
for host in fay gus hal; do till 60 is_settled $host || exit 1; done
check "a new link under traffic passes packets at once" joined
finish
