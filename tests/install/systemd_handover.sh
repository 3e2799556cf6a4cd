# Part of systemd_inside.sh: weft-dns and weft-proxy are upgraded while they are used.
#
#    two 10.9.0.2 ---- eth0 10.9.0.1, this host: resolver and splitter ---- 192.0.2.2 web 203.0.113.1
#                                                               (the only one that has what no table has)

main_pid() { systemctl show -P MainPID "weft-$1"; }
is_answered() { ip netns exec two dig +tries=1 +time=1 +short @10.9.0.1 printer.lan.example | grep -qx 10.9.0.9; }
is_split() { [ "$(weft-agent status --json | jq '.splitter[0].counts.connections // 0')" -gt 0 ]; }
fetch() { ip netns exec two python3 flow.py fetch 203.0.113.1 "$1"; }
fetches() { fetch nothing >/dev/null; }
# All processes of a unit: one, and that is the main one.
one_serves() { is "weft-$1" && [ "$(pgrep -x "weft-$1")" = "$(main_pid "$1")" ]; }
state_of() { systemctl show -P InvocationID -P NRestarts weft-dns weft-proxy; }
# What an upgrade leaves: the same path, another file.
install_anew() { cp -p "/usr/sbin/weft-$1" /usr/sbin/new && mv /usr/sbin/new "/usr/sbin/weft-$1"; }

two_networks() {
	ip netns add web
	ip link add web type veth peer name eth0 netns web
	ip addr add 192.0.2.1/24 dev web
	ip link set web up
	ip -n web addr add 192.0.2.2/24 dev eth0
	ip -n web link set lo up
	ip -n web link set eth0 up
	ip -n web addr add 203.0.113.1/32 dev lo
	ip -n web route add default via 192.0.2.1
	ip -n two route add default via 10.9.0.1
	ip route add default via 192.0.2.2
	forwarding=$(sysctl -n net.ipv4.ip_forward)
	sysctl -qw net.ipv4.ip_forward=1
	ip netns exec web python3 flow.py serve 203.0.113.1 >flow.log 2>&1 &
	web=$!
}
no_networks() {
	kill "$web"
	ip netns del web
	sysctl -qw "net.ipv4.ip_forward=$forwarding"
}
apply_names() {
	cat >/tmp/names.yaml <<-'END'
		sites: {home: {lan: [10.9.0.0/24]}}
		nodes: {one: {address: 10.9.0.1, site: home}}
		resolvers: {home: {nodes: [one], listen: [10.9.0.1], clients: [10.9.0.0/24], upstreams: [10.9.0.2], rate: 0}}
		dns-zones: {lan: {zone: lan.example, records: [{name: printer, a: 10.9.0.9}]}}
		domain-lists: {ads: {names: [ads.example]}}
		policies: {home: {from: [site/home], rules: [{to: [list/ads], block: reject}]}}
	END
	weft apply -f /tmp/names.yaml && within 30 is_answered && within 30 one_serves proxy && within 20 fetches && within 10 is_split
}

# Both are asked all the time while the package is installed over itself.
upgrade_in_use() {
	local dns proxy asking fetching before asked lost longest
	dns=$(main_pid dns) proxy=$(main_pid proxy) before=$(state_of)
	touch asking fetching
	ip netns exec two python3 dns.py rate 10.9.0.1 printer.lan.example lan.example asking >rate &
	asking=$!
	fetch fetching >fetched &
	fetching=$!
	apt install -y --reinstall ./weft-agent_*.deb || return 1
	rm asking
	wait $asking
	read -r asked lost longest <rate
	echo "note of $asked questions while the package was installed $lost had no answer; the longest wait took $longest ms" >>result
	[ "$lost" = 0 ] && [ "$asked" -gt 100 ] || return 1
	[ "$(main_pid dns)" != "$dns" ] && [ "$(main_pid proxy)" != "$proxy" ] || { echo "not other processes"; return 1; }
	[ "$(state_of)" = "$before" ] || { echo "they were restarted: $before, $(state_of)"; return 1; }
	kill -0 "$proxy" || { echo "who carries the transfer is gone"; return 1; }
	fetches || return 1
	rm fetching
	wait $fetching || return 1
	echo "note $(cat fetched) bytes of one connection came through all of that as they were sent" >>result
	within 20 one_serves proxy && within 20 one_serves dns
}
reload_in_place() {
	local dns proxy
	dns=$(main_pid dns) proxy=$(main_pid proxy)
	systemctl reload weft-dns weft-proxy && [ "$(main_pid dns)" = "$dns" ] && [ "$(main_pid proxy)" = "$proxy" ]
}
# kill_meanwhile PROGRAM MS new|old: that one is killed so long after a reload begins that brings another program.
kill_meanwhile() {
	local old new="" at
	old=$(main_pid "$1")
	install_anew "$1"
	systemctl reload --no-block "weft-$1"
	sleep "0.$2"
	[ "$3" = old ] || new=$(pgrep -nx "weft-$1")
	kill -KILL "${new:-$old}"
	at=$(date +%s%N)
	within 20 "${4}" || return 1
	echo "     the $3 weft-$1 killed after 0.$2 s: served again after $((($(date +%s%N) - at) / 1000000)) ms" >>kills
	within 20 one_serves "$1"
}
kill_all_ways() {
	local ms who
	for ms in 020 060; do
		for who in old new; do
			kill_meanwhile proxy $ms $who fetches && kill_meanwhile dns $ms $who is_answered || return 1
		done
	done
	cat kills
	awk '{ sub(/.*after /, ""); if ($1 > 4000) exit 1 }' kills
}
nothing_odd_is_logged() { ! journalctl -u weft-dns -u weft-proxy -o cat | grep -E 'not our child|reception only permitted|Sanitizer|too old'; }

two_networks
check "handover: resolver and splitter run under systemd" apply_names
check "handover: a package is installed: not a question is lost, no connection cut, no service restarted" upgrade_in_use
check "handover: a reload by the same program starts none" reload_in_place
check "handover: systemd finds nothing odd in it" nothing_odd_is_logged
check "handover: kill -9 of the old and of the new one at any moment of it: one serves" kill_all_ways
[ ! -s kills ] || sed 's/^/note/' kills >>result
no_networks
