#!/usr/bin/env bash
# The agent is killed in the middle of what it does, again and again: it ends where it would have without.
#
#     ada --- ben        `home` and its segment `lan` stand all the time and carry the flows that must lose nothing;
#       \     /          on `side` and its segment `more` ada and ben come and go by every apply, and in each their
#         cyd            agents are killed with SIGKILL, each at a moment of its own.
#
# WEFT_KILLS: how many kills (default 10; the long proof takes 50). WEFT_SEED: repeats a run's moments.
. "$(dirname "$0")/lib.sh"
use_lab killed
kills=${WEFT_KILLS:-10}
RANDOM=${WEFT_SEED:=$RANDOM}
victims=(ada ben)

# The resources stay, so that names, addresses and VNIs do too; only who takes part changes.
fleet() {
	sed 's/kim/ada/g; s/lou/ben/g; s/moe/cyd/g' "$here/fleets/three.yaml" |
		sed -e 's/^segments:/&\n  more: {network: side, mode: bridge}/' -e 's/^networks:/&\n  side: {mesh: [ada, ben, cyd]}/' >"$scratch/with.yaml"
	sed 's/side: {mesh: .*/side: {mesh: [cyd]}/' "$scratch/with.yaml" >"$scratch/without.yaml"
}

revision() { weft history -n 1 -o json | jq '.[0].revision'; }

# At REVISION, or the one after it that moves a tree's root, by the agent and by the controller, which compare digests.
is_at() {
	[ "$(status "$1" '.connected and (.errors | length == 0) and .revision >= '"$2")" = true ] &&
		weft status -o json | jq -e --arg n "$1" --argjson r "$2" \
			'any(.. | objects | select(.name? == $n and has("lag")); .applied >= $r and .lag == 0 and .errors_total == 0 and .health == "ok")'
}

# picture HOST: all that Weft made there, without what counts, ages, is numbered anew, or waits for a confirmation.
picture() {
	in_host "$1" sh -c '
		ip -j -d link | jq -c "sort_by(.ifname)[] | [.ifname, .ifalias, .group, .mtu, .master, .link, (.flags - [\"LOWER_UP\", \"NO-CARRIER\"] | sort),
			.linkinfo.info_kind, .linkinfo.info_data.id?, .linkinfo.info_data.remote?, .linkinfo.info_data.local?]"
		ip -j addr | jq -c ".[] | .ifname as \$d | .addr_info[] | [\$d, .local, .prefixlen, .scope]" | sort
		for f in -4 -6; do ip $f route show table all | sed "s/ expires [0-9]*sec//; s/ linkdown//" | sort; ip $f rule; done
		wg show all allowed-ips | sort; wg show all listen-port | sort
		nft list ruleset | sed -E "s/packets [0-9]+ bytes [0-9]+/packets N bytes N/"
		find /var/lib/weft-agent /run/weft-agent /run/wireguard ! -type d ! -name "before.json*" ! -name lockout.json | sort' | sed "$aged"
}

# The agent's process as this script sees it.
pid_of() {
	local space pid
	space=$(in_host "$1" readlink /proc/self/ns/net)
	for pid in $(pgrep -x weft-agent); do
		[ "$(readlink "/proc/$pid/ns/net")" != "$space" ] || echo "$pid"
	done
}

# What the dead agent of a host had done of REVISION: nothing, some or all.
progress() {
	local host=$1 revision=$2 reference=$3
	[ "$(jq .revision "/run/weft-lab/$LAB/$host/var/lib/weft-agent/desired.json")" = "$revision" ] || { echo before; return; }
	picture "$host" >"$scratch/amid"
	if cmp -s "$scratch/amid" "$reference"; then echo after; else echo amid; fi
}

converged() {
	local host=$1 kind=$2 revision=$3
	till 30 is_at "$host" "$revision" || die "$host is not at revision $revision: $(status "$host" .line)"
	# An address of a bridge made anew has its routes when nobody has objected to it.
	till 10 is_quiet "$host" || true
	picture "$host" >"$scratch/$host.now"
	diff -u "$scratch/$host.$kind" "$scratch/$host.now" || die "$host is not as it was without a kill"
}

apply() { weft apply -f "$scratch/$1.yaml" --prune >/dev/null; }

# Both states without any kill: what each host looks like, and how long an apply takes.
references() {
	local kind host start
	for kind in with without with without; do
		start=$(now_ms)
		apply $kind
		for host in "${victims[@]}"; do till 30 is_at "$host" "$(revision)" || die "$host does not settle"; done
		echo $(($(now_ms) - start)) >"$scratch/took.$kind"
		for host in "${victims[@]}"; do
			till 10 is_quiet "$host" || true
			picture "$host" >"$scratch/$host.$kind"
		done
	done
	note "apply with all applied: $(cat "$scratch/took.with") ms, taken back: $(cat "$scratch/took.without") ms"
}

# kill_after MS PID
kill_after() {
	sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
	kill -9 "$2"
}

killed() {
	local n=0 kind=without host revision what jobs
	declare -A pid=() from=() count=([before]=0 [amid]=0 [after]=0)
	for kind in with without; do for host in "${victims[@]}"; do from[$kind$host]=80; done; done
	flow ada-ben ada "$(address lan ben 4)"
	flow ben-ada ben "$(address lan ada 6)"
	flow ada-cyd ada "$(address lan cyd 6)"
	flow cyd-ben cyd "$(address lan ben 4)"
	while [ $n -lt "$kills" ]; do
		if [ $kind = with ]; then kind=without; else kind=with; fi
		for host in "${victims[@]}"; do pid[$host]=$(pid_of "$host"); done
		apply $kind &
		jobs=($!)
		for host in "${victims[@]}"; do
			# A window that moves to where the work is done.
			kill_after $((${from[$kind$host]} + RANDOM % 150)) "${pid[$host]}" &
			jobs+=($!)
		done
		wait "${jobs[@]}"
		revision=$(revision)
		for host in "${victims[@]}"; do
			what=$(progress "$host" "$revision" "$scratch/$host.$kind")
			count[$what]=$((${count[$what]} + 1))
			case $what in
			before) from[$kind$host]=$((${from[$kind$host]} + 40)) ;;
			after) from[$kind$host]=$((${from[$kind$host]} > 40 ? ${from[$kind$host]} - 40 : 0)) ;;
			esac
		done
		for host in "${victims[@]}"; do
			converged "$host" $kind "$revision"
			n=$((n + 1))
		done
	done
	note "$n kills: ${count[before]} before the revision was saved, ${count[amid]} amid the work, ${count[after]} after it"
	for what in ada-ben ben-ada ada-cyd cyd-ben; do no_loss $what || lost=1; done
	[ -z "${lost:-}" ]
	[ "${count[amid]}" -gt 0 ] || die "no kill hit the work: this run has shown nothing"
}

fleet
lab_up -f "$scratch/without.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
all_pairs 60 lan ada ben cyd >/dev/null
tree_rests lan ada ben cyd
check "an apply and its way back, for comparison" references
check "$kills kills of agents at random moments of applies (WEFT_KILLS=$kills WEFT_SEED=$WEFT_SEED)" killed
finish
