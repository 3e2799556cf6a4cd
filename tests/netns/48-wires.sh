#!/usr/bin/env bash
# A wire is up when it forwards: one whose link is well, but whose VXLAN is filtered away, is called dead, and the tree goes
# round it.
#
#     kim ----x---- lou      x: between these two VXLAN is dropped, nothing else
#        \         /
#           moe
. "$(dirname "$0")/lib.sh"
use_lab wires

# What HOST says of its wire to NODE.
told() { { in_host "$1" weft-agent status --json || true; } | jq -er --arg k "wire/lan/$2" '.wires[] | select(.key == $k)'; }
is_told() { [ "$(told "$1" "$2" | jq -r .state)" = "$3" ]; }
events_of() { weft events -n 100 -o json | jq -er --argjson id "$1" --arg n "$2" --arg k "$3" '[.[] | select(.id > $id and .node == $n and .kind == $k)][0].text'; }
agents() { for n in kim lou moe; do in_host $n pgrep -x weft-agent; done | paste -sd' '; }

come_up() {
	local a b
	for a in kim lou moe; do
		for b in kim lou moe; do [ $a = $b ] || till 30 is_told $a $b up || die "$a-$b: $(told $a $b)"; done
	done
	note "six ends of wires are up: $(told kim lou | jq -r .cause)"
	till 30 answers kim "$(address lan lou 4)" || die "the LAN carries nothing"
	stays_on_it
}
# On the wire between moe and lou are the probes of these two and nobody else's: no bridge passes them on.
stays_on_it() {
	local wire
	wire=$(device moe wire/lan/lou)
	in_host moe timeout 4 tcpdump -nn -e -i "$wire" ether proto 0x88b5 2>/dev/null | grep ' > ' >"$scratch/frames" || true
	[ "$(wc -l <"$scratch/frames")" -ge 6 ] || die "no probes on the wire: this proves nothing"
	! grep -v -e "$(mac_of moe lou) >" -e "$(mac_of lou moe) >" "$scratch/frames" || die "probes of other wires came by"
}
mac_of() { in_host "$1" ip -j link show "$(device "$1" "wire/lan/$2")" | jq -r '.[0].address'; }

filtered() {
	local id before cut port
	before=$(agents)
	port=$(in_host kim ip -j -d link show "$(device kim wire/lan/lou)" | jq -r '.[0].linkinfo.info_data.port')
	id=$(last_event)
	in_host kim nft -f - <<<"table inet filtered { chain i { type filter hook input priority -400; iifname $(device kim wireguard/home) ip saddr $(overlay home lou 4) udp dport $port drop; }; }"
	cut=$(now_ms)
	for n in kim lou; do
		till 20 events_of "$id" $n wire_down || die "$n does not notice: $(told kim lou), $(told lou kim)"
	done
	note "told after $((($(now_ms) - cut))) ms: $(events_of "$id" kim wire_down)"
	is_state kim lou up && is_state lou kim up || die "the link went down: this proves nothing"
	is_told kim lou down || till 10 is_told kim lou down || die "$(told kim lou)"
	till 20 answers kim "$(address lan lou 4)" || die "the tree does not go round it"
	note "kim reaches lou by way of moe $((($(now_ms) - cut))) ms after the cut"
	id=$(last_event)
	in_host kim nft delete table inet filtered
	for n in kim lou; do till 30 events_of "$id" $n wire_up || die "$n does not notice that it is over: $(told $n lou)"; done
	till 20 answers kim "$(address lan lou 4)" || die "the LAN carries nothing"
	note "over: $(events_of "$id" kim wire_up)"
	[ "$before" = "$(agents)" ] || die "an agent died"
}

# A link that is down is one event, not two: its wires go with it.
with_the_link() {
	local id
	id=$(last_event)
	in_host internet nft -f - <<<"table inet cut { chain f { type filter hook forward priority -5; iifname up1 oifname up2 drop; iifname up2 oifname up1 drop; }; }"
	till 10 is_state kim lou down || die "the cut is not noticed"
	till 15 is_told kim lou down || die "$(told kim lou)"
	[ "$(told kim lou | jq -r .cause)" = "its link is not up" ] || die "$(told kim lou)"
	in_host internet nft delete table inet cut
	till 40 is_told kim lou up || die "$(told kim lou)"
	! events_of "$id" kim wire_down >/dev/null || die "it is told twice"
}

cat >"$scratch/fleet.yaml" <<'END'
nodes:
  kim: {address: kim.example.net}
  lou: {address: lou.example.net}
  moe: {address: moe.example.net}
networks:
  home: {mesh: [kim, lou, moe], probe: {hold_down: 0s}}
segments:
  lan: {network: home}
END
lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
check "wires come up by probes of their own, which stay on them" come_up
check "a wire that is filtered while its link is well: told, and the tree goes round it" filtered
check "a link that is down takes its wires along, without a word of theirs" with_the_link
finish
