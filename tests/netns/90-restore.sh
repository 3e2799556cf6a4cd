#!/usr/bin/env bash
# The controller's host is lost; its backup comes up elsewhere, under another address, and the hosts find it.
#
#     kim --- lou        the Internet: 198.18.250.2 the controller of the rehearsal, which dies
#       \     /                        198.18.251.2 a second host, told to the agents before the move
#         moe                          198.18.252.2 a third one, of which nobody was told
. "$(dirname "$0")/lib.sh"
use_lab restore
nodes=(kim lou moe)
backup=$scratch/weft.tar
export ASAN_OPTIONS=detect_leaks=0 # the shell ends the controllers with -9

box_pid() { jq -er --arg box "$1" '.boxes[$box].pid' "/run/weft-lab/$LAB/lab.json"; }
digest() { in_host "$1" jq -r .digest /var/lib/weft-agent/desired.json; }
hubs() { in_host "$1" jq -c .hubs /var/lib/weft-agent/identity.json; }
knows() { hubs "$1" | grep -F "$2"; }
is_connected() { [ "$(status "$1" .connected)" = true ]; }
is_away() { [ "$(status "$1" .connected)" = false ]; }

# another_host INDEX: an empty host at 198.18.INDEX.2.
another_host() {
	local space=$LAB-$1
	ip netns add "$space"
	echo "$space" >>"$scratch/spaces"
	nsenter -t "$(box_pid internet)" -n ip link add "up$1" type veth peer name eth0 netns "/run/netns/$space"
	nsenter -t "$(box_pid internet)" -n sh -c "ip addr add 198.18.$1.1/24 dev up$1; ip link set up$1 up"
	ip netns exec "$space" sh -c "ip link set lo up; ip addr add 198.18.$1.2/24 dev eth0; ip link set eth0 up
		ip route add default via 198.18.$1.1"
	printf 'state_dir: %s\nadvertise: [198.18.%s.2]\n' "$scratch/$1/state" "$1" >"$scratch/$1.yaml"
	mkdir -p "$scratch/$1"
}
on() { ip netns exec "$LAB-$1" "${@:2}"; }
serve() {
	(exec ip netns exec "$LAB-$1" setsid weft-controller --config "$scratch/$1.yaml" run) >"$scratch/$1/log" 2>&1 </dev/null &
	echo $! >"$scratch/$1/pid"
}
# From here on `weft` speaks to the controller on that host.
speak_to() {
	export XDG_CONFIG_HOME=$scratch/$1/config
	unset WEFT_URL WEFT_TOKEN WEFT_CA WEFT_CONTEXT
	on "$1" weft-controller --config "$scratch/$1.yaml" reset-password admin >"$scratch/$1/password"
	# The running one looks for a new password once a second.
	till 10 sign_in "$1" || die "nobody can sign in at the restored controller"
}
sign_in() {
	on "$1" weft login "https://198.18.$1.2:8443" --user admin --password-stdin --ca-file "$scratch/$1/state/ca.crt" \
		<"$scratch/$1/password"
}
all_agree() {
	on "$1" weft status -o json |
		jq -e '[.. | objects | select(has("health") and has("lag"))] | length == 3 and all(.lag == 0 and .connected and .health == "ok")'
}
end_hosts() {
	local one
	for one in "$scratch"/*/pid; do [ ! -e "$one" ] || kill -9 "$(cat "$one")" 2>/dev/null; done
	[ ! -e "$scratch/spaces" ] || while read -r one; do ip netns del "$one"; done <"$scratch/spaces"
	rm -f "$scratch/spaces"
}
trap 'end_hosts; end_labs' EXIT

start_flows() {
	flow kim-lou kim "$lou4"
	flow moe-kim moe "$kim6"
	flow lou-moe lou "$moe4"
}
end_flows() {
	local one bad=0
	for one in kim-lou moe-kim lou-moe; do no_loss $one || bad=1; done
	[ $bad = 0 ]
}

told_before() {
	local n
	in_host controller sh -c "sed -i 's/advertise: \[/&\"198.18.251.2\", /' /etc/weft/controller.yaml; kill \$(pidof weft-controller)"
	for n in "${nodes[@]}"; do till 60 knows "$n" 198.18.251.2 || die "$n was not told: $(hubs "$n")"; done
	for n in "${nodes[@]}"; do till 60 is_settled "$n" || die "$n did not come back"; done
	note "kim knows $(hubs kim)"
}

backed_up() {
	for n in "${nodes[@]}"; do digest "$n"; done >"$scratch/digests"
	in_host controller weft-controller check
	in_host controller weft-controller backup - >"$backup"
	note "$(stat -c %s "$backup") bytes: $(tar tf "$backup" | tr '\n' ' ')"
}

# A change after the backup: it is lost with the old controller, and the hosts must go back with it.
lost_change() {
	printf 'segments:\n  late: {network: home, mode: bridge}\n' >"$scratch/late.yaml"
	weft apply -f "$scratch/late.yaml" >/dev/null
	for n in "${nodes[@]}"; do till 30 device "$n" bridge/late || die "$n did not take the change"; done
}

moved() {
	local start n
	start_flows
	kill -9 "$(box_pid controller)"
	start=$(now_ms)
	another_host 251
	on 251 weft-controller --config "$scratch/251.yaml" restore "$backup"
	on 251 weft-controller --config "$scratch/251.yaml" check >/dev/null
	serve 251
	for n in "${nodes[@]}"; do till 90 is_settled "$n" || die "$n did not find the restored controller: $(status "$n" .line)"; done
	note "all hosts are back $(since "$start") s after the old controller died"
	speak_to 251
	till 30 all_agree 251 || die "the controller sees it otherwise: $(on 251 weft status)"
	for n in "${nodes[@]}"; do digest "$n"; done | diff "$scratch/digests" - || die "the digests are not those of the backup"
	! device kim bridge/late >/dev/null || die "what the backup does not hold is still there"
	for n in "${nodes[@]}"; do till 10 knows "$n" 198.18.251.2; ! knows "$n" 198.18.250.2 || die "$n keeps the dead address"; done
	printf 'sites:\n  anew: {}\n' >"$scratch/anew.yaml"
	on 251 weft apply -f "$scratch/anew.yaml" >/dev/null || die "it takes no change"
	end_flows
}

# docs/backup.md, "the old address is gone and no name was used".
told_by_hand() {
	local n start
	start_flows
	on 251 weft-controller --config "$scratch/251.yaml" backup "$scratch/second.tar"
	[ "$(stat -c %a "$scratch/second.tar")" = 600 ]
	kill -9 "$(cat "$scratch/251/pid")"
	another_host 252
	on 252 weft-controller --config "$scratch/252.yaml" restore "$scratch/second.tar" >/dev/null
	serve 252
	for n in "${nodes[@]}"; do till 40 is_away "$n" || die "$n has a session with nobody"; done
	start=$(now_ms)
	for n in "${nodes[@]}"; do
		in_host "$n" sh -c 'mkdir -p /etc/weft; echo "controllers: [\"198.18.252.2:8444\"]" | tee -a /etc/weft/agent.yaml; kill $(pidof weft-agent)'
	done >/dev/null
	for n in "${nodes[@]}"; do till 60 is_settled "$n" || die "$n did not find it: $(status "$n" .line)"; done
	note "all hosts are back $(since "$start") s after the one line was run on each"
	for n in "${nodes[@]}"; do till 10 knows "$n" wss://198.18.252.2 || die "$n did not learn the list: $(hubs "$n")"; done
	speak_to 252
	till 30 all_agree 252 || die "the controller sees it otherwise"
	end_flows
}

lab_up -f "$here/fleets/three.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
all_pairs 60 lan "${nodes[@]}" >/dev/null
lou4=$(overlay home lou 4) kim6=$(overlay home kim 6) moe4=$(address lan moe 4)
check "the agents are told of the second host while all is well" told_before
check "a backup is made beside the running controller, which is sound" backed_up
check "a change comes after the backup" lost_change
check "the controller dies, its backup serves on another host, all agree, traffic never stopped" moved
check "to an address of which nobody was told, by one line on each host" told_by_hand
end_hosts
finish
