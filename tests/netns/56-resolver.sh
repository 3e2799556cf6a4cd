#!/usr/bin/env bash
# The policy DNS as it is written in a fleet: what a LAN's clients are told, from the operator's line to the answer.
#
#   lea-lan 10.1.0.2 ---- lea (site lyon, the resolver) ---- max ---- max-lan 10.2.0.2   a dnsmasq, whom the resolver asks
#                          |
#                         nia
. "$(dirname "$0")/lib.sh"
for tool in dig dnsmasq; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
[ -x "$WEFT_BIN/weft-dns" ] || skip_all "weft-dns is not built (WEFT_BIN=$WEFT_BIN)"
# Programs of this script's own: one of them is installed anew.
chmod 755 "$scratch"
cp -r "$WEFT_BIN" "$scratch/bin"
WEFT_BIN=$scratch/bin
PATH=$WEFT_BIN:$PATH
use_lab resolver

ask() { in_host lea-lan dig +tries=1 +time=5 +short "$@"; }
status_of() { in_host lea-lan dig +tries=1 +time=5 "$@" | sed -n 's/.*status: \([A-Z]*\),.*/\1/p'; }
is() { [ "$(ask "${@:2}" | paste -sd' ')" = "$1" ]; }
has_status() { [ "$(status_of "${@:2}")" = "$1" ]; }
resolver() { status lea '.dns[0]'; }
is_running() { [ "$(resolver | jq -r .state)" = running ]; }
dns_pid() { in_host lea pgrep -x weft-dns; }

cat >"$scratch/dns.yaml" <<'END'
resolvers:
  lyon: {nodes: [lea], listen: [10.1.0.1, "fd01:1::1"], interfaces: [lan0], intercept: true, upstreams: [10.2.0.2], log: all, rate: 0, stale: 1h, doh: block,
         clients: [10.1.0.0/24, "fd01:1::/64"]}
domain-lists:
  ads: {names: [ads.example, "=tracker.example"]}
blocklists:
  ads: {lists: [ads], exempt: [10.1.0.7/32], except: [good.ads.example]}
dns-zones:
  lan: {zone: lan.example, records: [{name: printer, a: 10.1.0.9}, {name: www, cname: printer}]}
dns-forwards:
  corp: {names: [corp.example], to: ["10.2.0.2:5353"]}
END

written() {
	local at
	in_host max-lan sh -c 'for p in 53 5353; do
		setsid dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --user= --port=$p --pid-file=/run/dnsmasq.$p --bind-interfaces --listen-address=10.2.0.2 \
			--address=/example/10.9.0.$((p % 250)) --local-ttl=600 >/dev/null 2>&1 </dev/null & done' || die "no upstream"
	for p in 53 5353; do till 20 in_host max-lan dig +time=1 +tries=1 @10.2.0.2 -p $p x.example || die "no upstream at $p"; done
	till 60 answers lea 10.2.0.2 || die "lea does not reach its upstream"
	at=$(now_ms)
	weft apply -f "$scratch/dns.yaml" >/dev/null || die "refused"
	till 30 is 10.1.0.9 @10.1.0.1 printer.lan.example || die "$(resolver; in_host lea cat /var/lib/weft-dns/config.json)"
	note "the first answer $(since "$at") s after weft apply"
	till 20 is_settled lea || die "$(status lea .errors)"
	till 20 has_status NXDOMAIN @10.1.0.1 x.ads.example || die "no list: $(in_host lea ls -l /var/lib/weft-dns)"
}

answers_clients() {
	is "printer.lan.example. 10.1.0.9" @10.1.0.1 www.lan.example || die "no alias"
	is printer.lan.example. @10.1.0.1 -x 10.1.0.9 || die "no reverse name"
	is "$(address lan nia 4)" @10.1.0.1 nia.weft.internal || die "no name of a node: $(ask @10.1.0.1 nia.weft.internal)"
	is 10.9.0.53 @10.1.0.1 www.example +tcp || die "no upstream"
	is 10.9.0.103 @10.1.0.1 www.corp.example || die "no forward"
	till 20 is 10.9.0.53 @fd01:1::1 www.example || die "not by IPv6"
	has_status NXDOMAIN @10.1.0.1 x.ads.example && has_status NXDOMAIN @10.1.0.1 tracker.example || die "not blocked"
	is 10.9.0.53 @10.1.0.1 sub.tracker.example && is 10.9.0.53 @10.1.0.1 good.ads.example || die "too much is blocked"
	has_status NXDOMAIN @10.1.0.1 use-application-dns.net || die "the canary lives"
}

# Plain DNS of the LAN to anybody ends here; so does what is asked of lea by another of its addresses.
redirected() {
	is 10.1.0.9 @9.9.9.9 printer.lan.example || die "UDP is not redirected: $(in_host lea nft list chain inet weft resolver)"
	is 10.1.0.9 @9.9.9.9 +tcp printer.lan.example || die "TCP is not redirected"
	is 10.1.0.9 @2620:fe::fe printer.lan.example || die "IPv6 is not redirected"
}

# What the operator is told.
asked_by_controller() {
	weft dns log lea --client 10.1.0.2 -o json | jq -es 'any(.[]; .name == "x.ads.example" and .outcome == "blocked")' >/dev/null || die "$(weft dns log lea -o json | head -c 600)"
	weft dns lookup lea x.ads.example --from 10.1.0.2 | grep -qi 'blocklist ads' || die "$(weft dns lookup lea x.ads.example --from 10.1.0.2)"
	weft dns cache lea --name example --below -o json | jq -e '.total > 0 and (.rows[0].name | endswith("example"))' >/dev/null || die "nothing is kept: $(weft dns cache lea)"
	weft dns flush lea --name example --below | grep -qE '[1-9]' || die "nothing is dropped"
	weft dns cache lea --name example --below -o json | jq -e '.total == 0' >/dev/null || die "it is kept all the same: $(weft dns cache lea)"
	till 20 tells_running || die "$(weft dns status)"
	{ in_host lea weft-agent doctor || true; } | grep -q 'weft-dns runs for lyon' || die "$(in_host lea weft-agent doctor)"
	{ in_host lea weft-agent status || true; } | grep -q '^dns  *lyon  *running' || die "$(in_host lea weft-agent status)"
}
tells_running() { weft dns status | grep -E 'running +[0-9]+ of [0-9]+ up +[1-9][0-9]*( +[0-9]+){3}'; }
# The log followed: each question once, the oldest first.
follows() {
	local job name
	weft dns log lea --client 10.1.0.2 -f -o json >"$scratch/followed" &
	job=$!
	for name in one two three; do
		is 10.9.0.53 @10.1.0.1 $name.follow.example || die "$name is not answered"
		till 20 grep -q "\"$name.follow.example\"" "$scratch/followed" || die "$name is not told: $(cat "$scratch/followed")"
	done
	kill $job
	wait $job || true
	[ "$(jq -r 'select(.name | endswith("follow.example")) | .name' "$scratch/followed" | paste -sd' ')" = "one.follow.example two.follow.example three.follow.example" ] ||
		die "$(cat "$scratch/followed")"
	jq -es 'map(.at) | . == sort' "$scratch/followed" >/dev/null || die "not in order: $(cat "$scratch/followed")"
}
# What Prometheus reads; who asks makes the nodes send samples.
counted_for_prometheus() {
	till 30 has_counts || die "$(grep weft_dns_ "$scratch/metrics" | head -n 40)"
}
has_counts() {
	local here='node="lea",site="lyon"'
	in_host controller curl -sk https://127.0.0.1:8443/metrics >"$scratch/metrics"
	grep -q "^weft_dns_questions_total{$here,resolver=\"lyon\",transport=\"tcp\"} [1-9]" "$scratch/metrics" &&
		grep -q "^weft_dns_answers_total{$here,resolver=\"lyon\",result=\"blocked\"} [1-9]" "$scratch/metrics" &&
		grep -q "^weft_dns_cache_lookups_total{$here,resolver=\"lyon\",result=\"miss\"} [1-9]" "$scratch/metrics" &&
		grep -q "^weft_dns_blocked_total{$here,blocklist=\"ads\",list=\"ads\"} [1-9]" "$scratch/metrics" &&
		grep -q "^weft_dns_upstream_answers_total{$here,transport=\"plain\",upstream=\"10.2.0.2\",port=\"53\"} [1-9]" "$scratch/metrics"
}

changed() {
	local at
	sed -e 's/ads.example, /ads.example, late.example, /' -e 's/10.1.0.9/10.1.0.19/' "$scratch/dns.yaml" >"$scratch/changed.yaml"
	at=$(now_ms)
	weft apply -f "$scratch/changed.yaml" >/dev/null || die "refused"
	till 20 is 10.1.0.19 @10.1.0.1 printer.lan.example || die "the record is the old one"
	note "a record after $(($(now_ms) - at)) ms"
	in_time $(($(now_ms) - at)) 2000
	till 20 has_status NXDOMAIN @10.1.0.1 late.example || die "the list is the old one"
	note "a list after $(($(now_ms) - at)) ms"
}

# 100,000 names go as one file that the node fetches.
long_list() {
	awk 'BEGIN { for (i = 0; i < 100000; i++) print "n" i ".long.example" }' >"$scratch/long.txt"
	sed -e 's/lists: \[ads\]/lists: [ads, long]/' -e 's/^domain-lists:/domain-lists:\n  long: {file: long.txt}/' "$scratch/changed.yaml" >"$scratch/long.yaml"
	in_host controller sh -c 'mkdir -p /etc/weft/lists && cat >/etc/weft/lists/long.txt' <"$scratch/long.txt"
	weft apply -f "$scratch/long.yaml" >/dev/null || die "refused"
	till 40 has_status NXDOMAIN @10.1.0.1 n99999.long.example || die "$(status lea .errors) $(weft dns status)"
	is 10.9.0.53 @10.1.0.1 n100000.long.example || die "too much"
}

# The same path is another file all at once, as a package does it.
installed_anew() {
	local pid asking asked lost longest
	pid=$(dns_pid)
	touch "$scratch/asking"
	in_host lea-lan python3 "$here/dns.py" rate 10.1.0.1 printer.lan.example lan.example "$scratch/asking" >"$scratch/rate" &
	asking=$!
	cp "$WEFT_BIN/weft-dns" "$WEFT_BIN/new" && mv "$WEFT_BIN/new" "$WEFT_BIN/weft-dns"
	till 20 is_followed "$pid" || die "$pid still runs, or nobody: $(dns_pid)"
	rm "$scratch/asking"
	wait $asking
	read -r asked lost longest <"$scratch/rate"
	note "$asked questions while the new one took over: $lost without an answer, at most $longest ms"
	[ "$lost" = 0 ] && is_running && has_status NXDOMAIN @10.1.0.1 n5.long.example
}
is_followed() { [ "$(dns_pid | wc -l)" = 1 ] && [ "$(dns_pid)" != "$1" ]; }

killed() {
	local pid at
	pid=$(dns_pid)
	at=$(now_ms)
	in_host lea kill -9 "$pid"
	# After some refusals the kernel refuses in silence (icmp_ratelimit): such a question is not waited for long.
	till 20 is 10.1.0.19 +time=1 @10.1.0.1 printer.lan.example || die "it does not come back"
	note "weft-dns killed: an answer after $(($(now_ms) - at)) ms"
	in_time $(($(now_ms) - at)) 2000
	pid=$(dns_pid)
	program_restart lea
	till 20 is_running || die "$(resolver)"
	[ "$(dns_pid)" = "$pid" ] || die "a restart of the agent restarts weft-dns"
	has_status NXDOMAIN @10.1.0.1 n5.long.example || die "the list is gone"
	# One that hangs is ended before another one starts: they would share its sockets.
	in_host lea kill -STOP "$pid"
	till 30 is_other_dns "$pid" || die "it hangs: $(in_host lea pgrep -a weft-dns; resolver)"
	till 20 is_running || die "$(resolver)"
	is 10.1.0.19 @10.1.0.1 printer.lan.example || die "the new one does not answer"
	weft dns flush lea >/dev/null || die "the new one is not reached"
}
is_other_dns() {
	local now
	now=$(dns_pid)
	[ -n "$now" ] && [ "$now" != "$1" ] && [ "$(echo "$now" | wc -l)" = 1 ]
}

# The host itself asks whom /etc/resolv.conf names; nobody answers there.
own_server() { awk '/^nameserver/ { print $2; exit }' /etc/resolv.conf; }
host_is_told() { [ "$(in_host lea dig +tries=1 +time=2 +short "@$(own_server)" printer.lan.example)" = 10.1.0.19 ]; }
host_is_not_told() { ! host_is_told; }
doctor_says() { { in_host lea weft-agent doctor || true; } | grep "$1"; }
host_asks() {
	[ -n "$(own_server)" ] || { note "no name server in /etc/resolv.conf"; return 0; }
	local at
	in_host max-lan sh -c "setsid python3 '$here/dns.py' resolver 10.2.0.2 5355 10.9.0.55 >/dev/null 2>&1 </dev/null &"
	sed -e 's/upstreams: \[10.2.0.2\]/upstreams: ["10.2.0.2:5355"], host: true/' "$scratch/changed.yaml" >"$scratch/host.yaml"
	weft apply -f "$scratch/host.yaml" >/dev/null || die "refused"
	till 20 host_is_told || die "$(resolver; in_host lea nft list table inet weft_resolver)"
	till 20 doctor_says "this host's own programs ask weft-dns" || die "$(in_host lea weft-agent doctor)"
	# Its upstream gone: the host asks its own again.
	in_host max-lan pkill -f 'dns.py resolver'
	in_host lea dig +tries=1 +time=1 @10.1.0.1 gone.example >/dev/null || true
	weft dns flush lea >/dev/null
	at=$(now_ms)
	till 30 host_is_not_told || die "weft-dns is asked although it knows nothing: $(resolver)"
	note "its upstream gone: own resolvers after $(since "$at") s"
	in_host max-lan sh -c "setsid python3 '$here/dns.py' resolver 10.2.0.2 5355 10.9.0.55 >/dev/null 2>&1 </dev/null &"
	till 30 host_is_told || die "not led there again: $(resolver)"
	# The agent gone without a word.
	in_host lea pkill -STOP -x weft-agent
	till 20 host_is_not_told || die "still led there: $(in_host lea nft list table inet weft_resolver)"
	in_host lea pkill -CONT -x weft-agent
	till 30 host_is_told || die "not led there once more"
	weft apply -f "$scratch/changed.yaml" >/dev/null || die "refused"
	till 20 no_detour || die "$(in_host lea nft list table inet weft_resolver)"
}
no_detour() { ! in_host lea nft list table inet weft_resolver 2>/dev/null; }

gone() {
	weft delete resolvers lyon >/dev/null || die "it cannot be deleted"
	till 20 is_gone || die "$(in_host lea sh -c 'pgrep -a weft-dns; ls -la /var/lib/weft-dns; nft list table inet weft')"
}
is_gone() { ! dns_pid && in_host lea sh -c '[ ! -e /var/lib/weft-dns ] && ! nft list chain inet weft resolver 2>/dev/null'; }

left() {
	weft apply -f "$scratch/dns.yaml" >/dev/null || die "refused"
	till 30 is 10.1.0.9 @10.1.0.1 printer.lan.example || die "it does not come back"
	in_host lea weft-agent leave >/dev/null || die "it cannot leave"
	till 20 is_gone || die "something stays: $(in_host lea sh -c 'pgrep -a weft-dns; ls -la /var/lib/weft-dns; ls /run/weft-agent')"
}

lab_up -f "$here/fleets/lans.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
check "a resolver is written, and a client of the LAN is answered" written
check "zones, names of nodes, upstreams, blocked names, canaries" answers_clients
check "plain DNS to anybody is redirected, UDP and TCP, IPv4 and IPv6" redirected
check "log, look-up, flush, status and doctor tell" asked_by_controller
check "the log followed tells each question once" follows
check "questions, answers, blocked names and upstreams are metrics" counted_for_prometheus
check "an edit is in force in less than 2 s" changed
check "a list of 100,000 names is fetched by its hash" long_list
check "weft-dns installed anew: the agent starts it, and it takes over without a question lost" installed_anew
check "weft-dns killed: back in less than 2 s; the agent killed: weft-dns stays; one that hangs is replaced" killed
check "with host: true the host's own programs ask it, and without it their own resolvers" host_asks
check "without its resolver, nothing stays" gone
check "leaving takes it along" left
finish
