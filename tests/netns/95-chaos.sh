#!/usr/bin/env bash
# The demo's five nodes while links are cut, agents killed and packets lost at random: what recovers, who was active, and
# that the log knows why each outage was.
#
#      epsilon --- bob          bob and epsilon are members of the group pair, on a LAN of their own; rho votes.
#         |  \   /  |           Somebody on that LAN asks for the group's address every 10 ms.
#         |   \ /   |
#         |   / \   |           Each node pings every other over the segment, every 100 ms.
#        rho --- vorke
#         |
#        pi0
#
# WEFT_CHAOS_S: for so long (default 20; `tests/chaos.sh MINUTES` takes minutes). WEFT_CHAOS_SEED: one that was printed.
. "$(dirname "$0")/lib.sh"
use_lab chaos
duration=${WEFT_CHAOS_S:-20}
seed=${WEFT_CHAOS_SEED:-$((RANDOM * 32768 + RANDOM))}
longer_ms=1500 # outages beyond this want a reason
nodes=(bob epsilon pi0 rho vorke)
links=(bob-epsilon bob-rho bob-vorke epsilon-rho epsilon-vorke rho-vorke)
lan=$LAB-lan
mkdir -p "$scratch/pings"

# draw BELOW: a number from 0, of a generator that the seed decides alone.
state=$seed
draw() {
	state=$(((state * 1103515245 + 12345) % 2147483648))
	drawn=$((state / 65536 % $1))
}

# ---- the LAN of the two members ----

box_pid() { jq -er --arg box "$1" '.boxes[$box].pid' "/run/weft-lab/$LAB/lab.json"; }
make_lan() {
	local n=0 host
	ip netns add "$lan"
	ip netns exec "$lan" sh -c 'ip link set lo up; ip link add lan0 type bridge mcast_snooping 0; ip link set lan0 up
		ip link add client type veth peer name client0; ip link set client0 master lan0 up; ip link set client up'
	for host in bob epsilon; do
		n=$((n + 1))
		ip -n "$lan" link add "$host" type veth peer name eth1 netns "$(box_pid $host)"
		ip -n "$lan" link set "$host" master lan0 up
		in_host $host sh -c "ip addr add 10.9.0.1$n/24 dev eth1; ip link set eth1 up"
	done
}
drop_lan() { [ ! -e "/run/netns/$lan" ] || ip netns del "$lan"; }
trap 'drop_lan; end_labs' EXIT

fleet() {
	cat "$root/deploy/examples/private-internet.yaml"
	echo 'ha-groups: {pair: {members: [bob, epsilon], witness: [rho], network: home, vip: [10.9.0.1], interface: eth1, hold_down: 2s}}'
}
is_active() { { in_host "$1" weft-agent status --json || true; } | jq -e '.ha[] | select(.group == "pair") | .state == "active"'; }

# ---- what is watched all the time ----

# pairs: "A-B" of every two nodes, once.
pairs() {
	local a b
	for a in "${nodes[@]}"; do
		for b in "${nodes[@]}"; do [[ ! $a < $b ]] || echo "$a-$b"; done
	done
}
watch_begin() {
	local pair
	ip netns exec "$lan" setsid python3 "$here/vip.py" client 10.9.0.1 - $((duration + 300)) >"$scratch/vip" 2>"$scratch/vip.err" </dev/null &
	echo $! >"$scratch/vip.pid"
	till 10 grep -q ready "$scratch/vip.err" || die "the watch does not start: $(cat "$scratch/vip.err")"
	for pair in $(pairs); do
		setsid weft lab exec --lab "$LAB" "${pair%-*}" -- sh -c 'echo $$ >"$0.pid"; exec ping -D -n -i 0.1 "$1"' \
			"$scratch/$pair" "$(address internet "${pair#*-}" 4)" >"$scratch/pings/$pair" 2>&1 </dev/null &
	done
	for pair in $(pairs); do till 10 grep -q icmp_seq "$scratch/pings/$pair" || die "nothing answers the ping $pair"; done
}
watch_end() {
	local pair
	for pair in $(pairs); do
		in_host "${pair%-*}" sh -c 'kill -INT $(cat "$0")' "$scratch/$pair.pid"
	done
	kill "$(cat "$scratch/vip.pid")"
	till 20 test -s "$scratch/vip" || die "the watch said nothing: $(cat "$scratch/vip.err")"
	for pair in $(pairs); do till 5 grep -q transmitted "$scratch/pings/$pair" || die "the ping $pair said nothing"; done
}

# ---- faults: each is over before the next ----

pause() { sleep "$1.$2"; }
cut_link() {
	draw ${#links[@]}
	local link=${links[$drawn]}
	draw 4
	say "cut $link for $((drawn + 1)) s"
	lab cut "$link"
	pause $((drawn + 1)) 0
	lab heal "$link"
}
cut_host() {
	draw ${#nodes[@]}
	local host=${nodes[$drawn]}
	draw 3
	say "cut $host off for $((drawn + 2)) s"
	lab cut "$host"
	pause $((drawn + 2)) 0
	lab heal "$host"
}
kill_agent() {
	draw ${#nodes[@]}
	local host=${nodes[$drawn]}
	say "kill -9 of $host's agent"
	program_restart "$host"
}
lose_some() {
	draw 30
	local part=$((drawn + 5))
	draw 5
	local up=up$((drawn + 1))
	say "lose $part % on the way to $up for 3 s"
	in_host internet nft -f - <<<"table inet some { chain f { type filter hook forward priority -5; oifname $up numgen random mod 100 < $part drop; }; }"
	pause 3 0
	in_host internet nft delete table inet some
}
say() { echo "$(date +%T.%3N) $*" >>"$scratch/faults"; }

storm() {
	local end faults=(cut_link cut_link cut_host kill_agent lose_some)
	: >"$scratch/faults"
	end=$(($(now_ms) + duration * 1000))
	note "seed $seed, $duration s"
	while [ "$(now_ms)" -lt "$end" ]; do
		draw ${#faults[@]}
		${faults[$drawn]}
		draw 3
		pause "$drawn" 5
	done
	note "$(wc -l <"$scratch/faults") faults: $(cut -d' ' -f2- "$scratch/faults" | awk '{ print $1 }' | sort | uniq -c | awk '{ print $2 " " $1 }' | paste -sd, | sed 's/,/, /g')"
}

recovers() {
	local start pairs
	start=$(now_ms)
	pairs=$(all_pairs 60 internet "${nodes[@]}") || die "$pairs"
	for host in "${nodes[@]}"; do till 30 is_settled "$host" || die "$host is not settled: $(status "$host" .errors)"; done
	till 30 is_active bob || die "bob, the first member, is not active again"
	note "$pairs pairs answer $(since "$start") s after the last fault"
}
one_active() {
	note "$(jq -c '{asked, answered, longest_gap_ms: .gap_ms, two_at_once, turns: (.turns | length)}' "$scratch/vip")"
	[ "$(jq .two_at_once "$scratch/vip")" = 0 ] || die "two were active at once: $(cat "$scratch/faults")"
}
explained() {
	local bad=0
	weft events -n 100000 -o json >"$scratch/events.json"
	python3 "$here/outages.py" $longer_ms "$scratch/events.json" "$scratch"/pings/* >"$scratch/told" || bad=1
	note "lost of sent: $(jq -r '[.pairs | to_entries[] | "\(.key) \(.value.lost)/\(.value.sent)"] | join(", ")' "$scratch/told")"
	note "$(jq -r '"\(.outages | length) outages beyond '$longer_ms' ms, the longest \([.outages[].ms] | max // 0) ms, \(.unexplained) without an event"' "$scratch/told")"
	[ $bad = 0 ] || die "unexplained: $(jq -c '[.outages[] | select(.why == [])]' "$scratch/told"); faults: $(paste -sd';' "$scratch/faults")"
}

fleet >"$scratch/fleet.yaml"
lab_up -f "$scratch/fleet.yaml" --nat pi0 >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
make_lan
till 60 is_active bob || { echo "FAIL bob does not become active: $(in_host bob weft-agent status --json | jq -c .ha)"; exit 1; }
till 90 all_pairs 60 internet "${nodes[@]}" || { echo "FAIL not all pairs answer before the storm"; exit 1; }
watch_begin
check "the storm" storm
check "everything answers again after it" recovers
watch_end
check "never two were active" one_active
check "the log knows why of each outage" explained
drop_lan
finish
