#!/usr/bin/env bash
# Rules by name: what a LAN's clients ask and connect to leaves by the gateway of the name, and by no other.
#
#     ida-lan ---- ida ==eth0==+            ida: the resolver and the splitter; uplinks eth0 and eth1
#                   |  \==eth1=+-- Internet: a web at 203.0.113.0/24 and 2001:db8:f::/64 that tells who came, a DNS at
#                   +--- joe ==+            203.0.113.53 (all names) and another one at 203.0.113.54; joe: the exit of a gateway
. "$(dirname "$0")/lib.sh"
for tool in dig dnsmasq openssl; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
for program in weft-dns weft-sets weft-proxy; do [ -x "$WEFT_BIN/$program" ] || skip_all "$program is not built (WEFT_BIN=$WEFT_BIN)"; done
use_lab names
names=$here/names.py

fleet() {
	cat <<-END
		sites: {ithaca: {lan: [10.1.0.0/24, "fd01:1::/64"]}}
		nodes:
		  ida: {address: ida.example.net, site: ithaca, uplinks: {one: {interface: eth0}, two: {interface: eth1, via: [198.18.90.1, "2001:db8:90::1"]}}}
		  joe: {address: joe.example.net}
		networks: {home: {mesh: [ida, joe]}}
		resolvers: {ithaca: {nodes: [ida], listen: [10.1.0.1, "fd01:1::1"], clients: [10.1.0.0/24, "fd01:1::/64"], upstreams: [203.0.113.53], rate: 0}}
		domain-lists: {tv: {names: [$1]}, work: {names: [work.example]}, ads: {names: [ads.example]}}
		gateways: {two: {uplink: ida/two}, joe: {node: joe, resolvers: [203.0.113.54]}}
		gateway-groups: {two: {try: [two]}, joe: {try: [joe]}}
		policies:
		  home:
		    from: [site/ithaca]
		    rules:
		    - {to: [list/tv], via: two}
		    - {to: [list/work], via: joe}
		    - {to: [list/ads], block: nxdomain}
	END
}

# A second cable from ida to the Internet, the web and who knows its names.
plug_in() {
	second_cable ida
	in_host internet sh -c 'ip route add local 203.0.113.0/24 dev lo && ip -6 route add local 2001:db8:f::/64 dev lo &&
		ip addr add 203.0.113.53/32 dev lo && ip addr add 203.0.113.54/32 dev lo'
	# The host's own way translates addresses, as that of a home does.
	in_host ida nft "add table inet own; add chain inet own post { type nat hook postrouting priority srcnat; }; add rule inet own post oifname eth0 masquerade"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=web -keyout "$scratch/key" -out "$scratch/web" 2>/dev/null
	in_host internet sh -c "setsid python3 $names web $scratch/web $scratch/key >/dev/null 2>&1 </dev/null & $(dns 53) $(dns 54 --address=/only.work.example/203.0.113.33)"
}
# dns LAST-NUMBER MORE...: names and their addresses; it notes who asks.
dns() {
	local at=$1
	shift
	printf '%s ' setsid dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --user= --pid-file= --bind-interfaces --log-queries "--log-facility=$scratch/asked$at" \
		"--listen-address=203.0.113.$at" --local-ttl=300 "$@" \
		--address=/tv.example/203.0.113.1 --address=/tv.example/2001:db8:f::1 --address=/work.example/203.0.113.2 --address=/work.example/2001:db8:f::2 \
		--address=/other.example/203.0.113.3 --address=/other.example/2001:db8:f::3 --address=/late.example/203.0.113.4 \
		--address=/both.tv.example/203.0.113.9 --address=/both.work.example/203.0.113.9 --address=/both.other.example/203.0.113.9 \
		--address=/old.tv.example/203.0.113.21 --address=/old.other.example/203.0.113.21 --address=/first.work.example/203.0.113.11 --address=/second.work.example/203.0.113.12 --address=/third.work.example/203.0.113.13 \
		'>/dev/null 2>&1 </dev/null &'
}
ask() { in_host ida-lan dig +tries=1 +time=5 +short @10.1.0.1 "$@"; }
get() { in_host ida-lan python3 "$names" get "$@"; }

# came NAME 4|6 [plain]: asks for the name, connects to the answer, and says who came as the web sees it.
came() {
	local type=A at
	[ "$2" = 4 ] || type=AAAA
	at=$(ask "$1" $type)
	[ -n "$at" ] || { echo "(no answer)"; return; }
	get "$1" "$at" "${@:3}"
}
comes_by() { [ "$(came "$2" "$3" "${@:4}")" = "$1" ]; }
# counted COUNT: by weft-proxy, who is asked itself: what the agent tells of it is as old as its last question.
counted() { in_host ida sh -c 'python3 "$0" count "$(ss -Hxl | grep -o "/[^ ]*/proxy\.sock")" "$1"' "$names" "$1"; }
# The addresses that a list's set holds.
learned() { in_host ida nft -j list table inet weft_policy | jq -r --arg s "_$1" '.nftables[].set? // empty | select(.name | test("^l[0-9]+" + $s + "$")) | .elem[]?.elem.val'; }
has_learned() { learned 4 | grep -qFx "$1"; }
table() { in_host ida nft list table inet weft_policy; }

by_its_name() {
	local before name
	till 30 comes_by 198.18.90.2 tv.example 4 || die "tv.example comes from $(came tv.example 4): $(table)"
	before=$(counted connections)
	for name in tv.example www.tv.example WWW.Tv.Example; do
		comes_by 198.18.90.2 $name 4 || die "$name comes from $(came $name 4)"
		comes_by 2001:db8:90::2 $name 6 || die "$name comes from $(came $name 6)"
	done
	comes_by "$(uplink_of joe 4 eth0)" work.example 4 || die "work.example comes from $(came work.example 4)"
	comes_by "$(uplink_of joe 6 eth0)" a.work.example 6 || die "a.work.example comes from $(came a.work.example 6)"
	comes_by "$(uplink_of ida 4 eth0)" other.example 4 || die "other.example comes from $(came other.example 4)"
	comes_by "$(uplink_of ida 6 eth0)" other.example 6 || die "other.example comes from $(came other.example 6)"
	# What is in the fleet is nobody's business.
	in_host ida-lan timeout 1 python3 "$names" get www.tv.example "$(overlay home joe 4)" >/dev/null || true
	[ "$(counted connections)" = "$before" ] || die "what was learned is not the kernel's: $(status ida .splitter)"
	[ -z "$(ask ads.example)" ] && in_host ida-lan dig @10.1.0.1 x.ads.example | grep -q NXDOMAIN || die "ads.example is $(ask ads.example)"
}

# asked DNS NAME: from where that resolver was asked for it.
asked() { sed -n "s/.*query\[A\] $2 from //Ip" "$scratch/asked$1" | tail -n 1; }
by_the_same_way() {
	comes_by 198.18.90.2 q.tv.example 4 && comes_by "$(uplink_of joe 4 eth0)" q.work.example 4 && comes_by "$(uplink_of ida 4 eth0)" q.other.example 4 || die "not by their names"
	[ "$(asked 53 q.tv.example)" = 198.18.90.2 ] || die "q.tv.example was asked from $(asked 53 q.tv.example)"
	[ "$(asked 54 q.work.example)" = "$(uplink_of joe 4 eth0)" ] || die "q.work.example was asked from $(asked 54 q.work.example)"
	[ -z "$(asked 53 q.work.example)" ] || die "others were asked for q.work.example, too"
	[ "$(asked 53 q.other.example)" = "$(uplink_of ida 4 eth0)" ] || die "q.other.example was asked from $(asked 53 q.other.example)"
	[ "$(ask only.work.example)" = 203.0.113.33 ] || die "only.work.example is $(ask only.work.example)"
	# Whatever ways it is asked by, a resolver is told of once.
	till 20 are_told_once || die "$(status ida '.dns[0].upstreams')"
	till 30 has_hits || die "$(grep weft_dns_list "$scratch/metrics")"
}
are_told_once() { status ida '.dns[0].upstreams | map(.name + " " + .state) | sort | join(",")' | grep -qx '203.0.113.53 up,203.0.113.54 up'; }
has_hits() {
	in_host controller curl -sk https://127.0.0.1:8443/metrics >"$scratch/metrics"
	grep -q '^weft_dns_list_hits_total{node="ida",site="ithaca",list="tv"} [1-9]' "$scratch/metrics"
}

# Clients that have asked somebody else.
by_what_they_say() {
	says() { [ "$(get "${@:2}")" = "$1" ] || die "${*:2} comes from $(get "${@:2}"): $(status ida .splitter)"; }
	says 198.18.90.2 x.tv.example 203.0.113.77
	says 2001:db8:90::2 x.tv.example 2001:db8:f::77 plain
	says "$(uplink_of joe 4 eth0)" x.work.example 203.0.113.77 plain
	says "$(uplink_of joe 6 eth0)" x.work.example 2001:db8:f::77
	says "$(uplink_of ida 4 eth0)" x.other.example 203.0.113.77
	says "$(uplink_of ida 4 eth0)" "" 203.0.113.77
	! get x.ads.example 203.0.113.77 | grep '^[0-9]' || die "x.ads.example is reached"
}

# One address of names of different rules.
by_its_name_although_shared() {
	for name in both.tv.example both.work.example both.other.example; do [ "$(ask $name)" = 203.0.113.9 ] || die "$name is $(ask $name)"; done
	[ "$(get both.work.example 203.0.113.9)" = "$(uplink_of joe 4 eth0)" ] || die "both.work.example comes from $(get both.work.example 203.0.113.9)"
	[ "$(get both.tv.example 203.0.113.9)" = 198.18.90.2 ] || die "both.tv.example comes from $(get both.tv.example 203.0.113.9)"
	[ "$(get both.other.example 203.0.113.9)" = "$(uplink_of ida 4 eth0)" ] || die "both.other.example comes from $(get both.other.example 203.0.113.9)"
}

# why CLIENT-FAMILY TO: what explain says of the LAN's host: outcome, rule, of the first address what is known, who decides and by which device.
why() {
	weft explain --from "$(uplink_of ida-lan "$1" eth0)" --to "$2" -o json |
		jq -r '[.outcome, .rule, (.addresses[0] // {} | .state, .decided_by, .route.device), (.dns.view // "-")] | map(tostring) | join(" ")'
}
explained() {
	local to is
	while read -r family to is; do
		[ "$(why "$family" "$to")" = "$is" ] || die "of $to explain says: $(why "$family" "$to"), not $is"
	done <<-END
		4 tv.example via 1 learned kernel eth1 two
		6 tv.example via 1 learned kernel eth1 two
		4 both.tv.example via 1 shared weft-proxy eth1 two
		4 both.other.example none null shared weft-proxy eth0 -
		4 203.0.113.1 via 1 learned kernel eth1 -
		4 203.0.113.76 none null unknown weft-proxy eth0 -
		4 never.tv.example via 1 null null null two
		4 ads.example block 3 null null null -
	END
	[ "$(weft explain --from "$(uplink_of ida-lan 4 eth0)" --to 203.0.113.9 -o json | jq '.addresses[0].names | length')" = 3 ] || die "203.0.113.9 has not three names"
}

# What is learned while a connection stands does not move it.
flows() { in_host ida nft -j list counters table inet weft_policy | jq '[.nftables[].counter? // empty | select(.name | test("r1flows$")) | .packets] | add'; }
held() {
	local before
	[ "$(ask old.other.example)" = 203.0.113.21 ] || die "old.other.example is $(ask old.other.example)"
	before=$(flows)
	in_host ida-lan python3 "$names" hold old.other.example 203.0.113.21 "$scratch/go-on" >"$scratch/held" &
	till 20 grep -q connected "$scratch/held" || die "no connection"
	[ "$(ask old.tv.example)" = 203.0.113.21 ] || die "old.tv.example is $(ask old.tv.example)"
	has_learned 203.0.113.21 || die "203.0.113.21 is not learned"
	touch "$scratch/go-on"
	wait $!
	[ "$(tail -n 1 "$scratch/held")" = "$(uplink_of ida 4 eth0)" ] || die "the connection came from $(cat "$scratch/held")"
	[ "$(flows)" = "$before" ] || die "the connection was moved: $(flows) instead of $before of rule 1"
	[ "$(get old.tv.example 203.0.113.21)" = 198.18.90.2 ] || die "old.tv.example comes from $(get old.tv.example 203.0.113.21)"
}

edited() {
	local at
	has_learned 203.0.113.1 || die "203.0.113.1 is not learned: $(table)"
	comes_by "$(uplink_of ida 4 eth0)" late.example 4 || die "late.example comes from $(came late.example 4)"
	at=$(now_ms)
	fleet "tv.example, late.example" | weft apply -f - >/dev/null || die "refused"
	till 20 comes_by 198.18.90.2 late.example 4 || die "late.example comes from $(came late.example 4)"
	at=$(($(now_ms) - at))
	note "a name that was added to a list leaves by its gateway after $at ms"
	in_time $at 2000
	has_learned 203.0.113.1 || die "what was learned is lost"
	fleet tv.example | weft apply -f - >/dev/null
	till 20 comes_by "$(uplink_of ida 4 eth0)" late.example 4 || die "then late.example comes from $(came late.example 4)"
}

# killed PROGRAM NAME ADDRESS: what is asked for all the while comes by joe or not at all, and again in less than 2 s.
killed() {
	local at watch
	[ "$(get "$2" "$3")" = "$(uplink_of joe 4 eth0)" ] || die "$2 comes from $(get "$2" "$3")"
	in_host ida-lan python3 "$names" get "$2" "$3" 2 >"$scratch/watched" &
	watch=$!
	sleep 0.3
	at=$(now_ms)
	in_host ida pkill -9 -x "$1" || die "$1 does not run"
	till 20 works_again "$1" "$2" "$3" || die "$1: not again: $(get "$2" "$3"), $(status ida '.dns, .splitter')"
	at=$(($(now_ms) - at))
	note "$1 killed: works again after $at ms"
	in_time $at 2000
	wait $watch
	! grep -vE "$(uplink_of joe 4 eth0 | sed 's/\./\\./g')|\(" "$scratch/watched" || die "$1: it leaked: $(paste -sd" " "$scratch/watched")"
}
works_again() {
	in_host ida pgrep -x "$1" && [ "$(get "$2" "$3")" = "$(uplink_of joe 4 eth0)" ] && [ -n "$(ask "n$RANDOM.work.example")" ]
}
each_killed() {
	killed weft-proxy y.work.example 203.0.113.78
	killed weft-sets first.work.example "$(ask first.work.example)"
	killed weft-dns second.work.example "$(ask second.work.example)"
}
# With nobody who may change sets, names that rules are for have no answer; others have.
without_sets() {
	in_host ida pkill -STOP -x weft-sets
	in_host ida-lan dig +tries=1 +time=9 @10.1.0.1 third.work.example | grep -q SERVFAIL || { in_host ida pkill -CONT -x weft-sets; die "an answer without its set"; }
	in_host ida pkill -CONT -x weft-sets
	till 20 comes_by "$(uplink_of joe 4 eth0)" third.work.example 4 || die "then third.work.example comes from $(came third.work.example 4)"
}

told() {
	till 20 status ida '.splitter[0] | select(.state == "running")' || die "$(status ida .splitter)"
	{ in_host ida weft-agent status || true; } | grep -q '^splitter  *weft  *running' || die "$(in_host ida weft-agent status)"
	{ in_host ida weft-agent doctor || true; } >"$scratch/doctor"
	grep -q 'weft-sets runs' "$scratch/doctor" && grep -q 'weft-proxy runs' "$scratch/doctor" || die "$(cat "$scratch/doctor")"
}

goes() {
	weft delete policies home >/dev/null || die "refused"
	till 20 nobody_runs || die "$(in_host ida ps ax)"
	! in_host ida nft list table inet weft_policy 2>/dev/null || die "the table is left"
	! in_host ida ip rule | grep -E '^2234[67]' || die "$(in_host ida ip rule)"
	[ -z "$(in_host ida ip route show table 22499 2>/dev/null)" ] || die "the route is left"
	[ "$(ask tv.example)" = 203.0.113.1 ] || die "weft-dns is gone, too"
}
nobody_runs() { ! in_host ida pgrep -x weft-sets && ! in_host ida pgrep -x weft-proxy; }

fleet tv.example >"$scratch/fleet.yaml"
lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
chmod 755 "$scratch"
plug_in
for host in ida joe; do till 60 is_settled $host || exit 1; done
check "names leave where their rules say, by what was learned" by_its_name
check "they are asked for by the same way, and whom the gateway says" by_the_same_way
check "clients that ask elsewhere: by the name that they say" by_what_they_say
check "an address of several names: by the name that is said" by_its_name_although_shared
check "explain tells what is learned, shared and unknown, and why" explained
check "what is learned while a connection stands does not move it" held
check "an edited list is in force in less than 2 s, what was learned stays" edited
check "killed, each of the programs is back in less than 2 s, and nothing leaks" each_killed
check "without the set-writer covered names have no answer" without_sets
check "status and doctor tell" told
check "a policy that is deleted leaves nothing" goes
finish
