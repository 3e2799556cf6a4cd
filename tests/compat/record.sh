#!/usr/bin/env bash
# Writes tests/compat/MAJOR.MINOR/HOST.json: the conversations of a rehearsal's agents with their controller, message by
# message as they went over the wire. Run once for each release, as root; the units replay what is there of every release.
#
#     ada --- ben        ada: changes, a conflict, drift, questions either way, an outage with a change.
#       \     /          ben: an outage with a change that is taken back.
#         cyd            cyd: its certificate has expired.
#
# WEFT_BIN is the directory of the programs (default: build/release/bin).
. "$(dirname "$0")/../netns/lib.sh"
use_lab record
version=$(weft version | sed 's/^weft \([0-9]*\.[0-9]*\)\..*/\1/')
to=$root/tests/compat/$version
nodes=(ada ben cyd)

settled() {
	local n
	for n in "${nodes[@]}"; do till 60 is_settled "$n" || die "$n is not settled: $(status "$n" .line)"; done
}
no_session() { [ "$(status "$1" .connected)" = false ]; }
metrics() { in_host controller curl -sfk https://127.0.0.1:8443/metrics >/dev/null; }
has_said() { in_host ada grep -F "$1" /var/lib/weft-record; }

# A device of somebody else's has the name that the segment's bridge should have.
conflict() {
	local device
	device=$(device ada bridge/lan)
	in_host ada sh -c 'kill -STOP "$(pgrep -x -n weft-agent)"; ip link del "$0"; ip link add "$0" type bridge; kill -CONT "$(pgrep -x -n weft-agent)"' "$device"
	till 20 has_said blocked_by || die "the conflict was not told"
	in_host ada ip link del "$device"
}

# collect HOST: samples and lease messages repeat themselves, some are enough.
collect() {
	in_host "$1" cat /var/lib/weft-record | jq -n -r --arg node "$1" --arg version "$(weft version | cut -d' ' -f2)" '
		def often: (.text | startswith("{\"type\":\"lease\"")) or (.from == "agent" and (.text | startswith("{\"type\":\"samples\"")));
		def word: .from + (.text | .[9:14]);
		[inputs] | reduce .[] as $m ({seen: {}, kept: []};
			if $m | often then .seen[$m | word] += 1 else . end
			| if ($m | often) and .seen[$m | word] > 3 then . else .kept += [$m] end)
		| "{\"version\":\($version | tojson),\"node\":\($node | tojson),\"messages\":[\n" + (.kept | map(tojson) | join(",\n")) + "\n]}"' >"$to/$1.json"
}

choose_programs
sed 's/kim/ada/g; s/lou/ben/g; s/moe/cyd/g' "$here/fleets/three.yaml" >"$scratch/fleet.yaml"
sed -e 's/^segments:/&\n  more: {network: side, mode: bridge}/' -e 's/^networks:/&\n  side: {mesh: [ada, ben]}/' \
	-e '$a ha-groups: {pair: {members: [ada, ben], vip: [10.99.0.1], interface: lo}}' "$scratch/fleet.yaml" >"$scratch/with.yaml"
# Joining, too, is done by the agent that writes everything down.
sed -i "s,echo $WEFT_BIN)/weft-agent,echo $WEFT_BIN/../compat/recording)/weft-agent," "$scratch/bin/weft-agent"
lab_up -f "$scratch/fleet.yaml"
settled
weft apply -f "$scratch/with.yaml" >/dev/null
settled
metrics
till 20 has_said '\"type\":\"samples\"'
till 20 has_said '\"type\":\"lease\"'
weft ping ada ben >/dev/null
weft doctor ada >/dev/null
in_host ada weft-agent doctor >/dev/null
conflict
settled
in_host ada ip -6 route flush proto 87
till 20 has_said drift_repaired
in_host controller pkill -TERM -x weft-controller
sleep 1
settled
lab cut ada
weft apply -f "$scratch/fleet.yaml" --prune >/dev/null
for n in ben cyd; do till 30 is_settled "$n" || die "$n is not settled"; done
lab cut ben
weft apply -f "$scratch/with.yaml" >/dev/null
weft apply -f "$scratch/fleet.yaml" --prune >/dev/null
for n in ada ben; do till 60 no_session "$n" || die "$n has a session"; done
lab heal ada
lab heal ben
for n in "${nodes[@]}"; do till 90 is_settled "$n" || die "$n is not settled"; done
expire_certificate cyd
program_restart cyd
till 40 is_settled cyd || die "cyd is not settled"
mkdir -p "$to"
for n in "${nodes[@]}"; do collect "$n"; done
ls -l "$to"
finish
