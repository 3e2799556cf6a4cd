#!/usr/bin/env bash
# The other sites' routes to a site's LAN follow the active member of its HA group: echoes each 20 ms from both other sites
# to a host of the LAN, and back through the VIP.
#
#        cid                     by the bridge segment `lan`
#       /   \
#    ada --- ben                 members of the group paris, of the site paris
#     | \   / |
#     |  dan  |                  by the routed segment `road`
#   --+-------+--+--             LAN 10.1.0.0/24 fd00:1::/64
#                |
#               lan              10.1.0.100, fd00:1::100
. "$(dirname "$0")/lib.sh"
use_lab hal

ha() { { in_host "$1" weft-agent status --json || true; } | jq -er '.ha[] | select(.group == "paris")'; }
is_ha() { [ "$(ha "$1" | jq -r .state)" = "$2" ]; }
both_heard() { [ "$(ha ada | jq .heard)" = 3 ] && [ "$(ha ben | jq .heard)" = 3 ]; }
at_rest() { till 40 is_ha ada active && till 30 is_ha ben standby && till 30 both_heard; }

make_lan() {
	lan_make
	nsenter --net="/run/netns/$lan" sh -c 'ip addr add 10.1.0.100/24 dev lan0; ip addr add fd00:1::100/64 dev lan0 nodad
		ip route add default via 10.1.0.1; ip -6 route add default via fd00:1::1'
	lan_plug_in ada ben
}
trap 'lan_drop; end_labs' EXIT

flows() {
	flow "$1-bridge4" cid 10.1.0.100 0.02
	flow "$1-bridge6" cid fd00:1::100 0.02
	flow "$1-routed4" dan 10.1.0.100 0.02
	flow "$1-routed6" dan fd00:1::100 0.02
}
# longest NAME: for how many ms no echo of the flow came back.
longest() {
	local lost sent
	rm -f "$scratch/flows/$1.missing"
	read -r lost sent < <(flow_end "$1")
	[ "$sent" -gt 0 ] || die "no echo was sent"
	[ "$lost" -gt 0 ] || { echo 0; return; }
	awk '$1 == last + 1 { run++ } $1 != last + 1 { run = 1 } { last = $1; if (run > most) most = run } END { print (most + 1) * 20 }' "$scratch/flows/$1.missing"
}
# flows_end NAME LEAST-MS: within a second echoes come back again; and what takes less than LEAST-MS was no outage at all.
flows_end() {
	local one gap all="" is_late=0
	for one in bridge4 bridge6 routed4 routed6; do
		gap=$(longest "$1-$one") || die "$gap"
		all="$all, $one $gap ms"
		[ "$gap" -ge "$2" ] || die "$1-$one: nothing was lost for more than $gap ms: this proves nothing"
		in_time "$gap" 1000 || is_late=1
	done
	note "$1: nothing came back for: ${all:2}"
	return $is_late
}

gets_there() {
	local host to
	sed 's/^  paris: {}/  paris: {lan: [10.1.0.0\/24, "fd00:1::\/64"]}/' "$here/fleets/ha-lans.yaml" >"$scratch/fleet.yaml"
	weft apply -f "$scratch/fleet.yaml" >/dev/null
	at_rest || die "ada is $(ha ada), ben is $(ha ben)"
	for host in cid dan; do
		for to in 10.1.0.100 fd00:1::100; do till 60 answers $host $to || die "$host does not get at $to"; done
	done
	hop=$(weft get ha-groups paris --effective -o json | jq -er '[.. | .leads_lan_in? // empty][0].lan[0]')
	echo "$hop" >"$scratch/hop"
	note "by the bridge segment through $hop, $(in_host cid ip route get 10.1.0.100 | head -n 1)"
	in_host cid ip route get 10.1.0.100 | grep "via $hop " >/dev/null
	in_host ada ip addr show dev "$(device ada bridge/lan)" | grep "inet $hop/32" >/dev/null
	! in_host ben ip addr show dev "$(device ben bridge/lan)" | grep "inet $hop/32" || die "ben has ada's address"
}

# Where it took longer, as this machine did something else, once more.
dies() {
	die_once "$1" && return
	note "again, as this machine may have been busy:"
	die_once "$1-again" || die "that is more than a second"
}
die_once() {
	local rc=0
	at_rest || die "ada is $(ha ada), ben is $(ha ben)"
	flows "$1"
	cut_host ada
	till 20 is_ha ben active || die "ben is $(ha ben)"
	for host in cid dan; do till 10 answers $host 10.1.0.100 || die "$host does not get there through ben"; done
	sleep 0.5
	flows_end "$1" 200 || rc=1
	flows "$1-back"
	heal_host ada
	at_rest || die "ada does not come back: $(ha ada)"
	sleep 0.5
	flows_end "$1-back" 0 || rc=1
	return $rc
}
dies_alone() {
	lab cut controller
	dies alone
	lab heal controller
}

# What dan's agent put into the kernel lasts while it is away, and it goes on with that.
remote_restarts() {
	flow restart dan 10.1.0.100 0.02
	program_restart dan
	till 30 is_settled dan || die "dan: $(status dan .line)"
	sleep 0.5
	no_loss restart
}
followed() { { in_host dan weft-agent status --json || true; } | jq -er --arg k "path/road/$1" '.paths[] | select(.key == $k) | .lan.followed'; }
has_followed() { [ "$(followed "$1")" = true ] && [ "$(followed "$2")" = false ]; }
# Whoever answers for the next hop of the bridge segment, as cid hears it.
hop_macs() { in_host cid arping -b -c 2 -w 3 -I "$(device cid bridge/lan)" "$(cat "$scratch/hop")" | grep -io '\[[0-9a-f:]*\]' | tr -d '[]' | tr A-F a-f | sort -u | paste -sd' '; }
one_has_the_hop() {
	local macs
	in_host ada ip addr show dev "$(device ada bridge/lan)" | grep "inet $(cat "$scratch/hop")/32" >/dev/null || die "ada's address went: this proves nothing"
	macs=$(hop_macs)
	note "for the next hop answers $macs; ada, whose agent stands still, has the address and says nothing"
	[ "$macs" = "$(in_host ben cat "/sys/class/net/$(device ben bridge/lan)/address")" ]
}
stopped() {
	local after
	at_rest || die "ada is $(ha ada), ben is $(ha ben)"
	has_followed ada ben || die "dan follows $(followed ada) $(followed ben)"
	after=$(last_event)
	flows stop
	in_host ada kill -STOP "$(program_pid ada)"
	trap 'in_host ada kill -CONT "$(program_pid ada)"' EXIT
	till 20 is_ha ben active || die "ben is $(ha ben)"
	till 10 has_followed ben ada || die "dan does not follow ben"
	till 10 answers cid 10.1.0.100 || die "cid does not get there through ben"
	sleep 0.5
	# Its kernel goes on forwarding until the others know better.
	flows_end stop 0 || die "that is more than a second"
	one_has_the_hop
	remote_restarts
	till 10 has_followed ben ada || die "dan does not follow ben after its restart"
	till 10 has_event dan "paris: the LANs are reached through ben" "$after" || die "no event: $(weft events --node dan -n 5)"
	note "$(weft events --node dan -n 20 -o json | jq -r '[.[] | select(.kind == "lan_moved")][0].text')"
	in_host controller curl -sfk https://127.0.0.1:8443/metrics | grep '^weft_path_lan_followed{.*node="dan".*peer="ben".*} 1$' || die "no metric"
	flows go-on
	in_host ada kill -CONT "$(program_pid ada)"
	at_rest || die "ada does not come back: $(ha ada)"
	till 10 has_followed ada ben || die "dan does not follow ada again"
	flows_end go-on 0 || die "that is more than a second"
}

bridge_is_back() {
	in_host ada ip addr show dev "$(device ada bridge/lan)" | grep "inet $(cat "$scratch/hop")/32" >/dev/null
}
bridge_goes() {
	local bridge
	bridge=$(device ada bridge/lan)
	in_host ada ip link del "$bridge"
	till 30 bridge_is_back || die "the address is not there again: $(in_host ada ip addr)"
	till 30 answers cid 10.1.0.100 || die "cid does not get there"
	[ "$(ha ada | jq -r .state)" = active ] || die "ada is $(ha ada)"
}

nothing_stays() {
	local host
	weft delete ha-groups paris >/dev/null
	for host in ada ben; do till 30 is_clean $host || die "$host: $(in_host $host sh -c 'nft list tables; ip -br addr')"; done
	for host in cid dan; do till 20 answers $host 10.1.0.11 || die "$host does not get at ada, who speaks for paris alone"; done
	in_host cid ip route get 10.1.0.100 | grep "via $(address lan ada 4) " >/dev/null || die "cid goes by $(in_host cid ip route get 10.1.0.100)"
}
is_clean() { ! in_host "$1" sh -c 'nft list tables; ip addr' | grep -e weft_ha -e '10\.1\.0\.1/'; }

choose_programs
lab_up -f "$here/fleets/ha-lans.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
make_lan
check "the other sites reach the LAN through the active member" gets_there
check "its host dies: they reach it through the other within a second, and go back with it" dies dead
check "so they do without the controller" dies_alone
check "its agent stopped and continued: they follow the other, and it does not draw them back before its time" stopped
check "the bridge that has the next hop is made anew, and the hop with it" bridge_goes
check "without the group one node speaks for the site again" nothing_stays
lan_drop
finish
