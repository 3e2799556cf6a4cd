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
	local host=$1 counter=$2 before after
	before=$(guard "$host" "$counter")
	shift 2
	"$@" >/dev/null 2>&1 || true
	after=$(guard "$host" "$counter")
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

# lea is in hostile hands: its agent stands still and its rails are gone.
node_spoofs() {
	local bad=0 pid to key
	pid=$(in_host lea pgrep -x -n weft-agent)
	in_host lea kill -STOP "$pid"
	in_host lea nft delete table inet weft
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
	# Inside the tunnel, a source that is not lea's overlay address: WireGuard itself drops it.
	in_host lea kill -CONT "$pid"
	till 6 guard lea spoof_in || die "lea's rails did not come back"
	in_host lea ip addr del 203.0.113.5/32 dev lo
	[ $bad = 0 ]
}
vni() {
	weft get segments lan --effective -o json |
		jq -er --arg a "$1" --arg b "$2" '[.. | .wires? // empty | .[] | select(.ends | sort == ([$a, $b] | sort))][0].vni'
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
check "VXLAN never leaves but by the tunnel" no_leak
check "guard counters stand in the controller's metrics" in_metrics
check "after leave links, routes and sysctls of a routing host are as before" leaves
finish
