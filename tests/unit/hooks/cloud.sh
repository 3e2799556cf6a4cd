#!/usr/bin/env bash
# The cloud hooks against command lines of AWS and Google that keep their routes in files: a route is moved without a moment
# in which there is none, made where it was not, and left alone where it is right.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/bin" "$scratch/aws" "$scratch/gcp"
export scratch
PATH=$scratch/bin:$PATH
fail() {
	echo "FAIL $*"
	exit 1
}

cat >"$scratch/bin/aws" <<'FAKE'
#!/usr/bin/env bash
# Routes: $scratch/aws/TABLE has lines "PREFIX INTERFACE".
echo "$*" >>"$scratch/calls"
verb=$2 table= prefix= interface= query=
while [ $# -gt 0 ]; do
	case $1 in
	--route-table-id | --route-table-ids) table=$2 ;;
	--destination-cidr-block | --destination-ipv6-cidr-block) prefix=$2 ;;
	--network-interface-id) interface=$2 ;;
	--query) query=$2 ;;
	esac
	shift
done
file=$scratch/aws/$table
[ -f "$file" ] || { echo "An error occurred (InvalidRouteTableID.NotFound)" >&2; exit 254; }
case $verb in
describe-route-tables)
	prefix=${query#*"'"}
	prefix=${prefix%%"'"*}
	case $query in *Ipv6*) [[ $prefix == *:* ]] ;; *) [[ $prefix != *:* ]] ;; esac || exit 3
	awk -v p="$prefix" '$1 == p { print $2; found = 1 } END { if (!found) print "None" }' "$file"
	;;
replace-route)
	grep -q "^$prefix " "$file" || { echo "An error occurred (InvalidParameterValue): There is no route" >&2; exit 254; }
	sed -i "s#^$prefix .*#$prefix $interface#" "$file"
	;;
create-route) echo "$prefix $interface" >>"$file" ;;
*) exit 2 ;;
esac
FAKE
cat >"$scratch/bin/gcloud" <<'FAKE'
#!/usr/bin/env bash
# Routes: $scratch/gcp/NAME holds "PREFIX INSTANCE". Each state is written down: none may be without a route.
echo "$*" >>"$scratch/calls"
case $3 in
list)
	prefix=$(sed 's/.*destRange="\([^"]*\)".*/\1/' <<<"$*")
	grep -l "^$prefix " "$scratch"/gcp/* 2>/dev/null | xargs -rn1 basename
	;;
create)
	prefix=$(sed 's/.*--destination-range=\([^ ]*\).*/\1/' <<<"$*")
	instance=$(sed 's/.*--next-hop-instance=\([^ ]*\).*/\1/' <<<"$*")
	[ ! -e "$scratch/gcp/$4" ] || exit 1
	echo "$prefix $instance" >"$scratch/gcp/$4"
	;;
delete) rm "$scratch/gcp/$4" ;;
*) exit 2 ;;
esac
[ "$3" = list ] || ls "$scratch/gcp" | wc -l >>"$scratch/states"
FAKE
cat >"$scratch/bin/curl" <<'FAKE'
#!/usr/bin/env bash
for last; do :; done
case $last in
*/latest/api/token) echo token ;;
*/latest/meta-data/mac) echo 0a:00 ;;
*/macs/0a:00/interface-id) echo eni-own ;;
*/instance/name) echo rho-b ;;
*/instance/zone) echo projects/7/zones/europe-west1-b ;;
*) exit 22 ;;
esac
FAKE
chmod +x "$scratch"/bin/*

printf '10.1.0.0/16 eni-other\n10.9.0.0/16 eni-else\n' >"$scratch/aws/rtb-1"
: >"$scratch/aws/rtb-2"
aws_hook=$root/deploy/hooks/aws-move-route
"$aws_hook" rtb-1,rtb-2 "10.1.0.0/16 fd00:1::/48" >"$scratch/out" || fail "aws-move-route failed"
[ "$(sort "$scratch/aws/rtb-1")" = "$(printf '10.1.0.0/16 eni-own\n10.9.0.0/16 eni-else\nfd00:1::/48 eni-own')" ] || fail "rtb-1: $(cat "$scratch/aws/rtb-1")"
[ "$(sort "$scratch/aws/rtb-2")" = "$(printf '10.1.0.0/16 eni-own\nfd00:1::/48 eni-own')" ] || fail "rtb-2: $(cat "$scratch/aws/rtb-2")"
grep -q 'delete' "$scratch/calls" && fail "aws-move-route deletes"
: >"$scratch/calls"
[ -z "$("$aws_hook" "rtb-1 rtb-2" 10.1.0.0/16)" ] || fail "a second run of aws-move-route changes something"
grep -qv describe-route-tables "$scratch/calls" && fail "a second run of aws-move-route writes"
! "$aws_hook" rtb-9 10.1.0.0/16 2>/dev/null || fail "aws-move-route succeeds without a table"

echo "10.1.0.0/16 rho-a" >"$scratch/gcp/weft-rho-a-10-1-0-0-16"
gcp_hook=$root/deploy/hooks/gcp-move-route
"$gcp_hook" weft default 10.1.0.0/16 >"$scratch/out" || fail "gcp-move-route failed"
[ "$(ls "$scratch/gcp")" = weft-rho-b-10-1-0-0-16 ] || fail "routes: $(ls "$scratch/gcp")"
grep -qx 0 "$scratch/states" && fail "gcp-move-route leaves a moment without a route"
: >"$scratch/calls"
"$gcp_hook" weft default 10.1.0.0/16 >"$scratch/out" || fail "gcp-move-route failed the second time"
grep -qv 'routes list' "$scratch/calls" && fail "a second run of gcp-move-route writes"
echo "ok cloud hooks"
