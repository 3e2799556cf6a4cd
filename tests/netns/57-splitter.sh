#!/usr/bin/env bash
# weft-proxy by itself, led to by a table of this script's own: whom flows are for, their bytes, limits, restarts.
#
#     client 10.57.0.2 ---- router ---- one   203.0.113.10     marked 1 leaves by one, marked 2 by two;
#            fd57::2        masquerades \-- two  2001:db8::10     each server says which it is
. "$(dirname "$0")/lib.sh"
for program in weft-proxy weft-sets; do [ -x "$WEFT_BIN/$program" ] || skip_all "$program is not built (WEFT_BIN=$WEFT_BIN)"; done
chmod 755 "$scratch"

ns() { echo "wsplit$$-$1"; }
in_ns() { ip netns exec "$(ns "$1")" "${@:2}"; }
clean_up() {
	local one
	for one in client router one two; do
		ip netns pids "$(ns $one)" 2>/dev/null | xargs -r kill 2>/dev/null
		ip netns del "$(ns $one)" 2>/dev/null
	done
	rm -rf "$scratch"
}
trap clean_up EXIT

for one in client router one two; do
	ip netns add "$(ns $one)"
	in_ns $one ip link set lo up
done
# join NAME ROUTER-V4 ROUTER-V6 V4 V6
join() {
	in_ns router ip link add "$1" type veth peer name eth0 netns "$(ns "$1")"
	in_ns router ip addr add "$2" dev "$1"
	in_ns router ip addr add "$3" dev "$1" nodad
	in_ns router ip link set "$1" up
	in_ns "$1" ip addr add "$4" dev eth0
	in_ns "$1" ip addr add "$5" dev eth0 nodad
	in_ns "$1" ip link set eth0 up
	in_ns "$1" ip route add default via "${2%/*}"
	in_ns "$1" ip route add default via "${3%/*}"
}
join client 10.57.0.1/24 fd57::1/64 10.57.0.2/24 fd57::2/64
table=100
for one in one two; do
	table=$((table + 1))
	join $one 10.57.$table.1/24 fd57:$table::1/64 10.57.$table.2/24 fd57:$table::2/64
	in_ns $one ip addr add 203.0.113.10/32 dev lo
	in_ns $one ip addr add 2001:db8::10/128 dev lo nodad
	for via in 10.57.$table.2 fd57:$table::2; do in_ns router ip route add default via $via table $table; done
	for family in -4 -6; do in_ns router ip $family rule add pref $((22300 + table)) fwmark $((table - 100 << 16))/0x0fff0000 lookup $table; done
done
for family in -4 -6; do
	in_ns router ip $family route add local default dev lo table 22499
	in_ns router ip $family rule add pref 22346 iif lo fwmark 0x0ff00000/0x0fff0000 lookup main
	in_ns router ip $family rule add pref 22347 fwmark 0x0ff00000/0x0fff0000 lookup 22499
done
in_ns router ip route add default via 10.57.102.2
in_ns router ip route add default via fd57:102::2
in_ns router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
in_ns router nft -f - <<'END'
table inet weft_policy {
	map quic_4 { type ipv4_addr . inet_service . ipv4_addr . inet_service : mark; flags timeout; }
	map quic_6 { type ipv6_addr . inet_service . ipv6_addr . inet_service : mark; flags timeout; }
	chain looking {
		type filter hook prerouting priority raw; policy accept;
		iifname != client accept
		ip saddr . udp sport . ip daddr . udp dport @quic_4 accept
		ip6 saddr . udp sport . ip6 daddr . udp dport @quic_6 accept
		meta l4proto tcp socket transparent 1 goto to_splitter
		fib daddr type != unicast accept
		tcp dport { 80, 443, 8443 } tcp flags & (syn | ack) == syn goto to_splitter
		udp dport 443 @th,64,8 & 0x80 == 0x80 goto to_splitter
	}
	chain to_splitter { ct zone set 22 meta mark set 0x0ff00000 accept; }
	chain leading {
		type filter hook prerouting priority mangle; policy accept;
		meta mark != 0x0ff00000 accept
		tcp flags & (syn | ack) != syn accept
		meta nfproto ipv4 meta l4proto { tcp, udp } tproxy ip to 127.0.0.1:22380 accept
		meta nfproto ipv6 meta l4proto { tcp, udp } tproxy ip6 to [::1]:22380 accept
		drop
	}
	chain answered {
		type filter hook prerouting priority dstnat + 1; policy accept;
		ct direction reply ct mark & 0x8000 != 0 meta mark set 0x0ff00000
	}
	chain forwarded {
		type filter hook forward priority mangle; policy accept;
		tcp flags & (syn | ack) != syn ct state new drop
		iifname client ct state new ct mark set ip saddr . udp sport . ip daddr . udp dport map @quic_4
		iifname client ct state new ct mark set ip6 saddr . udp sport . ip6 daddr . udp dport map @quic_6
	}
	chain marked {
		type filter hook prerouting priority mangle + 1; policy accept;
		ct direction original ct mark != 0 meta mark set ct mark
	}
	chain sending_back {
		type filter hook output priority raw; policy accept;
		meta mark & 0x0fff8000 == 0x0ff00000 drop
		meta mark & 0x0fff0000 == 0x0ff00000 ct zone set 22
	}
	chain sending {
		type filter hook output priority mangle; policy accept;
		meta mark & 0x0fff0000 { 0, 0x0ff00000 } accept
		ct mark 0 ct mark set meta mark
	}
	chain masquerading { type nat hook postrouting priority srcnat; policy accept; oifname { one, two } masquerade; }
}
END
for list in tv no hush odd; do
	echo $list.example >"$scratch/$list.txt"
	weft-dns image "$scratch/$list.txt" "$scratch/$list.image" >/dev/null
	chmod 644 "$scratch/$list.image"
done
for one in one two; do in_ns $one setsid python3 -B "$here/splitter.py" serve $one >"$scratch/$one.log" 2>&1 & done
in_ns router setsid weft-sets run "$scratch/sets.sock" nobody >"$scratch/sets.log" 2>&1 &
till 20 test -S "$scratch/sets.sock"
for address in 203.0.113.10 2001:db8::10; do
	for one in one two; do till 20 in_ns $one python3 -c "import socket; socket.create_connection(('$address', 443), 1)"; done
done
in_ns client python3 -B "$here/splitter.py" client "$scratch" "$(ns router)" "$WEFT_BIN"
