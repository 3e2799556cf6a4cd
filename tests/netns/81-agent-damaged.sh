#!/usr/bin/env bash
# What is on the agent's disk is damaged, or the disk is: tunnels stay, a sentence names the file and the cure, what can
# be mended without a person is.
#
#     ada --- ben        everything happens to ada; a flow between ada and ben runs all the time and loses nothing
#       \     /
#         cyd
. "$(dirname "$0")/lib.sh"
use_lab damaged
state=/var/lib/weft-agent

agent_pid() { in_host ada pgrep -x -n weft-agent; }
restart() {
	local pid
	pid=$(agent_pid)
	in_host ada kill -9 "$pid"
	till 15 is_restarted "$pid" || die "the agent did not come back"
}
is_restarted() { [ "$(agent_pid)" != "$1" ] && status ada .name; }
says() { status ada '.errors | map(.entry + ": " + .text) | join("\n")' | grep -F "$1"; }
# The controller's page and `weft status` have it from here.
controller_says() {
	weft status -o json | jq -e --arg t "$1" 'any(.. | objects | select(.name? == "ada" and has("errors")); .errors | tostring | contains($t))'
}
damage() {
	case $2 in
	garbage) in_host ada sh -c 'head -c 300 /dev/urandom >"$0"' "$1" ;;
	truncated) in_host ada sh -c 'truncate -s $(($(stat -c %s "$0") / 2)) "$0"' "$1" ;;
	empty) in_host ada truncate -s 0 "$1" ;;
	newer) in_host ada sed -i 's/"format": 1/"format": 7/' "$1" ;;
	unversioned) in_host ada sed -i 's/"format": 1/"format": "x"/' "$1" ;;
	esac
}

# mends_itself FILE HOW SENTENCE: nobody has to do anything, and nothing in the kernel had to change.
mends_itself() {
	local id
	id=$(last_event)
	damage "$1" "$2"
	in_host ada cp "$1" "$scratch/bad"
	restart
	till 30 is_settled ada || die "$1 $2: ada is not well again: $(status ada .line)"
	till 5 has_event ada "$3" "$id" || die "$1 $2: no event says \"$3\""
	in_host ada cmp "$1.bad" "$scratch/bad" || die "$1 $2: the damaged file is gone"
	[ "$(writes ada)" = 0 ] || die "$1 $2: the agent wrote $(writes ada) times to a kernel that was as it should be"
	note "$2 $(basename "$1"): $(weft events --node ada -n 20 -o json | jq -r --arg t "$3" --argjson id "$id" '[.[] | select(.id > $id and (.text | contains($t)))][0].text')"
}
desired_state() {
	local how
	for how in garbage truncated empty unversioned newer; do
		mends_itself $state/desired.json $how "desired.json"
		in_host ada jq -e '.format == 1' $state/desired.json >/dev/null || die "$how: it was not written anew"
	done
	# Without any earlier generation: nobody knows what is wanted, so nothing is taken away.
	damage $state/desired.json.old garbage
	mends_itself $state/desired.json garbage "no earlier generation can be read"
}

# Without a controller, and nothing to go by: what stands, stays.
desired_state_alone() {
	local before
	before=$(in_host ada wg show all peers | sort)
	lab cut controller
	damage $state/desired.json.old garbage
	damage $state/desired.json garbage
	restart
	says "left as it is until a controller sends the state anew" >/dev/null || die "ada does not say so: $(status ada .line)"
	sleep 4 # a comparison every 3 s
	[ "$(in_host ada wg show all peers | sort)" = "$before" ] || die "peers are gone"
	[ "$(writes ada)" = 0 ] || die "the agent wrote to the kernel"
	note "$(status ada .line)"
	lab heal controller
	till 60 is_settled ada || die "ada is not well again: $(status ada .line)"
}

# no_session FILE HOW: the tunnels are kept, and repaired, without a session; a backup mends it.
no_session_without() {
	local pool wg
	in_host ada cp "$1" "$scratch/backup"
	damage "$1" "$2"
	restart
	says "$1 is damaged" >/dev/null || die "$1 $2: ada does not say so: $(status ada .line)"
	says "weft-agent join KEY" >/dev/null || die "$1 $2: ada names no cure"
	note "$2 $(basename "$1"): $(status ada .line)"
	wg=$(device ada wireguard/home)
	pool=$(in_host ada ip -j -6 route show proto 87 dev "$wg" | jq -r '.[0].dst')
	in_host ada ip -6 route del "$pool" dev "$wg" # the flow is of IPv4
	till 6 in_host ada sh -c 'ip -6 route show proto 87 dev "$0" | grep .' "$wg" || die "$1 $2: a deleted route does not come back"
	in_host ada cp "$scratch/backup" "$1"
	restart
	till 30 is_settled ada || die "$1: ada is not well with its backup: $(status ada .line)"
}
identity() {
	no_session_without $state/identity.json empty
	no_session_without $state/agent.crt truncated
	no_session_without $state/agent.key garbage
	no_session_without $state/ca.crt garbage
}
wireguard_key() {
	local before
	before=$(in_host ada sha256sum $state/wg.key)
	mends_itself $state/wg.key garbage "taken back from the WireGuard devices"
	[ "$(in_host ada sha256sum $state/wg.key)" = "$before" ] || die "the key is another"
}

sysctl_values() {
	damage $state/restore.json garbage
	restart
	till 20 controller_says "will not set the sysctls back" || die "the controller does not know"
	note "$(status ada .line)"
	in_host ada test -s $state/restore.json.bad || die "the damaged file is gone"
	restart
	till 20 is_settled ada || die "ada is not well at the next start: $(status ada .line)"
}

settings_file() {
	in_host ada sh -c 'mkdir -p /etc/weft; [ ! -e "$0" ] || cp "$0" "$1"; echo "log: {level: debug}" >>"$0"' /etc/weft/agent.yaml "$scratch/agent.yaml"
	restart
	till 20 is_settled ada
	in_host ada sh -c 'echo "route_protokol: 1" >>/etc/weft/agent.yaml'
	restart
	till 20 controller_says "route_protokol: there is no such setting, did you mean route_protocol?" || die "the controller does not know: $(status ada .line)"
	note "$(status ada .line)"
	in_host ada sh -c 'weft-agent status 2>&1 >/dev/null || true' | grep -F "settings of the last good start" >/dev/null || die "status does not say so"
	[ "$(writes ada)" = 0 ] || die "the agent wrote to the kernel"
	in_host ada sh -c 'if [ -e "$1" ]; then cp "$1" "$0"; else rm "$0"; fi' /etc/weft/agent.yaml "$scratch/agent.yaml"
	restart
	till 20 is_settled ada || die "ada is not well again: $(status ada .line)"
}

# A change that reaches ada: the third host is or is not in the network.
apply_with() { sed "s/mesh: .*/mesh: [$1]}/" "$scratch/fleet.yaml" >"$scratch/next.yaml"; weft apply -f "$scratch/next.yaml" --prune >/dev/null; }
is_saved() { [ "$(in_host ada jq .revision $state/desired.json)" = "$(status ada .revision)" ]; }
peers_are() { [ "$(in_host ada wg show all peers | wc -l)" = "$1" ]; }

# cannot_save SENTENCE CURE: the change is in force all the same, and everybody is told.
cannot_save() {
	till 20 controller_says "$1" || die "the controller does not know: $(status ada .line)"
	says "$2" >/dev/null || die "ada names no cure: $(status ada .line)"
	note "$(status ada .line)"
	in_host ada jq -e .revision $state/desired.json >/dev/null || die "the last good state on disk is gone"
	! is_saved || die "it was saved"
}
saved_again() {
	till 40 is_saved || die "it is not saved: $(status ada .line)"
	till 20 is_settled ada || die "ada is not well again: $(status ada .line)"
}
disk() {
	in_host ada sh -c 'cp -a "$0" "$1" && mount -t tmpfs -o size=256k none "$0" && cp -a "$1/." "$0"' $state "$scratch/state"
	in_host ada sh -c 'dd if=/dev/zero of="$0/filler" bs=1k 2>/dev/null || true' $state
	apply_with "ada, ben"
	cannot_save "No space left on device" "free some space there"
	till 10 peers_are 1 || die "the change is not in force"
	in_host ada rm $state/filler
	saved_again
	in_host ada mount -o remount,ro $state
	apply_with "ada, ben, cyd"
	cannot_save "Read-only file system" "make that file system writable again"
	till 10 peers_are 2 || die "the change is not in force"
	# Even a start works: with the state before, until the controller sends the newest.
	restart
	till 20 peers_are 2 || die "a start on a read-only disk does not work: $(status ada .line)"
	in_host ada mount -o remount,rw $state
	apply_with "ada, ben"
	saved_again
	in_host ada sh -c 'rm -r "$1"; cp -a "$0" "$1" && umount "$0" && cp -a "$1/." "$0"' $state "$scratch/state"
}

saved_time() {
	in_host ada touch -d "+30 years" $state/clock
	restart
	till 20 says "delete $state/clock if the clock is right" || die "ada does not say so: $(status ada .line)"
	note "$(status ada .line)"
	in_host ada rm $state/clock
	till 60 is_settled ada || die "ada is not well again: $(status ada .line)"
}

joins_again() {
	local key
	damage $state/identity.json truncated
	restart
	key=$(weft node add ada -o json | jq -er .key)
	in_host ada weft-agent join "$key" >/dev/null
	restart
	till 30 is_settled ada || die "ada is not well again: $(status ada .line)"
	till 40 answers ada "$(address lan ben 4)" || die "ada does not reach ben with its new key"
}

sed 's/kim/ada/g; s/lou/ben/g; s/moe/cyd/g' "$here/fleets/three.yaml" >"$scratch/fleet.yaml"
lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
till 60 answers ada "$(overlay home ben 4)" || exit 1
tree_rests "$(weft get segments -o json | jq -r '.[0].name')" ada ben cyd
flow ada-ben ada "$(overlay home ben 4)"
check "a damaged desired state is fetched anew" desired_state
check "a lost desired state without a controller leaves the kernel alone" desired_state_alone
check "a damaged identity: no session, but tunnels and their repair" identity
check "a damaged WireGuard key is taken back from its device" wireguard_key
check "damaged values of sysctls are set aside" sysctl_values
check "a slip in agent.yaml: the last good settings are used" settings_file
check "a full and a read-only disk: in force, told, saved when it can be" disk
check "a saved time ahead of the clock is named" saved_time
check "through all of it the flow lost nothing" no_loss ada-ben
check "a host with a damaged identity joins again in place" joins_again
finish
