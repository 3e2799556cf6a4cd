#!/usr/bin/env bash
# Links are up when they forward: how soon a silent one is called down, and that loss, reordering and delay are measured
# without the link being called names in turn.
#
#     kim ----x---- lou      x: cut, cut one way, lossy, out of order, or 6 s long
#        \         /
#           moe
. "$(dirname "$0")/lib.sh"
use_lab probe
cuts=${WEFT_PROBE_CUTS:-4}

both_are() { is_state kim lou "$1" && is_state lou kim "$1"; }
# changes AFTER-ID: how often kim or lou told of another state of the link between them.
changes() {
	weft events -n 200 -o json | jq --argjson id "$1" '[.[] | select(.id > $id and (.kind | startswith("link_"))
		and (.entry == "link/home/lou" or .entry == "link/home/kim") and (.node == "kim" or .node == "lou"))] | length'
}
agents() { for n in kim lou moe; do in_host $n pgrep -x weft-agent; done | paste -sd' '; }

come_up() {
	local a b start
	start=$(now_ms)
	for a in kim lou moe; do
		for b in kim lou moe; do [ $a = $b ] || till 30 is_state $a $b up || die "$a-$b is $(state_of $a $b)"; done
	done
	note "six ends are up $(since "$start") s after the fleet stood: $(link_of kim lou | jq -r .cause)"
	# What WireGuard last heard is no verdict any more; the topology has the probes'.
	[ "$(weft get networks home --effective -o json | jq -r '.. | .probe? // empty | .interval' | head -n 1)" = 200ms ]
}

# detections LIMIT-MS WAYS: cuts the link again and again; each end's event tells when it was sure.
detections() {
	local limit=$1 elements=$2 i from id took worst=0 all=
	for i in $(seq "$cuts"); do
		till 20 both_are up || die "the link does not come back"
		id=$(last_event)
		from=$(in_host internet sh -c "date +%s%3N; nft add element inet lab links '$elements'" | head -n 1)
		till 10 both_are down || die "the cut is not noticed: kim says $(state_of kim lou), lou says $(state_of lou kim)"
		for n in kim lou; do
			took=$(($(event_ms "$id" $n) - from))
			all="$all $took"
			[ "$took" -le "$worst" ] || worst=$took
		done
		in_host internet nft delete element inet lab links "$elements"
	done
	note "told after (ms):$all; promised: $limit"
	# The clock of the cut is read before nft runs, and this machine does other things: 100 ms for both.
	in_time "$worst" $((limit + 100))
}
# event_ms AFTER-ID NODE: when NODE told of the link being down, milliseconds since 1970.
event_ms() {
	weft events -n 50 -o json | jq -r --argjson id "$1" --arg n "$2" '[.[] | select(.id > $id and .node == $n and .kind == "link_down")][0].at' |
		{ read -r at; date -d "$at" +%s%3N; }
}

both_ways='{ "up1" . "up2", "up2" . "up1" }'
one_way='{ "up1" . "up2" }'

slow_probes() { detections 830 "$both_ways"; }
# every MS [HOLD-DOWN]: how often the links are probed from now on.
every() {
	local n
	sed "s/interval: 200ms/interval: $1ms/; s/hold_down: 0s/hold_down: ${2:-0s}/" "$here/fleets/probes.yaml" >"$scratch/every.yaml"
	weft apply -f "$scratch/every.yaml" >/dev/null
	for n in kim lou; do till 20 is_every $n "$1" || die "$n does not take the interval"; done
}
is_every() { { in_host "$1" weft-agent status --json || true; } | jq -e --argjson ms "$2" '[.links[].interval_ms] | all(. == $ms)'; }
fast_probes() {
	every 50
	detections 230 "$both_ways"
}
deaf() { cuts=2 detections 230 "$one_way"; }

# drop_some PERCENT: of what the Internet carries from kim to lou, until drop_none.
drop_some() { in_host internet nft -f - <<<"table inet some { chain f { type filter hook forward priority -5; iifname up1 oifname up2 numgen random mod 100 < $1 drop; }; }"; }
drop_none() { in_host internet nft delete table inet some; }
lossy() {
	local id before flips
	every 50 1s
	till 20 both_are up
	before=$(agents)
	id=$(last_event)
	drop_some 30
	sleep 12
	note "kim measures $(link_of kim lou | jq -c '.sample | {loss, lost, lost_there, sent}')"
	drop_none
	flips=$(changes "$id")
	note "30 % lost from kim to lou for 12 s at 50 ms x 3: the two ends changed their minds $flips times in all; kim: $(link_of kim lou | jq -r .cause)"
	[ "$before" = "$(agents)" ] || die "an agent died"
	# Of 240 probes about six runs of three are lost; the hold-down, which doubles, lets each end follow few of them.
	[ "$flips" -le 10 ] || die "that is flapping"
	till 70 both_are up || die "the link does not come back"
	every 200
}

# through DELAY REORDER: what kim sends lou takes the way through the forwarder; direct: it does not.
through() {
	setsid weft lab exec --lab "$LAB" internet -- sh -c 'echo $$ >"$0.pid"; exec python3 "$1" impede "$2" "$3"' \
		"$scratch/impede" "$here/impede.py" "$1" "$2" >"$scratch/impede" 2>&1 </dev/null &
	till 10 grep -q ready "$scratch/impede" || die "the forwarder does not start: $(cat "$scratch/impede")"
	in_host internet sh -c 'ip route add default dev impede table 77; ip rule add iif up1 to '"$(lou_outside)"' lookup 77'
}
direct() {
	in_host internet sh -c 'ip rule del lookup 77; kill $(cat "$0.pid")' "$scratch/impede"
}
lou_outside() { in_host lou ip -j -4 addr show eth0 | jq -r '.[0].addr_info[0].local'; }

disordered() {
	local id reordered before
	every 20
	till 20 both_are up
	before=$(agents)
	id=$(last_event)
	through 0 30
	sleep 8
	reordered=$(link_of lou kim | jq .sample.reordered)
	direct
	note "30 % overtaken: $reordered replies counted as reordered at lou, $(changes "$id") changes of state"
	[ "$before" = "$(agents)" ] || die "an agent died"
	[ "$reordered" -gt 5 ] || die "the reordering is not measured"
	# A packet that waits is late only where this machine made it later still.
	[ "$(changes "$id")" -le 2 ] || die "reordering changed the state: $(weft events -n 3)"
	every 200
}

delayed() {
	local id before late
	till 20 both_are up
	before=$(agents)
	id=$(last_event)
	through 6000 0
	sleep 14
	late=$(link_of kim lou | jq .sample.late)
	note "6 s each packet: kim says $(state_of kim lou), $late replies came late, $(changes "$id") changes of state"
	[ "$before" = "$(agents)" ] || die "an agent died"
	[ "$late" -gt 0 ] || die "no reply was late: this test proves nothing"
	# Down at each end, and no more.
	[ "$(changes "$id")" -le 2 ] || die "delay made it flap: $(weft events -n 6)"
	direct
	till 30 both_are up || die "the link does not come back"
}

lab_up -f "$here/fleets/probes.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
check "links come up by their probes" come_up
# First: a link that has been cut often is held down long.
check "30 % loss is measured, does not crash or flap" lossy
check "a silent link at 200 ms x 3 is down at both ends within the promise" slow_probes
check "a silent link at 50 ms x 3 is" fast_probes
check "a link that is silent one way is down at both ends" deaf
check "30 % reordering is measured, changes nothing" disordered
check "6 s of delay is down once, and up again when it is over" delayed
finish
