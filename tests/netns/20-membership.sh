#!/usr/bin/env bash
# Hosts come and go; what they do not concern does not notice.
#
#     ada --- ben          five hosts, every one linked with every other; flo joins later, eve is deleted,
#      | \   / |           dee leaves. dee has a firewall, a bridge and a VXLAN of its own that Weft must
#     eve  X  cyd          not touch.
#      |  / \  |
#     dee --- flo
. "$(dirname "$0")/lib.sh"
use_lab members
first=(ada ben cyd dee eve)

strangers() {
	in_host dee sh -c '
		ip link add br0 type bridge forward_delay 200; ip addr add 172.30.0.1/24 dev br0; ip link set br0 up
		ip link add vxlan7 type vxlan id 7 dstport 8472 local 198.18.4.2 remote 198.18.4.1; ip link set vxlan7 master br0 up
		ip route add 172.31.0.0/16 via 172.30.0.2 table 100; ip rule add from 172.30.0.0/24 table 100 priority 500
		nft -f -' <<-END
		table inet filter {
			chain input {
				type filter hook input priority 0; policy accept;
				tcp dport 9 drop
			}
		}
	END
}

everybody() {
	local n
	n=$(all_pairs 60 lan "$@") || die "$n"
	note "$n pairs answer"
}

# Between those who were there already, with 20 echoes a second each way.
sixth_joins() {
	local at f
	for at in "ada ben 4" "ben cyd 6" "cyd dee 4" "dee eve 6" "eve ada 4" "ben eve 4" "ada dee 6"; do
		read -r a b f <<<"$at"
		flow "$a-$b" "$a" "$(address lan "$b" "$f")"
	done
	sed 's/mesh: \[/&flo, /' "$here/fleets/six.yaml" >"$scratch/six.yaml"
	weft apply -f "$scratch/six.yaml" >/dev/null
	lab join flo
	everybody "${first[@]}" flo
	# The tree has settled after two forward delays of 4 s.
	sleep 8
	for at in ada-ben ben-cyd cyd-dee dee-eve eve-ada ben-eve ada-dee; do no_loss $at || lost=1; done
	[ -z "${lost:-}" ]
}

# What the kernel learned by itself, neighbours, forwarding entries and who has spoken on a wire, ages in the kernel.
deleted() {
	local n left key mac marks=() bad=0
	key=$(in_host eve wg show all public-key | cut -f2)
	mac=$(in_host eve ip -j link show "$(device eve bridge/lan)" | jq -r '.[0].address')
	marks=("$key" "$mac" /eve "$(overlay home eve 4)" "$(overlay home eve 6)" "$(address lan eve 4)" "$(address lan eve 6)")
	in_host ada nft list table inet weft | grep "$mac" >/dev/null || die "eve's MAC is not where this test looks for it"
	flow "ada-cyd" ada "$(address lan cyd 4)"
	sed -i -e 's/, eve//' -e '/^  eve:/d' "$scratch/six.yaml"
	weft apply -f "$scratch/six.yaml" --prune >/dev/null
	for n in ada ben cyd dee flo; do
		till 10 is_settled $n || die "$n is not settled"
		left=$(in_host $n sh -c 'wg show all; ip -d link; ip route show table all; ip -6 route show table all; nft list ruleset; bridge link; ip addr' |
			sed "$aged" |
			grep -Ew "$(IFS='|'; sed 's/[+.]/\\&/g' <<<"${marks[*]}")" || true)
		[ -z "$left" ] || { note "$n still has: $left"; bad=1; }
	done
	sleep 3
	no_loss ada-cyd
	! answers eve "$cyd4" >/dev/null || die "eve still reaches cyd"
	note "looked for ${#marks[@]} marks of eve on 5 nodes"
	[ $bad = 0 ]
}

leaves() {
	in_host dee weft-agent leave
	weft get nodes dee -o json >/dev/null
	till 5 in_host dee sh -c "! pgrep -x weft-agent" || die "the agent still runs"
	dump dee >"$scratch/after"
	note "$(wc -l <"$scratch/before") lines of links, addresses, routes, rules, nft, sysctls, resolver and files compared"
	diff -u "$scratch/before" "$scratch/after"
}

lab_up -f "$here/fleets/six.yaml" --bare >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
strangers
dump dee >"$scratch/before"
for n in "${first[@]}"; do lab join "$n"; done
check "five of six hosts reach each other" everybody "${first[@]}"
tree_rests lan "${first[@]}"
check "a sixth joins: no flow loses a packet" sixth_joins
cyd4=$(address lan cyd 4)
check "a deleted node leaves nothing of it on the others" deleted
check "after leave the host is as it was before join" leaves
finish
