#!/usr/bin/env bash
# Controller and agents of different versions, two minor ones apart in either direction; the later ones say more than the
# others know (tests/compat/CMakeLists.txt says what these programs are).
#
#     ada --- ben        with a later controller: ada two versions older, ben of the same, cyd two versions later.
#       \     /          with this tree's controller: cyd is the one of two versions later.
#         cyd            A flow between ada and ben runs all the time and loses nothing.
. "$(dirname "$0")/lib.sh"
use_lab versions
nodes=(ada ben cyd)
compat=$WEFT_BIN/../compat
[ -x "$compat/later/weft-controller" ] || skip_all "$compat/later is not built"

version_of() { "$1" version | cut -d' ' -f2; }
known_version() { weft status -o json | jq -r --arg n "$1" '.nodes[] | select(.name == $n) | .version'; }
says_version() { [ "$(known_version "$1")" = "$2" ] && [ "$(status "$1" .version)" = "$2" ]; }
revision() { weft history -n 1 -o json | jq '.[0].revision'; }
errors() { status "$1" '[.errors[].text] | join("; ")'; }
# agrees HOST: it holds what it should, whatever it could do with it.
agrees() { [ "$(status "$1" '.connected and .revision == .target')" = true ] && has_digest "$1"; }
has_digest() { weft status -o json | jq -e --arg n "$1" '.nodes[] | select(.name == $n) | .lag == 0'; }
unsupported() { [ "$(status "$1" '[.errors[] | select(.entry == "later/thing" and (.text | startswith("unsupported")))] | length')" = 1 ]; }
# Only the new kind of entry is missing.
does_the_rest() { [ "$(status "$1" '.errors | length')" = 1 ] && unsupported "$1"; }

# change NUMBER: a segment more, which every node gets whatever its version.
change() {
	sed "s/^segments:/&\n  more$1: {network: home, mode: bridge}/" "$scratch/fleet.yaml" >"$scratch/more.yaml"
	weft apply -f "$scratch/more.yaml" >/dev/null
	for n in "${nodes[@]}"; do till 30 agrees "$n" || die "$n is not at revision $(revision): $(status "$n" .line)"; done
	till 30 answers ada "$(address "more$1" cyd 4)" || die "the new segment does not carry from ada to cyd"
	till 30 answers cyd "$(address "more$1" ben 6)" || die "the new segment does not carry from cyd to ben"
}

# A later controller: its agents get fields and an entry that they do not know.
later_controller() {
	local n
	flow ada-ben ada "$(overlay home ben 4)"
	runs controller "$compat/later"
	runs cyd "$compat/latest"
	program_restart controller weft-controller TERM
	program_restart cyd
	for n in ada ben; do till 40 says_version "$n" "$(version_of weft-agent)" || die "$n has version $(known_version "$n")"; done
	till 40 says_version cyd "$(version_of "$compat/latest/weft-agent")" || die "cyd has version $(known_version cyd)"
	for n in "${nodes[@]}"; do
		till 30 unsupported "$n" || die "$n does not say what it does not know: $(errors "$n")"
		does_the_rest "$n" || die "$n: $(errors "$n")"
		in_host "$n" jq -e '.entries["later/thing"] and (.entries | to_entries[0].value | contains("\"later\":"))' /var/lib/weft-agent/desired.json >/dev/null ||
			die "$n did not keep what it does not know"
	done
	weft status -o json | jq -e '.nodes[] | select(.name == "ada") | .reason | contains("unsupported")' >/dev/null || die "weft status does not say so"
	change 1
	note "controller $(weft status -o json | jq -r .version), ada $(known_version ada), ben $(known_version ben), cyd $(known_version cyd)"
	note "ada: $(errors ada)"
	weft doctor ada -o json >"$scratch/doctor" || true # of the entry that it cannot apply it thinks ill
	grep -qF "the agent is version $(known_version ada), the controller $(version_of "$compat/later/weft-controller")" "$scratch/doctor" ||
		die "the doctor does not tell the versions: $(cat "$scratch/doctor")"
	no_loss ada-ben
}

# Kept over a restart without a controller.
restart_with_unknown() {
	lab cut controller
	flow ada-ben ada "$(overlay home ben 4)"
	program_restart ada
	till 15 unsupported ada || die "ada has forgotten it: $(errors ada)"
	[ "$(writes ada)" = 0 ] || die "ada wrote $(writes ada) times to a kernel that was as it should be"
	lab heal controller
	till 60 agrees ada || die "ada is not back: $(status ada .line)"
	no_loss ada-ben
}

# Back to this tree's controller with the same database, which knows less than one of its agents says.
later_agent() {
	local n
	flow ada-ben ada "$(overlay home ben 4)"
	runs controller "$WEFT_BIN"
	runs cyd "$compat/later"
	program_restart controller weft-controller TERM
	program_restart cyd
	till 40 says_version cyd "$(version_of "$compat/later/weft-agent")" || die "cyd has version $(known_version cyd)"
	for n in "${nodes[@]}"; do till 60 is_settled "$n" || die "$n is not well: $(status "$n" .line)"; done
	change 2
	weft bundle "$scratch/bundle.tgz" >/dev/null
	tar -xOzf "$scratch/bundle.tgz" --wildcards '*/node-cyd.json' | jq -e '.entries["later/thing"].state == "fine"' >/dev/null ||
		die "what cyd observes is not kept"
	weft events --node cyd -n 50 -o json | jq -e 'any(.[]; .kind == "later_news" and .severity == "warning")' >/dev/null || die "its event is lost"
	weft ping cyd ada >/dev/null || die "weft ping from cyd fails"
	no_loss ada-ben
}

# A host joins with a later agent.
later_join() {
	in_host cyd weft-agent leave >/dev/null
	in_host cyd "$compat/later/weft-agent" join "$(weft node add cyd -o json | jq -r .key)" >/dev/null ||
		die "the later agent does not join"
}

choose_programs
sed 's/kim/ada/g; s/lou/ben/g; s/moe/cyd/g' "$here/fleets/three.yaml" >"$scratch/fleet.yaml"
lab_up -f "$scratch/fleet.yaml" >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
for n in "${nodes[@]}"; do till 60 is_settled "$n" || exit 1; done
till 60 answers ada "$(overlay home ben 4)" || exit 1
check "a later controller with agents two minor versions older and later" later_controller
check "what an agent does not know it keeps over a restart without a controller" restart_with_unknown
check "the controller two minor versions older again, with a later agent" later_agent
check "a host joins with a later agent" later_join
finish
