#!/usr/bin/env bash
# LANs behind sites reach each other through the overlay, and nobody sends from what is not theirs.
#
#   lea-lan ---- lea                  10.1.0.0/24  fd01:1::/64   (site lyon)
#               /   \
#            nia --- max ---- max-lan 10.2.0.0/24  fd01:2::/64   (site milan)
#             |
#          nia-lan                    10.3.0.0/24  fd01:3::/64   (site narva)
. "$(dirname "$0")/lib.sh"
use_lab lans

lan_hosts() {
	local a b n=0 start
	declare -A number=([lea]=1 [max]=2 [nia]=3)
	start=$(now_ms)
	for a in lea max nia; do
		for b in lea max nia; do
			[ $a != $b ] || continue
			till 60 answers $a-lan "10.${number[$b]}.0.2" -M do -s 1472 || die "$a-lan does not reach $b-lan over v4"
			till 60 answers $a-lan "fd01:${number[$b]}::2" -M do -s 1452 || die "$a-lan does not reach $b-lan over v6"
			n=$((n + 2))
		done
	done
	note "$n pairs of LAN hosts answer 1500 bytes with DF, $(since "$start") s after the last host joined"
	till 10 answers lea 10.2.0.2 || die "the node lea itself does not reach max-lan"
	[ "$(in_host lea sysctl -n net.ipv4.ip_forward)" = 1 ]
}

# counted HOST COUNTER COMMAND...: the command's packets do not get through and the guard counts them.
counted() {
	local host=$1 counter=$2 before after tries
	before=$(guard "$host" "$counter")
	shift 2
	# A packet may be lost on its way, as when the tree changes.
	for tries in 1 2 3 4 5 6; do
		"$@" >/dev/null 2>&1 || true
		after=$(guard "$host" "$counter")
		[ "$after" = "$before" ] || break
	done
	note "$host $counter: $before -> $after"
	[ "$after" -gt "$before" ]
}

# A host of lyon's LAN says it is somebody else.
lan_spoofs() {
	in_host lea-lan ip addr add 172.16.9.9/32 dev lo
	in_host lea-lan ip addr add fd99::9/128 dev lo
	counted lea spoof_out answers lea-lan 10.2.0.2 -I 172.16.9.9 || die "a foreign IPv4 source left lyon uncounted"
	counted lea spoof_out answers lea-lan fd01:2::2 -I fd99::9 || die "a foreign IPv6 source left lyon uncounted"
	in_host lea-lan ip addr add 10.3.0.77/32 dev lo
	counted lea spoof_out answers lea-lan 10.2.0.2 -I 10.3.0.77 || die "a source of another site left lyon uncounted"
}

seen_at() { in_host "$1" timeout 3 tcpdump -n -c 1 -i eth0 "src host $2" 2>/dev/null | grep .; }

# lea falls into hostile hands: its agent stands still and its rails are gone, until it is given back.
take_over() {
	in_host lea sh -c 'kill -STOP $(pgrep -x -n weft-agent) && nft delete table inet weft'
}
give_back() {
	in_host lea sh -c 'kill -CONT $(pgrep -x -n weft-agent)'
	till 6 guard lea spoof_in || die "lea's rails did not come back"
}

node_spoofs() {
	local bad=0 to
	take_over
	in_host lea-lan ip addr add 10.3.0.78/32 dev lo
	in_host lea-lan ip addr add fd01:3::78/128 dev lo
	seen_at max-lan 10.3.0.78 >"$scratch/seen" &
	counted max spoof_in answers lea-lan 10.2.0.2 -I 10.3.0.78 || { note "narva's IPv4 source from lyon was not counted"; bad=1; }
	counted max spoof_in answers lea-lan fd01:2::2 -I fd01:3::78 || { note "narva's IPv6 source from lyon was not counted"; bad=1; }
	counted max spoof_in answers lea-lan 10.2.0.2 -I 172.16.9.9 || { note "a foreign source was not counted"; bad=1; }
	in_host lea ip addr add 203.0.113.5/32 dev lo
	counted max spoof_in answers lea "$(address lan max 4)" -I 203.0.113.5 || { note "a foreign source to the node itself was not counted"; bad=1; }
	wait
	[ ! -s "$scratch/seen" ] || { note "a spoofed packet reached max-lan: $(cat "$scratch/seen")"; bad=1; }
	# Frames of another wire, and of none.
	to=$(overlay wan max 4)
	counted max vxlan_in in_host lea python3 "$here/frames.py" vxlan "$to" 77777 10.3.0.78 10.2.0.2 || { note "a wrong VNI was not counted"; bad=1; }
	counted max vxlan_in in_host lea python3 "$here/frames.py" vxlan "$to" "$(vni max nia)" 10.3.0.78 10.2.0.2 ||
		{ note "the VNI of another wire was not counted"; bad=1; }
	# From the Internet, without any tunnel.
	counted max vxlan_in in_host internet python3 "$here/frames.py" vxlan "$(in_host lea getent ahostsv4 max.example.net | awk 'NR == 1 { print $1 }')" \
		"$(vni lea max)" 10.3.0.78 10.2.0.2 || { note "VXLAN from the Internet with a VNI of ours was not counted"; bad=1; }
	give_back
	in_host lea ip addr del 203.0.113.5/32 dev lo
	[ $bad = 0 ]
}
vni() {
	weft get segments lan --effective -o json |
		jq -er --arg a "$1" --arg b "$2" '[.. | .wires? // empty | .[] | select(.ends | sort == ([$a, $b] | sort))][0].vni'
}

# first_seen DEVICE FILTER: what comes to max first of all that matches, into $scratch/DEVICE; the watch stands on return.
first_seen() {
	in_host max timeout 15 tcpdump -n -c 1 -i "$1" "$2" >"$scratch/$1" 2>"$scratch/$1.watch" &
	till 5 grep listening "$scratch/$1.watch" || die "no watch on $1"
}
# What lea's tunnel brought to max and WireGuard did not deliver: the kernel counts packets, wireguard-go bytes.
undelivered() {
	if [ "$(kind_of max "$wg")" = wireguard ]; then
		in_host max cat "/sys/class/net/$wg/statistics/rx_frame_errors"
	else
		in_host max wg show "$wg" transfer | awk -v key="$lea" '$1 == key { print $2 }'
	fi
}
frames() { in_host "$1" python3 "$here/frames.py" "${@:2}"; }

# lea speaks through its own tunnel as nia: five long words from nia's overlay address, and frames of nia's wire.
tunnel_spoofs() {
	local wg wire lea f to nia vni before after long least
	long=$(printf 'x%.0s' {1..1000})
	wg=$(device max wireguard/wan)
	wire=$(device max wire/lan/nia)
	lea=$(in_host lea wg show all public-key | cut -f2)
	vni=$(vni max nia)
	till 20 answers nia-lan 10.2.0.2 || die "nia-lan does not reach max-lan"
	least=5000
	[ "$(kind_of max "$wg")" != wireguard ] || least=5
	take_over
	in_host nia-lan ping -n -q -i 0.05 -c 80 10.2.0.2 >"$scratch/others" &
	for f in 6 4; do
		to=$(overlay wan max $f)
		nia=$(overlay wan nia $f)
		before=$(undelivered)
		first_seen "$wg" "udp port 9"
		frames lea say "$to" "$nia" "$long"
		frames nia say "$to" "$nia" "nia itself"
		till 5 grep length "$scratch/$wg" || die "not even nia's own word came"
		grep "length 10" "$scratch/$wg" || die "lea's word as nia came out of the tunnel"
		after=$(undelivered)
		note "as nia over IPv$f: delivered none, undelivered $before -> $after"
		[ $((after - before)) -ge $least ] || die "nothing of lea's reached max at all"
	done
	first_seen "$wire" "src host 10.3.0.77 or src host 10.3.0.78"
	frames lea vxlan "$to" "$vni" 10.3.0.77 10.2.0.2 "$nia"
	frames nia vxlan "$to" "$vni" 10.3.0.78 10.2.0.2 "$nia"
	till 5 grep -F "10.3." "$scratch/$wire" || die "not even nia's own frame came"
	grep -F 10.3.0.78 "$scratch/$wire" || die "lea's frame came out of nia's wire"
	# Were AllowedIPs too wide, the rails would still hold what is nobody's.
	in_host max sh -c 'kill -STOP $(pgrep -x -n weft-agent)'
	in_host max wg set "$wg" peer "$lea" allowed-ips "$(overlay wan lea 4)/32,$(overlay wan lea 6)/128,203.0.113.0/24"
	counted max overlay_in frames lea say "$to" 203.0.113.7 "nobody" || die "a source of nobody's came out of the tunnel uncounted"
	in_host max sh -c 'kill -CONT $(pgrep -x -n weft-agent)'
	wait
	note "meanwhile nia-lan to max-lan: $(grep received "$scratch/others")"
	grep " 0% packet loss" "$scratch/others" >/dev/null || die "others suffer"
	give_back
}

# Without its tunnel a wire would follow the default route.
no_leak() {
	local to
	to=$(overlay wan max 4)
	in_host lea ip route add "$to/32" via 198.18.1.1 dev eth0 onlink
	counted lea vxlan_out in_host lea python3 "$here/frames.py" vxlan "$to" 5 10.1.0.2 10.2.0.2 || die "VXLAN left by another device"
	in_host lea ip route del "$to/32" via 198.18.1.1 dev eth0
}

has_metric() {
	in_host controller curl -sk https://127.0.0.1:8443/metrics >"$scratch/metrics"
	grep "^$1{.*$2" "$scratch/metrics"
}
in_metrics() {
	till 20 has_metric weft_guard_spoof_in_total max || die "no spoof_in of max among the metrics"
	grep -E "weft_guard_.*max" "$scratch/metrics" | while read -r line; do note "$line"; done
}

leaves() {
	in_host nia weft-agent leave
	till 5 in_host nia sh -c '! pgrep -x weft-agent' || die "the agent still runs"
	dump nia >"$scratch/after"
	note "$(wc -l <"$scratch/before") lines compared, forwarding sysctls among them"
	diff -u "$scratch/before" "$scratch/after"
	till 5 in_host nia-lan ping -n -q -c 1 -W 1 10.3.0.1 || die "nia-lan does not reach its gateway any more"
}

lab_up -f "$here/fleets/lans.yaml" --bare >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
dump nia >"$scratch/before"
for n in lea max nia; do lab join $n; done
check "hosts of site LANs reach each other, v4 and v6, 1500 bytes DF" lan_hosts
check "a LAN host with a foreign source: dropped and counted where it leaves" lan_spoofs
check "a node in hostile hands: dropped and counted where it arrives" node_spoofs
check "a node that speaks as another in its own tunnel: nothing comes out, others go on" tunnel_spoofs
check "VXLAN never leaves but by the tunnel" no_leak
check "guard counters stand in the controller's metrics" in_metrics
check "after leave links, routes and sysctls of a routing host are as before" leaves
finish
