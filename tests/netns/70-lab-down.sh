#!/usr/bin/env bash
# A rehearsal leaves nothing behind.
#
#     this machine: relay 127.0.0.1:PORT        boxes: internet, controller, rho, bob, epsilon, vorke, pi0, pi0-nat
. "$(dirname "$0")/lib.sh"
use_lab down

# Other rehearsals may run at the same time: what is compared is this machine's own, and what hung on this lab.
host() {
	echo "# links"; ip -br link
	echo "# routes"; ip route show table all; ip -6 route show table all
	echo "# nft"; nft list ruleset
	echo "# mounts"; grep -v weft-lab /proc/self/mounts
	echo "# files"; find /etc/weft /var/lib/weft /var/lib/weft-agent /run/weft-agent /run/wireguard /run/netns 2>/dev/null || true
}
# What a process of before still runs, as nft or ip, is gone a moment later.
is_empty() { [ -z "$(inmates)" ]; }
inmates() {
	local p
	for p in /proc/[0-9]*; do
		[[ " $spaces " != *" $(readlink "$p/ns/net" 2>/dev/null) "* ]] || echo "${p#/proc/}"
	done
}

nothing_left() {
	local spaces port pids pid
	host >"$scratch/before"
	lab_up -f "$root/deploy/examples/private-internet.yaml" --nat pi0 >"$scratch/up" 2>&1 || { cat "$scratch/up"; die "the lab does not come up"; }
	port=$(lab status | sed -n 's/^dashboard.*://p')
	curl -sk "https://127.0.0.1:$port/healthz" >/dev/null || die "nothing answers on port $port"
	spaces=$(jq -r '.boxes[].pid' "/run/weft-lab/$LAB/lab.json" | while read -r pid; do readlink "/proc/$pid/ns/net"; done | paste -sd' ')
	pids="$(inmates | paste -sd' ') $(jq -r '.relay[].pid' "/run/weft-lab/$LAB/lab.json")"
	note "$(wc -w <<<"$spaces") namespaces, $(wc -w <<<"$pids") processes"
	lab down
	for pid in $pids; do till 5 [ ! -e "/proc/$pid" ] || die "process $pid is left: $(tr '\0' ' ' <"/proc/$pid/cmdline")"; done
	till 10 is_empty || die "a namespace is left: $(inmates | paste -sd' ')"
	! curl -sk -m 2 "https://127.0.0.1:$port/healthz" || die "something answers on port $port"
	[ ! -e "/run/weft-lab/$LAB" ] || die "files are left"
	! grep "$LAB" /proc/*/mounts 2>/dev/null || die "mounts are left"
	[ -n "$(ls /run/weft-lab 2>/dev/null)" ] || [ ! -e /run/weft-lab ] || die "/run/weft-lab is left"
	host >"$scratch/after"
	diff -u "$scratch/before" "$scratch/after"
}

check "after lab down no namespace, process, interface, mount or file is left" nothing_left
finish
