#!/usr/bin/env bash
# What is wrong is refused in one sentence and changes nothing.
#
#     controller        kim and lou are asked in, moe has a bad key; nothing else is wrong with them
#      /   |   \
#    kim  lou  moe
. "$(dirname "$0")/lib.sh"
use_lab refuse

revision() { weft history -n 1 -o json | jq '.[0].revision'; }

# refused WHAT SENTENCE COMMAND...: exits with 1 and one line of standard error that has SENTENCE in it; prints it.
refused() {
	local what=$1 sentence=$2 status=0 lines
	shift 2
	"$@" >/dev/null 2>"$scratch/said" || status=$?
	lines=$(grep -vc 'nothing was changed' "$scratch/said" || true)
	note "$what: $(sed "s#$scratch/##" "$scratch/said" | paste -sd'|' | sed 's/|/ | /g')"
	[ "$status" = 1 ] || die "exit status $status"
	grep -- "$sentence" "$scratch/said" >/dev/null || die "it does not say \"$sentence\""
	[ "$lines" = 1 ] || die "$lines lines"
}

# apply_refused WHAT SENTENCE: the file from standard input.
apply_refused() {
	local before
	before=$(revision)
	cat >"$scratch/fleet.yaml"
	refused "$1" "$2" weft apply -f "$scratch/fleet.yaml"
	[ "$(revision)" = "$before" ] || die "the revision went from $before to $(revision)"
	dump_resources >"$scratch/resources"
	cmp "$scratch/resources" "$scratch/resources.first" || die "resources changed"
}
dump_resources() { for k in nodes sites networks links segments; do weft get $k -o json; done; }

bad_files() {
	dump_resources >"$scratch/resources.first"
	apply_refused "a misspelt field" "did you mean address" <<<"nodes: {kim: {adress: kim.example.net}}"
	apply_refused "a misspelt kind" "did you mean nodes" <<<"nodez: {kim: {}}"
	apply_refused "an unknown reference" "there is no node nobody" <<<"networks: {home: {mesh: [kim, lou, nobody]}}"
	apply_refused "an unknown network" "there is no network hom, did you mean home?" <<<"segments: {lan: {network: hom}}"
	apply_refused "overlapping LANs" "overlap" <<<"sites: {a: {lan: [10.1.0.0/16]}, b: {lan: [10.1.2.0/24]}}"
	apply_refused "a LAN over a pool" "overlap" <<<"sites: {a: {lan: [$(pool)]}}"
	apply_refused "an exhausted pool" "pool" <<<"networks: {tiny: {mesh: [kim, lou, moe], pool: [10.9.0.0/31]}}"
	apply_refused "host bits in a prefix" "host bits\|10.1.0.0/16" <<<"sites: {a: {lan: [10.1.0.1/16]}}"
	apply_refused "a number out of range" "9000" <<<"segments: {lan: {network: home, mtu: 90000}}"
	apply_refused "an impossible timer" "at most\|at least" <<<"segments: {lan: {network: home, stp: {max_age: 40s}}}"
	printf 'nodes: {kim: {comment: "\xff\xfe"}}' | apply_refused "invalid UTF-8" "UTF-8"
	printf 'nodes: {kim: [' | apply_refused "broken YAML" "line\|:1"
	{ echo 'nodes: {}'; head -c 100000000 /dev/zero | tr '\0' '#'; } | apply_refused "a file of 100 MB" "MiB\|MB\|bytes\|large"
}
pool() { weft get networks home --effective -o json | jq -r '[.. | .pool? // empty][0][0]'; }

in_use() {
	local before
	before=$(revision)
	refused "deleting what is referenced" "network/home" weft delete nodes lou
	[ "$(revision)" = "$before" ]
}

key_for() { weft node add "$1" "${@:2}" -o json | jq -er .key; }
# altered KEY FIELD VALUE: the key with one field exchanged.
altered() {
	python3 - "$@" <<-'END'
		import base64, json, sys
		key, field, value = sys.argv[1:]
		body = json.loads(base64.urlsafe_b64decode(key[6:] + "=" * (-len(key[6:]) % 4)))
		body[field] = json.loads(value) if value[0] == "[" else value
		print("weft1." + base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("="))
	END
}
# Nodes that joined before may tell of themselves meanwhile, which is a revision, too: resources are compared.
join_refused() {
	dump_resources >"$scratch/resources.first"
	refused "$1" "$2" in_host "$3" weft-agent join "$4"
	in_host "$3" sh -c '! [ -e /var/lib/weft-agent/identity.json ]' || die "$3 has an identity all the same"
	dump_resources >"$scratch/resources"
	cmp "$scratch/resources" "$scratch/resources.first" || die "resources changed"
}

bad_keys() {
	local key used
	key=$(key_for moe --expires 1s)
	sleep 1.5
	join_refused "an expired key" "expired" moe "$key"
	used=$(key_for kim)
	in_host kim weft-agent join "$used" >/dev/null
	join_refused "a used key" "used" moe "$used"
	key=$(key_for moe)
	join_refused "a key with another CA's hash" "CA\|certificate authority\|not the one" moe "$(altered "$key" h "$(printf '%064d' 7)")"
	join_refused "a key with a wrong secret" "secret\|key" moe "$(altered "$key" s "$(printf 'A%.0s' {1..43})")"
	join_refused "a key cut short" "key" moe "${key:0:40}"
	join_refused "a controller that is not there" "198.18.250.9\|reach\|connect" moe "$(altered "$key" u '["https://198.18.250.9:8443"]')"
	join_refused "no key at all" "key" moe "hello"
	# The true one still works.
	in_host moe weft-agent join "$key" >/dev/null
	in_host moe weft-agent leave >/dev/null
	in_host kim weft-agent leave >/dev/null
}

is_connected() { [ "$(status "$1" .connected)" = "$2" ]; }
knows_key() { in_host "$1" wg show all peers | grep -F "$2"; }

revoked() {
	local key line start
	lab join kim
	lab join lou
	till 20 is_connected kim true || die "kim has no session"
	till 30 answers lou "$(address lan kim 4)" || die "lou does not reach kim"
	key=$(in_host kim wg show all public-key | cut -f2)
	knows_key lou "$key" >/dev/null || die "lou has no peer kim"
	start=$(now_ms)
	weft node revoke kim >/dev/null
	till 10 is_connected kim false || die "the session of kim did not end"
	note "the session of kim ended $(since "$start") s after the revocation"
	sleep 6
	line=$(status kim .line)
	note "kim says: $line"
	is_connected kim false || die "kim is back"
	[[ $line == *revoked* ]] || die "kim does not say why"
	till 10 sh -c '! weft lab exec --lab "$0" lou -- wg show all peers | grep -F "$1"' "$LAB" "$key" || die "lou still has kim as a peer"
	! answers lou "$(address lan kim 4)" >/dev/null || die "kim still answers over the overlay"
	in_host kim sh -c 'kill -9 $(pgrep -x weft-agent)'
	sleep 4
	is_connected kim false || die "kim is back after a restart"
	# With a new key it may.
	in_host kim weft-agent leave >/dev/null
	lab join kim
	till 20 is_connected kim true || die "kim does not come back with a new key"
	till 40 answers lou "$(address lan kim 4)" || die "lou does not reach the new kim"
	note "with a new key kim is back"
}

lab_up -f "$here/fleets/three.yaml" --bare >"$scratch/up" 2>&1 || { cat "$scratch/up"; exit 1; }
check "bad files: one sentence each, nothing changed" bad_files
check "what is referenced is not deleted" in_use
check "bad keys: one sentence each, nothing changed" bad_keys
check "a revoked node is out at once and cannot come back" revoked
finish
