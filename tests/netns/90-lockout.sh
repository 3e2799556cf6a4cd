#!/usr/bin/env bash
# A change that cuts nodes off their controller is undone by the nodes themselves; one that nobody confirms, by the
# controller.
#
#     controller            198.18.250.2, 2001:db8:fa::2
#      /   |   \
#    ivo  jan  kai          all in one mesh; jan's site is given a LAN that covers the controller's addresses, so
#                           that ivo and kai send what is meant for it to jan
. "$(dirname "$0")/lib.sh"
use_lab lockout
cat >"$scratch/fleet.yaml" <<-'END'
	nodes: {ivo: {address: ivo.example.net}, jan: {address: jan.example.net}, kai: {address: kai.example.net}}
	networks: {home: {mesh: [ivo, jan, kai]}}
	segments: {lan: {network: home, mode: bridge, stp: {hello_time: 1s, max_age: 6s, forward_delay: 4s}}}
END
cat >"$scratch/cut.yaml" <<-'END'
	sites: {wrong: {lan: [198.18.250.0/24, "2001:db8:fa::/64"]}}
	nodes: {jan: {address: jan.example.net, site: wrong}}
END

revision() { weft history -n 1 -o json | jq '.[0].revision'; }
node_is() { weft status -o json | jq -e --arg n "$1" ".nodes[] | select(.name == \$n) | $2"; }
is_connected_again() { ! is_cut_off "$1" && is_connected "$1" && is_back "$1"; }
is_back() { node_is "$1" '.connected and .refused != null'; }
all_settled() {
	local host
	for host in ivo jan kai; do till 40 node_is $host '.health == "ok" and .lag == 0' || die "$host does not settle: $(status $host .line)"; done
}
is_connected() { [ "$(status "$1" .connected)" = true ]; }
is_cut_off() { ! answers "$1" 198.18.250.2; }

# The connection is told by its mark, and the rule leads it to the main table before every other one.
has_rule() { in_host ivo ip "$1" rule show | grep -E '^1:.*fwmark 0x10000000/0x10000000 lookup main'; }
has_mark() { in_host ivo ss -tne 2>/dev/null | grep ':8444 .*fwmark:0x10000000'; }
control_rule() {
	local family
	for family in -4 -6; do till 20 has_rule $family || die "no rule ($family)"; done
	till 20 has_mark || die "the connection to the controller has no mark"
	# Whatever sends everything elsewhere comes after it.
	in_host ivo ip rule add priority 2 to 198.18.250.2 table 77
	in_host ivo ip route add unreachable default table 77
	! answers ivo 198.18.250.2 2>/dev/null || die "the policy of this test does nothing"
	in_host ivo sh -c 'kill -9 $(pgrep -x weft-agent)'
	sleep 1
	till 20 is_connected ivo || die "the agent does not reach its controller past a policy"
	[[ $(status ivo .controller) == *198.18.250.2* ]] || die "it went round the policy by another address"
	in_host ivo ip rule del priority 2
	in_host ivo ip rule del priority 1
	till 10 in_host ivo sh -c "ip rule show | grep '^1:'" || die "the rule does not come back"
}

# Measured from the apply to the moment the controller has the node again and knows why.
cut_and_back() {
	local start before event rev took host line
	all_settled
	before=$(revision) event=$(last_event)
	weft apply -f "$scratch/cut.yaml" >/dev/null
	rev=$(revision) start=$(now_ms)
	till 15 is_cut_off ivo || die "nothing is cut off"
	# kai dies in the middle of it.
	sleep 3
	in_host kai sh -c 'kill -9 $(pgrep -x weft-agent)'
	till 60 is_back ivo || die "ivo is not back: $(weft status | sed -n 1p)"
	took=$(($(now_ms) - start))
	note "ivo is back $(seconds $took) s after the apply"
	[ $took -le 45000 ] || die "more than 45 s"
	[ $took -ge 30000 ] || die "less than the 30 s it has to wait"
	till 30 is_back kai || die "kai, killed in between, is not back: $(weft status | sed -n 1p)"
	note "kai, whose agent was killed in between, $(since "$start") s after it"
	node_is jan '.refused == null and .health == "ok"' >/dev/null || die "jan, who is not cut off, refuses it"
	for host in ivo kai; do
		has_event $host "revision $rev cut this node off its controller" "$event" >/dev/null || die "no event of $host"
		node_is $host ".health == \"error\" and .refused.revision == $rev and .applied < $rev" >/dev/null || die "$host is not shown as refusing"
	done
	line=$(weft status | sed -n 1p)
	note "$line"
	[[ $line == *"ivo revision $rev cut this node off"* ]] || die "weft status does not say so"
	weft get nodes | grep -E "^ivo .*refuses revision $rev" >/dev/null || die "weft get nodes does not say so"
	[[ $(status ivo .line) == "revision $rev cut this node off"* ]] || die "the host does not say so"
	answers ivo "$(address lan kai 4)" >/dev/null || die "the network before is not there"
	# Neither a restart nor a new session makes it try again.
	in_host ivo sh -c 'kill -9 $(pgrep -x weft-agent)'
	sleep 2
	till 20 is_back ivo || die "ivo does not come back after a restart"
	[ "$before" -lt "$rev" ]
}

# Asked to, it does try; what comes of it is seen later.
asked_to_retry() {
	now_ms >"$scratch/retry"
	weft node retry ivo >/dev/null
	till 15 is_cut_off ivo || die "ivo does not try"
	! weft node retry jan 2>"$scratch/said" || die "jan retries though it refuses nothing"
	grep "no revision is refused" "$scratch/said" >/dev/null || die "$(cat "$scratch/said")"
}
retried() {
	till 60 is_connected_again ivo || die "ivo is not back from its second try"
	note "asked to retry, it was cut off and back $(since "$(cat "$scratch/retry")") s later"
}

# The way out: go back, and everybody agrees again.
rolled_back() {
	local to
	to=$(($(weft history -n 50 -o json | jq '[.[] | select(.kind == "sites" and .name == "wrong")][0].revision') - 1))
	weft rollback $to --dry-run >"$scratch/plan" || [ $? = 3 ] || die "$(cat "$scratch/plan")"
	grep -- '- sites/wrong' "$scratch/plan" >/dev/null || die "the plan does not delete the site"
	weft rollback $to >/dev/null
	all_settled
	weft status | sed -n 1p | grep "All 3 nodes are up to date" >/dev/null || die "$(weft status | sed -n 1p)"
	! weft get sites wrong >/dev/null 2>&1 || die "the site is still there"
}

# Nobody confirms: the controller undoes it.
unconfirmed() {
	local start
	weft apply -f - --confirm 5s >"$scratch/said" <<<'sites: {brief: {tags: [a]}}'
	start=$(now_ms)
	grep 'will be undone in 0:0[0-5] unless confirmed' "$scratch/said" >/dev/null || die "$(cat "$scratch/said")"
	weft status | grep 'unless confirmed.*weft confirm' >/dev/null || die "weft status does not say so"
	! weft apply -f - >/dev/null 2>"$scratch/said" <<<'sites: {brief: {tags: [b]}}' || die "another changes what waits"
	grep 'waits for `weft confirm`' "$scratch/said" >/dev/null || die "$(cat "$scratch/said")"
	till 30 sh -c '! weft get sites brief' || die "it is not undone"
	note "undone $(since "$start") s after the apply"
	[ $(($(now_ms) - start)) -ge 4500 ] || die "too early"
	weft events -n 20 -o json | jq -e 'any(.[]; .kind == "revision_unconfirmed")' >/dev/null || die "no event"
	weft apply -f - --confirm 60s >/dev/null <<<'sites: {kept: {}}'
	weft confirm >/dev/null
	! weft status | grep 'unless confirmed' >/dev/null || die "it still waits"
	weft get sites kept >/dev/null
	! weft confirm 2>"$scratch/said" || die "confirmed twice"
	grep 'nothing waits' "$scratch/said" >/dev/null
}

lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
for host in ivo jan kai; do till 60 is_settled $host || exit 1; done
tree_rests lan ivo jan kai
check "the connection to the controller goes past every policy" control_rule
check "nodes that a change cuts off are back within 45 s, and say why" cut_and_back
check "a node tries again when asked" asked_to_retry
check "a change that nobody confirms undoes itself" unconfirmed
check "a node that tried again in vain is back" retried
check "a rollback brings back what was before" rolled_back
finish
