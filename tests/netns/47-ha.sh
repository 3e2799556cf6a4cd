#!/usr/bin/env bash
# One of two is active: it alone has the LAN's address, and another takes over when it dies, whatever its agent does.
#
#            cid                 votes only
#           /   \
#        ada --- ben             members of the groups paris (with cid) and duo (with the controller)
#          |     |
#       ---+--+--+---            LAN 10.1.0.0/24 fd00:1::/64; paris is 10.1.0.1 and fd00:1::1, duo 10.1.0.2
#             |
#            lan                 asks all hosts of the LAN for the address every 10 ms: ARP, ND, echoes
#
# WEFT_HA_STOPS: how often the active agent is stopped and continued (default 5; the long proof takes 100).
. "$(dirname "$0")/lib.sh"
use_lab ha
stops=${WEFT_HA_STOPS:-5}

ha() { { in_host "$1" weft-agent status --json || true; } | jq -er --arg g "${2:-paris}" '.ha[] | select(.group == $g)'; }
is_ha() { [ "$(ha "$1" "${3:-paris}" | jq -r .state)" = "$2" ]; }
holder() { ha cid | jq -r '.holder // "nobody"'; }
mac_of() { in_host "$1" cat /sys/class/net/eth1/address; }
agent_pid() { in_host "$1" pgrep -x -n weft-agent; }
both_heard() { [ "$(ha ada "${1:-paris}" | jq .heard)" = 3 ] && [ "$(ha ben "${1:-paris}" | jq .heard)" = 3 ]; }
# ada is active and has been well long enough, ben is ready to follow.
at_rest() { till 30 is_ha ada active && till 30 is_ha ben standby && till 30 both_heard; }

make_lan() {
	lan_make
	ip -n "$lan" link add client type veth peer name client0
	ip -n "$lan" link set client0 master lan0 up
	ip -n "$lan" link set client up
}
# And what still watches it, after a case that failed.
drop_lan() {
	local watching
	for watching in "$scratch"/watch/*.pid; do
		[ ! -e "$watching" ] || kill "$(cat "$watching")" 2>/dev/null
	done
	lan_drop
}
trap 'drop_lan; end_labs' EXIT

# watch NAME [IPV4 IPV6]: until watch_end NAME, which prints what was seen.
watch() {
	mkdir -p "$scratch/watch"
	ip netns exec "$lan" setsid python3 "$here/vip.py" client "${2:-10.1.0.1}" "${3:-fd00:1::1}" 3600 >"$scratch/watch/$1" 2>"$scratch/watch/$1.err" </dev/null &
	echo $! >"$scratch/watch/$1.pid"
	till 10 grep -q ready "$scratch/watch/$1.err" || die "the watch does not start: $(cat "$scratch/watch/$1.err")"
}
watch_end() {
	kill "$(cat "$scratch/watch/$1.pid")"
	rm "$scratch/watch/$1.pid"
	till 10 test -s "$scratch/watch/$1" || die "the watch said nothing: $(cat "$scratch/watch/$1.err")"
	cat "$scratch/watch/$1"
}
# seen NAME: ends the watch, which must have seen nobody answer beside another.
seen() {
	watch_end "$1" >"$scratch/seen"
	note "$1: $(jq -c '{asked, answered, gap_ms, two_at_once, kinds, turns: [.turns[] | "\(.mac[12:]) \(.from)-\(.to) s"]}' "$scratch/seen")"
	[ "$(jq .two_at_once "$scratch/seen")" = 0 ] || die "two answered one question"
}
turns() { jq '.turns | length' "$scratch/seen"; }
gap() { jq .gap_ms "$scratch/seen"; }
# A sentence of the group's last change, by who is active now.
story() { note "$1: $(ha "$1" "${2:-paris}" | jq -r .cause)"; }

waits_for_a_lan() {
	till 30 is_ha ada unfit || die "ada is $(ha ada) without a LAN"
	[ "$(ha ada | jq -r .cause)" = "the interface eth1 is not up" ]
	watch boot
}

boot() {
	local id
	lan_plug_in ada ben
	till 20 is_ha ada active || die "ada is $(ha ada)"
	is_ha cid witness
	both_heard
	at_rest
	seen boot
	# Where ada's cable is noticed late, ben has it until ada has been well for its hold-down.
	[ "$(turns)" -le 2 ] || die "the address moved to and fro at boot"
	story ada
	for id in echo4 echo6 arp nd; do jq -e --arg k $id '.kinds | index($k)' "$scratch/seen" >/dev/null || die "nobody answered by $id"; done
	till 10 is_listed || die "weft get: $(weft get ha-groups)"
	[ "$(in_host controller curl -sfk https://127.0.0.1:8443/metrics | grep -c '^weft_ha_active{.*group="paris"} 1$')" = 1 ] || die "no metric, or several"
	[ "$(weft get ha-groups paris --effective -o json | jq -r '.. | .voters? // empty | join(" ")')" = "ada ben cid" ]
}

is_listed() { weft get ha-groups | grep -E '^paris .* ada +3 of 3$'; }

# Whole hosts begin anew at the same moment.
reboots() {
	watch reboot
	for host in ada ben; do
		in_host $host sh -c 'pkill -9 -x weft-agent; nft delete table inet weft_ha_'"$(group_id)"'; nft delete table netdev weft_ha_'"$(group_id)"'
			ip addr del 10.1.0.1/32 dev eth1; ip addr del fd00:1::1/128 dev eth1; true' 2>/dev/null
		lab_reboot $host
	done
	at_rest || die "ada is $(ha ada), ben is $(ha ben)"
	seen reboot
	note "nobody answered for $(gap) ms"
}
group_id() { weft get ha-groups paris --effective -o json | jq -r '.. | .effective? // . | .id? // empty' | tail -n 1; }

# dies NAME [GROUP IPV4 IPV6]: ada's host is gone at once; within a second ben is active. Then ada is back, and takes over again.
# Where it took longer, as this machine did something else, once more.
dies() {
	die_once "$@" && return
	note "again, as this machine may have been busy:"
	die_once "$1 once more" "${@:2}" || die "that is more than a second"
}
die_once() {
	local group=${2:-paris}
	at_rest || die "ada is $(ha ada), ben is $(ha ben)"
	till 30 is_ha ada active "$group" && till 30 both_heard "$group" || die "ada is $(ha ada "$group")"
	watch "$1" "${3:-}" "${4:-}"
	sleep 0.3
	cut_host ada
	till 10 is_ha ben active "$group" || die "ben is $(ha ben "$group")"
	sleep 0.3
	seen "$1"
	story ben "$group"
	note "$1: nobody answered for $(gap) ms"
	heal_host ada
	till 40 is_ha ada active "$group" || die "ada does not come back: $(ha ada "$group")"
	in_time "$(gap)" 1000
}
dies_alone() {
	at_rest || die "ada is $(ha ada), ben is $(ha ben)"
	lab cut controller
	dies "controller away"
	lab heal controller
}

is_ahead() { in_host "$1" sh -c 'cat /proc/$(pgrep -x -n weft-agent)/timens_offsets' | grep -E '^boottime +300 '; }
# ben's clock is five minutes ahead of the others' from its agent's next start on.
clocks_apart() {
	unshare -T --boottime 300 --monotonic 300 true || exit 77
	mkdir "$scratch/ahead"
	printf '#!/bin/sh\nexec unshare -T --boottime 300 --monotonic 300 %s/weft-agent "$@"\n' "$WEFT_BIN" >"$scratch/ahead/weft-agent"
	chmod +x "$scratch/ahead/weft-agent"
	runs ben "$scratch/ahead"
	program_restart ben weft-agent TERM
	till 15 is_ahead ben || die "ben's agent has the same clock"
	dies "clocks 300 s apart"
	runs ben "$WEFT_BIN"
	program_restart ben weft-agent TERM
}

# Only the link between the two is cut: they still hear cid.
apart() {
	at_rest || die "ada is $(ha ada), ben is $(ha ben)"
	watch apart
	lab cut ada-ben
	sleep 4
	lab heal ada-ben
	seen apart
	[ "$(turns)" = 1 ] || die "the address moved"
	is_ha ada active
	note "the longest gap: $(gap) ms"
}

# Who is active, once it is one of them: they may be changing places.
active_host() {
	local host
	while true; do
		for host in ada ben; do
			if is_ha $host active; then echo $host && return; fi
		done
	done
}

stopped() {
	local i host other epochs
	epochs=$(ha cid | jq .epoch)
	watch stops
	for i in $(seq "$stops"); do
		till 20 both_heard || die "not all hear each other: $(ha ada) $(ha ben)"
		host=$(active_host)
		other=$([ "$host" = ada ] && echo ben || echo ada)
		in_host "$host" kill -STOP "$(agent_pid "$host")"
		till 10 is_ha "$other" active || die "$other does not take over: $(ha "$other")"
		in_host "$host" kill -CONT "$(agent_pid "$host")"
		till 10 is_ha "$host" standby || is_ha "$host" active || die "$host is $(ha "$host")"
	done
	sleep 0.5
	seen stops >"$scratch/stops" || { tail -n 1 "$scratch/stops"; exit 1; }
	epochs=$(($(ha cid | jq .epoch) - epochs))
	note "$stops stops of the active agent: $(jq -c '{asked, answered, frames, gap_ms, two_at_once}' "$scratch/seen"), $(turns) turns in $((epochs + 1)) epochs"
	[ "$(turns)" -ge "$((stops + 1))" ] || die "the address did not move each time: this proves nothing"
	# Had one answered in another's turn, there would be more turns than take-overs, each of which is an epoch.
	[ "$(turns)" -le "$((epochs + 1))" ] || die "somebody answered in another's turn"
	in_time "$(gap)" 1200 || die "the longest gap is more than a second"
}

restarted() {
	local pid
	at_rest || die "ada is $(ha ada), ben is $(ha ben)"
	watch restart
	pid=$(agent_pid ada)
	in_host ada kill -TERM "$pid"
	till 15 is_other_pid ada weft-agent "$pid" || die "the agent did not come back"
	till 20 is_ha ada active || die "ada is $(ha ada)"
	sleep 1
	seen restart
	story ada
	note "the longest gap: $(gap) ms"
	[ "$(turns)" = 1 ] || die "the address moved"
}

hooks() {
	till 10 has_event ada "hook_done" 0 || die "no hook ran: $(weft events --node ada -n 20)"
	note "$(in_host ada sort -u /run/weft-ha-note | paste -sd';')"
	in_host ada grep -q "ha_active paris 10.1.0.1 fd00:1::1 eth1" /run/weft-ha-note
	in_host ada grep -q "ha_inactive paris" /run/weft-ha-note
}
allow_hooks() {
	local host
	for host in ada ben; do
		in_host $host sh -c 'mkdir -p /etc/weft/hooks.d; chmod 755 /etc/weft /etc/weft/hooks.d; cat >/etc/weft/hooks.d/note.yaml; chmod 644 /etc/weft/hooks.d/note.yaml' <<-'END'
			events: [ha_active, ha_inactive]
			user: root
			run:
			- [/bin/sh, -c, 'echo "$WEFT_EVENT $WEFT_GROUP $WEFT_VIPS $WEFT_LAN_INTERFACE" >>/run/weft-ha-note']
		END
	done
}

nothing_stays() {
	for host in ada ben; do till 60 is_settled $host || die "$host: $(status $host .line)"; done
	weft delete ha-groups paris >/dev/null
	weft delete ha-groups duo >/dev/null
	for host in ada ben; do
		till 20 is_clean $host || die "$host: $(in_host $host sh -c 'nft list tables; ip -br addr show eth1')"
	done
}
is_clean() { ! in_host "$1" sh -c 'nft list tables; ip addr show eth1' | grep -e weft_ha -e '10\.1\.0\.[12]/' -e 'fd00:1::1/'; }

choose_programs
lab_up -f "$here/fleets/ha.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
make_lan
allow_hooks
check "without its LAN a member is not fit, and says so" waits_for_a_lan
check "at boot one becomes active, never two" boot
check "the active member's host dies: another is active within a second" dies "host dead"
check "where the controller votes as the third, too" dies "controller votes" duo 10.1.0.2 -
check "so it is without the controller" dies_alone
check "it is, too, with their clocks five minutes apart" clocks_apart
check "with only the link between the members cut nothing moves" apart
check "the active agent stopped and continued, $stops times: never two" stopped
check "a planned restart of the agent keeps it active" restarted
check "both members boot at once: never two" reboots
check "the hooks that the group names ran, in order" hooks
check "what is deleted leaves nothing" nothing_stays
drop_lan
finish
