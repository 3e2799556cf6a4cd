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

# The agent tries what the kernel can and says what it took.
wireguard() {
	local want kind
	want=$(wireguard_of kim)
	kind=$(kind_of kim "$(device kim wireguard/home)")
	note "kim: $want, the device is of the kind $kind"
	{ in_host kim weft-agent status || true; } | grep -x "wireguard   $want" >/dev/null || die "weft-agent status says $(status kim .wireguard)"
	case $want in
	kernel) [ "$kind" = wireguard ] ;;
	*) [ "$kind" = tun ] ;;
	esac
}

moves() {
	local start
	lab move lou
	start=$(now_ms)
	till 40 answers kim "$(address lan lou 4)" || die "lou is not reachable at its new IPv6 address"
	note "lou at a new IPv6 address: kim reaches it after $(since "$start") s"
	in_time $(($(now_ms) - start)) 30000
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
check "the agent takes the kernel's WireGuard where there is one, else wireguard-go, and says which" wireguard
check "a host moves to a new IPv6 address" moves
finish
