#!/usr/bin/env bash
# The controller is away for long: nobody's traffic notices, a host that boots meanwhile comes up, agents stop and go on.
#
#     ada --- ben        ada: the flow's end, its agent's memory is watched. ben: its agent is stopped (SIGSTOP) and goes
#       \     /          on. cyd: reboots without a controller.
#         cyd
#
# WEFT_AWAY_S: for how long (default 40; the long proof takes 600).
. "$(dirname "$0")/lib.sh"
use_lab away
away_s=${WEFT_AWAY_S:-40}
nodes=(ada ben cyd)
state=/var/lib/weft-agent

metric() { in_host controller curl -sk https://127.0.0.1:8443/metrics | awk -v name="$1" '$1 == name { print $2 }'; }
agent_pid() { in_host "$1" pgrep -x -n weft-agent; }
signal() { in_host "$1" kill "-$2" "$(agent_pid "$1")"; }
no_session() { [ "$(status "$1" .connected)" = false ]; }
memory_kb() { in_host "$1" awk '/^Private_Dirty/ { print $2 }' "/proc/$(agent_pid "$1")/smaps_rollup"; }
digest() { in_host "$1" jq -r .digest $state/desired.json; }
# Whether the repair of a route waits for the agent that is stopped.
route_of() { in_host "$1" ip -j -6 route show proto 87 dev "$(device "$1" wireguard/home)" | jq -r '.[0].dst'; }
has_route() { in_host "$1" ip -6 route show proto 87 dev "$(device "$1" wireguard/home)" | grep .; }

stopped_and_continued() {
	local seconds=$1 start
	in_host ben ip -6 route del "$(route_of ben)"
	signal ben STOP
	sleep "$seconds"
	signal ben CONT
	start=$(now_ms)
	till 10 has_route ben || die "ben's agent does not go on: its route does not come back"
	note "ben's agent, stopped for $seconds s: a route that went meanwhile is back after $(since "$start") s"
}

away() {
	local start n sizes=0 used from memory out in
	start=$(now_ms)
	for n in "${nodes[@]}"; do digest "$n"; done >"$scratch/digests"
	for n in "${nodes[@]}"; do sizes=$((sizes + $(in_host "$n" stat -c %s $state/desired.json))); done
	memory=$(memory_kb ada)
	flow ada-ben ada "$(overlay home ben 4)"
	flow ben-ada ben "$(overlay home ada 4)" 0.1
	lab cut controller
	lab_reboot cyd
	from=$(now_ms)
	till 60 answers ada "$(overlay home cyd 4)" || die "cyd did not come back from its last good state"
	note "cyd, booted without a controller: ada reaches it after $(since "$from") s: $(status cyd .line)"
	till 60 answers cyd "$(address lan ben 4)" || die "cyd is not on its segment"
	stopped_and_continued 25
	for n in "${nodes[@]}"; do till 30 no_session "$n" || die "$n has a session"; done
	while [ $(($(now_ms) - start)) -lt $((away_s * 1000)) ]; do sleep 0.5; done
	used=$(memory_kb ada)
	out=$(metric weft_hub_bytes_out_total)
	in=$(metric weft_hub_bytes_in_total)
	lab heal controller
	from=$(now_ms)
	# Who was away long is asked for once a minute.
	for n in "${nodes[@]}"; do till 90 is_settled "$n" || die "$n does not agree again: $(status "$n" .line)"; done
	note "after $(since "$start") s without it all agree with the controller $(since "$from") s after its return"
	for n in "${nodes[@]}"; do digest "$n"; done | diff "$scratch/digests" - || die "the digests are others than before"
	weft status -o json | jq -e '[.. | objects | select(has("health") and has("lag"))] | all(.lag == 0 and .health == "ok")' >/dev/null ||
		die "the controller does not agree"
	used=$(($(memory_kb ada) > used ? $(memory_kb ada) : used))
	out=$(($(metric weft_hub_bytes_out_total) - out))
	in=$(($(metric weft_hub_bytes_in_total) - in))
	# Who reads /metrics makes the nodes send samples, so that only the way down has a bound.
	note "$out bytes to ${#nodes[@]} nodes, whose desired states have $sizes bytes; $in bytes from them, samples included"
	[ $((out * 4)) -lt "$sizes" ] || die "desired states were sent again"
	note "private memory of ada's agent: $memory kB before, $used kB at most afterwards"
	[ "$used" -lt $((memory + 300)) ] || die "it grew"
	no_loss ada-ben
	no_loss ben-ada
}

# A change comes while the agent is stopped, for shorter than the session lasts.
change_while_stopped() {
	local revision
	flow ada-ben ada "$(overlay home ben 4)"
	signal ben STOP
	sed 's/mesh: .*/mesh: [ada, ben]}/' "$scratch/fleet.yaml" >"$scratch/next.yaml"
	weft apply -f "$scratch/next.yaml" --prune >/dev/null
	revision=$(weft history -n 1 -o json | jq '.[0].revision')
	till 10 is_settled ada
	sleep 4
	signal ben CONT
	till 15 sh -c '[ "$(weft lab exec --lab "$0" ben -- weft-agent status --json | jq .revision)" = "$1" ]' "$LAB" "$revision" ||
		die "ben is not at revision $revision: $(status ben .line)"
	till 10 is_settled ben || die "ben is not settled: $(status ben .line)"
	no_loss ada-ben
}

# A certificate that has expired may renew, and does by itself.
expired_certificate() {
	expire_certificate ada
	flow ada-ben ada "$(overlay home ben 4)"
	signal ada KILL
	till 40 is_settled ada || die "ada has no session: $(status ada .line)"
	in_host ada openssl x509 -in $state/agent.crt -noout -checkend 3600 >/dev/null || die "ada has its old certificate"
	grep -F "has expired, asking for a new one" "/run/weft-lab/$LAB/ada/log" >/dev/null || die "ada did not say so"
	no_loss ada-ben
}

sed 's/kim/ada/g; s/lou/ben/g; s/moe/cyd/g' "$here/fleets/three.yaml" >"$scratch/fleet.yaml"
lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
for n in "${nodes[@]}"; do till 60 is_settled "$n" || exit 1; done
till 60 answers ada "$(overlay home ben 4)" || exit 1
till 60 answers ada "$(overlay home cyd 4)" || exit 1
tree_rests lan "${nodes[@]}"
# An outage right behind a change would be taken for its effect, as it should be.
is_proven() { is_settled "$1" && in_host "$1" test ! -e $state/lockout.json; }
for n in "${nodes[@]}"; do till 60 is_proven "$n" || exit 1; done
check "$away_s s without a controller (WEFT_AWAY_S=$away_s)" away
check "a change while an agent is stopped reaches it when it goes on" change_while_stopped
check "an expired certificate renews itself" expired_certificate
finish
