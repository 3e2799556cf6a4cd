#!/usr/bin/env bash
# Links that other programs made are watched like Weft's own: a tunnel that was there before, asked by pings and by UDP
# echoes, cut, full of garbage, without carrier, renamed, deleted and made anew. And what lies beyond them is reached by the
# best of them: a datagram each 5 ms from kim to 10.20.0.1, and how long it was interrupted.
#
#     kim ===tun0=== lou -- 10.20.0.0/24, fd20::/64      VXLANs that the test makes, as another program would; lou echoes,
#      \\===tun1===//                                    and knows nothing of it
. "$(dirname "$0")/lib.sh"
use_lab external

outside() { in_host "$1" ip -j -4 addr show eth0 | jq -r '.[0].addr_info[0].local'; }
# tunnel HOST OTHER NUMBER [WHICH]
tunnel() {
	in_host "$1" sh -c 'ip link add tun$2 type vxlan id 7$2 dstport 599$2 remote "$0" dev eth0 && ip addr add 10.9.$2.$1/24 dev tun$2 &&
		ip addr add fd09:$2::$1/64 dev tun$2 nodad && ip link set tun$2 up' "$(outside "$2")" "$3" "${4:-0}"
}
external_of() { { in_host kim weft-agent status --json || true; } | jq -er --arg k "link/$1" '.links[] | select(.key == $k)'; }
is_external() { [ "$(external_of "$1" | jq -r .state)" = "$2" ]; }
both_are() { is_external upstairs "$1" && is_external carrier "$1"; }
# changes AFTER-ID: how often either link's state changed since.
changes() {
	weft events -n 200 -o json | jq --argjson id "$1" '[.[] | select(.id > $id and (.kind | startswith("link_"))
		and (.entry == "link/upstairs" or .entry == "link/carrier"))] | length'
}
# told_ms AFTER-ID LINK KIND: when it was told, milliseconds since 1970.
told_ms() {
	weft events -n 100 -o json | jq -er --argjson id "$1" --arg e "link/$2" --arg k "$3" '[.[] | select(.id > $id and .entry == $e and .kind == $k)][0].at' |
		{ read -r at; date -d "$at" +%s%3N; }
}
agent() { in_host kim pgrep -x weft-agent; }
host_ms() { in_host kim date +%s%3N; }

absent() {
	till 10 both_are down || die "$(external_of upstairs)"
	external_of upstairs | jq -er '.cause | select(contains("its device is gone"))' >/dev/null || die "$(external_of upstairs | jq -r .cause)"
	till 10 is_settled kim || die "the node has errors: $(status kim .errors)"
}
come_up() {
	till 20 both_are up || die "$(external_of upstairs) $(external_of carrier)"
	note "$(external_of upstairs | jq -r .cause); $(external_of carrier | jq -r .cause)"
	[ "$(external_of upstairs | jq '.sample.rtt_us > 0 and .sample.rtt_us < 1000000 and .sample.forward_us == null')" = true ] || die "$(external_of upstairs)"
	till 10 told_by_cli || die "$(weft links kim)"
	# Only the node that has the interface has the entry, and what it finds is told everywhere.
	till 10 told_by_metrics || die "the metrics do not tell of them: $(in_host controller curl -sk https://127.0.0.1:8443/metrics | grep upstairs)"
}
told_by_cli() { weft links kim | grep -q '^kim - upstairs *(external) *up *[0-9.]* ms'; }
told_by_metrics() {
	local page
	page=$(in_host controller curl -sk https://127.0.0.1:8443/metrics)
	grep -q '^weft_link_up{node="kim",link="upstairs"} 1$' <<<"$page" && grep -q '^weft_link_rtt_seconds_count{.*link="carrier"}' <<<"$page"
}

cut_and_healed() {
	local id from l took worst=0 all=
	id=$(last_event)
	in_host kim nft -f - <<<"table inet cut { chain i { type filter hook input priority -200; iifname tun0 drop; }; }"
	from=$(host_ms)
	till 10 both_are down || die "the cut is not noticed: $(external_of upstairs)"
	for l in upstairs carrier; do
		till 5 told_ms "$id" $l link_down || die "no event of $l"
		took=$(($(told_ms "$id" $l link_down) - from))
		all="$all $took"
		[ "$took" -le "$worst" ] || worst=$took
	done
	note "down after (ms):$all; promised: 830. $(external_of carrier | jq -r .cause)"
	in_host kim nft delete table inet cut
	in_time "$worst" 930 || die "too late"
	till 10 both_are up || die "they do not come back"
}

# What the target's port says besides: empty, short, long, repeated, late, and to nobody's question.
garbage() {
	local id before rejected duplicate
	before=$(agent)
	id=$(last_event)
	rejected=$(external_of carrier | jq .sample.rejected)
	in_host lou sh -c 'echo noisy >"$0"' "$scratch/mood"
	in_host lou ping -q -n -c 20 -i 0.01 -W 1 10.9.0.1 >/dev/null || die "the tunnel carries nothing"
	sleep 4
	in_host lou sh -c 'echo quiet >"$0"' "$scratch/mood"
	duplicate=$(external_of carrier | jq .sample.duplicate)
	note "$(($(external_of carrier | jq .sample.rejected) - rejected)) datagrams rejected, $duplicate twice, $(changes "$id") changes of state"
	[ "$(external_of carrier | jq ".sample.rejected - $rejected > 40")" = true ] || die "the garbage did not arrive: this proves nothing"
	[ "$duplicate" -gt 5 ] || die "nothing came twice"
	[ "$(changes "$id")" = 0 ] || die "garbage changed the state"
	[ "$before" = "$(agent)" ] || die "the agent died"
}

# severed LINK-COMMAND BACK-COMMAND
severed() {
	local id from l
	till 30 both_are up || die "$(external_of upstairs)"
	id=$(last_event)
	from=$(host_ms)
	in_host kim sh -c "$1" # what it waits for is noticed while it runs, or after
	for l in upstairs carrier; do
		till 10 is_external $l down || die "$1: $(external_of $l)"
		till 5 told_ms "$id" $l link_down || die "no event of $l"
		external_of $l | jq -er '.cause | select(contains("its device is gone or has no carrier"))' >/dev/null || die "$(external_of $l | jq -r .cause)"
	done
	note "$1: told after $(($(told_ms "$id" upstairs link_down) - from)) ms: $(external_of upstairs | jq -r .cause)"
	in_time $(($(told_ms "$id" upstairs link_down) - from)) 930 || die "too late"
	eval "$2"
	till 20 both_are up || die "they do not come back: $(external_of upstairs)"
}
comes_and_goes() {
	local before
	before=$(agent)
	severed 'ip link set tun0 down' "in_host kim sh -c 'ip link set tun0 up && ip -6 addr replace fd09:0::1/64 dev tun0 nodad'"
	severed 'ip link set tun0 down && ip link set tun0 name other0 && ip link set other0 up' \
		"in_host kim sh -c 'ip link set other0 down && ip link set other0 name tun0 && ip link set tun0 up && ip -6 addr replace fd09:0::1/64 dev tun0 nodad'"
	severed 'ip link del tun0' 'tunnel kim lou 1'
	[ "$before" = "$(agent)" ] || die "the agent died"
	# The hook was told the interface and the address that it had.
	till 10 grep -qx "link_down link/upstairs tun0 10.9.0.1" "$scratch/out/ran" || die "the hook: $(cat "$scratch/out/ran")"
	grep -qx "link_up link/upstairs tun0 10.9.0.1" "$scratch/out/ran" || die "the hook: $(cat "$scratch/out/ran")"
}

forgotten() {
	weft delete links carrier >/dev/null
	till 10 no_carrier || die "what is not wanted is still probed: $(external_of carrier)"
	is_external upstairs up || die "the other one is not up"
}
no_carrier() { ! external_of carrier; }

# ---- what lies beyond ----

# steered MS: from now on two links lead there, probed so often.
steered() {
	cat >"$scratch/steered.yaml" <<END
links:
  upstairs: {node: kim, interface: tun0, target: 10.9.0.2, via: [10.9.0.2, "fd09:0::2"], routes: [10.20.0.0/24, "fd20::/64"], probe: {interval: $1ms, hold_down: 0s}}
  spare: {node: kim, interface: tun1, target: 10.9.1.2, via: [10.9.1.2, "fd09:1::2"], routes: [10.20.0.0/24, "fd20::/64"], role: standby, probe: {interval: $1ms, hold_down: 0s}}
END
	weft apply -f "$scratch/steered.yaml" >/dev/null
	till 20 is_asked "$1" || die "the interval is not taken"
	till 20 two_up || die "$(external_of upstairs) $(external_of spare)"
}
is_asked() { { in_host kim weft-agent status --json || true; } | jq -e --argjson ms "$1" '[.links[].interval_ms] | length == 2 and all(. == $ms)'; }
two_up() { is_external upstairs up && is_external spare up; }
goes_by() { [ "$(in_host kim ip -j route show 10.20.0.0/24 | jq -r '.[0].dev')" = "$1" ] && [ "$(in_host kim ip -j -6 route show fd20::/64 | jq -r '.[0].dev')" = "$1" ]; }
vanish() { in_host lou nft -f - <<<"table inet vanish$1 { chain i { type filter hook prerouting priority -300; iifname tun$1 drop; }; }"; }
appear() { in_host lou nft delete table inet "vanish$1"; }
stream() {
	rm -f "$scratch/steady" "$scratch/steady.ready"
	setsid weft lab exec --lab "$LAB" lou -- sh -c 'echo $$ >"$1.listen"; exec python3 "$0" listen 9999 "$1"' "$here/steady.py" "$scratch/steady" >/dev/null 2>&1 </dev/null &
	till 20 test -s "$scratch/steady.ready" || die "nobody listens"
	setsid weft lab exec --lab "$LAB" kim -- sh -c 'echo $$ >"$1.send"; exec python3 "$0" send 10.20.0.1 9999 5' "$here/steady.py" "$scratch/steady" >/dev/null 2>&1 </dev/null &
	till 20 test -s "$scratch/steady.send" || die "nobody sends"
	sleep 0.5
}
# stream_end: prints "GAP-MS LOST SENT LATE-MS".
stream_end() {
	in_host kim sh -c 'kill $(cat "$0")' "$scratch/steady.send"
	sleep 0.2
	in_host lou sh -c 'kill $(cat "$0")' "$scratch/steady.listen"
	till 20 test -s "$scratch/steady" || die "the listener said nothing"
	cat "$scratch/steady"
	rm -f "$scratch/steady.send"
}
reached() {
	tunnel lou kim 2 1
	tunnel kim lou 1 1
	in_host lou sh -c 'ip addr add 10.20.0.1/24 dev lo; ip addr add fd20::1/64 dev lo'
	steered 50
	till 20 goes_by tun0 || die "$(in_host kim ip route) $(in_host kim weft-agent status --json | jq -c .paths)"
	till 20 answers kim 10.20.0.1 || die "10.20.0.1 is not reached"
	till 20 answers kim fd20::1 || die "fd20::1 is not reached"
	till 20 has_active upstairs || die "the metrics do not tell what carries it: $(in_host controller curl -sk https://127.0.0.1:8443/metrics | grep weft_link_active)"
	till 20 is_quiet kim || die "kim does not come to rest"
}
has_active() { in_host controller curl -sk https://127.0.0.1:8443/metrics | grep -q "^weft_link_active{node=\"kim\",link=\"$1\",prefix=\"10.20.0.0/24\"} 1$"; }
# lost_way LIMIT-MS: what the link in use carries vanishes.
lost_way() {
	local gap lost sent late id
	id=$(last_event)
	stream
	vanish 0
	till 20 goes_by tun1 || die "the traffic stays: $(in_host kim weft-agent status --json | jq -c .paths)"
	sleep 0.5
	read -r gap lost sent late < <(stream_end)
	appear 0
	note "interrupted for $gap ms (promised: $1), $lost of $sent lost"
	[ "$lost" -gt 0 ] || die "nothing was lost: this proves nothing"
	till 20 has_event kim link_active "$id" || die "no event: $(weft events --node kim -n 5)"
	note "$(weft events --node kim -n 50 -o json | jq -r '[.[] | select(.kind == "path_moved" and .entry == "outside/10.20.0.0/24")][0].text')"
	till 20 grep -qx "link_active link/spare tun1 10.9.1.1" "$scratch/out/ran" || die "the hook: $(cat "$scratch/out/ran")"
	in_time "$gap" $(($1 + 150))
}
fast_probes() { lost_way 230; }
slow_probes() {
	steered 200
	goes_by tun0 || die "it has moved"
	lost_way 830
}
# Preferred, but not at once: only when it has been well for a while.
comes_back() {
	local gap lost sent late start
	till 20 two_up || die "upstairs does not come up again"
	start=$(now_ms)
	stream
	till 60 goes_by tun0 || die "it does not go back to the preferred link"
	read -r gap lost sent late < <(stream_end)
	note "back $(since "$start") s after it was up: $lost of $sent lost, longest pause $gap ms"
	[ "$lost" = 0 ] || die "moving back lost some"
	[ "$(($(now_ms) - start))" -ge 8000 ] || die "it went back at once"
}
drained() {
	local gap lost sent late
	till 20 two_up || die "not both are up"
	goes_by tun1 || die "it has moved"
	stream
	weft drain link spare >"$scratch/drained" || die "not safe: $(cat "$scratch/drained")"
	goes_by tun0 || die "drained, and it still goes that way"
	read -r gap lost sent late < <(stream_end)
	note "drained under traffic: $lost of $sent lost; $(tail -n 1 "$scratch/drained")"
	grep -q "^spare is safe" "$scratch/drained" || die "$(cat "$scratch/drained")"
	! weft drain link upstairs --wait 3 >"$scratch/stuck" 2>&1 || die "both are drained, and that is safe?"
	grep -q "[1-9] have nothing to move to" "$scratch/stuck" || die "$(cat "$scratch/stuck")"
	answers kim 10.20.0.1 >/dev/null || die "drained links carry nothing although there is no other"
	for l in upstairs spare; do weft drain link $l --off >/dev/null; done
	[ "$lost" = 0 ]
}
restarted() {
	local gap lost sent late
	stream
	program_restart kim
	till 20 status kim .connected || die "the agent does not come back"
	till 20 two_up || die "not both are up"
	read -r gap lost sent late < <(stream_end)
	note "agent killed and back: $lost of $sent lost"
	[ "$lost" = 0 ]
}
unsteered() {
	weft delete links spare >/dev/null
	till 20 goes_by tun0 || die "the link that is left does not carry it"
	weft delete links upstairs >/dev/null
	till 20 no_route || die "a route stays: $(in_host kim ip route)"
}
no_route() { [ -z "$(in_host kim ip route show 10.20.0.0/24)$(in_host kim ip -6 route show fd20::/64)" ]; }

cat >"$scratch/echo.py" <<'END'
import os, socket, sys, time
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 7))
late = []
while True:
    data, who = s.recvfrom(65536)
    s.sendto(data, who)
    if open(sys.argv[1]).read().strip() != "noisy":
        continue
    late.append(data)
    for other in (b"", b"x", data[:-1], data + b"x", bytes(len(data)), os.urandom(len(data)), data, late[len(late) // 2]):
        s.sendto(other, who)
END
cat >"$scratch/fleet.yaml" <<'END'
nodes:
  kim: {address: kim.example.net}
  lou: {address: lou.example.net}
links:
  upstairs: {node: kim, interface: tun0, target: 10.9.0.2, probe: {hold_down: 0s}}
  carrier: {node: kim, interface: tun0, target: "fd09:0::2", udp_port: 7, probe: {hold_down: 0s}}
END
chmod 755 "$scratch"
mkdir -m 1777 "$scratch/out"
echo quiet >"$scratch/mood"
lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
in_host kim sh -c "mkdir -p /etc/weft/hooks.d; cat >/etc/weft/hooks.d/note.yaml; chmod 644 /etc/weft/hooks.d/note.yaml" <<END
events: [link_up, link_down, link_active]
subjects: [any]
run: [[/bin/sh, -c, 'echo "\$@" >>$scratch/out/ran', sh, "\${event}", "\${subject}", "\${link_interface}", "\${link_address}"]]
END
tunnel lou kim 2
setsid weft lab exec --lab "$LAB" lou -- python3 "$scratch/echo.py" "$scratch/mood" >"$scratch/echo.log" 2>&1 </dev/null &
# Links of interfaces that are not there yet are down, and no error.
check "a link whose interface is not there is down, and no error" absent
tunnel kim lou 1
check "links by pings and by UDP echoes come up when their interface comes" come_up
check "a cut is noticed within the promise, and its end" cut_and_healed
check "garbage, repeated and late answers are counted, change nothing" garbage
check "an interface that is set down, renamed, deleted: down at once with the cause; back: up; hooks are told" comes_and_goes
check "one that is not wanted any more is not probed" forgotten
check "what lies beyond two links is reached by the preferred one" reached
check "a silent drop of the one in use at 50 ms x 3: the other within the promise, event and hook" fast_probes
check "back to the preferred one after a while, without loss" comes_back
check "a silent drop at 200 ms x 3" slow_probes
check "drained: moved without loss, and said to be safe; or that there is no other" drained
check "the agent killed and back: nothing is lost" restarted
check "links deleted: the last one's routes go" unsteered
finish
