#!/usr/bin/env bash
# weft-dns and weft-sets by themselves: the addresses of names are in the kernel's sets before the answers are told, each view
# has its own resolver, and what happens while one of the two programs is gone.
#
#     here: client 127.1.0.1 of the policy, 127.2.0.1 of none; weft-dns 127.0.0.1 --- direct 127.0.0.53    says 10.1.*
#                                                         \  mark 0x10000  via east - 192.0.2.53   says 10.2.*
#                                                          \ mark 0x20000  via west - 192.0.2.53   says 10.3.*
[ -n "${WEFT_IN_NETNS:-}" ] || WEFT_IN_NETNS=1 exec unshare -n "$0" "$@"
. "$(dirname "$0")/lib.sh"
for program in weft-dns weft-sets; do
	[ -x "$WEFT_BIN/$program" ] || skip_all "$program is not built (WEFT_BIN=$WEFT_BIN)"
done
etc=$scratch/learning
mkdir "$etc"
chmod 755 "$scratch" "$etc"
learning=$here/learning.py

clean_up() {
	local job
	for job in $(cat "$etc"/*.pid); do kill -9 "$job"; done 2>/dev/null
	for side in east west; do
		ip netns pids "wlrn$$-$side" 2>/dev/null | xargs -r kill -9
		ip netns del "wlrn$$-$side" 2>/dev/null
	done
	rm -rf "$scratch"
}
trap clean_up EXIT

# Asks as another client: `as ADDRESS NAME`.
as() { FROM=$1 python3 "$learning" ask 127.0.0.1 "${@:2}"; }
has() { python3 "$learning" has "$@"; }
control() { python3 "$here/dns.py" control "$etc/dns.sock" "$1"; }
count() { control '{"do":"status"}' | jq ".counts.$1"; }

table() {
	local family
	echo "table inet weft_policy {"
	for set in l7 l9 known; do
		for family in 4 6; do echo " set ${set}_$family { type ipv${family}_addr; flags timeout; size 131072; }"; done
	done
	echo "}"
}
# list NAME RULES...: the image of a list
list() {
	printf '%s\n' "${@:2}" >"$etc/$1"
	weft-dns image "$etc/$1" "$etc/$1.image" >/dev/null
	chmod 644 "$etc/$1.image"
}
# config [UPSTREAM-OF-VIEWS]
config() {
	local to=${1:-192.0.2.53}
	cat >"$etc/config.json" <<END
{"listen": ["127.0.0.1"], "control": "$etc/dns.sock", "sets": "$etc/sets.sock", "grace": "2s", "log": "all",
 "clients": ["127.0.0.0/8"], "upstreams": ["127.0.0.53"],
 "policies": [{"id": 1, "name": "home", "from": ["127.1.0.0/16"], "split": [], "rules": [
   {"number": 1, "to": [], "ports": [], "lists": [{"id": 7, "name": "tv", "path": "$etc/tv.image"}], "verdict": "mark", "mark": 65536},
   {"number": 2, "to": [], "ports": [], "lists": [{"id": 9, "name": "never", "path": "$etc/never.image"}], "verdict": "block",
    "block": "reject", "nxdomain": true}]},
  {"id": 2, "name": "guests", "from": ["127.3.0.0/16"], "split": [], "rules": [
   {"number": 1, "to": [], "ports": [], "verdict": "mark", "mark": 131072}]}],
 "zones": [{"zone": "home.listed", "records": [{"name": "tv", "type": "A", "data": "10.9.0.1"}]}, {"zone": "lan.plain", "records": [{"name": "pc", "type": "A", "data": "10.9.0.2"},
  {"name": "tv", "type": "A", "data": "10.9.0.3"}]}],
 "views": [{"mark": 65536, "upstreams": ["$to"]}, {"mark": 131072, "upstreams": ["$to"]}]}
END
}
# start NAME COMMAND...: its pid is in NAME.pid.
start() {
	"${@:2}" >>"$etc/log" 2>&1 &
	echo $! >"$etc/$1.pid"
	disown
}
end() { kill "-$2" "$(cat "$etc/$1.pid")"; }
start_sets() { start sets weft-sets run "$etc/sets.sock" nobody; }
start_dns() {
	start dns weft-dns run "$etc/config.json"
	till 20 answers
}
answers_listed() { [ "$(as 127.1.0.1 n20.listed | cut -d' ' -f1)" = 0 ]; }
answers() { [ "$(as 127.2.0.1 n1.plain | cut -d' ' -f1)" = 0 ]; }

ip link set lo up
number=0
for side in east west; do
	number=$((number + 1))
	ip netns add "wlrn$$-$side"
	ip link add $side type veth peer name eth0 netns "wlrn$$-$side"
	ip addr add 10.58.$number.1/24 dev $side
	ip link set $side up
	ip -n "wlrn$$-$side" link set lo up
	ip -n "wlrn$$-$side" link set eth0 up
	ip -n "wlrn$$-$side" addr add 10.58.$number.2/24 dev eth0
	ip -n "wlrn$$-$side" addr add 192.0.2.53/32 dev lo
	ip route add 192.0.2.53 via 10.58.$number.2 table $((580 + number))
	ip rule add fwmark 0x${number}0000/0xfff0000 lookup $((580 + number))
	start $side ip netns exec "wlrn$$-$side" python3 "$learning" serve 192.0.2.53 $((number + 1))
done
start direct python3 "$learning" serve 127.0.0.53 1
table | nft -f -
list tv listed brief.tv quick.tv
list never bad.who
config
start_sets
till 20 test -S "$etc/sets.sock"
start_dns

each_view() {
	[ "$(as 127.1.0.1 n5.listed | cut -d' ' -f3)" = 10.2.0.5 ] || die "not asked by mark 0x10000"
	[ "$(as 127.3.0.1 n5.listed | cut -d' ' -f3)" = 10.3.0.5 ] || die "not asked by mark 0x20000"
	[ "$(as 127.2.0.1 n5.listed | cut -d' ' -f3)" = 10.1.0.5 ] || die "not asked without a mark"
	# And again, out of the cache.
	[ "$(as 127.1.0.1 n5.listed | cut -d' ' -f3)" = 10.2.0.5 ]
	[ "$(as 127.3.0.1 n5.listed | cut -d' ' -f3)" = 10.3.0.5 ]
	[ "$(count cached)" -ge 2 ]
}
# By TLS and HTTPS as well; nobody answers there.
streams() {
	local to port client
	nft -f - <<<"table inet watch { set seen { type mark . inet_service; size 64; flags dynamic; }
		chain out { type filter hook output priority 0; tcp dport { 443, 853 } add @seen { meta mark . tcp dport }; }; }"
	for to in tls://192.0.2.53#x:853 https://dns.who/q@192.0.2.53:443; do
		port=${to##*:}
		config "${to%:*}"
		end dns HUP
		till 20 leads_to "${to%:*}"
		for client in "1 127.1.0.1" "2 127.3.0.1"; do
			FROM=${client#* } python3 "$learning" ask 127.0.0.1 "$port.listed" >/dev/null &
			till 20 nft get element inet watch seen "{ 0x000${client%% *}0000 . $port }"
		done
		nft get element inet watch seen "{ 0x00000000 . $port }" 2>/dev/null && die "port $port was asked by no way"
	done
	wait
}
leads_to() { control '{"do":"lookup","client":"127.1.0.1","name":"n5.listed"}' | jq -e --arg to "$1" '.upstreams == [$to]'; }
every_address() {
	as 127.1.0.1 n6.listed >/dev/null
	has l7_4 10.2.0.6
	has known_4 10.2.0.6
	as 127.1.0.1 n6.listed AAAA >/dev/null
	has l7_6 fd57:2::6
	has known_6 fd57:2::6
	[ "$(as 127.1.0.1 n7.listed HTTPS | cut -d' ' -f3)" = no-ech ] || die "an encrypted hello is offered"
	has l7_4 10.2.0.7
	has l7_6 fd57:2::7
	[ "$(as 127.1.0.1 n7.plain HTTPS | cut -d' ' -f3)" = ech ] || die "the hello of a name in no list was touched"
	till 5 has known_4 10.1.0.7
	gone l7_4 10.1.0.7
}
# weft-proxy, another program of the same user, may say what it saw, and not read what people ask.
others() {
	local nobody
	nobody=$(id -u nobody)
	python3 "$learning" control "$nobody" "$etc/dns.sock" '{"do":"learned","address":"10.2.0.6"}' | jq -e '.lists == ["tv"]' >/dev/null
	python3 "$learning" control "$nobody" "$etc/dns.sock" '{"do":"log"}' | jq -e '.error == "log is not for this user"' >/dev/null
	! python3 "$learning" control 12345 "$etc/dns.sock" '{"do":"learned","address":"10.2.0.6"}' 2>/dev/null
}
shared() {
	as 127.2.0.1 shared.plain >/dev/null
	till 5 has known_4 10.1.255.1
	as 127.2.0.1 shared.listed >/dev/null
	till 5 has l7_4 10.1.255.1
	till 5 gone known_4 10.1.255.1
	knows 10.1.255.1 '.shared and .lists == ["tv"] and (.names | length == 2)' >/dev/null
	# The other way around the answer waits for it, too.
	as 127.1.0.1 shared2.listed >/dev/null
	has known_4 10.2.255.1
	control '{"do":"saw","name":"shared3.plain","client":"127.1.0.1","address":"10.1.255.1"}' | jq -e .asked >/dev/null
	till 5 knows 10.1.255.1 '.names | length == 3'
}
by_zones() {
	as 127.1.0.1 tv.home.listed >/dev/null
	has l7_4 10.9.0.1
	has known_4 10.9.0.1
	as 127.2.0.1 pc.lan.plain >/dev/null
	till 5 has known_4 10.9.0.2
	gone l7_4 10.9.0.2
	control '{"do":"lookup","client":"127.1.0.1","name":"tv.home.listed"}' | jq -e '.outcome == "local" and .addresses == ["10.9.0.1"]' >/dev/null
	control '{"do":"saw","name":"tv.lan.plain","client":"127.1.0.1","address":"10.9.0.3"}' | jq -e .asked >/dev/null
	till 5 has known_4 10.9.0.3
}
gone() { ! has "$@"; }
nxdomain() {
	[ "$(as 127.1.0.1 www.bad.who | cut -d' ' -f1)" = 3 ]
	[ "$(as 127.2.0.1 www.bad.who | cut -d' ' -f1)" = 0 ]
	control '{"do":"log","client":"127.1.0.1"}' | jq -e '.rows[] | select(.name == "www.bad.who") | .rule == "home/2" and .outcome == "blocked"' >/dev/null
	control '{"do":"lookup","client":"127.1.0.1","name":"n5.listed"}' |
		jq -e '.policy == "home" and .policy_rule == 1 and .lists == ["tv"] and .view == 65536 and .upstreams == ["192.0.2.53"]' >/dev/null
}
expiry() {
	as 127.1.0.1 brief.tv >/dev/null
	has l7_4 10.2.0.0 || die "it was not learned"
	till 10 gone l7_4 10.2.0.0
	as 127.1.0.1 quick.tv >/dev/null
	has l7_4 10.2.0.0
}
# What is in the cache does not write again, and is in the sets all the same.
no_work() {
	local before i
	as 127.1.0.1 n8.listed >/dev/null
	before=$(count writes)
	for i in 1 2 3 4 5; do as 127.1.0.1 n8.listed >/dev/null; done
	[ "$(count writes)" = "$before" ]
}
writer_killed() {
	local said start
	end sets 9
	said=$(as 127.1.0.1 n20.listed)
	[ "${said%% *}" = 2 ] || die "answered without the sets: $said"
	note "SERVFAIL after $(echo "$said" | cut -d' ' -f2) ms"
	in_time "$(echo "$said" | cut -d' ' -f2)" 2500
	[ "$(echo "$said" | cut -d' ' -f2)" -ge 1900 ]
	[ "$(as 127.1.0.1 n21.plain | cut -d' ' -f1)" = 0 ] || die "a name in no list is not answered"
	[ "$(as 127.2.0.1 n20.listed | cut -d' ' -f1)" = 0 ] || die "a client of no policy waits for the sets"
	[ "$(as 127.1.0.1 n8.listed | cut -d' ' -f1)" = 0 ] || die "what is in the sets is not answered"
	start_sets
	start=$(now_ms)
	till 20 answers_listed
	note "answered again after $(($(now_ms) - start)) ms"
	has l7_4 10.2.0.20
	till 5 has known_4 10.1.0.21
}
dns_killed() {
	end dns 9
	start_dns
	# A name in no list is answered before weft-sets has said what there is.
	till 5 knows 10.2.0.20 '.known and .lists == ["tv"]' || die "nothing was taken over"
	till 5 knows 10.1.255.1 .shared || die "a shared address is not any more"
}
knows() { control "{\"do\":\"learned\",\"address\":\"$1\"}" | jq -e "$2"; }
# A name comes into a list, another leaves one: the sets follow without a question.
other_lists() {
	as 127.1.0.1 n30.listed >/dev/null
	as 127.1.0.1 n31.else >/dev/null
	till 5 has known_4 10.1.0.31
	list tv else
	end dns HUP
	till 10 has l7_4 10.1.0.31
	till 10 gone l7_4 10.2.0.30
	has known_4 10.2.0.30
	list tv listed brief.tv quick.tv
	end dns HUP
	till 10 has l7_4 10.2.0.30
}
table_anew() {
	as 127.1.0.1 n8.listed >/dev/null
	has l7_4 10.2.0.8
	(echo "delete table inet weft_policy"; table) | nft -f -
	till 10 has l7_4 10.2.0.8
	# A set that is not there yet: the answer comes once it is.
	nft delete set inet weft_policy l7_4
	(sleep 0.5; nft add set inet weft_policy l7_4 '{ type ipv4_addr; flags timeout; size 131072; }') &
	[ "$(as 127.1.0.1 n9.listed | cut -d' ' -f1)" = 0 ]
	has l7_4 10.2.0.9
}
fresh() {
	local said
	read -r -a said <<<"$(FROM=127.1.0.1 timeout 60 python3 "$learning" fresh 127.0.0.1 l7_4 "$1" "$2" 1000)"
	note "${said[0]} of $1 names answered in ${said[3]} s, ${said[1]} of them before their addresses were in the set"
	[ "${said[1]}" = 0 ] && [ "${said[2]}" -lt $(($1 / 20)) ]
}

check "each client's names are asked by the way that its policy says" each_view
check "what is answered is in the sets before, of both families, hints too; no encrypted hellos" every_address
check "what a zone answers is learned, too" by_zones
check "who may ask what was learned" others
check "an address of names in different lists is not known" shared
check "names of a rule with nxdomain do not exist, and the log says by which rule" nxdomain
check "what is over is gone" expiry
check "answers out of the cache write nothing" no_work
check "two thousand fresh names: none is told before its address is in the set" fresh 2000 1000
check "the set-writer is killed: no answer for names in lists, and in less than a second all is well again" writer_killed
check "weft-dns is killed: it knows what was learned" dns_killed
check "lists change: the sets follow by themselves" other_lists
check "the table is made anew: what was learned is there again" table_anew
check "names are asked by TLS and by HTTPS with the mark of their way, too" streams
[ $failures = 0 ] || tail -n 30 "$etc/log"
exit $((failures > 0))
