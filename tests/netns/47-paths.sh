#!/usr/bin/env bash
# Traffic between site LANs moves to the next path when the one in use fails or turns bad, and how long it was interrupted:
# a datagram each 5 ms from lea-lan to max-lan.
#
#   lea-lan ---- lea ----x---- max ---- max-lan     10.1.0.0/24 fd01:1::/64 (lyon), 10.2.0.0/24 fd01:2::/64 (milan)
#                 |\         /|
#                 | nia --- / |                     x: what is cut is always what carries the traffic at that moment
#                  \- oda --/                       WEFT_PATH_CUTS: silent cuts (2, and half as many slow ones)
. "$(dirname "$0")/lib.sh"
use_lab path
cuts=${WEFT_PATH_CUTS:-2}
declare -A port=([lea]=up1 [max]=up2 [nia]=up3 [oda]=up4)

# by HOST NODE: the node that HOST's kernel sends NODE's LAN by, NODE itself when it is the direct one.
by() {
	local to device
	to=$([ "$2" = max ] && echo 10.2.0.0/24 || echo 10.1.0.0/24)
	device=$(in_host "$1" ip -j route show table 22342 exact "$to" | jq -er '.[0].dev')
	in_host "$1" ip -j link show "$device" | jq -er '.[0].ifalias' | sed 's,.*/,,'
}
is_by() { [ "$(by "$1" "$2")" = "$3" ]; }
goes_by() { is_by lea max "$1" && is_by max lea "$([ "$1" = max ] && echo lea || echo "$1")"; }
are_same() { [ "$(by lea max)" != max ] && is_by max lea "$(by lea max)" || { is_by lea max max && is_by max lea lea; }; }

# ---- a steady stream ----
stream() {
	rm -f "$scratch/steady" "$scratch/steady.ready"
	setsid weft lab exec --lab "$LAB" max-lan -- sh -c 'echo $$ >"$1.listen"; exec python3 "$0" listen 9999 "$1"' "$here/steady.py" "$scratch/steady" \
		>/dev/null 2>&1 </dev/null &
	till 5 test -s "$scratch/steady.ready" || die "nobody listens"
	setsid weft lab exec --lab "$LAB" lea-lan -- sh -c 'echo $$ >"$1.send"; exec python3 "$0" send "$2" 9999 5' "$here/steady.py" "$scratch/steady" "${1:-10.2.0.2}" \
		>/dev/null 2>&1 </dev/null &
	sleep 0.5
}
# stream_end: prints "GAP-MS LOST SENT LATE-MS".
stream_end() {
	in_host lea-lan sh -c 'kill $(cat "$0")' "$scratch/steady.send"
	sleep 0.2
	in_host max-lan sh -c 'kill $(cat "$0")' "$scratch/steady.listen"
	till 5 test -s "$scratch/steady" || die "the listener said nothing"
	cat "$scratch/steady"
}
links() { in_host internet nft "$1" element inet lab links "{ $2 }"; }
# leg NODE: both ways between lea and NODE on the Internet; half NODE: only what lea sends.
leg() { echo "\"up1\" . \"${port[$1]}\", \"${port[$1]}\" . \"up1\""; }
half() { echo "\"up1\" . \"${port[$1]}\""; }

# gap LIMIT-MS WHAT BREAK MEND [ADDRESS]: what BREAK does to the way in use interrupts the stream no longer than that.
gap() {
	local limit=$1 what=$2 broken_by=$3 mend=$4 from gap lost sent late
	for _ in 1 2 3; do
		stream "${5:-10.2.0.2}"
		from=$(by lea max)
		$broken_by "$from"
		till 8 is_other "$from" || die "$what: the traffic still goes by $from"
		sleep 0.5
		read -r gap lost sent late < <(stream_end)
		$mend "$from"
		# It may have moved by itself to one that is better, at that very moment.
		[ "$lost" = 0 ] && [ "$broken_by" != take_down ] || break
		till 20 all_up || die "not all ways are up"
	done
	note "$what: from $from to $(by lea max), interrupted for $gap ms (promised: $limit), $lost of $sent lost"
	[ "$lost" -gt 0 ] || [ "$broken_by" = take_down ] || die "$what: nothing was lost: this test proves nothing"
	till 5 are_same || die "$what: lea goes by $(by lea max), max by $(by max lea)"
	# The machine does other things, too.
	in_time "$gap" $((limit + 150))
}
is_other() { ! is_by lea max "$1"; }
cut() { links add "$(leg "$1")"; }
uncut() { links delete "$(leg "$1")"; }
deafen() { links add "$(half "$1")"; }
undeafen() { links delete "$(half "$1")"; }

# ---- what is so ----
# way HOST NODE BY: how HOST finds the way to NODE through BY, NODE itself for the direct one: "up".
way() {
	{ in_host "$1" weft-agent status --json || true; } |
		jq -er --arg k "path/lan/$2" --arg n "$2" --arg by "$3" '.paths[] | select(.key == $k) | .ways[] | select((.by // $n) == $by) | .state'
}
is_way() { [ "$(way "$1" "$2" "$3")" = "$4" ]; }
all_up() {
	local by
	for by in max nia oda; do is_way lea max $by up || return 1; done
	for by in lea nia oda; do is_way max lea $by up || return 1; done
}
# every MS [SLA]: how the ways are probed from now on, and what they must keep.
every() {
	sed "s/interval: 200ms/interval: $1ms/; s/probe:/${2:+sla: $2, }probe:/" "$here/fleets/paths.yaml" >"$scratch/every.yaml"
	weft apply -f "$scratch/every.yaml" >/dev/null
	till 10 is_every "$1" || die "the interval is not taken"
	till 20 all_up || die "not all ways are up"
}
is_every() {
	local n
	for n in lea max nia oda; do
		{ in_host $n weft-agent status --json || true; } | jq -e --argjson ms "$1" '[.links[].interval_ms] | all(. == $ms)' || return 1
	done
}
agents() { for n in lea max nia oda; do in_host $n pgrep -x weft-agent; done | paste -sd' '; }

come_up() {
	local start f
	start=$(now_ms)
	till 30 all_up || die "not all ways come up: $(in_host lea weft-agent status --json | jq -c .paths)"
	# On a busy machine the first round trips may favour another way for a while.
	till 40 goes_by max || die "lea goes by $(by lea max), max by $(by max lea)"
	for f in 10.2.0.2 fd01:2::2; do till 5 answers lea-lan $f -M do -s "$(full_size $f)" || die "lea-lan does not reach $f with 1500 bytes"; done
	till 5 answers lea "$(address lan max 4)" || die "lea itself does not reach max"
	till 20 has_metrics || die "no metrics of the path from lea to max: $(grep weft_path "$scratch/metrics" | head -n 3)"
	note "six ways are up and the direct one is taken at both ends $(since "$start") s after the fleet stood"
}
has_metrics() {
	in_host controller curl -sk https://127.0.0.1:8443/metrics >"$scratch/metrics"
	grep -q '^weft_path_direct{node="lea",.*segment="lan",peer="max".*} 1' "$scratch/metrics" &&
		grep -q '^weft_path_rtt_seconds{node="lea",.*peer="max"' "$scratch/metrics"
}
# A LAN host and a node in hostile hands say they are somebody else; what passes through a node is checked there.
rails_hold() {
	local before after through=0
	in_host lea-lan ip addr add 10.9.9.9/32 dev lo
	before=$(guard lea spoof_out)
	! answers lea-lan 10.2.0.2 -I 10.9.9.9 >/dev/null || die "a foreign source came through"
	[ "$(guard lea spoof_out)" -gt "$before" ] || die "a foreign source was not counted where it leaves"
	# In hostile hands, from an address of oda's by way of nia.
	in_host lea sh -c 'kill -STOP $(pgrep -x -n weft-agent) && nft delete table inet weft'
	in_host lea ip route replace 10.2.0.0/24 via "$(address lan nia 4)" dev "$(device lea wire/lan/nia)" onlink metric 1
	in_host lea-lan ip addr add "$(address lan oda 4)/32" dev lo
	before=$(guard nia spoof_in)
	answers lea-lan 10.2.0.2 -I "$(address lan oda 4)" >/dev/null && through=1
	after=$(guard nia spoof_in)
	in_host lea sh -c 'ip route del 10.2.0.0/24 metric 1; kill -CONT $(pgrep -x -n weft-agent)'
	till 6 guard lea spoof_in || die "lea's rails did not come back"
	note "at nia spoof_in $before -> $after"
	[ "$through" = 0 ] || die "a foreign source came through nia"
	[ "$after" -gt "$before" ] || die "a foreign source was not counted at the node between"
}

slow_probes() {
	local i
	for i in $(seq $(((cuts + 1) / 2))); do
		till 20 all_up || die "not all ways are up"
		gap 830 "silent cut $i at 200 ms x 3" cut uncut || die "too long"
	done
}
fast_probes() {
	local i to=10.2.0.2
	every 50
	for i in $(seq "$cuts"); do
		till 20 all_up || die "not all ways are up"
		gap 230 "silent cut $i at 50 ms x 3" cut uncut $to || die "too long"
		to=fd01:2::2
	done
}
one_way() {
	till 20 all_up || die "not all ways are up"
	gap 230 "silent one way at 50 ms x 3" deafen undeafen
}
# The device that the way begins with is down; the agent sets that right.
no_carrier() {
	till 20 all_up || die "not all ways are up"
	gap 30 "carrier loss" take_down nothing
}
take_down() { in_host lea ip link set "$(device lea "wire/lan/$1")" down; }
nothing() { :; }

transit_dies() {
	till 20 all_up || die "not all ways are up"
	cut max
	till 5 is_other max || die "the traffic does not leave the direct way"
	gap 230 "the node between dies at 50 ms x 3" die_node revive_node || die "too long"
	uncut max
}
die_node() { in_host internet nft add element inet lab hosts "{ \"${port[$1]}\" }"; }
revive_node() { in_host internet nft delete element inet lab hosts "{ \"${port[$1]}\" }"; }

without_controller() {
	local id
	till 20 all_up || die "not all ways are up"
	id=$(last_event)
	in_host internet nft add element inet lab hosts '{ "up250" }'
	gap 230 "without a controller" cut uncut || die "too long"
	in_host internet nft delete element inet lab hosts '{ "up250" }'
	till 30 has_event lea path_moved "$id" || die "the event did not come after it: $(weft events --node lea -n 3)"
	note "$(weft events --node lea -n 20 -o json | jq -r '[.[] | select(.kind == "path_moved" and .entry == "path/lan/max")][0].text')"
}

# The other end's probes meet nobody for a while, so it may go another way; the routes stand, whatever the ends do.
restart() {
	local gap lost sent late
	till 20 all_up || die "not all ways are up"
	stream
	program_restart lea
	till 20 status lea .connected || die "lea's agent does not come back"
	till 20 all_up || die "not all ways are up again"
	till 5 are_same || die "lea goes by $(by lea max), max by $(by max lea)"
	read -r gap lost sent late < <(stream_end)
	note "agent killed and back: $lost of $sent lost, longest pause $gap ms"
	[ "$lost" = 0 ]
}

# The way in use is drained while traffic flows: it moves without loss; when nothing is left, that is said.
drained() {
	local gap lost sent late
	till 20 all_up || die "not all ways are up"
	for n in nia oda; do weft drain node $n || die "$n: not safe"; done
	till 10 goes_by max || die "lea goes by $(by lea max), max by $(by max lea)"
	weft drain node nia --off
	stream
	weft drain link home.lea.max || die "the link is not safe"
	goes_by nia || die "lea goes by $(by lea max), max by $(by max lea)"
	read -r gap lost sent late < <(stream_end)
	note "the link drained under traffic: $lost of $sent lost"
	! weft drain node nia --wait 5 >"$scratch/stuck" 2>&1 || die "all ways are drained, and that is safe?"
	grep -q "[1-9] have nothing to move to" "$scratch/stuck" || die "$(cat "$scratch/stuck")"
	note "$(tail -n 1 "$scratch/stuck")"
	answers lea-lan 10.2.0.2 || die "drained ways carry nothing although there is no other"
	weft drain link home.lea.max --off
	for n in nia oda; do weft drain node $n --off; done
	[ "$lost" = 0 ]
}

# drop_some FROM TO PERCENT, drop_none
drop_some() { in_host internet nft -f - <<<"table inet some { chain f { type filter hook forward priority -5; iifname ${port[$1]} oifname ${port[$2]} numgen random mod 100 < $3 drop; }; }"; }
drop_none() { in_host internet nft delete table inet some; }
lossy() {
	local from start
	every 50 whole
	from=$(by lea max)
	start=$(now_ms)
	drop_some lea "$from" 30
	till 10 is_other "$from" || { drop_none; die "30 % loss and the traffic stays"; }
	note "30 % lost on the way by $from: moved to $(by lea max) after $(since "$start") s; $(weft events --node lea -n 20 -o json | jq -r '[.[] | select(.kind == "path_moved" and .entry == "path/lan/max")][0].text')"
	in_time "$(($(now_ms) - start))" 6000 || { drop_none; die "too late"; }
	drop_none
}

# What lea sends to the other end of its way goes through a forwarder that lets 30 % be overtaken.
disordered() {
	local from moves before outside
	till 30 all_up || die "not all ways are up"
	from=$(by lea max)
	outside=$(in_host "$from" ip -j -4 addr show eth0 | jq -r '.[0].addr_info[0].local')
	setsid weft lab exec --lab "$LAB" internet -- sh -c 'echo $$ >"$0.pid"; exec python3 "$1" impede 0 30' "$scratch/impede" "$here/impede.py" >"$scratch/impede" 2>&1 </dev/null &
	till 10 grep -q ready "$scratch/impede" || die "the forwarder does not start: $(cat "$scratch/impede")"
	before=$(moves_of lea)
	in_host internet sh -c 'ip route add default dev impede table 77; ip rule add iif up1 to '"$outside"' lookup 77'
	sleep 6
	moves=$(($(moves_of lea) - before))
	note "30 % overtaken on the way by $from for 6 s: moved $moves times because a way was bad"
	in_host internet sh -c 'ip rule del lookup 77; kill $(cat "$0.pid")' "$scratch/impede"
	[ "$moves" = 0 ]
}
# For being better or liked more, it may move in its own time.
moves_of() { weft events --node "$1" -n 200 -o json | jq '[.[] | select(.kind == "path_moved" and .severity == "warning")] | length'; }

# A bridge segment over the same sites, and made first: its routes to their LANs go before the segment's. What passes
# through a node must not take it.
beside_a_bridge() {
	local way before after f
	weft delete segments lan >/dev/null
	cat >"$scratch/cable.yaml" <<<'segments: {cable: {network: home, mode: bridge}}'
	cat >"$scratch/lan.yaml" <<<'segments: {lan: {network: home, mode: routed}}'
	weft apply -f "$scratch/cable.yaml" >/dev/null
	weft apply -f "$scratch/lan.yaml" >/dev/null
	till 30 all_up || die "not all ways come up: $(in_host lea weft-agent status --json | jq -c .paths)"
	for n in nia oda; do
		till 20 leads_by_bridge "$n" || die "$n: the bridge does not lead to 10.2.0.0/24: $(in_host $n ip route)"
	done
	cut max
	till 20 is_other max || die "the traffic does not leave the direct way"
	way=$(by lea max)
	before=$(guard "$way" spoof_out)
	for f in 10.2.0.2 fd01:2::2; do till 20 answers lea-lan $f || die "$f is not reached by $way: $(in_host "$way" ip route get 10.2.0.2)"; done
	after=$(guard "$way" spoof_out)
	uncut max
	note "by $way, whose main table leads there by the bridge; spoof_out there $before -> $after"
	[ "$before" = "$after" ] || die "what passed through was taken for foreign"
}
leads_by_bridge() { in_host "$1" ip -j route show table main 10.2.0.0/24 | jq -e '.[0].dev | startswith("wb")'; }

leaves() {
	in_host oda weft-agent leave >/dev/null
	till 5 in_host oda sh -c '! pgrep -x weft-agent' || die "the agent still runs"
	dump oda >"$scratch/after"
	diff -u "$scratch/before" "$scratch/after"
}

lab_up -f "$here/fleets/paths.yaml" --bare >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
dump oda >"$scratch/before"
for n in lea max nia oda; do lab join $n; done
check "site LANs reach each other by the direct wire, 1500 bytes DF; every way is probed from end to end" come_up
check "a foreign source is dropped where it leaves and at the node between" rails_hold
check "a silent cut at 200 ms x 3: the other way within the promise" slow_probes
check "a silent cut at 50 ms x 3, IPv4 and IPv6" fast_probes
check "silent one way: likewise, and both ends go the same way" one_way
check "carrier loss: at once" no_carrier
check "death of the node between" transit_dies
check "the controller gone" without_controller
check "the agent killed and back: nothing is lost" restart
check "drained: moved without loss, and said to be safe; or that there is no other way" drained
check "30 % reordering moves nothing" disordered
check "30 % loss breaks the sla: moved" lossy
check "a bridge segment over the same sites: what passes through does not take it" beside_a_bridge
check "after leave everything is as before" leaves
finish
