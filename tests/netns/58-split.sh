#!/usr/bin/env bash
# Names in policies, to the last packet: a real web server, HTTP/1, h2 and HTTP/3, clients that ask elsewhere, hellos of every
# shape. The web tells each client by which address it came, which is that of the uplink.
#
#     ida-lan ---- ida ==eth0==+            ida: uplinks eth0 (one) and eth1 (two); weft-dns, weft-proxy
#                   |  \==eth1=+-- Internet: web hosts 203.0.113.1-9, 2001:db8:f::1-9; a resolver at .53
#                   +--- joe ==+            joe: the exit of a third gateway
. "$(dirname "$0")/lib.sh"
for tool in nginx dnsmasq dig gtlsclient gtlsserver openssl curl; do
	PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip_all "$tool is not installed"
done
for program in weft-dns weft-sets weft-proxy; do [ -x "$WEFT_BIN/$program" ] || skip_all "$program is not built"; done
use_lab split

fleet() {
	cat <<-END
		sites: {ithaca: {lan: [10.1.0.0/24, "fd01:1::/64"]}}
		nodes:
		  ida: {address: ida.example.net, site: ithaca, uplinks: {one: {interface: eth0}, two: {interface: eth1, via: [198.18.90.1, "2001:db8:90::1"]}}}
		  joe: {address: joe.example.net}
		networks: {home: {mesh: [ida, joe]}}
		gateways: {one: {uplink: ida/one}, two: {uplink: ida/two, resolvers: [203.0.113.53]}, joe: {node: joe, resolvers: [203.0.113.54]}}
		gateway-groups: {one: {try: [one]}, two: {try: [two], hold_down: 1s}, joe: {try: [joe]}}
		resolvers: {ithaca: {nodes: [ida], listen: [10.1.0.1, "fd01:1::1"], clients: [10.1.0.0/24, "fd01:1::/64"], upstreams: [203.0.113.53]}}
		domain-lists: {films: {names: [films.example]}, work: {names: ["=work.example", "*.work.example"]}, ads: {names: [ads.example]}}
		policies:
		  home:
		    from: [site/ithaca]
		    rules:
		    - {to: [list/ads], block: nxdomain}
		    - {to: [list/films], via: two}
		    - {to: [list/work], via: joe}
		    $1
		    - {to: [any], via: one}
		  tablet: {from: [10.1.0.3], rules: [{to: [any], via: joe}]}
	END
}

# A second cable from ida to the Internet; the web, and its resolver.
plug_in() {
	second_cable ida
	in_host internet sh -c 'for n in 1 2 3 4 5 6 7 8 9 53 54; do ip addr add 203.0.113.$n/32 dev lo; ip addr add 2001:db8:f::$n/128 dev lo; done'
	in_host ida-lan ip addr add 10.1.0.3/24 dev eth0
}
web() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$scratch/key.pem" -out "$scratch/cert.pem" -days 2 -subj /CN=web 2>/dev/null
	cat >"$scratch/nginx.conf" <<-END
		daemon off; error_log $scratch/nginx.log; pid $scratch/nginx.pid; worker_processes 1;
		events { worker_connections 512; }
		http { access_log off; client_body_temp_path $scratch/b; proxy_temp_path $scratch/p; fastcgi_temp_path $scratch/f; uwsgi_temp_path $scratch/u; scgi_temp_path $scratch/s;
			server { listen 80; listen [::]:80; listen 443 ssl http2; listen [::]:443 ssl http2; large_client_header_buffers 4 64k;
				ssl_certificate $scratch/cert.pem; ssl_certificate_key $scratch/key.pem; ssl_protocols TLSv1.2 TLSv1.3;
				location / { default_type text/plain; return 200 "\$remote_addr\n"; } } }
	END
	start internet nginx -c "$scratch/nginx.conf"
	# Retry (--validate-addr) at .2, none at .1.
	start internet gtlsserver -q --no-quic-dump --no-http-dump -d "$scratch" 203.0.113.1 443 "$scratch/key.pem" "$scratch/cert.pem"
	start internet gtlsserver -q --no-quic-dump --no-http-dump -d "$scratch" 2001:db8:f::1 443 "$scratch/key.pem" "$scratch/cert.pem"
	start internet gtlsserver -q --no-quic-dump --no-http-dump -V -d "$scratch" 203.0.113.2 443 "$scratch/key.pem" "$scratch/cert.pem"
	local names=()
	for row in www.films.example:1 work.example:2 mail.work.example:2 other.example:3 a.films.example:4 plain.example:4 elsewhere.example:5 ads.example:6; do
		names+=("--address=/${row%:*}/203.0.113.${row#*:}" "--address=/${row%:*}/2001:db8:f::${row#*:}")
	done
	start internet dnsmasq -k --conf-file=/dev/null --no-resolv --no-hosts --user= --pid-file= --bind-interfaces --listen-address=203.0.113.53 --local-ttl=3600 \
		--host-record=films.example,203.0.113.1,2001:db8:f::1 --cname=into.example,films.example --address=/both.films.example/203.0.113.1 "${names[@]}"
	start internet dnsmasq -k --conf-file=/dev/null --no-resolv --no-hosts --user= --pid-file= --bind-interfaces --listen-address=203.0.113.54 --address=/#/203.0.113.2 --address=/#/2001:db8:f::2
}
# start HOST PROGRAM...: for as long as the lab stands.
start() { in_host "$1" sh -c 'PATH=$PATH:/usr/sbin setsid "$@" >/dev/null 2>&1 </dev/null &' sh "${@:2}"; }

# ask NAME [4|6]: what the policy DNS says.
ask() { in_host ida-lan dig +short +tries=2 +time=3 @10.1.0.1 "$1" "$([ "${2:-4}" = 6 ] && echo AAAA || echo A)" | tail -n 1; }
bracket() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }
# get NAME ADDRESS [CURL-OPTION...]: by which address the web sees who asks.
get() { in_host ida-lan curl -sk --max-time 6 --resolve "$1:443:$(bracket "$2")" --resolve "$1:80:$(bracket "$2")" "${@:3}" "${scheme:-https}://$1/"; }
# comes NAME 4|6 WAY [CURL-OPTION...]: asks the policy DNS, then the web.
comes() { [ "$(get "$1" "$(ask "$1" "$2")" "${@:4}")" = "$(way "$3" "$2")" ]; }
hello() { in_host ida-lan timeout 10 python3 "$here/hello.py" "$@"; }
way() {
	case $1.$2 in
	two.4) echo 198.18.90.2 ;;
	two.6) echo 2001:db8:90::2 ;;
	one.*) uplink_of ida "$2" eth0 ;;
	joe.*) uplink_of joe "$2" eth0 ;;
	esac
}
# by WAY 4|6 WHAT IT WAS...
by() {
	local wanted
	wanted=$(way "$1" "$2")
	[ "$3" = "$wanted" ] || die "$4 comes by ${3:-no address}, not by $1 ($wanted)"
}
elements() { in_host ida nft -j list table inet weft_policy | jq -r '[.nftables[].set? // empty | select(.name | test("^l[0-9]+_")) | .elem[]? | .elem.val? // .] | join(" ")'; }

learned_ways() {
	local f
	till 40 comes films.example 4 two || die "films.example comes by $(get films.example "$(ask films.example)") $(status ida .errors)"
	for f in 4 6; do
		till 10 comes www.films.example $f two || die "www.films.example, IPv$f: $(get www.films.example "$(ask www.films.example $f)")"
		till 20 comes work.example $f joe || die "work.example, IPv$f: $(get work.example "$(ask work.example $f)")"
		till 10 comes mail.work.example $f joe || die "mail.work.example, IPv$f: $(get mail.work.example "$(ask mail.work.example $f)")"
		till 10 comes other.example $f one || die "other.example, IPv$f: $(get other.example "$(ask other.example $f)")"
		comes films.example $f two --http1.1 || die "HTTP/1"
		comes films.example $f two --http2 || die "h2"
		scheme=http comes films.example $f two || die "without TLS: $(scheme=http get films.example "$(ask films.example $f)")"
	done
	[ -z "$(ask ads.example)" ] || die "ads.example is told: $(ask ads.example)"
	comes into.example 4 one || die "into.example, a CNAME into a list, comes by $(get into.example "$(ask into.example)"), not by what was asked for"
}

# Nobody has asked the policy DNS for .5 and .7-.9: only the hello says whom it is for.
asked_elsewhere() {
	local f web
	for f in 4 6; do
		[ $f = 4 ] && web=203.0.113. || web=2001:db8:f::
		by two $f "$(get www.films.example ${web}7)" "a film asked for elsewhere (IPv$f)"
		by joe $f "$(get mail.work.example ${web}7)" "work asked for elsewhere (IPv$f)"
		by one $f "$(get unknown.example ${web}7)" "another name (IPv$f)"
		by two $f "$(scheme=http get films.example ${web}8)" "HTTP/1 (IPv$f)"
		by two $f "$(get films.example ${web}8 --http2)" "h2 (IPv$f)"
		by one $f "$(hello ${web}8)" "a hello for nobody (IPv$f)"
	done
	[ -z "$(get ads.example 203.0.113.7)" ] || die "what is blocked is reached"
}
hellos() {
	by two 4 "$(hello 203.0.113.8 --sni films.example --bytes 1)" "a hello byte by byte"
	by two 4 "$(hello 203.0.113.8 --sni films.example --size 4000)" "a hello of 4 kB"
	by joe 4 "$(hello 203.0.113.8 --sni work.example --size 4000 --bytes 100)" "4 kB in pieces"
	watch_uplink 203.0.113.9 || die "no capture"
	hello 203.0.113.9 --sni FiLmS.exAmple || die "no answer to a name in mixed case"
	[ "$(seen_at)" = 198.18.90.2 ] || die "a name in mixed case comes by $(seen_at)"
}
# Which source the web's host sees first in packets to an address.
watch_uplink() {
	in_host internet timeout 15 tcpdump -n -l -i any -Q in "dst host $1 and (tcp port 443 or udp port 443)" 2>"$scratch/ready" >"$scratch/seen" &
	till 10 grep -q listening "$scratch/ready"
}
seen_at() {
	till 5 test -s "$scratch/seen"
	sed -n 's/.* IP6* \([^ ]*\)\.[0-9]* > .*/\1/p' "$scratch/seen" | sort -u | paste -sd' '
}

shared() {
	local at
	at=$(ask a.films.example)
	[ "$at" = "$(ask plain.example)" ] || die "they do not share an address"
	by two 4 "$(get a.films.example "$at")" "the listed name of a shared address"
	by one 4 "$(get plain.example "$at")" "the other name of a shared address"
	by two 4 "$(scheme=http get a.films.example "$at")" "the listed name, HTTP/1"
}

# A name that says nothing of the address it is sent to is not believed for others.
false_name() {
	by two 4 "$(get films.example 203.0.113.9)" "a name that does not lead there"
	sleep 0.3
	! elements | grep -wq 203.0.113.9 || die "203.0.113.9 was learned: $(elements)"
	by one 4 "$(get honest.example 203.0.113.9)" "the next one"
}

# quic ADDRESS NAME: a whole page by HTTP/3. The client says whom it is for only when it looks that up itself.
quic() {
	echo "$1 $2" >"$scratch/hosts"
	in_host ida-lan unshare -m sh -c 'mount --bind "$0/hosts" /etc/hosts &&
		timeout 10 gtlsclient 2>/dev/null -q --no-quic-dump --no-http-dump --exit-on-all-streams-close --timeout=5s --download="$0/got" "$1" 443 "https://$1/page"' "$scratch" "$2"
}
http3() {
	mkdir -p "$scratch/got"
	head -c 300000 /dev/urandom >"$scratch/page"
	for row in "203.0.113.1 films.example 198.18.90.2" "203.0.113.1 work.example $(way joe 4)" "2001:db8:f::1 films.example 2001:db8:90::2" "203.0.113.2 films.example 198.18.90.2" \
		"203.0.113.1 other.example $(way one 4)"; do
		set -- $row
		forget "$1"
		rm -f "$scratch/got/page"
		watch_uplink "$1" || die "no capture"
		quic "$1" "$2" || die "$2 at $1: no answer by HTTP/3 ($(seen_at))"
		cmp -s "$scratch/page" "$scratch/got/page" || die "$2 at $1: not the page"
		[ "$(seen_at)" = "$3" ] || die "$2 at $1 comes by $(seen_at), not by $3"
	done
}
# forget ADDRESS: as if nobody had asked for it, and no connection were known.
forget() {
	in_host ida sh -c 'case $0 in *:*) f=6 ;; *) f=4 ;; esac
		for s in $(nft list sets inet | sed -n "s/^\tset \(known_$f\|l[0-9]*_$f\) {/\1/p"); do nft delete element inet weft_policy $s "{ $0 }" 2>/dev/null; done; true' "$1"
}

unplugged() {
	in_host ida ip link set eth1 down
	till 20 none films.example || die "films.example is reached by $(get films.example 203.0.113.1)"
	by one 4 "$(get other.example "$(ask other.example)")" "what does not need it"
	in_host ida sh -c 'ip link set eth1 up; ip addr replace 2001:db8:90::2/64 dev eth1 nodad'
	till 30 comes films.example 4 two || die "it does not come back: $(get films.example "$(ask films.example)")"
}
none() { [ -z "$(get "$1" "$(ask "$1")")" ]; }

# leaks FILE: does the web's host see a film at another address than the second uplink's?
killed() {
	local program at
	for program in weft-proxy weft-sets weft-dns; do
		in_host internet timeout 20 tcpdump -n -l -i any -Q in "dst host 203.0.113.7 or dst host 203.0.113.8 or dst host 203.0.113.1" 2>"$scratch/$program.ready" >"$scratch/leaks" &
		till 10 grep -q listening "$scratch/$program.ready" || die "no capture"
		at=$(now_ms)
		in_host ida pkill -9 -x $program || die "$program does not run"
		get films.example 203.0.113.7 >/dev/null || true
		till 20 back $program || die "after kill -9 of $program nothing comes"
		note "$program killed: films again after $(since "$at") s"
		till 5 grep -q ' 198\.18\.90\.2\.' "$scratch/leaks" || die "nothing was captured"
		! sed -n 's/.* IP6* \([^ ]*\)\.[0-9]* > .*/\1/p' "$scratch/leaks" | grep -v '^198\.18\.90\.2$' || die "it leaks without $program"
	done
}
back() { [ "$(get films.example 203.0.113.8)" = 198.18.90.2 ] && comes www.films.example 4 two; }

# Two clients of two gateways ask for the same names at once: each is told what its own gateway's resolver says, who is
# asked by that gateway.
two_views() {
	local i
	in_host internet timeout 20 tcpdump -n -l -i any -Q in "udp dst port 53" 2>"$scratch/ready" >"$scratch/asked" &
	till 10 grep -q listening "$scratch/ready" || die "no capture"
	in_host ida-lan sh -c 'for i in $(seq 20); do
		dig +short +tries=1 +time=4 -b 10.1.0.2 @10.1.0.1 x$i.both.films.example >>"$0/home" & dig +short +tries=1 +time=4 -b 10.1.0.3 @10.1.0.1 x$i.both.films.example >>"$0/tablet" & wait; done' "$scratch"
	[ "$(sort "$scratch/home" | uniq -c | xargs)" = "20 203.0.113.1" ] || die "the one is told $(sort "$scratch/home" | uniq -c | xargs)"
	[ "$(sort "$scratch/tablet" | uniq -c | xargs)" = "20 203.0.113.2" ] || die "the other is told $(sort "$scratch/tablet" | uniq -c | xargs)"
	[ "$(askers 53)" = 198.18.90.2 ] || die "the one's resolver is asked by $(askers 53)"
	[ "$(askers 54)" = "$(way joe 4)" ] || die "the other's resolver is asked by $(askers 54)"
}
askers() { sed -n "s/.* IP \([0-9.]*\)\.[0-9]* > 203\.0\.113\.$1\.53: .*/\1/p" "$scratch/asked" | sort -u | paste -sd' '; }

# Lists of nothing and of a million names: loaded beside answering.
long_lists() {
	local at
	in_host controller sh -c 'mkdir -p /etc/weft/lists && : >/etc/weft/lists/none.txt && awk "BEGIN { for (i = 0; i < 1000000; i++) print \"n\" i \".long.example\" }" >/etc/weft/lists/long.txt'
	fleet '- {to: [list/none, list/long], via: joe}' | sed 's/^domain-lists: {/&none: {file: none.txt}, long: {file: long.txt}, /' >"$scratch/long.yaml"
	touch "$scratch/asking"
	in_host ida-lan python3 "$here/dns.py" steady 10.1.0.1 films.example "$scratch/asking" >"$scratch/steady" &
	at=$(now_ms)
	weft apply -f "$scratch/long.yaml" >/dev/null || die "refused"
	till 60 comes_by_hello || die "the list's last name comes by $(hello 203.0.113.9 --sni n999999.long.example): $(weft dns status)"
	note "a list of 1,000,000 names is in force after $(since "$at") s"
	rm "$scratch/asking"
	till 10 test -s "$scratch/steady"
	note "longest time without an answer (ms), answers: $(cat "$scratch/steady")"
	in_time "$(cut -d' ' -f1 "$scratch/steady")" 250
	by one 4 "$(hello 203.0.113.9 --sni n1000000.long.example)" "the name after the last"
	throughout joe n999999.long.example 203.0.113.8 weft rename domain-lists long longer
}
comes_by_hello() { [ "$(hello 203.0.113.9 --sni n999999.long.example)" = "$(way joe 4)" ]; }

renewed() {
	in_host internet ip route add 198.18.90.3/32 dev up90
	in_host ida sh -c 'ip addr del 198.18.90.2/24 dev eth1 && ip addr add 198.18.90.3/24 dev eth1'
	till 20 film_by 198.18.90.3 203.0.113.8 || die "what is spliced comes by $(get films.example 203.0.113.8)"
	till 20 film_by 198.18.90.3 "$(ask films.example)" || die "what is forwarded comes by $(get films.example "$(ask films.example)")"
	in_host ida sh -c 'ip addr del 198.18.90.3/24 dev eth1 && ip addr add 198.18.90.2/24 dev eth1'
	till 20 film_by 198.18.90.2 203.0.113.8 || die "and back by $(get films.example 203.0.113.8)"
}
film_by() { [ "$(get films.example "$2")" = "$1" ]; }

edited() {
	local at
	sed 's/names: \[films.example\]/names: [films.example, unknown.example]/' "$scratch/fleet.yaml" >"$scratch/edited.yaml"
	at=$(now_ms)
	weft apply -f "$scratch/edited.yaml" >/dev/null || die "refused"
	till 20 unknown_is_film || die "unknown.example still comes by $(get unknown.example 203.0.113.7)"
	note "an edit of a list is in force after $(since "$at") s"
	in_time $(($(now_ms) - at)) 2000
	comes films.example 4 two || die "films.example is lost"
}
unknown_is_film() { [ "$(get unknown.example 203.0.113.7)" = 198.18.90.2 ]; }

# throughout WAY NAME ADDRESS COMMAND...: every connection begun while the command runs, and for a while after it, goes that way.
throughout() {
	local way asker
	way=$(way "$1" 4)
	touch "$scratch/asking"
	in_host ida-lan sh -c 'while [ -e "$0/asking" ]; do curl -sk --max-time 6 --resolve "$1:443:$2" "https://$1/" || echo none; done' "$scratch" "$2" "$3" >"$scratch/ways" &
	asker=$!
	"${@:4}" >"$scratch/said" || die "refused: $(cat "$scratch/said")"
	sleep 1
	rm "$scratch/asking"
	wait $asker
	note "$2: $(wc -l <"$scratch/ways") connections meanwhile"
	[ "$(sort -u "$scratch/ways")" = "$way" ] || die "they come by $(sort "$scratch/ways" | uniq -c | xargs)"
}
# Names that a rule had before and has afterwards are never without it: not while their list gets another name, nor
# when they move to another list.
moved_names() {
	throughout two films.example 203.0.113.8 weft rename domain-lists films movies
	throughout two films.example 203.0.113.8 weft rename domain-lists movies films
	sed -e 's/films: {names: \[films.example\]/films: {names: [nobody.example]}, cdn: {names: [films.example]/' -e 's,to: \[list/films\],to: [list/films\, list/cdn],' "$scratch/fleet.yaml" >"$scratch/moved.yaml"
	throughout two films.example 203.0.113.8 weft apply -f "$scratch/moved.yaml"
	throughout two films.example 203.0.113.8 weft apply -f "$scratch/edited.yaml"
}

# What weft-proxy carries by a group that goes has nobody to go by: it ends, and nothing of it leaves elsewhere.
group_gone() {
	local client
	watch_uplink 203.0.113.8 || die "no capture"
	touch "$scratch/asking"
	in_host ida-lan sh -c '{ printf "GET / HTTP/1.1\r\nX: "; while [ -e "$0/asking" ]; do printf x; sleep 0.1; done; } |
		openssl s_client -quiet -connect 203.0.113.8:443 -servername films.example' "$scratch" >/dev/null 2>&1 &
	client=$!
	till 10 test -s "$scratch/seen" || die "nothing is sent"
	sed -e 's/two: {try/deux: {try/' -e 's/via: two/via: deux/' "$scratch/fleet.yaml" >"$scratch/gone.yaml"
	weft apply --prune -f "$scratch/gone.yaml" >/dev/null || die "refused"
	till 20 ended $client || die "it goes on"
	rm -f "$scratch/asking"
	[ "$(seen_at)" = 198.18.90.2 ] || die "it leaves by $(seen_at)"
	film_by 198.18.90.2 203.0.113.8 || die "the next one comes by $(get films.example 203.0.113.8)"
	weft apply --prune -f "$scratch/fleet.yaml" >/dev/null || die "refused"
	till 20 film_by 198.18.90.2 203.0.113.8 || die "and back by $(get films.example 203.0.113.8)"
}
ended() { ! kill -0 "$1" 2>/dev/null; }

# All that follows has other numbers than Weft's own.
the_numbers_move() {
	local proxy host
	proxy=$(program_pid ida weft-proxy)
	move_numbers ida joe
	for host in ida joe; do till 20 has_no_old_numbers $host || die "$host has of the numbers before: $(old_numbers $host)"; done
	till 20 is_other_pid ida weft-proxy "$proxy" || die "weft-proxy goes on with marks that mean something else"
	till 20 film_by 198.18.90.2 203.0.113.8 || die "what is spliced comes by $(get films.example 203.0.113.8)"
}

fleet '' >"$scratch/fleet.yaml"
lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
plug_in
web
for host in ida joe; do till 60 is_settled $host || { status ida .errors; exit 1; }; done
check "each name leaves where its rule says, IPv4 and IPv6, HTTP/1 and h2" learned_ways
check "marks, tables, priorities and VNIs are moved" the_numbers_move
check "so does what was asked for elsewhere, by TLS and HTTP" asked_elsewhere
check "hellos byte by byte, of 4 kB, in mixed case" hellos
check "one address for two names of different rules" shared
check "a name that does not lead to the address teaches nothing" false_name
check "HTTP/3: by the name in its hello, with and without Retry, whole pages" http3
check "an uplink unplugged and back" unplugged
check "an uplink's address renewed" renewed
check "two clients of two gateways ask the same at once" two_views
check "a group that goes takes along what is carried by it" group_gone
check "an edit of a list is in force" edited
check "names that move between lists always have their rule" moved_names
check "lists of nothing and of a million names" long_lists
check "kill -9 of each program: nothing leaks, and it comes back" killed
finish
