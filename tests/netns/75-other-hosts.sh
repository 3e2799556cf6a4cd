#!/usr/bin/env bash
# Beside other people's rules, tunnels and bridges: traffic, or the sentence that names what is in the way and its cure.
# The rules are what Docker 20.10, ufw 0.36 and firewalld 1.3 really make (rules/).
#
#     controller        every one linked with every other; ned behind a NAT
#    /   |   |   \
#  kim  lou moe  ned
. "$(dirname "$0")/lib.sh"
for tool in iptables-restore iptables-save; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
use_lab others

# Looks for conflicts every 2 s instead of every minute.
hasten() { in_host "$1" sh -c 'mkdir -p /etc/weft && echo "conflicts_every: 2s" >/etc/weft/agent.yaml'; }
join_all() {
	local one
	for one in kim lou moe ned; do
		hasten $one
		lab join $one >/dev/null
	done
	for one in kim lou moe ned; do till 30 is_settled $one || die "$one does not settle"; done
}

not() { ! "$@"; }

# finding HOST TEXT: the finding whose text has TEXT, as JSON, from the status.
finding() { status "$1" "[.findings // [] | .[] | select(.text | contains(\"$2\"))][0]"; }
# named HOST TEXT: waits until it is found; prints the sentence. unnamed: until it has gone.
named() {
	till 12 finding "$1" "$2" || die "$1 does not name \"$2\": $(status "$1" '.findings // []')"
	note "$1: $(finding "$1" "$2" | jq -r '"\(.text); \(.cure)"')"
}
unnamed() { till 12 not finding "$1" "$2" || die "$1 still names \"$2\""; }
# cure HOST TEXT: the command that the finding tells.
cure() { finding "$1" "$2" | jq -r .cure; }

# The bridge at the top of the tree passes on what two others send each other.
root() {
	local one
	for one in kim lou moe; do
		[ "$(in_host $one cat "/sys/class/net/$(device $one bridge/lan)/bridge/root_port")" != 0 ] || { echo $one && return; }
	done
	return 1
}

fleet_says() { weft status | grep -F "$1"; }
declare -A port=([kim]=up1 [lou]=up2 [moe]=up3 [ned]=up4)
# only_by add|delete HOST TOP: of all the others, HOST reaches only TOP on the Internet.
only_by() {
	local one
	for one in kim lou moe ned; do
		[[ $one = "$2" || $one = "$3" ]] ||
			in_host internet nft "$1" element inet lab links "{ ${port[$2]} . ${port[$one]}, ${port[$one]} . ${port[$2]} }"
	done
}
docker() {
	local top a b before to
	top=$(root)
	read -r a b < <(printf '%s\n' kim lou moe | grep -vx "$top" | paste -sd' ')
	only_by add "$a" "$top"
	to=$(address lan "$b" 4)
	till 30 answers "$a" "$to" || die "$a does not reach $b by way of $top"
	before=$(last_event)
	in_host "$top" sysctl -qw net.bridge.bridge-nf-call-iptables=1
	in_host "$top" iptables-restore <"$here/rules/docker.rules"
	named "$top" "Docker's policy drops what the bridge"
	till 5 has_event "$top" "Docker's policy drops" "$before" || die "no event"
	till 5 fleet_says "Docker's policy drops" || die "weft status does not say it: $(weft status)"
	[ "$(status "$top" .ok)" = false ] || die "the status is ok all the same"
	till 10 not answers "$a" "$to" || die "Docker's policy drops nothing"
	in_host "$top" sh -c "$(cure "$top" "Docker's policy drops")" || die "the cure does not run"
	till 20 answers "$a" "$to" || die "the cure does not help"
	unnamed "$top" "Docker's policy drops"
	till 5 has_event "$top" "no more: Docker's policy drops" "$before" || die "no event of its end"
	in_host "$top" sh -c 'iptables -P FORWARD ACCEPT; iptables -F; iptables -X; iptables -t nat -F; iptables -t nat -X'
	only_by delete "$a" "$top"
	heals "$a"
	all_pairs 30 lan kim lou moe >/dev/null
}

# What `ufw allow ARG...` adds.
ufw_rule() {
	case "$1" in
	*" route "*) sed -E 's/ufw route allow in on (\S+) out on (\S+)/iptables -A ufw-user-forward -i \1 -o \2 -j ACCEPT/' <<<"$1" ;;
	*" in on "*) sed -E 's/ufw allow in on (\S+) to any port ([0-9]+) proto udp/iptables -A ufw-user-input -i \1 -p udp -m udp --dport \2 -j ACCEPT/' <<<"$1" ;;
	*) sed -E 's/ufw allow ([0-9]+)\/udp/iptables -A ufw-user-input -p udp -m udp --dport \1 -j ACCEPT/' <<<"$1" ;;
	esac
}
ufw() {
	local to line
	to=$(address lan lou 4)
	in_host lou iptables-restore <"$here/rules/ufw.rules"
	named lou "ufw drops the wires' VXLAN"
	named lou "ufw drops the links' probes"
	named lou "ufw drops what peers send first"
	# Conntrack lets answers in; kim's own frames are none.
	till 60 not answers kim "$to" || die "ufw drops nothing"
	status lou '.findings[] | select(.text | startswith("ufw")) | .cure' >"$scratch/cures"
	while read -r line; do in_host lou sh -c "$(ufw_rule "$line")" </dev/null; done <"$scratch/cures"
	till 40 answers kim "$to" || die "the cure does not help"
	unnamed lou "ufw drops"
	in_host lou sh -c 'iptables -P INPUT ACCEPT; iptables -P FORWARD ACCEPT; iptables -F; iptables -X'
}

firewalld() {
	in_host moe nft -j -f - <"$here/rules/firewalld.json"
	named moe "firewalld drops the wires' VXLAN"
	[[ $(cure moe VXLAN) == *"--zone=trusted --add-interface=$(device moe wireguard/home)"* ]] || die "no cure"
	# What the zone "trusted" does.
	in_host moe nft insert rule inet firewalld filter_INPUT iifname "$(device moe wireguard/home)" accept
	unnamed moe "the wires' VXLAN"
	till 40 answers kim "$(address lan moe 4)" || die "the cure does not help"
	in_host moe nft delete table inet firewalld
	unnamed moe "firewalld"
}

same_subnet() {
	local peer
	peer=$(overlay home lou 4)
	in_host kim sh -c 'ip link add wg0 type bridge && ip link set wg0 up && ip route add "$0/32" dev wg0' "$peer"
	named kim "but this host sends it by wg0"
	in_host kim ip link delete wg0
	unnamed kim "wg0"
	till 20 answers kim "$peer" || die "kim does not reach lou"
}

is_in() { [ "$(in_host kim ip -j link show "$1" | jq -r '.[0].master')" = "$2" ]; }
foreign_bridge() {
	local wire
	wire=$(device kim wire/lan/lou)
	in_host kim sh -c 'ip link add br9 type bridge && ip link add foreign0 type veth peer name foreign1 && ip link set foreign0 master br9 && ip link set br9 up'
	in_host kim ip link set "$wire" master br9
	till 10 is_in "$wire" "$(device kim bridge/lan)" || die "the port is still in br9"
	is_in foreign0 br9 || die "br9 lost its own port"
	in_host kim sh -c 'ip link delete br9; ip link delete foreign0'
}

# While the agent of HOST is held, what it made goes, so that somebody else comes first.
signal_agent() { in_host "$1" sh -c 'kill -'"$2"' $(pgrep -x -o weft-agent)'; }
clear_out() {
	local one
	signal_agent "$1" STOP
	for one in wire bridge wireguard; do
		in_host "$1" sh -c 'for d in $(ip -j link | jq -r ".[] | select(.ifalias // \"\" | startswith(\"weft:$0/\")) | .ifname"); do ip link delete $d; done' $one
	done
}
holds() { # HOST PORT: a program that has the port
	setsid weft lab exec --lab "$LAB" "$1" -- python3 -c "
import socket, time
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try:
        a.bind(('', $2)); break
    except OSError: time.sleep(0.05)
open('/run/holder', 'w').write(str(__import__('os').getpid()))
time.sleep(60)" >/dev/null 2>&1 </dev/null &
	till 5 in_host "$1" test -e /run/holder
}
let_go() { in_host "$1" sh -c 'kill $(cat /run/holder); rm /run/holder'; }
says() { status "$1" '[.errors[].text] | join("|")' | grep -F "$2"; }
heals() { till 40 is_settled "$1" || die "$1 does not recover: $(status "$1" .line)"; }

ports() {
	local vni
	vni=$(in_host moe ip -j -d link show "$(device moe wire/lan/kim)" | jq '.[0].linkinfo.info_data.id')
	clear_out moe
	holds moe 51820
	signal_agent moe CONT
	till 20 says moe "UDP port 51820 is taken by" || die "the taken port is not named: $(status moe .line)"
	note "moe: $(status moe .line)"
	let_go moe
	heals moe
	clear_out moe
	holds moe 4789
	signal_agent moe CONT
	till 20 says moe "UDP port 4789, which carries the wires, is taken" || die "the taken VXLAN port is not named: $(status moe .line)"
	note "moe: $(says moe 4789 | tr '|' '\n' | head -1)"
	let_go moe
	heals moe
	clear_out moe
	in_host moe ip link add foreign9 type vxlan id "$vni" remote "$(overlay home kim 4)" dstport 4789 noudpcsum
	signal_agent moe CONT
	till 20 says moe "VNI $vni on UDP port 4789 is in use by the interface foreign9" || die "the VNI is not named: $(status moe .line)"
	note "moe: $(says moe foreign9 | tr '|' '\n' | head -1)"
	in_host moe ip link delete foreign9
	heals moe
	in_host moe sh -c 'ip link add foreign9 type vxlan id 77 remote 192.0.2.9 dstport 4789 && ip link delete foreign9' || die "another VXLAN on the same port is refused"
}

control_rule() { in_host lou ip -j rule show | jq -e --argjson p "$1" '.[] | select(.protocol == "87" and .priority == $p)'; }
told_by_doctor() { in_host lou sh -c 'weft-agent doctor || true' | grep -F "$1"; }
# Marks and priorities are numbers that all programs of a host share.
numbers() {
	till 10 control_rule 1 || die "lou has no rule for its connection"
	in_host lou ip rule add fwmark 0x30000000/0x30000000 lookup 100 priority 50
	till 10 says lou "control.mark: 0x10000000/0x10000000 is also what another program's rule of priority 50 looks for: choose another" ||
		die "the mark in use is not named: $(status lou .line)"
	told_by_doctor "control.mark: 0x10000000" || die "the doctor does not name the mark"
	answers lou "$(overlay home kim 4)" || die "lou lost kim for a mark"
	in_host lou ip rule del priority 50
	heals lou
	# Another has the priority before the agent starts; the cure that the line tells works.
	in_host lou sh -c 'kill -STOP $(pgrep -x -o weft-agent); ip rule del priority 1; ip rule add from 192.0.2.0/24 lookup 100 priority 1'
	in_host lou sh -c 'kill -9 $(pgrep -x -o weft-agent)'
	till 20 says lou "control.priority: 1 is the priority of another program's rule (ip rule show): choose another in agent.yaml" ||
		die "the priority in use is not named: $(status lou .line)"
	told_by_doctor "control.priority: 1" || die "the doctor does not name the priority"
	answers lou "$(overlay home kim 4)" || die "lou lost kim for a priority"
	in_host lou sh -c 'echo "control: {priority: 2}" >>/etc/weft/agent.yaml; kill -9 $(pgrep -x -o weft-agent)'
	till 20 control_rule 2 || die "the cure does not help"
	heals lou
	in_host lou ip rule show priority 1 | grep -F 192.0.2.0/24 || die "the rule of others is gone"
	in_host lou ip rule del priority 1
	hasten lou
	in_host lou sh -c 'kill -9 $(pgrep -x -o weft-agent)'
	till 20 control_rule 1 || die "lou's rule does not come back"
	heals lou
}

full_table() {
	local before after
	in_host lou sh -c 'python3 -c "
for i in range(30000): print(\"route add 100.%d.%d.%d/32 dev lo proto bgp\" % (64 + i // 65536, i // 256 % 256, i % 256))" | ip -batch -'
	in_host lou ip route del "$(weft get networks home --effective -o json | jq -r '[.. | .pool? // empty][0][0]')" proto 87 metric 256
	before=$(now_ms)
	till 10 answers lou "$(overlay home kim 4)" || die "Weft's route does not come back beside 30,000 others"
	note "beside 30,000 routes Weft's own came back in $(since "$before") s"
	before=$(in_host lou sh -c 'awk "{ print \$14 + \$15 }" /proc/$(pgrep -x weft-agent | head -1)/stat')
	sleep 6
	after=$(in_host lou sh -c 'awk "{ print \$14 + \$15 }" /proc/$(pgrep -x weft-agent | head -1)/stat')
	note "the agent used $(((after - before) * 10)) ms of CPU in 6 s beside them"
	[ $((after - before)) -lt 200 ] || die "that is too much"
	in_host lou sh -c 'ip route flush proto bgp'
}

managers() {
	in_host ned sh -c 'mkdir -p /run/systemd/netif /run/NetworkManager && touch /run/systemd/netif/state'
	named ned "systemd-networkd removes routes that it did not make"
	named ned "NetworkManager is not told"
	in_host ned sh -c 'mkdir -p /etc/systemd/networkd.conf.d /etc/NetworkManager/conf.d && cat >/etc/systemd/networkd.conf.d/10-weft.conf' <"$root/deploy/systemd/network/networkd.conf"
	in_host ned sh -c 'cat >/etc/NetworkManager/conf.d/weft.conf' <"$root/deploy/systemd/network/networkmanager.conf"
	unnamed ned "systemd-networkd"
	unnamed ned "NetworkManager"
	# Whoever overrules it is found out.
	in_host ned sh -c 'printf "[Network]\nManageForeignRoutes=yes\n" >/etc/systemd/networkd.conf.d/50-mine.conf'
	named ned "ManageForeignRoutes is on"
	in_host ned rm -r /run/systemd /run/NetworkManager /etc/systemd/networkd.conf.d /etc/NetworkManager/conf.d
}

# line REPORT CHECK TEXT: the grade of the line.
grade() { jq -er --arg c "$2" --arg t "$3" '[.lines[] | select(.check == $c and (.text | contains($t)))][0].grade' "$1"; }
doctor() {
	local report=$scratch/report one
	weft doctor kim -o json >"$report" || die "kim is not well: $(jq -c '.lines[] | select(.grade == "bad")' "$report")"
	for one in agent versions dns mtu peers udp clock firewall routes managers kernel disk leftovers; do
		jq -e --arg c $one 'any(.lines[]; .check == $c)' "$report" >/dev/null || die "nothing is said about $one"
	done
	[ "$(grade "$report" udp "UDP from lou reaches port 51820 here")" = ok ]
	[ "$(grade "$report" udp "UDP from here reaches moe")" = ok ]
	[ "$(grade "$report" udp "there is no NAT")" = ok ]
	weft doctor ned -o json >"$report" || die "ned is not well: $(jq -c '.lines[] | select(.grade == "bad")' "$report")"
	note "ned: $(jq -r '.lines[] | select(.text | startswith("behind a NAT")) | .text' "$report")"
	jq -e 'any(.lines[]; .text | contains("behind a NAT"))' "$report" >/dev/null || die "the NAT is not seen"
	jq -e 'any(.lines[]; .text | contains("does not come in unasked"))' "$report" >/dev/null || die "ned is said to be open"
}
closed_port() {
	local report=$scratch/report status=0
	in_host kim nft -f - <<-'END'
		add table inet mine
		add chain inet mine input { type filter hook input priority 0; }
		add rule inet mine input udp dport 51820 ct state new drop
	END
	weft doctor kim -o json >"$report" || status=$?
	note "kim: $(jq -r '.lines[] | select(.grade != "ok" and .check == "udp") | .text' "$report" | head -1)"
	[ $status = 1 ] || die "exit status $status"
	[ "$(grade "$report" udp "arrives at this host, but its own firewall drops it")" = bad ]
	[ "$(grade "$report" firewall "nftables drops what peers send first to UDP port 51820")" = warn ]
	in_host kim nft delete table inet mine
}
no_controller() {
	local report=$scratch/report status=0
	in_host moe sh -c 'kill -STOP $(pgrep -x weft-agent | head -1)'
	in_host moe sh -c 'mv /run/weft-agent/control.sock /run/weft-agent/away'
	in_host moe weft-agent doctor >"$report" || status=$?
	in_host moe sh -c 'mv /run/weft-agent/away /run/weft-agent/control.sock; kill -CONT $(pgrep -x weft-agent | head -1)'
	[ $status = 1 ] || die "exit status $status"
	grep "^bad .*agent .*does not run" "$report" >/dev/null || die "it does not say so: $(cat "$report")"
	grep "^ok .*clock " "$report" >/dev/null || die "the clock is not compared"
}

# Every secret of the lab, one a line: private keys of hosts, controller and CA, tokens, passwords, enrolment keys.
secrets() {
	local one
	for one in kim lou moe ned; do in_host $one sh -c 'cat /var/lib/weft-agent/wg.key; sed -n 2,3p /var/lib/weft-agent/agent.key'; done
	printf '%s\n' "$1" "$2" top-secret-word-4711
	grep -rhoE "weft[a-z]_[A-Za-z0-9_-]{20,}" "$XDG_CONFIG_HOME" || die "the lab keeps no token"
	find "/run/weft-lab/$LAB" -name '*.key' -size -20k -exec sed -n 2,3p {} + 2>/dev/null
	true
}
bundles() {
	local key line found=0
	key=$(weft node add kim -o json | jq -er .key)
	printf top-secret-word-4711 | weft secret set lab >/dev/null
	weft bundle "$scratch/fleet.tar.gz" >/dev/null
	in_host kim sh -c 'weft-agent bundle /run/host.tar.gz >/dev/null && cat /run/host.tar.gz' >"$scratch/host.tar.gz"
	mkdir "$scratch/unpacked"
	tar -xzf "$scratch/fleet.tar.gz" -C "$scratch/unpacked"
	tar -xzf "$scratch/host.tar.gz" -C "$scratch/unpacked"
	for line in fleet:state.json fleet:history.json fleet:log.json fleet:metrics.txt fleet:node-kim.json host:doctor.txt host:agent.json host:nft-weft.txt host:ip-route4.txt host:ip-link.json; do
		[ -s "$(echo "$scratch"/unpacked/*/"${line#*:}")" ] || die "$line is missing or empty"
	done
	grep -q "chain vxlan_input" "$scratch"/unpacked/*/nft-weft.txt || die "Weft's rules are not in it"
	jq -e '.nodes | length == 4' "$scratch"/unpacked/*/state.json >/dev/null || die "the state is not in it"
	jq -e '.items | length > 0' "$scratch"/unpacked/*/log.json >/dev/null || die "the events are not in it"
	secrets "$key" "$(cut -d. -f2 <<<"$key")" | grep -E '.{12}' >"$scratch/secrets"
	[ "$(wc -l <"$scratch/secrets")" -ge 12 ] || die "only $(wc -l <"$scratch/secrets") secrets are known"
	if grep -rFf "$scratch/secrets" "$scratch/unpacked" >"$scratch/leaks"; then die "secrets are in it: $(cut -c1-200 "$scratch/leaks" | head -3)"; fi
	note "$(find "$scratch/unpacked" -type f | wc -l) files, none holds any of $(wc -l <"$scratch/secrets") secrets; $(du -ck "$scratch"/*.tar.gz | tail -1 | cut -f1) kB packed"
}

lab_up -f "$here/fleets/others.yaml" --nat ned --bare >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
join_all
all_pairs 60 lan kim lou moe >/dev/null
check "doctor says how a node is reached, and what kind of NAT it is behind" doctor
check "doctor tells a closed port of this host from one that is not forwarded" closed_port
check "doctor works without the agent" no_controller
check "beside Docker: named, and cured by the line it tells" docker
check "beside ufw: named, and cured by the lines it tells" ufw
check "beside firewalld: named, and cured by what the line does" firewalld
check "beside another tunnel with the same subnet: named" same_subnet
check "beside another bridge: a port it takes comes back, its own stay" foreign_bridge
check "taken UDP port, taken VXLAN port, VNI in use: each named, and healed when free" ports
check "the same mark or priority as others: named by agent and doctor, cured by the line" numbers
check "beside 30,000 routes" full_table
check "beside systemd-networkd and NetworkManager: the shipped settings are looked for" managers
check "bundles hold what a report needs and no secret of the lab" bundles
finish
