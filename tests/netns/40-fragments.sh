#!/usr/bin/env bash
# A link that goes silent, and paths that lose fragments: the wires over them are clamped, and large transfers pass.
#
#     kim ----x---- lou      x: the Internet drops every fragment
#        \         /
#         \       /          the wires between kim, lou and moe form a loop
#           moe
. "$(dirname "$0")/lib.sh"
use_lab mtu

transfer() {
	in_host "$2" sh -c 'setsid iperf3 -s -1 -D >/dev/null 2>&1 </dev/null'
	till 5 in_host "$2" sh -c 'ss -ltn | grep :5201'
	in_host "$1" timeout $((10 * slow)) iperf3 -J -n 3M -c "$(address lan "$2" "${3:-4}")" >"$scratch/iperf" || return 1
	jq -r '.end.sum_received.bits_per_second / 1e6 | floor' "$scratch/iperf"
}
wire_mtu() { in_host "$1" cat "/sys/class/net/$(device "$1" "$2")/mtu"; }

whole() {
	local n
	n=$(all_pairs 60 lan kim lou moe) || die "$n"
	note "$n pairs answer 1500 bytes; wires carry $(wire_mtu kim wire/lan/lou); kim -> lou $(transfer kim lou) Mbit/s"
	[ "$(wire_mtu kim wire/lan/lou)" = 1500 ]
}

is_clamped() {
	local n
	for n in kim lou moe; do [ "$(wire_mtu $n bridge/lan)" -lt 1500 ] || return 1; done
}

clamped() {
	local start took n
	start=$(now_ms)
	in_host internet nft -f - <<-END
		table inet fragments {
			chain forward {
				type filter hook prerouting priority -450;
				ip frag-off & 0x3fff != 0 counter drop
				exthdr frag exists counter drop
			}
		}
	END
	! answers kim "$(address lan lou 4)" -s 1472 -M do >/dev/null || die "fragments are not dropped: this test proves nothing"
	till 150 is_clamped || die "no clamp: $(for n in kim lou moe; do echo "$n $(wire_mtu "$n" bridge/lan)"; done)"
	took=$(($(now_ms) - start))
	note "clamped $(seconds "$took") s after fragments began to be lost: wire kim-lou $(wire_mtu kim wire/lan/lou), bridges $(wire_mtu kim bridge/lan) $(wire_mtu lou bridge/lan) $(wire_mtu moe bridge/lan)"
	note "kim's peers: $(status kim '[.peers[] | "\(.key) path mtu \(.path_mtu) fragments \(.fragments)"] | join(", ")')"
	note "3 MB of TCP: kim -> lou $(transfer kim lou) Mbit/s, lou -> moe over v6 $(transfer lou moe 6) Mbit/s" || die "TCP does not pass"
	answers kim "$(address lan lou 4)" -M do -s $(($(wire_mtu kim bridge/lan) - 28)) >/dev/null || die "the clamped size does not pass"
	in_time "$took" 30000 || die "the black hole was found too late"
	in_host internet nft -j list table inet fragments | jq -e '[.nftables[].rule? // empty | .expr[].counter? // empty | .packets] | add > 0' >/dev/null
	weft get segments lan --effective -o yaml | grep -i mtu | while read -r n; do note "$n"; done
}

# The tree has a way around a link that goes silent.
cut() {
	local start took
	lab cut kim-lou
	start=$(now_ms)
	sleep 1
	till 40 answers kim "$(address lan lou 4)" || die "lou is cut off from kim"
	took=$(($(now_ms) - start))
	note "the link kim-lou cut: kim reaches lou around it after $(seconds $took) s (max_age 6 s, forward_delay 4 s)"
	in_time $took 25000 || die "that is more than the timers allow"
	lab heal kim-lou
	till 40 answers kim "$(address lan lou 4)" || die "lou is cut off from kim after the link healed"
}

lab_up -f "$here/fleets/three.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
check "1500 bytes pass as fragments of the outer packet" whole
check "a link goes silent: the tree finds the way around" cut
check "where fragments are lost, wires are clamped and large TCP passes" clamped
finish
