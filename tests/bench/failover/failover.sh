#!/usr/bin/env bash
# How long traffic is broken by a link that falls silent: Weft, and BIRD's BGP with BFD, over the same hosts, by the very
# same cuts, at the same intervals.
#
#     lea ----x---- max      x: the Internet carries nothing between the two, and says nothing
#        \         /
#           nia
#
# WEFT_CUTS cuts at each setting (default: 2; the figures of docs/performance.md take 20). Asserts that every flow finds its
# way round the cut, never how soon.
. "$(dirname "$0")/../../netns/lib.sh"
bench=$root/tests/bench/failover
use_lab failover
cuts=${WEFT_CUTS:-2}
command -v bird >/dev/null || skip_all "bird is not installed"

declare -A number=([lea]=1 [max]=2 [nia]=3)
pairs=("lea max" "lea nia" "max nia")
outside() { in_host "$1" ip -j -4 addr show eth0 | jq -er '.[0].addr_info[0].local'; }

# in_background NAME HOST COMMAND...: until it is ended with the lab; what it says goes to $scratch/NAME.
in_background() {
	setsid weft lab exec --lab "$LAB" "$2" -- "${@:3}" >"$scratch/$1" 2>&1 </dev/null &
}

# ---- BIRD: plain tunnels beside Weft's, BGP and BFD over them, one prefix at each host ----

# The tunnel's own address of HOST towards PEER.
tunnel_address() {
	local a=${number[$1]} b=${number[$2]}
	echo "10.75.$((a < b ? a * 10 + b : b * 10 + a)).$a"
}
tunnel() {
	in_host "$1" sh -ec "ip link add bird-$2 type vxlan id $((900 + number[$1] + number[$2])) local $(outside "$1") remote $(outside "$2") dstport 4900
		ip addr add $(tunnel_address "$1" "$2")/24 dev bird-$2
		ip link set bird-$2 up"
}
bird_config() {
	local host=$1 peer
	sed "s/@ROUTER_ID@/10.76.${number[$host]}.1/; s/@AS@/6500${number[$host]}/; s/@INTERVAL@/$2/g; s/@MULTIPLIER@/$3/" "$bench/bird.conf"
	for peer in lea max nia; do
		[ $peer = "$host" ] || printf 'protocol bgp to_%s from neighbour { neighbor %s as 6500%d; }\n' \
			$peer "$(tunnel_address $peer "$host")" "${number[$peer]}"
	done
}
bird_up() {
	local host pair
	for pair in "${pairs[@]}"; do
		tunnel ${pair% *} ${pair#* }
		tunnel ${pair#* } ${pair% *}
	done
	for host in lea max nia; do
		in_host $host sh -ec "ip addr add 10.76.${number[$host]}.1/32 dev lo; sysctl -q net.ipv4.ip_forward=1"
		bird_config $host 100 5 >"$scratch/bird-$host.conf"
		in_background bird-$host $host bird -f -c "$scratch/bird-$host.conf" -s "$scratch/bird-$host.ctl"
	done
}
birdc_of() { in_host "$1" birdc -r -s "$scratch/bird-$1.ctl" "${@:2}"; }
bird_is_direct() {
	in_host lea ip route get 10.76.2.1 | grep -q "dev bird-max" && in_host max ip route get 10.76.1.1 | grep -q "dev bird-lea" &&
		[ "$(birdc_of lea show bfd sessions | grep -c ' Up ')" = 2 ] && [ "$(birdc_of max show bfd sessions | grep -c ' Up ')" = 2 ]
}
bird_every() {
	local host
	for host in lea max nia; do
		bird_config $host "$1" "$2" >"$scratch/bird-$host.conf"
		in_host $host birdc -s "$scratch/bird-$host.ctl" configure >/dev/null
	done
}

# ---- Weft ----

# The LANs of the sites reach each other by one segment: a bridge, or routed.
segment=bridge
weft_fleet() {
	sed "s/mesh: \[lea, max, nia\]/mesh: [lea, max, nia], probe: {interval: $1ms, down: $2, up: 3, hold_down: 0s}/; s/mode: bridge.*/mode: $segment}/" \
		"$root/tests/netns/fleets/lans.yaml"
	# The link that is cut is in the tree: the one that replaces it is dear.
	echo 'links: {wan.lea.nia: {network: wan, ends: [lea, nia], cost: 60000}}'
}
weft_every() {
	weft_fleet "$1" "$2" >"$scratch/fleet.yaml"
	weft apply -f "$scratch/fleet.yaml" >/dev/null || [ $? = 3 ]
}
link_of() { { in_host "$1" weft-agent status --json || true; } | jq -er --arg k "link/wan/$2" '.links[] | select(.key == $k)'; }
link_is() { link_of lea max | jq -e --arg s "$1" '.state == $s' && link_of max lea | jq -e --arg s "$1" '.state == $s'; }
port_is() { [ "$(in_host "$1" cat "/sys/class/net/$(device "$1" "wire/lan/$2")/brport/state")" = "$3" ]; }
# The frames between lea and max go over their own wire, and lea's to nia is blocked at an end.
tree_is_direct() { port_is lea max 3 && port_is max lea 3 && port_is max nia 3 && port_is nia max 3 && ! { port_is lea nia 3 && port_is nia lea 3; }; }
# goes_to HOST NODE ADDRESS: HOST sends what is for ADDRESS straight to NODE.
goes_to() { in_host "$1" ip route get "$3" | grep -q "dev $(device "$1" "wire/lan/$2") "; }
path_is_direct() { goes_to lea max 10.2.0.2 && goes_to max lea 10.1.0.2; }
weft_is_direct() { if [ $segment = bridge ]; then tree_is_direct; else path_is_direct; fi; }
takes_interval() { link_of lea max | jq -e --argjson ms "$1" '.interval_ms == $ms' && link_of max lea | jq -e --argjson ms "$1" '.interval_ms == $ms'; }

# ---- flows: name, from, to, address ----

flows=()
flow_begin() {
	local name=$1 from=$2 to=$3 address=$4 port=$((7000 + ${#flows[@]}))
	flows+=("$name")
	in_background "receive-$name" "$to" python3 "$bench/flow.py" receive $port "$scratch/arrivals-$name"
	till 10 grep -q ready "$scratch/receive-$name" || die "$name: the receiver does not start: $(cat "$scratch/receive-$name")"
	in_background "send-$name" "$from" python3 "$bench/flow.py" send "$address" $port 5
	till 30 test -s "$scratch/arrivals-$name" || die "$name: nothing arrives"
}
gap_of() { python3 "$bench/flow.py" gap "$scratch/arrivals-$1" "$2" "$3"; }

# ---- the cuts ----

both_ways='{ "up1" . "up2", "up2" . "up1" }'
is_whole() { link_is up && bird_is_direct && weft_is_direct; }
# is_healed CUT-MS: every flow goes on; leaves the gaps in $scratch/gap-NAME.
is_healed() {
	local name end
	end=$(now_ms)
	for name in "${flows[@]}"; do
		gap_of "$name" "$1" "$end" >"$scratch/gap-$name"
		! grep -q '^-' "$scratch/gap-$name" || return 1
	done
}
# told_after ID CUT-MS: when both ends had told of the link being down.
told_after() {
	weft events -n 50 -o json | jq -er --argjson id "$1" '[.[] | select(.id > $id and .kind == "link_down" and
		((.node == "lea" and .entry == "link/wan/max") or (.node == "max" and .entry == "link/wan/lea")))] | select(length == 2) | .[].at' |
		while read -r at; do echo $(($(date -d "$at" +%s%3N) - $2)); done | sort -n | tail -n 1
}
cut_once() {
	local id from name
	till 60 is_whole || die "after the last cut: Weft $(link_of lea max | jq -c '[.state, .cause]'), BIRD $(birdc_of lea show bfd sessions | tail -n 2)"
	sleep 1
	id=$(last_event)
	from=$(in_host internet sh -c "date +%s%3N; nft add element inet lab links '$both_ways'" | head -n 1)
	till 60 is_healed "$from" || die "after $(since "$from") s a flow is still broken: $(grep . "$scratch"/gap-*)"
	till 10 told_after "$id" "$from" || die "the ends do not tell of the cut"
	for name in "${flows[@]}"; do cat "$scratch/gap-$name" >>"$scratch/gaps-$name"; done
	told_after "$id" "$from" >>"$scratch/gaps-told"
	in_host internet nft delete element inet lab links "$both_ways"
}
# figures FILE: lowest, median, highest of what is in it.
figures() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[1], (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2, v[NR] }'; }
# at INTERVAL-MS MISSES: cuts the direct link again and again.
at() {
	local i name low middle high bird=0
	rm -f "$scratch"/gaps-*
	weft_every "$1" "$2"
	bird_every "$1" "$2"
	till 30 takes_interval "$1" || die "Weft does not take the interval"
	for i in $(seq "$cuts"); do cut_once; done
	read -r _ bird _ < <(figures "$scratch/gaps-bird")
	printf '%d silent cuts at %d ms x %d (%s): longest gap, ms    min  median     max   of BIRD'\''s median\n' "$cuts" "$1" "$2" $segment
	for name in "${flows[@]}" told; do
		read -r low middle high < <(figures "$scratch/gaps-$name")
		printf '  %-44s %8s %7s %7s   %s\n' "${described[$name]}" "$low" "$middle" "$high" "$(awk "BEGIN { printf \"%.2f\", $middle / $bird }")"
	done
}

declare -A described=(
	[bird]="BIRD: BGP and BFD"
	[lans]="Weft: between site LANs"
	[told]="Weft: cut to the second end's event (no gap)"
)

weft_fleet 100 5 >"$scratch/fleet.yaml"
lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
bird_up
# Not in a case: the flows last as long as the script.
till 60 is_whole || { echo "FAIL the links come up: $(birdc_of lea show protocols)"; exit 1; }
flow_begin bird lea max 10.76.2.1
flow_begin lans lea-lan max-lan 10.2.0.2
check "every flow finds its way round a silent cut at 100 ms x 5" at 100 5
check "every flow finds its way round a silent cut at 50 ms x 3" at 50 3
segment=routed
if [ "$cuts" -ge 5 ]; then
	check "every flow finds its way round a silent cut at 100 ms x 5, by a routed segment" at 100 5
else
	cuts=1 # a path that is only better is taken again after half a minute: the next cut would wait for that
fi
check "every flow finds its way round a silent cut at 50 ms x 3, by a routed segment" at 50 3
finish
