#!/usr/bin/env bash
# The tree of a bridge segment: one way between any two, another within a moment when a link or a host goes.
#
#      epsilon --- bob          the article's network: each link a wire, each host a bridge with RSTP by its agent
#         |  \   /  |
#         |   \ /   |
#         |   / \   |
#        rho --- vorke
#         |
#        pi0
#
# A host that falls silent is told by what its neighbours' probes say.
. "$(dirname "$0")/lib.sh"
use_lab tree
segment=internet
nodes=(bob epsilon pi0 rho vorke)
silence_ms=850 # four probes of 200 ms and a round trip

bridge_of() { device "$1" bridge/$segment; }
wire_of() { device "$1" "wire/$segment/$2"; }
state_of() { in_host "$1" cat "/sys/class/net/$(wire_of "$1" "$2")/brport/state"; }
agent_pid() { in_host "$1" pgrep -x -n weft-agent; }
signal() { in_host "$1" kill "-$2" "$(agent_pid "$1")"; }

# links: "A B" of each wire both of whose ends forward (3), once.
links() {
	local a b
	for a in "${nodes[@]}"; do
		for b in "${nodes[@]}"; do
			[[ $a < $b ]] && wire_of "$a" "$b" >/dev/null 2>&1 || continue
			[ "$(state_of "$a" "$b") $(state_of "$b" "$a")" != "3 3" ] || echo "$a $b"
		done
	done
}
is_tree() { [ "$(links | wc -l)" = $((${#nodes[@]} - 1)) ]; }
# middle: the node with most wires of the tree.
middle() { links | tr ' ' '\n' | sort | uniq -c | sort -rn | awk '{ print $2; exit }'; }

# gap NAME: the longest time without an echo in a flow that was ended, in ms.
gap() {
	awk -v interval="$(cat "$scratch/flows/$1.interval")" '
		/icmp_seq=/ && /time=/ && !/DUP/ { sub(/.*icmp_seq=/, ""); n = $1 + 0; if (last && n - last > worst) worst = n - last; if (n > last) last = n }
		END { printf "%d\n", (worst - 1) * interval * 1000 }' "$scratch/flows/$1"
}

one_tree() {
	local n
	till 30 is_tree || die "no tree: $(links | paste -sd,)"
	for n in "${nodes[@]}"; do
		[ "$(in_host "$n" cat "/sys/class/net/$(bridge_of "$n")/bridge/stp_state")" = 0 ] || die "the kernel's tree is on at $n"
	done
	n=$(all_pairs 30 $segment "${nodes[@]}") || die "$n"
	note "$n pairs answer; the tree is $(links | paste -sd,)"
}

# BPDUs stay on their wire: the kernel, whose tree is off, would pass them on.
bpdus_stay() {
	local mid one other
	mid=$(middle)
	read -r one other < <(links | grep -w "$mid" | tr ' ' '\n' | grep -vx "$mid" | paste -sd' ')
	in_host "$one" timeout 6 tcpdump -l -n -e -i "$(wire_of "$one" "$mid")" ether dst 01:80:c2:00:00:00 2>/dev/null |
		awk '/ > / { print $2 }' >"$scratch/bpdus" || true
	note "$(wc -l <"$scratch/bpdus") BPDUs in 6 s on the wire $one-$mid, from $(sort -u "$scratch/bpdus" | wc -l) ends"
	[ "$(sort -u "$scratch/bpdus" | wc -l)" = 2 ] || die "BPDUs of others are on the wire"
}

# healed WHAT FROM TO LIMIT-MS COMMAND...: the longest gap of FROM's pings to TO while COMMAND cuts and mends.
healed() {
	local what=$1 from=$2 to=$3 limit=$4 worst
	shift 4
	flow "$what" "$from" "$(address $segment "$to" 4)" 0.01
	"$@"
	sleep $((limit / 1000 + 1))
	flow_end "$what" >/dev/null
	worst=$(gap "$what")
	note "$what: at most $worst ms without an echo from $from to $to"
	in_time "$worst" "$limit"
}

# A wire that both ends see go down at once; the agents then bring it up again.
wire_down() {
	local here there other
	here=$(wire_of "$1" "$2")
	there=$(wire_of "$2" "$1")
	in_host "$1" ip link set "$here" down &
	other=$!
	in_host "$2" ip link set "$there" down
	wait $other
}
seen_cut() {
	local a b cuts=0
	while read -r a b; do
		[[ " $a $b " != *" pi0 "* ]] || continue
		healed "wire $a-$b down" "$a" "$b" 1000 wire_down "$a" "$b"
		till 20 is_tree || die "no tree after the wire $a-$b came back"
		cuts=$((cuts + 1))
	done < <(links)
	[ $cuts -ge 3 ] || die "only $cuts wires were cut"
}

silent_cut() {
	local mid far
	mid=$(middle)
	far=$(links | grep -w "$mid" | grep -vw pi0 | tr ' ' '\n' | grep -vx "$mid" | head -n 1)
	healed "link $mid-$far cut" "$mid" "$far" $((silence_ms + 1000)) lab cut "$mid-$far"
	lab heal "$mid-$far"
	till 30 all_pairs 5 $segment "${nodes[@]}" || die "not all pairs answer after the link is back"
}

# The agent alone: what is blocked stays so, however its neighbours go on, and when it continues no frame loops.
agent_stopped() {
	local before after mid
	mid=$(middle)
	before=$(for n in "${nodes[@]}"; do [ "$n" = "$mid" ] || ! wire_of "$mid" "$n" >/dev/null || echo "$n $(state_of "$mid" "$n")"; done)
	signal "$mid" STOP
	sleep 6
	after=$(for n in "${nodes[@]}"; do [ "$n" = "$mid" ] || ! wire_of "$mid" "$n" >/dev/null || echo "$n $(state_of "$mid" "$n")"; done)
	[ "$before" = "$after" ] || die "ports of $mid changed while its agent was stopped"
	[ "$(links | wc -l)" -lt ${#nodes[@]} ] || die "there is a loop: $(links | paste -sd,)"
	signal "$mid" CONT
	till 20 is_tree || die "no tree after $mid's agent goes on"
	till 30 all_pairs 5 $segment "${nodes[@]}" || die "not all pairs answer"
	note "$mid's agent was stopped for 6 s: its ports stayed"
}

# A host of before: the kernel's own STP on its bridge, and no agent to end it.
with_kernel_stp() {
	local start
	signal vorke STOP
	in_host vorke ip link set "$(bridge_of vorke)" type bridge stp_state 1
	start=$(now_ms)
	till 60 all_pairs 3 $segment "${nodes[@]}" || die "not all pairs answer with STP on vorke: $(links | paste -sd,)"
	[ "$(links | wc -l)" -lt ${#nodes[@]} ] || die "there is a loop: $(links | paste -sd,)"
	note "with the kernel's STP on vorke all pairs answer after $(since "$start") s; the tree is $(links | paste -sd,)"
	signal vorke CONT
	start=$(now_ms)
	till 60 one_tree || die "no tree after vorke's agent goes on"
	note "its agent has the tree again after $(since "$start") s"
}

# ---- a switch that is no host of Weft's ----

box() { jq -er --arg box "$1" '.boxes[$box].pid' "/run/weft-lab/$LAB/lab.json"; }
# behind HOST NAMESPACE DEVICE: a cable from HOST's bridge to DEVICE there.
behind() {
	ip -n "$2" link add "$3" type veth peer name plain0 netns "$(box "$1")"
	in_host "$1" sh -c 'ip link set plain0 master "$0" && ip link set plain0 up' "$(bridge_of "$1")"
	ip -n "$2" link set "$3" up
}
plain_drop() {
	for n in "$LAB-switch" "$LAB-far"; do [ ! -e "/run/netns/$n" ] || ip netns del "$n"; done
}
# The kernel's STP runs on it. What is behind it is reached from afar; its BPDUs, which vorke's bridge would pass on as it
# passes everything, are none of the tree's business.
plain_switch() {
	local start before peer own
	ip netns add "$LAB-switch"
	ip netns add "$LAB-far"
	ip -n "$LAB-switch" link add sw type bridge stp_state 1 forward_delay 200 hello_time 100 max_age 600 priority 4096
	behind vorke "$LAB-switch" up0
	behind bob "$LAB-far" up0
	ip -n "$LAB-switch" link set up0 master sw
	ip -n "$LAB-switch" link set sw up
	ip -n "$LAB-switch" addr add 192.168.77.1/24 dev sw
	ip -n "$LAB-far" addr add 192.168.77.2/24 dev up0
	before=$(links)
	start=$(now_ms)
	peer=$(links | grep -w vorke | tr ' ' '\n' | grep -vx vorke | head -n 1)
	own=$(ip -n "$LAB-switch" -j link show up0 | jq -r '.[0].address')
	in_host "$peer" timeout 30 tcpdump -l -n -e -c 6 -i "$(wire_of "$peer" vorke)" ether dst 01:80:c2:00:00:00 >"$scratch/plain" 2>/dev/null || true
	[ "$(grep -c . "$scratch/plain")" = 6 ] || die "nothing is heard on the wire"
	! grep "$own" "$scratch/plain" || die "BPDUs of the switch pass through vorke's bridge"
	till 60 ip netns exec "$LAB-switch" ping -q -n -c 1 -W 1 192.168.77.2 || die "what is behind the switch is not reached"
	[ "$(ip netns exec "$LAB-switch" cat /sys/class/net/up0/brport/state)" = 3 ] || die "the switch's port does not forward"
	[ "$(links)" = "$before" ] || die "the tree has moved: $(links | paste -sd,), before $(echo "$before" | paste -sd,)"
	note "a host behind the switch reaches one behind bob after $(since "$start") s; the tree stays as it is"
	plain_drop
}

# drains: the tree leaves a node, even if it is its root, and a link; and it is said when it has.
drains() {
	local n a b
	n=$(for n in bob epsilon vorke; do echo "$(links | grep -cw $n) $n"; done | sort -rn | awk '{ print $2; exit }')
	weft drain node "$n" >"$scratch/safe" || die "$n: $(cat "$scratch/safe")"
	grep -q "nor does the tree of a bridge segment" "$scratch/safe" || die "$(cat "$scratch/safe")"
	[ "$(links | grep -cw "$n")" = 1 ] || die "$n is drained, and the tree is led through it: $(links | paste -sd,)"
	note "$(tail -n 1 "$scratch/safe") $(links | paste -sd,)"
	till 30 all_pairs 5 $segment "${nodes[@]}" || die "not all pairs answer while $n is drained"
	weft drain node "$n" --off >/dev/null
	# pi0 has no other way than by rho.
	! weft drain node rho --wait 2 >"$scratch/stuck" 2>&1 || die "rho is drained, and that is safe?"
	grep -q "1 have no other way" "$scratch/stuck" || die "$(cat "$scratch/stuck")"
	weft drain node rho --off >/dev/null
	till 30 is_tree || die "no tree: $(links | paste -sd,)"
	read -r a b < <(links | grep -vw pi0 | head -n 1)
	weft drain link "home.$a.$b" >"$scratch/safe" || die "$a-$b: $(cat "$scratch/safe")"
	! links | grep -x "$a $b" || die "$a-$b is drained, and the tree is led over it"
	note "$(tail -n 1 "$scratch/safe")"
	weft drain link "home.$a.$b" --off >/dev/null
}

trap 'plain_drop; end_labs' EXIT
lab_up -f "$root/deploy/examples/private-internet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
for n in "${nodes[@]}"; do till 60 is_settled "$n" || exit 1; done
check "a tree of the agents' RSTP, the kernel's is off" one_tree
check "BPDUs stay on their wire" bpdus_stay
check "a wire whose end is seen is healed within a second" seen_cut
check "a link that falls silent is healed" silent_cut
check "a stopped agent's blocked ports stay blocked" agent_stopped
check "a bridge with the kernel's STP has its part in the tree" with_kernel_stp
check "a switch behind a bridge's port, with the kernel's STP, is reached and does not disturb the tree" plain_switch
plain_drop
check "the tree leaves what is drained, and that is told" drains
finish
