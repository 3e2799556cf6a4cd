#!/usr/bin/env bash
# weft-dns by itself: what clients are told, by whom, and what happens while something is broken.
#
#     client 10.55.1.2, .3, .7 ---- host 10.55.1.1 ---- one 192.0.2.1      an unbound: plain, TLS, HTTPS; says 10.1.1.1
#            fd55:1::2              fd55:1::1      \--- two 198.51.100.1   a dnsmasq; says 10.2.2.2
. "$(dirname "$0")/lib.sh"
for tool in dig kdig unbound dnsmasq; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
[ -x "$WEFT_BIN/weft-dns" ] || skip_all "weft-dns is not built (WEFT_BIN=$WEFT_BIN)"
names_count=${WEFT_DNS_NAMES:-1000000}
etc=$scratch/dns
mkdir "$etc"
chmod 755 "$scratch" "$etc"

in_ns() { ip netns exec "wdns$$-$1" "${@:2}"; }
clean_up() {
	local ns
	for ns in client host one two; do
		ip netns pids "wdns$$-$ns" 2>/dev/null | xargs -r kill
		ip netns del "wdns$$-$ns" 2>/dev/null
	done
	rm -rf "$scratch"
}
trap clean_up EXIT

# join NAME DEVICE ADDRESSES...: a cable from the host to another; the first two addresses are the host's.
join() {
	in_ns host ip link add "$1" type veth peer name eth0 netns "wdns$$-$1"
	in_ns host ip addr add "$2" dev "$1"
	in_ns host ip addr add "$3" dev "$1" nodad
	in_ns host ip link set "$1" up
	in_ns "$1" ip link set eth0 up
	for a in "${@:4}"; do in_ns "$1" ip addr add "$a" dev eth0 $(case $a in *:*) echo nodad ;; esac); done
}
for ns in client host one two; do
	ip netns add "wdns$$-$ns"
	in_ns $ns ip link set lo up
done
join client 10.55.1.1/24 fd55:1::1/64 10.55.1.2/24 10.55.1.3/24 10.55.1.7/24 fd55:1::2/64
in_ns host ip addr add 10.55.1.11/24 dev client
in_ns host ip addr add fd55:1::11/64 dev client nodad
join one 192.0.2.2/24 fd55:2::2/64 192.0.2.1/24 fd55:2::1/64
join two 198.51.100.2/24 fd55:3::2/64 198.51.100.1/24 fd55:3::1/64

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout "$etc/key" -out "$etc/cert" \
	-subj /CN=dns.who -addext subjectAltName=DNS:dns.who 2>/dev/null
{
	printf 'server:\n interface: %s\n' 192.0.2.1 192.0.2.1@853 192.0.2.1@443 | grep -v '^$' | awk 'NR == 1 || !/server:/'
	cat <<END
 do-daemonize: no
 username: ""
 chroot: ""
 directory: "$etc"
 pidfile: "$etc/unbound.pid"
 use-syslog: no
 module-config: "iterator"
 access-control: 0.0.0.0/0 allow
 tls-service-key: "$etc/key"
 tls-service-pem: "$etc/cert"
 local-zone: "who." static
 local-data: "who. 60 SOA ns.who. h.who. 1 3600 600 86400 30"
 local-data: "a.who. 600 A 10.1.1.1"
 local-data: "short.who. 1 A 10.1.1.2"
 local-data: "alias.who. 600 CNAME n5.ads.example."
$(for i in $(seq 60); do echo " local-data: \"big.who. 60 TXT number-$i-xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""; done)
remote-control:
 control-enable: no
END
} >"$etc/unbound.conf"
in_ns one unbound -d -c "$etc/unbound.conf" >"$etc/unbound.log" 2>&1 &
in_ns two dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user= --pid-file="$etc/dnsmasq.pid" \
	--address=/who/10.2.2.2 --address=/corp.example/10.2.2.2 >"$etc/dnsmasq.log" 2>&1 &

awk -v n="$names_count" 'BEGIN { for (i = 0; i < n; i++) print "n" i ".ads.example" }' >"$etc/list"
weft-dns image "$etc/list" "$etc/ads" >"$etc/made" || skip_all "no image"

# config [MORE-FIELDS]: the file that weft-dns reads.
config() {
	cat >"$etc/config.new" <<END
{"listen": ["0.0.0.0", "::"], "control": "$etc/control", "clients": ["10.55.1.0/24", "fd55:1::/64", "127.0.0.0/8"],
 "upstreams": ["192.0.2.1", "198.51.100.1"], "log": "all", "stale": "1h", "doh": "block", "tls_ca": "$etc/cert",
 "zones": [{"zone": "lan.example", "ttl": "1m", "records": [{"name": "printer", "type": "A", "data": "10.55.1.9"},
  {"name": "printer", "type": "AAAA", "data": "fd55:1::9"}, {"name": "www", "type": "CNAME", "data": "printer.lan.example"},
  {"name": "out", "type": "CNAME", "data": "a.who"}, {"name": "work", "type": "CNAME", "data": "www.corp.example"},
  {"name": "*.apps", "type": "A", "data": "10.55.1.10"}]}],
 "forwards": [{"name": "client3", "from": ["10.55.1.3/32"], "to": ["198.51.100.1"]},
  {"name": "corp", "names": ["corp.example"], "to": ["198.51.100.1"]},
  {"name": "tls", "names": ["tls.who", "=t.who"], "to": ["tls://192.0.2.1#dns.who"]},
  {"name": "impostor", "names": ["=i.who"], "to": ["tls://192.0.2.1#other.who"]},
  {"name": "https", "patterns": ["h?.who"], "to": ["https://dns.who/dns-query@192.0.2.1"]}],
 "blocks": [{"name": "ads", "lists": ["$etc/ads"], "exempt": ["10.55.1.7/32"], "except": ["n7.ads.example"]}]${1:-}}
END
	mv "$etc/config.new" "$etc/config"
}
start() {
	setsid ip netns exec "wdns$$-host" weft-dns run "$etc/config" >>"$etc/log" 2>&1 </dev/null &
	echo $! >"$etc/pid"
	disown $!
}
py() { python3 "$here/dns.py" "$@"; }
control() { py control "$etc/control" "$1"; }
count() { control '{"do": "status"}' | jq ".counts.$1"; }
reload() {
	local before
	before=$(control '{"do": "status"}' | jq .loaded_ms)
	control '{"do": "reload"}' >/dev/null
	till 20 reloaded "$before"
}
reloaded() { [ "$(control '{"do": "status"}' | jq .loaded_ms)" != "$1" ]; }
# ask ARGUMENTS-OF-DIG...: its answers, or its status when it has none.
ask() {
	in_ns client dig +tries=1 +time=6 "$@" >"$etc/said" || true
	awk '/status:/ { sub(/,/, "", $6); status = $6 } /^[^;]/ && NF > 4 { print $5; n++ } END { if (!n) print status }' "$etc/said"
}
# is WANTED ARGUMENTS...
is() {
	local said
	said=$(ask "${@:2}" | paste -sd' ')
	[ "$said" = "$1" ] || die "dig ${*:2}: $said, not $1"
}
# says STATUS ARGUMENTS...
says() {
	ask "${@:2}" >/dev/null
	grep -q "status: $1," "$etc/said" || die "dig ${*:2}: no $1: $(cat "$etc/said")"
}
# anonymous: kilobytes of its own, without the list that it maps.
anonymous() { awk '/^Anonymous/ { print $2 }' "/proc/$(cat "$etc/pid")/smaps_rollup"; }
here4=@10.55.1.1 here6=@fd55:1::1

both_ways() {
	local server
	till 20 in_ns host dig +time=1 +tries=1 @192.0.2.1 a.who || die "no upstream: $(cat "$etc/unbound.log")"
	for server in $here4 $here6 @10.55.1.11 @fd55:1::11; do
		is 10.1.1.1 "$server" a.who # dig takes no answer of another address
		is 10.1.1.1 "$server" +tcp A.wHo
	done
	grep -q '^A.wHo' "$etc/said" || die "the question does not come back in its own case"
	in_ns client kdig "$here4" +tcp +keepopen a.who a.who big.who TXT | grep -c 'status: NOERROR' | grep -qx 3 || die "kdig +keepopen"
	[ "$(in_ns client python3 "$here/dns.py" pipelined 10.55.1.1 a.who new1.who printer.lan.example new2.who a.who)" = 5 ] ||
		die "questions in one piece are not all answered"
}

edns() {
	ask $here4 big.who TXT +ignore +noall >/dev/null
	in_ns client dig $here4 big.who TXT +ignore | grep -q 'flags: qr tc' || die "what does not fit is not marked as cut"
	[ "$(ask $here4 big.who TXT | wc -l)" = 60 ] || die "not all by TCP"
	is 10.1.1.1 $here4 +noedns a.who
	is 10.1.1.1 $here4 +ednsopt=65001:00ff a.who
	says BADVERS $here4 +edns=1 +noednsneg a.who
	says NOTIMP $here4 +opcode=status a.who
	says REFUSED $here4 CH TXT version.bind
	in_ns host timeout 20 tcpdump -nn -U -i one -c 1 -w "$etc/pcap" udp dst port 53 2>/dev/null &
	till 5 test -s "$etc/pcap" || die "no capture"
	says NXDOMAIN $here4 +subnet=203.113.113.0/24 subnetsubnetsubnetsubnetsubnet.who
	wait $!
	! grep -qa "$(printf '\xcb\x71\x71')" "$etc/pcap" || die "the client's subnet goes further"
	grep -qai subnetsubnet "$etc/pcap" && ! grep -qa subnetsubnetsubnetsubnetsubnet "$etc/pcap" || die "no random case"
}

zones() {
	is 10.55.1.9 $here4 printer.lan.example
	is fd55:1::9 $here6 printer.lan.example AAAA
	is "printer.lan.example. 10.55.1.9" $here4 www.lan.example
	is "a.who. 10.1.1.1" $here4 out.lan.example
	is "www.corp.example. 10.2.2.2" $here4 work.lan.example
	control '{"do": "lookup", "client": "10.55.1.2", "name": "out.lan.example"}' | jq -e '.addresses == ["10.1.1.1"]' >/dev/null || die "known behind an alias"
	control '{"do": "lookup", "client": "10.55.1.2", "name": "work.lan.example"}' | jq -e '.upstreams == ["198.51.100.1"]' >/dev/null || die "asked behind an alias"
	is 10.55.1.10 $here4 x.y.apps.lan.example
	is printer.lan.example. $here4 -x 10.55.1.9
	is printer.lan.example. $here4 -x fd55:1::9
	says NXDOMAIN $here4 none.lan.example
	grep -q SOA "$etc/said" || die "an NXDOMAIN without SOA"
	says NOERROR $here4 printer.lan.example TXT
	grep -q SOA "$etc/said" || die "nothing, and no SOA"
}

blocks() {
	local name=n$((names_count / 2)).ads.example
	note "$(jq .rules "$etc/made") names"
	says NXDOMAIN $here4 "$name"
	says NXDOMAIN $here4 alias.who
	says NXDOMAIN $here4 use-application-dns.net
	ask $here4 -b 10.55.1.7 alias.who | grep -q ads.example || die "an exempt client is blocked"
	control '{"do": "lookup", "client": "10.55.1.7", "name": "n7.ads.example"}' | jq -e '.outcome == "forwarded"' >/dev/null || die "exempt"
	control '{"do": "lookup", "client": "10.55.1.2", "name": "n7.ads.example"}' | jq -e '.outcome == "forwarded"' >/dev/null || die "except"
	control '{"do": "lookup", "client": "10.55.1.2", "name": "n8.ads.example"}' | jq -e '.outcome == "blocked" and .rule == "ads"' >/dev/null || die "block"
	control '{"do": "log", "client": "10.55.1.2", "limit": 50}' |
		jq -e --arg n "$name" 'any(.rows[]; .name == $n and .outcome == "blocked" and .rule == "ads/ads")' >/dev/null || die "the log does not say it"
}

forwards() {
	is 10.2.2.2 $here4 -b 10.55.1.3 a.who # and what the other one said before is not told
	is 10.1.1.1 $here4 a.who
	is 10.2.2.2 $here4 x.corp.example
	says NXDOMAIN $here4 t.who
	says NXDOMAIN $here4 h1.who
	says SERVFAIL $here4 i.who # whose certificate is another's
	control '{"do": "status"}' | jq -e '[.upstreams[] | select(.name | test("^(tls|https)://192.0.2.1#?d?|^https")) | select(.rtt_us > 0)] | length == 2' >/dev/null ||
		die "$(control '{"do": "status"}' | jq -c .upstreams)"
}

cached() {
	local before
	is 10.1.1.1 $here4 a.who
	before=$(count cached)
	is 10.1.1.1 $here4 a.who
	[ "$(count cached)" = $((before + 1)) ] || die "no hit is counted"
	control '{"do": "flush", "name": "who", "below": true}' | jq -e '.dropped > 0' >/dev/null || die "nothing is forgotten"
	is 10.1.1.1 $here4 a.who
	[ "$(count cached)" = $((before + 1)) ] || die "it was not forgotten"
}

only_clients() {
	in_ns one dig +tries=1 +time=5 @192.0.2.2 a.who | grep -q 'status: REFUSED' || die "a stranger is answered"
}

upstreams_away() {
	local at
	is 10.1.1.2 $here4 short.who
	for ns in one two; do in_ns $ns nft 'table inet cut { chain i { type filter hook input priority 0; udp dport 53 drop; tcp dport 53 drop; }; }'; done
	sleep 1.1 # its TTL
	at=$(now_ms)
	is 10.1.1.2 $here4 short.who
	note "an old answer after $(($(now_ms) - at)) ms"
	in_time $(($(now_ms) - at)) 2500
	at=$(now_ms)
	says SERVFAIL $here4 never-asked.who
	note "SERVFAIL after $(($(now_ms) - at)) ms"
	in_time $(($(now_ms) - at)) 5000
	for ns in one two; do in_ns $ns nft delete table inet cut; done
	till 20 is_up 192.0.2.1 || die "$(control '{"do": "status"}' | jq -c .upstreams)"
	says NXDOMAIN $here4 asked-anew.who
}
is_up() { control '{"do": "status"}' | jq -e --arg n "$1" 'any(.upstreams[]; .name == $n and .state == "up")'; }

# A router between forgets the connections that stand, as after a restart: new ones work.
connections_lost() {
	local name at ports
	says NXDOMAIN $here4 t1.tls.who
	says NXDOMAIN $here4 h2.who
	ports=$(in_ns host ss -Htn state established '( dport = :853 or dport = :443 )' | awk '{ sub(/.*:/, "", $3); print $3 }' | paste -sd,)
	in_ns one nft "table inet lost { chain i { type filter hook input priority 0; tcp sport { $ports } drop; }; }"
	for name in t2.tls.who h3.who; do
		at=$(now_ms)
		says NXDOMAIN $here4 $name
		note "$name: $(($(now_ms) - at)) ms"
	done
	in_ns one nft delete table inet lost
}

reload_without_pause() {
	local gap answers
	touch "$etc/asking"
	in_ns client python3 "$here/dns.py" steady 10.55.1.1 n5.ads.example "$etc/asking" >"$etc/steady" &
	for _ in 1 2 3; do
		{ cat "$etc/list"; echo "again$RANDOM.example"; } >"$etc/list2"
		weft-dns image "$etc/list2" "$etc/ads" >/dev/null
		reload || die "it is not read again"
	done
	rm "$etc/asking"
	wait $!
	read -r gap answers <"$etc/steady"
	note "three lists of $names_count names: $answers answers, at most $gap ms between two"
	[ "$answers" -gt 50 ]
	in_time "$gap" 250
	echo '{"listen": "10.55.1.1", "prt": 1}' >"$etc/config"
	control '{"do": "reload"}' >/dev/null
	till 10 has_trouble || die "nothing is said of a bad configuration"
	is 10.1.1.1 $here4 a.who
	config
	reload
	! has_trouble >/dev/null || die "it is still said"
}
has_trouble() { control '{"do": "status"}' | jq -e '(.error // "") | test("prt: there is no such setting, did you mean port")'; }

floods() {
	local before after
	# As many as fill what is kept of the last questions come first.
	in_ns client python3 "$here/dns.py" flood 10.55.1.1 6000
	before=$(anonymous)
	in_ns client python3 "$here/dns.py" flood 10.55.1.1 15000
	is 10.1.1.1 $here4 a.who
	after=$(anonymous)
	note "15000 broken messages: $((after - before)) kB more"
	[ $((after - before)) -lt 1000 ] || die "a flood raises memory"
	config ', "rate": 50'
	reload
	got=$(in_ns client python3 "$here/dns.py" many 10.55.1.1 a.who 400)
	note "$got of 400 questions at once were answered at 50 a second"
	[ "$got" -ge 50 ]
	[ "$got" -lt 300 ]
	is 10.1.1.1 $here4 -b 10.55.1.7 a.who
	config
	reload
}

# A new program follows three times while every other question is one of the cache and every other one goes upstream.
upgraded() {
	local before asking asked lost longest code pid i
	before=$(cat "$etc/pid")
	touch "$etc/asking"
	in_ns client python3 "$here/dns.py" rate 10.55.1.1 n5.ads.example who "$etc/asking" >"$etc/rate" &
	asking=$!
	for i in 1 2 3; do
		cp "$WEFT_BIN/weft-dns" "$etc/weft-dns.$i"
		read -r code pid < <(in_ns host python3 "$here/handover.py" reload "$etc/notify" "$etc/weft-dns.$i" reload "$etc/config" 2>>"$etc/log")
		[ "$code" = 0 ] || die "the new program ends with $code: $(tail -n 3 "$etc/log")"
		echo "$pid" >"$etc/pid"
		[ "$(control '{"do": "status"}' | jq .pid)" = "$pid" ] || die "$pid is not who answers"
		is 10.1.1.1 $here4 +tcp a.who
	done
	rm "$etc/asking"
	wait $asking
	read -r asked lost longest <"$etc/rate"
	note "$asked questions while three new programs followed each other: $lost without an answer, at most $longest ms"
	[ "$asked" -gt 300 ]
	[ "$lost" = 0 ]
	in_time "$longest" 500
	till 20 is_over "$before" || die "the first one does not end"
	config ', "prt": 1'
	read -r code pid < <(in_ns host python3 "$here/handover.py" reload "$etc/notify" "$etc/weft-dns.1" reload "$etc/config" 2>/dev/null)
	[ "$code" = 1 ] && [ "$(control '{"do": "status"}' | jq .pid)" = "$(cat "$etc/pid")" ] || die "a program that does not come up follows"
	config
}
is_over() { [ ! -e "/proc/$1" ]; }

killed() {
	local at
	at=$(now_ms)
	kill -9 "$(cat "$etc/pid")"
	start
	till 10 in_ns client dig +time=1 +tries=1 $here4 printer.lan.example || die "$(tail -n 3 "$etc/log")"
	note "killed, started, and an answer after $(($(now_ms) - at)) ms"
	in_time $(($(now_ms) - at)) 2000
	grep -E '^(Uid|CapEff|NoNewPrivs)' "/proc/$(cat "$etc/pid")/status" | awk '{ print $2 }' | paste -sd' ' | grep -qx '65534 0000000000002400 1' ||
		die "it may do more than it needs: $(grep -E '^(Uid|Cap|NoNew)' "/proc/$(cat "$etc/pid")/status")"
}

config
start
till 20 control '{"do": "status"}' || { cat "$etc/log"; exit 1; }
check "UDP and TCP, IPv4 and IPv6, pipelined, from the address that was asked" both_ways
check "EDNS: cut answers, unknown options and versions, no client-subnet, random case upstream" edns
check "local zones: records, wildcards, reverse names by themselves, what is not there" zones
check "blocked names: by list, behind an alias, exempt clients, excepted names, canaries" blocks
check "forwards: by client, by name, by pattern, by TLS and HTTPS; certificates count" forwards
check "the cache: hits are counted, names are forgotten" cached
check "strangers are refused" only_clients
check "upstreams away: old answers, else SERVFAIL within 5 s; back by themselves" upstreams_away
check "connections that died unheard: the next question goes by a new one" connections_lost
check "a list of $names_count names is read again without a pause; a bad configuration changes nothing" reload_without_pause
check "floods: memory stays, a client has its rate, others have theirs" floods
check "an upgrade: a new program takes over, and no question of 1,000 a second is lost" upgraded
check "kill -9: back in less than 2 s with a list of $names_count names, as nobody" killed
[ $failures = 0 ]
