#!/usr/bin/env bash
# A host runs what its own files allow when something happens to its links, and the operator hears how it went.
#
#   kim --- lou      the network `home`; moe joins it later
#     `--- moe
. "$(dirname "$0")/lib.sh"
use_lab hooks

write_hook() { in_host kim sh -c 'mkdir -p /etc/weft/hooks.d; cat >"/etc/weft/hooks.d/$0.yaml"; chmod 644 "/etc/weft/hooks.d/$0.yaml"' "$1"; }
has_kind() { weft events --node kim -n 100 -o json | jq -e --arg k "$1" --arg t "$2" 'any(.[]; .kind == $k and (.text | contains($t)))'; }

link_runs_hooks() {
	local out device=null
	chmod 755 "$scratch"
	mkdir -m 1777 "$scratch/out"
	write_hook note <<-END
		events: [link_up, link_down]
		subjects: [link/home/moe]
		run:
		- [/bin/sh, -c, 'id -un >$scratch/out/ran; printf "%s\n" "\$@" >>$scratch/out/ran; echo done for \${node}', sh, "\${event}", "\${link_interface}", "\${link_address}", "\$WEFT_NODE"]
	END
	write_hook stubborn <<-END
		events: [link_up]
		subjects: [any]
		retry: {first: 200ms, most: 1s}
		run:
		- [/bin/sh, -c, 'echo x >>$scratch/out/tries; [ \$(wc -l <$scratch/out/tries) -ge 3 ] || { echo the cloud is busy; exit 7; }']
	END
	printf 'events: [link_up]\nrun: [[/bin/echo, "${nod}"]]\n' | write_hook wrong
	sed 's/mesh: .*/mesh: [kim, lou, moe]}/' "$scratch/fleet.yaml" >"$scratch/next.yaml"
	weft apply -f "$scratch/next.yaml" >/dev/null
	till 60 has_kind hook_done "hook note for link_up of link/home/moe: 1 command in" || die "no event of the hook: $(weft events --node kim -n 20)"
	out=$(cat "$scratch/out/ran" | paste -sd' ')
	device=$(device kim wireguard/home)
	note "ran: $out"
	[ "$out" = "nobody link_up $device $(overlay home kim 4) \$WEFT_NODE" ] || die "it ran with other words"
	has_kind hook_done "done for moe" >/dev/null || die "its output is not in the event"
	till 20 has_kind hook_done "hook stubborn for link_up of link/home/moe" || die "the failing hook was not run until it succeeded"
	has_kind hook_failed "ended with status 7 after 0." >/dev/null && has_kind hook_failed "the cloud is busy; it is run again in 0." >/dev/null ||
		die "its failures were not told: $(weft events --node kim -n 20)"
	has_kind hook_refused 'is no word for hooks, did you mean ${node}?' >/dev/null || die "the wrong file was not told of"
}

cut_runs_hooks() {
	local cut
	till 20 is_state kim moe up || die "no probe has come back: $(link_of kim moe)"
	cut=$(now_ms)
	in_host internet nft -f - <<<"table inet cut { chain f { type filter hook forward priority -5; iifname up3 drop; }; }"
	till 20 grep -q '^link_down$' "$scratch/out/ran" || die "the hook does not run on link_down: $(weft events --node kim -n 20)"
	note "link_down ran $((($(now_ms) - cut))) ms after the cut"
	till 20 has_kind hook_done "hook note for link_down of link/home/moe" || die "no event of it"
}

cat >"$scratch/fleet.yaml" <<'END'
nodes:
  kim: {address: kim.example.net}
  lou: {address: lou.example.net}
  moe: {address: moe.example.net}
networks:
  home: {mesh: [kim, lou]}
segments:
  lan: {network: home, mode: bridge}
END
lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
check "a link that comes up runs the host's hooks as an unprivileged user, again while they fail, and tells how it went" link_runs_hooks
check "a link that is cut runs them at once" cut_runs_hooks
finish
