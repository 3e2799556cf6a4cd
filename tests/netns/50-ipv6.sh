#!/usr/bin/env bash
# Everything over an Internet of IPv6: names lead to IPv6 addresses, the controller is reached over IPv6.
#
#     kim ---- lou
#        \    /
#          moe          IPv4 between the hosts is cut, so that nothing can pass by it
. "$(dirname "$0")/lib.sh"
use_lab v6

pairs() {
	local n peer
	n=$(all_pairs 90 lan kim lou moe) || die "$n"
	note "$n pairs answer 1500 bytes with DF over v4 and v6, $(since "$applied") s after apply"
	for n in kim lou moe; do
		status $n '.controller | contains("[2001:db8:")' >/dev/null || die "$n reaches the controller by $(status $n .controller)"
		for peer in $(status $n '.peers[].endpoint'); do
			[[ $peer == \[2001:db8:* ]] || die "$n has the endpoint $peer"
		done
	done
	note "endpoints of kim: $(status kim '[.peers[].endpoint] | join(" ")')"
	in_host internet nft list table inet six | grep -E 'counter packets [0-9]+' | while read -r n; do note "$n"; done
}

moves() {
	local start
	lab move lou
	start=$(now_ms)
	till 40 answers kim "$(address lan lou 4)" || die "lou is not reachable at its new IPv6 address"
	note "lou at a new IPv6 address: kim reaches it after $(since "$start") s"
	[ $(($(now_ms) - start)) -lt 30000 ]
}

lab_up -f "$here/fleets/three.yaml" --ipv6 --bare >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
in_host internet nft -f - <<END
table inet six {
	chain forward {
		type filter hook forward priority -10;
		meta nfproto ipv4 counter drop
	}
}
END
applied=$(now_ms)
for n in kim lou moe; do lab join $n; done
check "all pairs over an IPv6 Internet, 1500 bytes DF" pairs
check "a host moves to a new IPv6 address" moves
finish
