#!/usr/bin/env bash
# Three hosts whose tunnels are the kernel's own WireGuard, over an Internet that delays by 20 ms each way and then also
# loses 1 %.
#
#     kim ---- lou         every link of the Internet has a netem towards the host
#        \    /
#          moe
. "$(dirname "$0")/../netns/lib.sh"
use_lab kernel
nodes=(kim lou moe)

no_wireguard_go() { ! pgrep -x wireguard-go; }

of_the_kernel() {
	local n
	for n in "${nodes[@]}"; do
		[ "$(status "$n" .wireguard)" = kernel ] || die "the agent of $n uses $(status "$n" .wireguard)"
		{ in_host "$n" weft-agent status || true; } | grep -x 'wireguard   kernel' >/dev/null || die "weft-agent status does not say so"
		[ "$(kind_of "$n" "$wg")" = wireguard ] || die "$wg of $n is of the kind $(kind_of "$n" "$wg")"
		[ "$(status "$n" .csum_offload)" = on ] || die "checksum offload of $n: $(status "$n" .csum_offload)"
	done
	no_wireguard_go || die "a wireguard-go runs"
	note "kernel $(uname -r), WireGuard $(cat /sys/module/wireguard/version); $(status kim .line)"
}

dropped() { in_host internet tc -s -j qdisc show | jq '[.[] | select(.kind == "netem") | .drops] | add'; }

delayed() {
	local to rtt f
	impair delay 20ms
	for f in 4 6; do
		to=$(address lan lou $f)
		rtt=$(in_host kim ping -n -q -c 20 -i 0.1 -s "$(full_size "$to")" -M do "$to" | sed -n 's|^rtt .* = \([0-9]*\)[^/]*/\([0-9]*\).*|\1 \2|p')
		note "IPv$f, 1500 bytes kim -> lou: round trip at least ${rtt% *} ms, ${rtt#* } on average"
		[ "${rtt% *}" -ge 40 ] || die "the delay is not in the path"
	done
}

lossy() {
	local lost sent rate before
	impair delay 20ms loss 1%
	before=$(dropped)
	flow lossy kim "$(address lan lou 4)" 0.02
	rate=$(transfer kim lou)
	note "TCP kim -> lou: $rate kbit/s"
	read -r lost sent < <(flow_end lossy)
	note "$sent echoes, $lost lost; netem dropped $(($(dropped) - before)) packets"
	[ "$(dropped)" -gt "$before" ] || die "netem lost nothing: this test proves nothing"
	[ $((lost * 10)) -le "$sent" ] || die "more was lost than 1 % each way explains"
	[ "$rate" -gt 0 ]
	impair delay 0ms
}

# transfer FROM TO [4|6]: kbit/s of TCP over the segment.
transfer() {
	in_host "$2" sh -c 'setsid iperf3 -s -1 -D >/dev/null 2>&1 </dev/null'
	till 5 in_host "$2" sh -c 'ss -ltn | grep :5201'
	in_host "$1" timeout $((10 * slow)) iperf3 -J -t 3 -c "$(address lan "$2" "${3:-4}")" >"$scratch/iperf" || return 1
	jq -r '.end.sum_received.bits_per_second / 1e3 | floor' "$scratch/iperf"
}

mtu_of() { in_host "$1" cat "/sys/class/net/$2/mtu"; }
path_known() { status "$1" '[.peers[] | select(.path_mtu and .fragments == "ok")] | length == 2'; }

# The tunnel's device is larger than any packet of the Internet; what leaves it leaves in fragments.
mtu() {
	local n f before after
	in_host internet nft -f - <<-END
		table inet seen {
			counter fragments { }
			chain prerouting {
				type filter hook prerouting priority -450;
				ip frag-off & 0x3fff != 0 counter name fragments
				exthdr frag exists counter name fragments
			}
		}
	END
	before=$(fragments)
	n=$(all_pairs 60 lan "${nodes[@]}") || die "$n"
	after=$(fragments)
	in_host internet nft delete table inet seen
	note "$n pairs answer 1500 bytes with DF; $((after - before)) outer fragments; $wg has $(mtu_of kim "$wg"), the wire $(mtu_of kim "$(device kim wire/lan/lou)")"
	[ "$(mtu_of kim "$wg")" -gt 1500 ]
	[ "$after" -gt "$before" ] || die "nothing was fragmented: this test proves nothing"
	till 60 path_known kim || die "kim does not know its paths: $(status kim .peers)"
	note "kim: $(status kim '[.peers[] | "\(.key) path mtu \(.path_mtu) fragments \(.fragments)"] | join(", ")')"
	for f in 4 6; do note "TCP over IPv$f kim -> moe: $(transfer kim moe $f) kbit/s" || die "TCP does not pass"; done
}
fragments() { in_host internet nft -j list counter inet seen fragments | jq '[.nftables[].counter? // empty][0].packets'; }

# repaired WHAT COMMAND...: is true again in time, and an event of kim tells of it.
repaired() {
	local start what=$1
	start=$(now_ms)
	shift
	till 8 "$@" || die "$what: not repaired: $(in_host kim wg show "$wg")"
	local took=$(($(now_ms) - start))
	till 5 has_event kim drift_repaired "$id" || die "no event tells of $what"
	note "$what: repaired after $(seconds $took) s; event: $(weft events --node kim -n 100 -o json |
		jq -r --argjson id "$id" '[.[] | select(.id > $id and .kind == "drift_repaired")][-1].text')"
	in_time $took 5000
}
shows() { [ "$(in_host kim wg show "$wg" "$1")" = "$2" ]; }
peer_count() { [ "$(in_host kim wg show "$wg" peers | wc -l)" = "$1" ]; }
allowed() { in_host kim wg show "$wg" allowed-ips | tr '\t ' '\n\n' | sort; }
allowed_is() { [ "$(allowed)" = "$1" ]; }

drift() {
	local key port before id other lou4
	key=$(in_host kim wg show "$wg" private-key)
	port=$(in_host kim wg show "$wg" listen-port)
	before=$(allowed)
	lou4=$(overlay home lou 4)

	id=$(last_event)
	(umask 077; wg genkey >"$scratch/key")
	in_host kim wg set "$wg" private-key "$scratch/key"
	repaired "a changed private key" shows private-key "$key"
	id=$(last_event)
	in_host kim wg set "$wg" listen-port 7777
	repaired "a changed port" shows listen-port "$port"

	other=$(wg genkey | wg pubkey)
	in_host kim wg set "$wg" peer "$other" allowed-ips 10.250.0.0/16,fd00:250::/32 endpoint 192.0.2.1:7
	till 8 peer_count 2 || die "a foreign peer stays"
	id=$(last_event)
	in_host kim wg set "$wg" peer "$other" allowed-ips "$lou4/32"
	repaired "a foreign peer with the address of another" allowed_is "$before"
	id=$(last_event)
	in_host kim wg set "$wg" peer "$(in_host lou wg show "$wg" public-key)" allowed-ips 10.251.0.0/16 persistent-keepalive 99
	repaired "a peer's changed allowed IPs and keepalive" allowed_is "$before"
	id=$(last_event)
	in_host kim ip link set "$wg" mtu 1420
	repaired "a changed MTU" mtu_is 1560
}
mtu_is() { [ "$(mtu_of kim "$wg")" = "$1" ]; }

# Answers of many messages, while the tunnel carries a flow.
many_foreign_peers() {
	python3 - >"$scratch/peers" <<-'END'
		import base64
		for i in range(400):
		    print("[Peer]\nPublicKey =", base64.b64encode(b"%032d" % i).decode())
		    print("AllowedIPs =", ", ".join(f"10.{100 + i // 250}.{i % 250}.{n}/32" for n in range(i % 20 + 1)))
	END
	flow many kim "$(address lan lou 4)"
	in_host kim wg addconf "$wg" "$scratch/peers"
	till 20 peer_count 2 || die "$(in_host kim wg show "$wg" peers | wc -l) peers are left"
	till 10 is_settled kim || die "kim: $(status kim .line)"
	no_loss many
}

deleted() {
	local id n
	id=$(last_event)
	in_host kim ip link del "$wg"
	repaired "a deleted device" peer_count 2
	[ "$(kind_of kim "$wg")" = wireguard ] || die "it came back as $(kind_of kim "$wg")"
	n=$(all_pairs 60 lan "${nodes[@]}") || die "$n"
}

agent_pid() { in_host "$1" pgrep -x -n weft-agent; }
is_new_agent() { [ "$(agent_pid "$1")" != "$2" ] && is_settled "$1"; }

restart() {
	local signal pid index n
	index=$(in_host lou cat "/sys/class/net/$wg/ifindex")
	flow through kim "$(address lan lou 4)"
	flow six lou "$(address lan moe 6)"
	for signal in TERM KILL; do
		pid=$(agent_pid lou)
		in_host lou kill -$signal "$pid"
		till 15 is_new_agent lou "$pid" || die "the agent of lou did not come back after SIG$signal"
		n=$(writes lou)
		note "SIG$signal: the new agent wrote $n times"
		[ "$n" = 0 ] || die "the new agent wrote to a kernel that was as it should be"
	done
	no_loss through
	no_loss six
	[ "$(in_host lou cat "/sys/class/net/$wg/ifindex")" = "$index" ] || die "$wg is another device now"
}

leaves() {
	in_host moe weft-agent leave
	till 5 in_host moe sh -c '! pgrep -x weft-agent' || die "the agent still runs"
	dump moe >"$scratch/after"
	diff -u "$scratch/before" "$scratch/after"
	note "$(wc -l <"$scratch/before") lines of links, addresses, routes, rules, nft, sysctls, resolver and files compared"
	! in_host moe ip link show type wireguard | grep . || die "a WireGuard device is left"
}

lab_up -f "$here/fleets/three.yaml" --bare >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
dump moe >"$scratch/before"
for n in "${nodes[@]}"; do lab join "$n"; done
till 30 device kim wireguard/home
wg=$(device kim wireguard/home)
check "1500 bytes with DF pass in fragments, v4 and v6, between all" mtu
check "WireGuard is the kernel's: no wireguard-go, checksum offload stays on" of_the_kernel
check "an Internet with 20 ms each way" delayed
check "an Internet with 20 ms and 1 % loss" lossy
check "what a person changes at the kernel's WireGuard is put right" drift
check "400 foreign peers go, the flow beside them loses nothing" many_foreign_peers
check "a deleted WireGuard device comes back as the kernel's" deleted
check "an agent that starts anew adopts the device: no write, no packet lost" restart
check "after leave nothing is left on the host" leaves
finish
