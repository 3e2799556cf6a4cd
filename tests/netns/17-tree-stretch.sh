#!/usr/bin/env bash
# The tree goes by what its wires take: the article's five sites, as far from each other as they are.
#
#      rho -- 12 -- bob           round trips in ms; rho and bob are 84 to 96 from epsilon and vorke, which are 24
#       | 20     \ /              from each other. A tree that ignores that leads from epsilon to vorke over Europe
#      pi0       / \              and back.
#          epsilon--vorke
#                24
#
# The Internet's delay is impede.py's, one forwarder for each pair of hosts.
. "$(dirname "$0")/lib.sh"
use_lab stretch
nodes=(bob epsilon pi0 rho vorke)
distances="bob-rho:12 epsilon-rho:88 rho-vorke:92 bob-epsilon:84 bob-vorke:96 epsilon-vorke:24 pi0-rho:20"

tree() { weft tree internet -o json; }
outside() { in_host "$1" ip -j -4 addr show eth0 | jq -r '.[0].addr_info[0].local'; }
is_stretch_known() { tree | jq -e '(.pairs | length == 10 and all(.stretch != null)) and (.wires | length == 7 and all(.rtt_ms != null and .rtt_ms > 5))'; }

# apart A B MS: what A and B send each other takes MS for the way there and back.
apart() {
	local name=d$1$2 table=$((1000 + tables++)) a b
	name=${name:0:14}
	a=$(outside "$1") b=$(outside "$2")
	setsid weft lab exec --lab "$LAB" internet -- python3 "$here/impede.py" "$name" "$(awk -v ms="$3" 'BEGIN { print ms / 2 }')" 0 \
		>"$scratch/$name" 2>&1 </dev/null &
	till 10 grep -q ready "$scratch/$name" || die "the forwarder does not start: $(cat "$scratch/$name")"
	in_host internet ip route add default dev "$name" table "$table"
	in_host internet ip rule add from "$a" to "$b" iif "$(up_of "$a")" lookup "$table"
	in_host internet ip rule add from "$b" to "$a" iif "$(up_of "$b")" lookup "$table"
}
# The interface by which the Internet hears a host.
up_of() { in_host internet ip -j route get "$1" | jq -r '.[0].dev'; }

takes_up_places() {
	local distance pair
	tables=0
	for distance in $distances; do
		pair=${distance%:*}
		apart "${pair%-*}" "${pair#*-}" "${distance#*:}"
	done
	weft apply -f "$here/fleets/far.yaml" >/dev/null
	for n in "${nodes[@]}"; do till 60 is_settled "$n"; done
	till 60 is_stretch_known || die "not all is measured: $(tree | jq -c '[.wires[] | [.a, .b, .rtt_ms]]')"
	note "round trips as measured (ms): $(tree | jq -r '.wires[] | "\(.a)-\(.b) \(.rtt_ms)"' | paste -sd,)"
}

# rtt FROM TO: the middle of nine echoes, ms.
rtt() { in_host "$1" ping -n -c 9 -i 0.2 "$2" | sed -n 's/.*time=\([0-9.]*\).*/\1/p' | sort -n | sed -n 5p; }

near_is_near() {
	local over direct
	till 40 stretch_is_small || die "stretch: $(tree | jq -c '[.pairs[] | [.a, .b, .stretch]]')"
	over=$(rtt epsilon "$(address internet vorke 4)")
	direct=$(rtt epsilon "$(overlay home vorke 4)")
	note "epsilon to vorke: $over ms over the bridge, $direct ms over their own link"
	awk -v o="$over" -v d="$direct" 'BEGIN { exit !(d >= 20 && o <= 1.2 * d) }' || die "that is more than 1.2 times as long"
	note "root $(tree | jq -r .root); stretch: $(tree | jq -r '[.pairs[] | select(.stretch)] | sort_by(-.stretch)[] | "\(.a)-\(.b) \(.stretch * 100 | round / 100)"' | paste -sd,)"
}
stretch_is_small() { tree | jq -e 'any(.pairs[]; ([.a, .b] | sort) == ["epsilon", "vorke"] and .stretch <= 1.2)'; }

follows_what_is_set() {
	sed 's/^segments:/links:\n  home.epsilon.vorke: {network: home, ends: [epsilon, vorke], cost: 9000}\n&/' "$here/fleets/far.yaml" >"$scratch/dear.yaml"
	weft apply -f "$scratch/dear.yaml" >/dev/null
	till 20 avoids || die "epsilon and vorke still use their wire, which was made dear"
	note "its cost set to 9000: epsilon to vorke goes $(tree | jq -r '.pairs[] | select([.a, .b] | sort == ["epsilon", "vorke"]) | .path | join(" ")')"
}
avoids() {
	tree | jq -e 'def is_it: ([.a, .b] | sort) == ["epsilon", "vorke"];
		any(.wires[]; is_it and .state == "blocked" and .cost == 9000) and any(.pairs[]; is_it and (.path | length) > 2)'
}

sed '/^networks:/,$d' "$here/fleets/far.yaml" >"$scratch/hosts.yaml"
lab_up -f "$scratch/hosts.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
check "the sites are as far apart as they are" takes_up_places
check "epsilon and vorke are near each other over the bridge too" near_is_near
check "a cost that an operator sets is in the place of what is measured" follows_what_is_set
finish
