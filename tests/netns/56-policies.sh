#!/usr/bin/env bash
# Policies: what a LAN's clients send leaves by the gateway that the rules say, and by no other.
#
#     ida-lan ---- ida ==eth0==+            ida: uplinks eth0 and eth1, both to the Internet
#                   |  \==eth1=+-- Internet: web hosts 203.0.113.1 and .2, 2001:db8:f::1 and ::2
#                   +--- joe ==+            joe: the exit of another gateway, linked with ida
. "$(dirname "$0")/lib.sh"
use_lab policy

fleet() {
	cat <<-END
		sites: {ithaca: {lan: [10.1.0.0/24, "fd01:1::/64"]}}
		nodes:
		  ida: {address: ida.example.net, site: ithaca, uplinks: {one: {interface: eth0}, two: {interface: eth1, via: [198.18.90.1, "2001:db8:90::1"]}}}
		  joe: {address: joe.example.net}
		networks: {home: {mesh: [ida, joe]}}
		gateways: {one: {uplink: ida/one}, two: {uplink: ida/two, check: [203.0.113.9]}, joe: {node: joe}}
		gateway-groups:
		  two: {try: [two], hold_down: 1s}
		  joe: {try: [joe, two], hold_down: 1s}
		policies:
		  home:
		    from: [site/ithaca]
		    rules:
		    - {to: [203.0.113.1, "2001:db8:f::1"], via: two}
		    - {to: [203.0.113.2, "2001:db8:f::2"], via: joe, otherwise: block}
		    - {to: [203.0.113.3], block: reject}
		    $1
	END
}

# A second cable from ida to the Internet, with addresses of its own, and hosts of the web.
plug_in() {
	second_cable ida
	for n in 1 2 3 9; do
		in_host internet ip addr add 203.0.113.$n/32 dev lo
		in_host internet ip addr add 2001:db8:f::$n/128 dev lo
	done
}
# leaves DESTINATION: by which source address the Internet sees the LAN's host, nothing if it does not: 198.18.90.2 is ida's
# second uplink.
leaves() {
	local seen
	seen=$(mktemp -p "$scratch") # who captured for the one before may still do so
	in_host internet timeout 20 tcpdump -n -l -c 1 -i any -Q in "(icmp or icmp6) and dst host $1" 2>"$seen.ready" >"$seen" &
	till 15 grep -q listening "$seen.ready" || echo "no capture" >"$seen"
	if till 3 answers ida-lan "$1"; then till 5 test -s "$seen" || true; fi
	awk '{ for (i = 1; i < NF; i++) if ($i == "IP" || $i == "IP6") { print $(i + 1); exit } }' "$seen"
	cp "$seen" "$scratch/seen"
}
says() { [ "$(leaves "$1")" = "$2" ]; }

each_where_its_rule_says() {
	till 30 says 203.0.113.1 198.18.90.2 || die "203.0.113.1 is reached from $(leaves 203.0.113.1), not by the second uplink"
	till 10 says 2001:db8:f::1 2001:db8:90::2 || die "2001:db8:f::1 is reached from $(leaves 2001:db8:f::1)"
	till 10 says 203.0.113.2 "$(uplink_of joe 4 eth0)" || die "203.0.113.2 is reached from $(leaves 203.0.113.2), not by joe"
	till 10 says 2001:db8:f::2 "$(uplink_of joe 6 eth0)" || die "2001:db8:f::2 is reached from $(leaves 2001:db8:f::2)"
	! answers ida-lan 203.0.113.3 >/dev/null || die "203.0.113.3 answers although it is blocked"
	answers ida-lan 10.1.0.1 >/dev/null || die "the LAN's own router does not answer"
}
# why ADDRESS JQ: what `weft explain` says of the LAN's host and the address.
why() {
	local family=4
	[[ $1 != *:* ]] || family=6
	weft explain --from "$(uplink_of ida-lan $family eth0)" --to "$1" -o json | jq -r "$2"
}
has_counted() { [ "$(why 203.0.113.2 '.rules[1].flows > 0 and .rules[1].bytes > 0')" = true ]; }
# Policies do not hold for it, says explain, and names no rule.
is_beyond() { [ "$(why "$1" '[.outcome, (.sentence | startswith("policies do not hold")), has("rule")] | join(" ")')" = "none true false" ]; }
explained() {
	local said to
	said=$(why 203.0.113.2 '[.node, .outcome, .rule, .group.gateway, .group.gateways[0].by, .addresses[0].route.table > 22499] | join(" ")')
	[ "$said" = "ida via 2 joe wire/gateway:joe/joe true" ] || die "of 203.0.113.2 explain says: $said"
	for to in 203.0.113.1 2001:db8:f::1; do
		[ "$(why $to .addresses[0].route.device)" = eth1 ] || die "of $to: $(why $to .addresses[0].route)"
	done
	till 10 has_counted || die "the counters of rule 2 do not tell: $(why 203.0.113.2 .rules)"
	[ "$(why 203.0.113.3 .outcome)" = block ] || die "of 203.0.113.3: $(why 203.0.113.3 .sentence)"
	why 203.0.113.3 .addresses[0].route.sentence | grep -q "the kernel sends it nowhere" || die "203.0.113.3 goes $(why 203.0.113.3 .addresses[0].route.sentence)"
	for to in 10.1.0.1 224.0.0.251; do
		is_beyond $to || die "of $to: $(why $to .sentence)"
	done
	[ "$(why 203.0.113.9 .sentence)" = "no rule of policy home is for it: it goes the host's own way" ] || die "of 203.0.113.9: $(why 203.0.113.9 .sentence)"
}
# apart RULE OTHER: rule number RULE is that for 203.0.113.2, and has decided far more flows than the other.
apart() { [ "$(why 203.0.113.2 "[.rules[$1 - 1].text, .rules[$2 - 1].text | test(\"203.0.113.2\")] == [true, false] and .rules[$1 - 1].flows - .rules[$2 - 1].flows >= 20")" = true ]; }
counts_follow() {
	in_host ida-lan sh -c 'for i in $(seq 25); do ping -n -c 1 -W 2 203.0.113.2 >/dev/null; done'
	till 20 apart 2 1 || die "rule 2 has not counted: $(why 203.0.113.2 .rules)"
	fleet '' | sed '/203.0.113.1,/{h;d};/203.0.113.2,/G' | weft apply -f - >/dev/null
	till 20 apart 1 2 || die "the counts are another rule's: $(why 203.0.113.2 .rules)"
	fleet '' | weft apply -f - >/dev/null
	till 20 apart 2 1 || die "the counts are another rule's then: $(why 203.0.113.2 .rules)"
}
# told_by_doctor TEXT: of ida.
told_by_doctor() { in_host ida sh -c 'weft-agent doctor || true' | grep -F "$1"; }
# arrivals FILE: where the Internet sees the LAN's pings to .1 and .2 come from, until it is killed.
arrivals() { in_host internet timeout 120 tcpdump -n -l -i any -Q in 'icmp and (dst host 203.0.113.1 or dst host 203.0.113.2)' >"$1" 2>/dev/null & }
# ways FILE NUMBER: the sources of what came to the web host of that number.
ways() { awk -v to="203.0.113.$2:" '{ for (i = 1; i < NF; i++) if ($i == "IP" && $(i + 3) == to) print $(i + 1) }' "$1" | sort -u | paste -sd' '; }
# On a host where another program has a mark of Weft's: the doctor says what to set, and that is done while flows run.
the_numbers_move() {
	local host watch lost sent own one
	own=$(uplink_of ida 4 eth0)
	in_host ida ip rule add fwmark 0x80000/0xff0000 lookup main priority 5210
	told_by_doctor "let that program use a mark outside of 0x0fff0000, or set mark_mask in controller.yaml" ||
		die "the doctor does not name the mark: $(told_by_doctor policies)"
	[ -n "$(old_numbers ida)" ] && [ -n "$(old_numbers joe)" ] || die "there is nothing to be seen of the numbers before"
	arrivals "$scratch/arrived"
	watch=$!
	flow one ida-lan 203.0.113.1 0.1
	flow two ida-lan 203.0.113.2 0.1
	move_numbers ida joe
	for host in ida joe; do till 20 has_no_old_numbers $host || die "$host has of the numbers before: $(old_numbers $host)"; done
	till 20 flows_again one || die "the ping to .1 is not answered any more"
	till 20 flows_again two || die "the ping to .2 is not answered any more"
	for one in one two; do
		read -r lost sent < <(flow_end $one)
		note "the flow $one: $lost of $sent echoes at 10 a second were lost"
	done
	kill $watch
	[ "$(ways "$scratch/arrived" 1)" = 198.18.90.2 ] || die "meanwhile 203.0.113.1 was reached from $(ways "$scratch/arrived" 1)"
	# While the wire to joe is made anew, its group's next gateway may serve.
	[[ $(ways "$scratch/arrived" 2) = *"$(uplink_of joe 4 eth0)"* && $(ways "$scratch/arrived" 2) != *"$own"* ]] || die "meanwhile 203.0.113.2 was reached from $(ways "$scratch/arrived" 2)"
	till 10 says 2001:db8:f::1 2001:db8:90::2 || die "then 2001:db8:f::1 is reached from $(leaves 2001:db8:f::1)"
	till 10 says 2001:db8:f::2 "$(uplink_of joe 6 eth0)" || die "then 2001:db8:f::2 is reached from $(leaves 2001:db8:f::2)"
	! answers ida-lan 203.0.113.3 >/dev/null || die "203.0.113.3 answers although it is blocked"
}
# flows_again NAME: its ping has been answered in the last second.
flows_again() {
	local before
	before=$(wc -l <"$scratch/flows/$1")
	sleep 0.5
	[ "$(wc -l <"$scratch/flows/$1")" -gt "$before" ]
}
a_gateway_that_dies_is_left() {
	local start
	lab cut joe >/dev/null
	start=$(now_ms)
	till 15 says 203.0.113.2 198.18.90.2 || die "203.0.113.2 is reached from $(leaves 203.0.113.2)"
	note "moved to the next gateway after $(since "$start") s"
	lab heal joe >/dev/null
	till 30 says 203.0.113.2 "$(uplink_of joe 4 eth0)" || die "it is not taken again: 203.0.113.2 is reached from $(leaves 203.0.113.2)"
}
nothing_leaks() {
	in_host ida ip link set eth1 down
	till 15 no_way || die "203.0.113.1 answers although its only gateway is down"
	in_host ida ip link set eth1 up
	in_host ida sh -c 'ip addr replace 2001:db8:90::2/64 dev eth1 nodad'
	till 20 says 203.0.113.1 198.18.90.2 || die "the gateway does not come back"
}
no_way() { ! answers ida-lan 203.0.113.1; }
agent_gone() {
	in_host ida pkill -9 -x weft-agent
	says 203.0.113.1 198.18.90.2 || die "without the agent 203.0.113.1 is reached from $(leaves 203.0.113.1)"
	till 30 is_settled ida || die "the agent is not back"
	says 203.0.113.1 198.18.90.2 || die "then 203.0.113.1 is reached from $(leaves 203.0.113.1)"
}
without_nft() {
	fleet '- {to: [any], via: two}' | weft apply -f - >/dev/null
	till 20 says 203.0.113.9 198.18.90.2 || die "203.0.113.9 is reached from $(leaves 203.0.113.9)"
	is_beyond 10.1.0.9 || die "of 10.1.0.9 in the LAN: $(why 10.1.0.9 .sentence)"
	in_host ida sh -c 'pkill -STOP -x weft-agent; nft delete table inet weft_policy'
	# Nothing translates its address: what counts is the cable.
	leaves 203.0.113.9 >/dev/null
	! grep -v ' up90 ' "$scratch/seen" || die "without nft it leaks by the first uplink"
	in_host ida pkill -CONT -x weft-agent
	till 20 says 203.0.113.9 198.18.90.2 || die "the rules do not come back"
}
# arrives DESTINATION: a packet of the LAN's host reaches the Internet, whoever may answer it.
arrives() {
	in_host internet timeout 3 tcpdump -n -c 1 -i any -Q in "icmp and src net 10.1.0.0/24 and dst host $1" >/dev/null 2>&1 &
	local watch=$!
	in_host ida-lan ping -n -c 10 -i 0.2 -W 1 "$1" >/dev/null 2>&1
	wait $watch
}
# As after a boot: nothing of Weft's in the kernel, and no agent yet.
booted() {
	in_host ida sh -c 'pkill -STOP -x weft-agent; nft delete table inet weft_policy
		for v in -4 -6; do while ip $v rule del protocol 87 2>/dev/null; do :; done; for t in $(ip $v route show table all proto 87 | sed -n "s/.* table \([0-9]*\).*/\1/p" | sort -u); do
			ip $v route flush table $t proto 87; done; done'
	arrives 203.0.113.9 || die "without any rule nothing leaves: nothing is tested"
	in_host ida weft-agent boot || die "boot fails"
	in_host ida weft-agent boot || die "boot fails the second time"
	! arrives 203.0.113.9 || die "it leaks before the agent has started: $(in_host ida ip rule)"
	answers ida-lan 10.1.0.1 >/dev/null || die "the LAN's own router does not answer"
	in_host ida pkill -CONT -x weft-agent
	till 20 says 203.0.113.9 198.18.90.2 || die "it does not leave by its gateway then: $(leaves 203.0.113.9)"
}
goes() {
	local start
	till 40 is_settled joe || die "joe is not back"
	start=$(now_ms)
	weft delete policies home >/dev/null
	till 20 no_rules || die "rules are left: $(in_host ida ip rule)"
	! in_host ida nft list table inet weft_policy 2>/dev/null || die "the table is left"
	note "the rules are gone after $(since "$start") s"
	till 20 no_wire || die "joe still has the wire"
	note "the wire after $(since "$start") s"
}
no_wire() { ! in_host joe ip link | grep 'weft:wire/gateway'; }
no_rules() { ! in_host ida ip rule | grep -E '^123[4-9]|^124'; }

fleet '' >"$scratch/fleet.yaml"
lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
plug_in
for host in ida joe; do till 60 is_settled $host || exit 1; done
check "each destination is reached where its rule says" each_where_its_rule_says
check "and explain tells why" explained
check "rules that change places keep what they have counted" counts_follow
check "marks, tables, priorities and VNIs are moved while flows run" the_numbers_move
check "a gateway that dies is left" a_gateway_that_dies_is_left
check "what has no gateway goes nowhere" nothing_leaks
check "the rules hold without the agent" agent_gone
check "and without nft" without_nft
check "after a boot nothing leaks before the agent has started" booted
check "a policy that is deleted leaves nothing" goes
finish
