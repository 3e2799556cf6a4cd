#!/usr/bin/env bash
# The article's network, from one file to packets on a bridged LAN.
#
#      epsilon --- bob          links of `home` (each WireGuard, each wire a VXLAN of its own)
#         |  \   /  |           bridge with spanning tree at every site: the mesh of four is full of loops
#         |   \ /   |
#         |   / \   |
#        rho --- vorke          pi0 roams behind a NAT and reaches the others through rho
#         |
#     (NAT) pi0
. "$(dirname "$0")/lib.sh"
use_lab five
nodes=(bob epsilon pi0 rho vorke)
segment=internet

pairs_within_90_s() {
	local n
	n=$(all_pairs $((90 - ($(now_ms) - applied) / 1000)) $segment "${nodes[@]}") || die "$n"
	note "$n pairs answer 1500 bytes with DF over v4 and v6, $(since "$applied") s after apply"
	! weft events -n 200 -o json | jq -r '.[] | select(.kind == "drift_repaired") | "\(.node): \(.text)"' | grep . ||
		die "agents repaired what nobody had touched"
}

arp_nd_multicast() {
	local bridge far a6 port
	bridge=$(device pi0 bridge/$segment)
	far=$(device vorke bridge/$segment)
	in_host pi0 arping -c 3 -w 5 -I "$bridge" "$(address $segment vorke 4)" >"$scratch/arping" || die "no answer to ARP from pi0 to vorke"
	note "ARP: $(grep -c 'reply\|bytes from' "$scratch/arping") replies"
	a6=$(address $segment vorke 6)
	in_host pi0 ip -6 neigh flush dev "$bridge"
	answers pi0 "$a6" >/dev/null || die "no neighbour discovery from pi0 to vorke"
	in_host pi0 ip -6 neigh show "$a6" dev "$bridge" | grep lladdr >/dev/null || die "pi0 has no neighbour entry for vorke"
	# Multicast: seen on the far bridge.
	for port in "ip 224.0.0.1 4" "ip6 ff02::1 6"; do
		read -r proto to f <<<"$port"
		in_host vorke timeout 10 tcpdump -l -n -c 3 -i "$far" "$proto dst $to and icmp${f#4}" >"$scratch/multicast$f" 2>"$scratch/tcpdump$f" &
		till 5 grep -q listening "$scratch/tcpdump$f" || die "tcpdump does not listen"
		in_host pi0 ping -n -q -c 4 -i 0.3 -W 1 -t 1 -I "$bridge" "$to" >/dev/null 2>&1 || true
		wait $!
		[ "$(wc -l <"$scratch/multicast$f")" = 3 ] || die "multicast to $to does not reach the far bridge"
		note "multicast to $to: seen on vorke's bridge"
	done
	[ "$(in_host pi0 ping -n -c 2 -W 1 -I "$bridge" ff02::1 2>/dev/null | grep -o 'from fe80[^ ]*' | sort -u | wc -l)" -ge 4 ] ||
		die "not every site answers all-nodes multicast"
}

# packets HOST DEVICE rx|tx broadcast frames, counted by an nft table of the test's own on the ingress of every port.
no_storm() {
	local n port count device per burst=200 worst=0 ports=0
	for n in "${nodes[@]}"; do
		device=$(device "$n" bridge/$segment)
		{
			echo "table netdev storm {"
			for port in $(in_host "$n" ip -j link show master "$device" | jq -r '.[].ifname'); do
				printf 'counter %s { }\nchain %s {\ntype filter hook ingress device %s priority 0\n' "$port" "$port" "$port"
				printf 'ether daddr ff:ff:ff:ff:ff:ff ether type arp counter name %s\n}\n' "$port"
			done
			echo "}"
		} | in_host "$n" nft -f -
	done
	in_host pi0 python3 "$here/frames.py" burst "$(device pi0 bridge/$segment)" $burst
	sleep 4
	for n in "${nodes[@]}"; do
		while read -r port count; do
			[ "$count" -le $worst ] || worst=$count
			per="${per:-} $n/$port:$count"
			ports=$((ports + 1))
		done < <(in_host "$n" nft -j list counters table netdev storm | jq -r '.nftables[].counter? // empty | "\(.name) \(.packets)"')
		in_host "$n" nft delete table netdev storm
	done
	note "$burst broadcast frames from pi0: at most $worst seen on any of $ports ports within 4 s"
	note "frames by port:$per"
	[ $worst -le $((burst + 50)) ] || die "a broadcast storm"
	[ $worst -ge $burst ] || die "the broadcasts got lost"
}

# flooded MAC: what comes of frames to MAC that rho hears from pi0 as fast as they go: "BEFORE AFTER MS", how many came by the
# wire, how many the bridge had from it, and in what time.
flooded() {
	local wire start
	wire=$(device rho wire/$segment/pi0)
	in_host rho nft -f - <<<"table bridge floods { counter before { }; counter after { };
		chain before { type filter hook prerouting priority -300; iifname $wire ether type 0x88b5 counter name before; }
		chain after { type filter hook prerouting priority -100; iifname $wire ether type 0x88b5 counter name after; }; }"
	start=$(now_ms)
	in_host pi0 python3 "$here/frames.py" flood "$(device pi0 bridge/$segment)" "$1" 20000
	till 20 stands_still || die "the flood does not end"
	echo "$(in_host rho nft -j list counters table bridge floods | jq -r '[.nftables[].counter? // empty | {(.name): .packets}] | add | "\(.before) \(.after)"') $(($(now_ms) - start))"
	in_host rho nft delete table bridge floods
}
stands_still() {
	local one two
	one=$(in_host rho nft list counters table bridge floods)
	sleep 0.3
	two=$(in_host rho nft list counters table bridge floods)
	[ "$one" = "$two" ]
}
mac() { in_host "$1" ip -j link show "$(device "$1" bridge/$segment)" | jq -r '.[0].address'; }
# What goes to all is limited, wire by wire; what goes to somebody is not.
floods_limited() {
	local to before after ms
	for to in 02:77:77:77:77:77 ff:ff:ff:ff:ff:ff; do
		# A busy machine may need several tries until it is faster than the limit.
		for _ in 1 2 3 4 5; do
			read -r before after ms < <(flooded $to)
			[ "$before" -le $((2200 + 2 * ms)) ] || break
		done
		note "to $to: $after of $before frames in $ms ms"
		[ "$after" -le $((2200 + 2 * ms)) ] || die "more than 2,000 a second"
		[ "$after" -lt "$before" ] || die "nothing was dropped"
	done
	for to in rho vorke; do
		answers pi0 "$(address $segment $to 4)" >/dev/null || die "$to does not answer"
		read -r before after ms < <(flooded "$(mac $to)")
		note "to $to: $after of $before frames in $ms ms"
		[ "$before" -gt 2000 ] && [ "$after" = "$before" ] || die "what goes to one host is limited"
	done
}

throughput() {
	local rate
	in_host rho sh -c 'setsid iperf3 -s -1 -D >/dev/null 2>&1 </dev/null'
	till 5 in_host rho sh -c 'ss -ltn | grep :5201'
	rate=$(in_host bob iperf3 -J -t 4 -c "$(address $segment rho 4)" | jq '.end.sum_received.bits_per_second / 1e6 | floor')
	note "iperf3 bob -> rho over the bridge: $rate Mbit/s"
	[ "$rate" -gt 5 ]
}

# Besides the agents' own counters `ip monitor` is a witness.
same_file_again() {
	local n before=() after=() revision status=0 witnesses=()
	for n in "${nodes[@]}"; do till 10 is_settled "$n" || die "$n is not settled: $(status "$n" .line)"; done
	revision=$(weft history -n 1 -o json | jq '.[0].revision')
	for n in "${nodes[@]}"; do before+=("$(writes "$n")"); done
	for n in "${nodes[@]}"; do
		in_host "$n" timeout 6 ip monitor link address route rule >"$scratch/witness-$n" 2>&1 &
		witnesses+=($!)
	done
	sleep 1
	weft apply -f "$root/deploy/examples/private-internet.yaml" >/dev/null || status=$?
	[ $status = 3 ] || die "apply of the same file exits $status, not 3"
	wait "${witnesses[@]}" || true
	for n in "${nodes[@]}"; do after+=("$(writes "$n")"); done
	note "netlink, nft and sysctl writes of ${nodes[*]}: before ${before[*]}, after ${after[*]}"
	[ "${before[*]}" = "${after[*]}" ] || die "a node wrote"
	for n in "${nodes[@]}"; do [ ! -s "$scratch/witness-$n" ] || die "the kernel of $n changed: $(head -n 3 "$scratch/witness-$n")"; done
	[ "$(weft history -n 1 -o json | jq '.[0].revision')" = "$revision" ] || die "the revision changed"
}

# repaired WHAT TEST-COMMAND...: true again within 5 s, and an event of rho says so.
repaired() {
	local start what=$1 id=$2
	start=$(now_ms)
	shift 2
	till 8 "$@" || die "$what did not come back"
	local took=$(($(now_ms) - start))
	till 5 has_event rho drift_repaired "$id" || die "no event tells of $what"
	note "$what: back after $(seconds $took) s; event: $(weft events --node rho -n 100 -o json |
		jq -r --argjson id "$id" '[.[] | select(.id > $id and .kind == "drift_repaired")][-1].text')"
	in_time $took 5000
}
has_address() { in_host rho ip addr show dev "$1" | grep " $2"; }
has_peer() { in_host rho wg show "$1" allowed-ips | grep "$2/32"; }
is_port() { in_host rho ip -j link show dev "$1" | jq -e --arg m "$2" '.[0].master == $m'; }
has_route() { in_host rho ip route show "$1" | grep "$2"; }
has_wire() { device rho wire/$segment/vorke && is_port "$(device rho wire/$segment/vorke)" "$1"; }
mtu_is() { [ "$(in_host rho cat "/sys/class/net/$1/mtu")" = "$2" ]; }

drift() {
	local bridge wg wire key id pool
	bridge=$(device rho bridge/$segment)
	wg=$(device rho wireguard/home)
	wire=$(device rho wire/$segment/bob)
	a4=$(address $segment rho 4)
	a6=$(address $segment rho 6)
	id=$(last_event)
	in_host rho ip addr del "$a4/22" dev "$bridge"
	repaired "an IPv4 address" "$id" has_address "$bridge" "$a4"
	id=$(last_event)
	in_host rho ip addr del "$a6/64" dev "$bridge"
	repaired "an IPv6 address" "$id" has_address "$bridge" "$a6"
	key=$(in_host rho wg show "$wg" allowed-ips | grep "$(overlay home bob 4)/32" | cut -f1)
	id=$(last_event)
	in_host rho wg set "$wg" peer "$key" remove
	repaired "a peer" "$id" has_peer "$wg" "$(overlay home bob 4)"
	id=$(last_event)
	in_host rho ip link set "$wire" nomaster
	repaired "a port" "$id" is_port "$wire" "$bridge"
	pool=$(in_host rho ip -j route show proto 87 dev "$wg" | jq -r '.[0].dst')
	id=$(last_event)
	in_host rho ip route del "$pool" dev "$wg"
	repaired "a route" "$id" has_route "$pool" "dev $wg"
	id=$(last_event)
	in_host rho ip link del "$(device rho wire/$segment/vorke)"
	repaired "a wire" "$id" has_wire "$bridge"
	id=$(last_event)
	in_host rho nft delete table inet weft
	repaired "the guard table" "$id" in_host rho nft list counter inet weft spoof_in
	id=$(last_event)
	in_host rho ip link set "$bridge" mtu 1280
	repaired "a bridge's MTU" "$id" mtu_is "$bridge" 1500
}

whole_bridge_back() {
	local id wg
	id=$(last_event)
	in_host rho ip link del "$(device rho bridge/$segment)"
	repaired "a bridge" "$id" device rho bridge/$segment
	n=$(all_pairs 60 $segment "${nodes[@]}") || die "$n"
	id=$(last_event)
	wg=$(device rho wireguard/home)
	in_host rho ip link del "$wg"
	repaired "a WireGuard device" "$id" has_peer "$wg" "$(overlay home bob 4)"
	n=$(all_pairs 60 $segment "${nodes[@]}") || die "$n"
}

agent_pid() { in_host "$1" pgrep -x -n weft-agent; }
is_new_agent() { [ "$(agent_pid "$1")" != "$2" ] && is_settled "$1"; }

# Packets are counted by UDP: TCP in a tunnel of user space loses some to its own bursts.
restart_loses_nothing() {
	local signal=$1 n to pid iperf lost
	to=$(address $segment vorke 4)
	in_host vorke sh -c 'setsid iperf3 -s -1 -D >/dev/null 2>&1 </dev/null'
	till 5 in_host vorke sh -c 'ss -ltn | grep :5201'
	# pi0's way leads through rho.
	flow "bob-vorke" bob "$to"
	flow "pi0-epsilon" pi0 "$(address $segment epsilon 6)"
	# A rate whose bursts fit the queues of user-space WireGuard when the machine is busy with other things.
	in_host pi0 iperf3 -J -u -b 3M -l 1200 -t 8 -c "$to" >"$scratch/iperf" 2>&1 &
	iperf=$!
	sleep 1
	for n in rho vorke; do
		pid=$(agent_pid $n)
		in_host $n kill "-$signal" "$pid"
		till 15 is_new_agent $n "$pid" || die "the agent of $n did not come back"
	done
	wait $iperf || die "iperf3 broke: $(jq -r .error "$scratch/iperf")"
	lost=$(jq .end.sum.lost_packets "$scratch/iperf")
	note "iperf3 pi0 -> rho -> vorke: $(jq '.end.sum | "\(.packets) packets of 1200 bytes at \(.bits_per_second / 1e6 | floor) Mbit/s"' -r "$scratch/iperf"), $lost lost"
	no_loss bob-vorke
	no_loss pi0-epsilon
	[ "$lost" = 0 ]
	n=$(writes rho)
	note "writes of rho since its new start: $n"
	[ "$n" = 0 ] || die "the new agent of rho wrote $n times to a kernel that was as it should be"
}

# What rho knows is what the others need; the mover itself sends nothing but what its programs send.
roams() {
	local start node=$1 from=$2
	till 10 answers "$from" "$(address $segment "$node" 4)" || die "$from does not reach $node to begin with"
	lab move "$node"
	# A NAT that restarts has forgotten every mapping: conntrack goes with the last rule that needs it.
	# Meanwhile nothing passes: what went out without the rules would be remembered so, and never get an address of its own.
	[ "$node" != pi0 ] || in_host pi0-nat sh -c 'nft list ruleset >"$0"
		nft "flush ruleset; table inet shut { chain forward { type filter hook forward priority 0; policy drop; }; }"
		sleep 1; nft flush ruleset; nft -f "$0"' "$scratch/nat"
	start=$(now_ms)
	# Only the other end asks.
	till 40 answers "$from" "$(address $segment "$node" 4)" || die "$from does not reach $node again"
	took=$(($(now_ms) - start))
	till 10 answers "$from" "$(address $segment "$node" 6)" || die "$from does not reach $node over v6"
	note "$node at a new address: $from reaches it after $(seconds $took) s"
	in_time $took 30000
}

metric() { weft_metrics | awk -v name="$1" '$1 == name { print $2 }'; }
weft_metrics() { in_host controller curl -sk https://127.0.0.1:8443/metrics; }
no_session() { [ "$(status "$1" .connected)" = false ]; }

# The controller is out of reach, then a new process, then within reach again.
without_controller() {
	local n pid start bytes
	lab cut controller
	flow "bob-rho" bob "$(address $segment rho 4)"
	for n in rho bob; do
		pid=$(agent_pid $n)
		in_host $n kill -9 "$pid"
		till 15 no_session $n || die "the agent of $n did not come back"
		note "$n without a controller: $(status $n .line)"
	done
	no_loss bob-rho
	lab_reboot vorke
	start=$(now_ms)
	till 60 answers bob "$vorke4" || die "vorke did not come back from its last good state"
	note "vorke, booted without a controller: bob reaches it after $(since "$start") s"
	till 5 no_session vorke || die "vorke has a controller, or does not answer: $(status vorke .line)"
	in_host controller pkill -9 -x weft-controller || true
	till 30 weft get nodes || die "the controller did not come back"
	lab heal controller
	start=$(now_ms)
	for n in "${nodes[@]}"; do till 60 is_settled "$n" || die "$n does not agree again: $(status "$n" .line)"; done
	bytes=$(metric weft_hub_bytes_out_total)
	note "all agree with the new controller process after $(since "$start") s; it sent $bytes bytes to ${#nodes[@]} nodes"
	# Each node's desired state alone has more than 4000 bytes.
	[ "$bytes" -lt 15000 ] || die "the desired state was sent again"
}

lab_up -f "$root/deploy/examples/private-internet.yaml" --nat pi0 >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
applied=$(now_ms)
check "all pairs over the bridge within 90 s, v4 and v6, 1500 bytes DF" pairs_within_90_s
vorke4=$(address $segment vorke 4)
check "ARP, neighbour discovery and multicast pass" arp_nd_multicast
check "the loops make no storm" no_storm
tree_rests $segment bob epsilon pi0 rho vorke
check "broadcasts and frames to nobody are limited to 2,000 a second by each wire, others are not" floods_limited
check "iperf3 across a wire" throughput
check "the same file again: exit 3 and no write on any node" same_file_again
check "what a person deletes is back within 5 s and an event says so" drift
check "a deleted bridge and a deleted WireGuard device come back" whole_bridge_back
check "SIGTERM of agents under iperf3 and ping: no packet lost" restart_loses_nothing TERM
check "kill -9 of agents under iperf3 and ping: no packet lost" restart_loses_nothing KILL
check "vorke changes address: reachable in under 30 s without traffic of its own" roams vorke rho
check "pi0 changes address and NAT mapping: reachable in under 30 s without traffic of its own" roams pi0 vorke
check "without a controller: data plane stays, a boot works from disk, agreement without sending all again" without_controller
finish
