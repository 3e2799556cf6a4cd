# Words of the namespace tests; each script sources this file. A case is a function that `check` runs in a shell of its
# own with errexit: it prints figures with `note` and ends with `die` when a promise does not hold.

set -uo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
WEFT_BIN=$(cd "${WEFT_BIN:-$root/build/release/bin}" 2>/dev/null && pwd)
export PATH=$WEFT_BIN:$PATH
failures=0
labs=()
# How many times slower than real this machine is (an emulated one): every deadline is stretched by it.
slow=${WEFT_SLOW:-1}

skip_all() {
	echo "tests/netns: $*" >&2
	exit 77
}

[ "$(id -u)" = 0 ] || skip_all "namespaces need root"
for program in weft weft-agent weft-controller; do
	[ -x "$WEFT_BIN/$program" ] || skip_all "$program is not built (WEFT_BIN=$WEFT_BIN)"
done
for tool in ip bridge nft wg ping iperf3 tcpdump jq python3 sysctl arping; do
	command -v $tool >/dev/null || skip_all "$tool is not installed"
done
unshare -n true 2>/dev/null || skip_all "this machine makes no network namespaces"

note() { printf '     %s\n' "$*"; }
die() {
	printf '     %s\n' "$*"
	exit 1
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
# seconds MS: 1234 -> 1.2
seconds() { printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100)); }
since() { seconds $(($(now_ms) - $1)); }

# check "what the user gets" FUNCTION [ARG...]
check() {
	local what=$1 start output status
	start=$(now_ms)
	shift
	output=$(set -e; "$@" 2>&1)
	status=$?
	case $status in
	0) printf 'ok   %s (%s s)\n' "$what" "$(since "$start")" ;;
	77) printf 'skip %s\n' "$what" ;;
	*)
		printf 'FAIL %s (%s s)\n' "$what" "$(since "$start")"
		failures=$((failures + 1))
		;;
	esac
	[ -z "$output" ] || printf '%s\n' "$output"
}

# For sed: takes what ages by itself out of a listing of nft's: who has spoken on a wire lately.
aged='/set spoken/,/^\t}/d'

# in_time MS LIMIT-MS: what took MS stayed within the limit. Up to twice of it is told and left to who reads: the test is of
# the mechanism, whose next slower one takes many times as long, and the machine may be busy with something else.
in_time() {
	[ "$1" -le $(($2 * slow)) ] || note "late: $1 ms, $2 ms are promised"
	[ "$1" -le $(($2 * slow * 2)) ]
}

# till SECONDS COMMAND...: tries again until it succeeds or time is up.
till() {
	local end=$(($(now_ms) + $1 * 1000 * slow))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# use_lab NAME: which lab the words below mean. Several may stand at a time; all end with the script.
use_lab() {
	LAB=$1-$$
	[[ " ${labs[*]} " == *" $LAB "* ]] || labs+=("$LAB")
	if [ -d "/run/weft-lab/$LAB" ]; then eval "$(weft lab env --lab "$LAB")"; fi
}
lab() { weft lab "$1" --lab "$LAB" "${@:2}"; }
lab_up() {
	lab up --port 0 "$@" || { tail -n 5 "/run/weft-lab/$LAB/controller/log" >&2; return 1; }
	eval "$(weft lab env --lab "$LAB")"
	[ -z "${WEFT_NETEM:-}" ] || impair $WEFT_NETEM
}
# impair NETEM-ARGUMENTS...: what the Internet does to packets on their way to each host.
impair() {
	local up
	for up in $(in_host internet ls /sys/class/net | grep '^up'); do
		in_host internet tc qdisc replace dev "$up" root netem "$@" limit 10000
	done
}
end_labs() {
	local one
	trap - EXIT INT TERM
	for one in "${labs[@]}"; do
		[ ! -d "/run/weft-lab/$one" ] || weft lab down --lab "$one" || failures=$((failures + 1))
	done
	rm -rf "$scratch"
}
scratch=$(mktemp -d)
trap 'end_labs' EXIT
trap 'exit 1' INT TERM
finish() {
	end_labs
	[ $failures = 0 ]
	exit
}

# in_host HOST COMMAND...
in_host() { weft lab exec --lab "$LAB" "$1" -- "${@:2}"; }

# device HOST ENTRY: the name of the interface that an entry made: `device rho bridge/internet`.
device() { in_host "$1" ip -j link | jq -er --arg alias "weft:$2" '.[] | select(.ifalias == $alias) | .ifname'; }

# wireguard_of HOST: what the agent is expected to choose, "kernel" where this kernel makes such a device.
wireguard_of() { in_host "$1" sh -c 'ip link add wgtry type wireguard 2>/dev/null && ip link del wgtry && echo kernel || echo wireguard-go'; }
# kind_of HOST DEVICE: "wireguard" for the kernel's own, "tun" for wireguard-go's.
kind_of() { in_host "$1" ip -j -d link show "$2" | jq -r '.[0].linkinfo.info_kind'; }

# What the agent of a host says of its link to another in `home`; its exit status only says whether all is well.
link_of() { { in_host "$1" weft-agent status --json || true; } | jq -er --arg k "link/home/$2" '.links[] | select(.key == $k)'; }
state_of() { link_of "$1" "$2" | jq -r .state; }
is_state() { [ "$(state_of "$1" "$2")" = "$3" ]; }

# address SEGMENT NODE 4|6: what the controller gave it.
address() {
	weft get segments "$1" --effective -o json |
		jq -er --arg n "$2" --arg f "$3" '[.. | .nodes? // empty | .[$n][] | select(contains(":") == ($f == "6"))][0]'
}
overlay() {
	weft get networks "$1" --effective -o json |
		jq -er --arg n "$2" --arg f "$3" '[.. | .nodes? // empty | .[$n][] | select(contains(":") == ($f == "6"))][0]'
}

# second_cable HOST: eth1, from the host to the Internet, beside eth0: 198.18.90.2 and 2001:db8:90::2, routers .1 and ::1.
second_cable() {
	local boxes="/run/weft-lab/$LAB/lab.json"
	ip link add up90 netns "$(jq -r .boxes.internet.pid "$boxes")" type veth peer name eth1 netns "$(jq -r ".boxes[\"$1\"].pid" "$boxes")"
	in_host internet sh -c 'ip addr add 198.18.90.1/32 dev up90 && ip addr add 2001:db8:90::1/128 dev up90 nodad &&
		ip link set up90 up && ip route add 198.18.90.2/32 dev up90 && ip -6 route add 2001:db8:90::2/128 dev up90'
	in_host "$1" sh -c 'ip addr add 198.18.90.2/24 dev eth1 && ip addr add 2001:db8:90::2/64 dev eth1 nodad && ip link set eth1 up'
}
# uplink_of HOST 4|6 DEVICE: its global address there.
uplink_of() { in_host "$1" ip -j "-$2" addr show "$3" | jq -r '[.[0].addr_info[] | select(.scope == "global")][0].local'; }

# status HOST JQ: from `weft-agent status --json`, whose exit status only says whether all is well.
status() { { in_host "$1" weft-agent status --json || true; } | jq -er "$2"; }
is_settled() { [ "$(status "$1" '.connected and (.errors | length == 0) and .revision == .target')" = true ]; }
writes() { status "$1" .writes; }

# move_numbers HOST...: other marks, tables, priorities and VNIs are Weft's from now on, and the hosts have taken them over.
move_numbers() {
	local host
	in_host controller sh -c 'printf "mark_mask: 0x00003ffc\ntable_base: 51234\npriority_base: 12341\nvni_base: 100000\n" >>/etc/weft/controller.yaml'
	program_restart controller weft-controller TERM
	for host in "$@"; do
		till 40 in_host "$host" grep -q '\\"table\\":5' /var/lib/weft-agent/desired.json || die "$host was not told the other numbers"
		till 40 is_settled "$host" || die "$host has not taken the other numbers over: $(status "$host" .line)"
	done
}
# old_numbers HOST: what it has with numbers that were Weft's before that; not the rules for its connection, and behind the main table's.
old_numbers() {
	local family
	for family in -4 -6; do
		in_host "$1" ip $family -j rule show | jq -c '.[] | select(.protocol == "87" and .priority != 1 and .priority != 32800 and (.priority < 12341 or .priority > 12499))'
		in_host "$1" ip $family -j -d route show table all | jq -c '.[] | select((.table | tostring | tonumber? // 254) as $t | $t >= 22342 and $t <= 31100)'
	done
	in_host "$1" nft list table inet weft_policy | grep -E '0x0?f(ff|f[0-9a-f])0000|take_0[0-9a-f]{3}0000' || true
	in_host "$1" ip -j -d link | jq -c '.[] | select((.ifalias // "" | startswith("weft:wire/")) and .linkinfo.info_data.id < 100000) | .ifalias'
}
has_no_old_numbers() { [ -z "$(old_numbers "$1")" ]; }

# lab_reboot HOST: what a boot leaves of Weft is its files; the kernel knows nothing, and the service starts anew.
lab_reboot() {
	in_host "$1" sh -c 'pkill -9 -x weft-agent; pkill -9 -x wireguard-go; nft delete table inet weft; nft delete table bridge weft
		for l in /sys/class/net/w[gvb]*; do ip link del "${l##*/}" 2>/dev/null; done
		ip route flush proto 87; ip -6 route flush proto 87; rm -rf /run/weft-agent /run/wireguard/*; true'
}

# Afterwards each host of a lab runs programs of the directory that `runs HOST DIRECTORY` told last, WEFT_BIN before that.
choose_programs() {
	local program
	mkdir "$scratch/bin"
	cp "$WEFT_BIN/weft" "$scratch/bin/" # which looks for the others beside itself
	for program in weft-agent weft-controller; do
		printf '#!/bin/sh\nWEFT_RECORD=/var/lib/weft-record exec "$(cat /var/lib/weft-programs 2>/dev/null || echo %s)/%s" "$@"\n' \
			"$WEFT_BIN" $program >"$scratch/bin/$program"
		chmod +x "$scratch/bin/$program"
	done
	PATH=$scratch/bin:$PATH
}
# runs HOST DIRECTORY: from its next start on; the lab's service starts a killed program again.
runs() { in_host "$1" sh -c 'echo "$0" >/var/lib/weft-programs' "$2"; }
program_pid() { in_host "$1" pgrep -x -n "${2:-weft-agent}"; }
is_other_pid() {
	local pid
	pid=$(program_pid "$1" "$2") && [ "$pid" != "$3" ]
}
# tree_rests SEGMENT NODE...: its wires' costs are measured, its root is where it is to be, and the nodes know.
has_root() { weft events -n 200 -o json | jq -e --arg t "segment $1: " 'any(.[]; .kind == "tree_root" and (.text | startswith($t)))'; }
tree_rests() {
	till 90 has_root "$1" || die "the root of $1 is not chosen: $(weft tree "$1" -o json | jq -c .wires)"
	for n in "${@:2}"; do till 30 is_settled "$n" || die "$n does not settle"; done
}

# program_restart HOST [PROGRAM [SIGNAL]]
program_restart() {
	local program=${2:-weft-agent} pid
	pid=$(program_pid "$1" "$program")
	in_host "$1" kill "-${3:-KILL}" "$pid"
	till 15 is_other_pid "$1" "$program" "$pid" || die "$1: $program did not come back"
}

# expire_certificate HOST: the authority's key signs it a certificate that was valid until yesterday.
expire_certificate() {
	local ca own=/var/lib/weft-agent
	ca=$(dirname "$(find "/run/weft-lab/$LAB/controller/var/lib/weft"* -name ca.key | head -n 1)")
	in_host "$1" cat $own/agent.crt >"$scratch/agent.crt"
	in_host "$1" cat $own/agent.key >"$scratch/agent.key"
	mkdir "$scratch/ca"
	: >"$scratch/ca/index"
	openssl x509 -in "$scratch/agent.crt" -noout -serial | cut -d= -f2 >"$scratch/ca/serial"
	printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s/ca/index\nserial=%s/ca/serial\nnew_certs_dir=%s/ca\ndefault_md=sha256\npolicy=p\ncopy_extensions=copyall\nunique_subject=no\n[p]\ncommonName=supplied\n' \
		"$scratch" "$scratch" "$scratch" >"$scratch/ca.cnf"
	openssl x509 -x509toreq -copy_extensions copyall -in "$scratch/agent.crt" -signkey "$scratch/agent.key" -out "$scratch/agent.csr" 2>/dev/null
	openssl ca -batch -config "$scratch/ca.cnf" -cert "$ca/ca.crt" -keyfile "$ca/ca.key" -in "$scratch/agent.csr" -out "$scratch/expired.crt" -notext \
		-startdate "$(date -u -d '-9 days' +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d '-1 day' +%Y%m%d%H%M%SZ)" 2>"$scratch/ca.log" || die "$(cat "$scratch/ca.log")"
	in_host "$1" sh -c 'cat >"$0"' $own/agent.crt <"$scratch/expired.crt"
}

# guard HOST COUNTER: packets that a guard rail dropped.
guard() { in_host "$1" nft -j list counter inet weft "$2" | jq -er '[.nftables[].counter? // empty][0].packets'; }

# answers FROM ADDRESS [PING-OPTION...]: one echo comes back.
answers() { in_host "$1" ping -n -q -c 1 -W 1 "${@:3}" "$2"; }

# A LAN of the test's own: the namespace $LAB-lan with the bridge lan0 (its address does not follow its ports'), and eth1 of
# each host that is plugged in, with 10.1.0.1N/24 and fd00:1::1N/64, N as they come. Whoever makes it drops it.
lan_make() {
	lan=$LAB-lan
	ip netns add "$lan"
	nsenter --net="/run/netns/$lan" sh -c 'ip link set lo up; ip link add lan0 address 02:00:00:00:00:64 type bridge mcast_snooping 0; ip link set lan0 up'
}
lan_plug_in() {
	local n=0 host
	for host in "$@"; do
		n=$((n + 1))
		ip -n "$lan" link add "$host" type veth peer name eth1 netns "$(jq -er --arg box "$host" '.boxes[$box].pid' "/run/weft-lab/$LAB/lab.json")"
		ip -n "$lan" link set "$host" master lan0 up
		in_host "$host" sh -c 'ip addr add 10.1.0.1'$n'/24 dev eth1; ip addr add fd00:1::1'$n'/64 dev eth1 nodad; ip link set eth1 up'
	done
}
lan_drop() { [ ! -e "/run/netns/$LAB-lan" ] || ip netns del "$LAB-lan"; }
# A host of it dies and comes back, silently: whoever sees its carrier go hands over at once, and a host that died does not.
cut_host() { ip -n "$lan" link set "$1" nomaster; lab cut "$1"; }
heal_host() { ip -n "$lan" link set "$1" master lan0; lab heal "$1"; }

# full_size ADDRESS: the payload that makes 1500 bytes.
full_size() { case $1 in *:*) echo 1452 ;; *) echo 1472 ;; esac; }

# all_pairs SECONDS SEGMENT NODE...: every node reaches every other, both families, 1500 bytes with DF.
all_pairs() {
	local end=$(($(now_ms) + $1 * 1000 * slow)) segment=$2 a b f to pairs=0
	shift 2
	for b in "$@"; do
		for f in 4 6; do
			to=$(address "$segment" "$b" $f)
			for a in "$@"; do
				[ "$a" != "$b" ] || continue
				until answers "$a" "$to" -M do -s "$(full_size "$to")" >/dev/null 2>&1; do
					[ "$(now_ms)" -lt "$end" ] || die "$a does not reach $b ($to) with 1500 bytes"
					sleep 0.2
				done
				pairs=$((pairs + 1))
			done
		done
	done
	echo $pairs
}

# flow NAME FROM ADDRESS [INTERVAL]: pings until flow_end NAME, which prints "LOST SENT". Echoes still under way at the
# end are not counted as lost: half a second's, for a busy machine answers that late.
flow() {
	mkdir -p "$scratch/flows"
	echo "$2" >"$scratch/flows/$1.host"
	echo "${4:-0.05}" >"$scratch/flows/$1.interval"
	setsid weft lab exec --lab "$LAB" "$2" -- sh -c 'echo $$ >"$0.pid"; exec ping -n -i "$2" "$1"' \
		"$scratch/flows/$1" "$3" "${4:-0.05}" >"$scratch/flows/$1" 2>&1 </dev/null &
	till 5 grep -q icmp_seq "$scratch/flows/$1" || die "nothing answers the ping $1"
}
flow_end() {
	local file=$scratch/flows/$1
	in_host "$(cat "$file.host")" sh -c 'kill -INT $(cat "$0")' "$file.pid"
	till 5 grep -q 'packets transmitted' "$file" || die "the ping $1 said nothing"
	awk -v interval="$(cat "$file.interval")" -v missing="$file.missing" '
		/icmp_seq=/ && !/DUP/ && /time=/ { sub(/.*icmp_seq=/, ""); seen[$1 + 0] = 1; got++; if ($1 + 0 > last) last = $1 + 0 }
		/packets transmitted/ { sent = $1 }
		END {
			if (sent - last <= 0.5 / interval) sent = last
			for (i = 1; i <= sent; i++) if (!(i in seen)) print i >missing
			print sent - got, sent
		}' "$file"
}
no_loss() {
	local lost sent
	read -r lost sent < <(flow_end "$1")
	note "$1: $sent echoes, $lost lost"
	[ "$lost" = 0 ] || note "missing: $(head -n 20 "$scratch/flows/$1.missing" | paste -sd' ')"
	[ "$lost" = 0 ]
}

# has_event NODE TEXT AFTER-ID: an event of NODE with TEXT that came after the event AFTER-ID.
last_event() { weft events -n 1 -o json | jq -r '.[0].id // 0'; }
has_event() {
	weft events --node "$1" -n 100 -o json |
		jq -e --arg t "$2" --argjson id "$3" 'any(.[]; .id > $id and (tostring | contains($t)))'
}

# dump HOST: all that Weft could have left on a host, timers and lifetimes left out.
is_quiet() { ! in_host "$1" ip -6 addr show tentative | grep . && ! in_host "$1" ip -d link | grep -E 'forward_delay_timer +[1-9]'; }
dump() {
	till 30 is_quiet "$1" || die "$1 does not come to rest"
	in_host "$1" sh -c '
		echo "# links"; ip -d link | sed -E "s/(_timer) +[0-9.]+/\1/g"
		echo "# addresses"; ip addr | sed "s/_lft [0-9]*sec/_lft/g"
		for f in -4 -6; do
			echo "# routes $f"; ip $f route show table all | sed "s/ expires [0-9]*sec//"
			echo "# rules $f"; ip $f rule
		done
		echo "# nft"; nft list ruleset
		echo "# sysctl"; sysctl -a 2>/dev/null | grep "^net\." | grep -v -e nf_conntrack_count -e tcp_fastopen_key
		echo "# resolver"; cat /etc/resolv.conf
		echo "# files"; find /etc /run /var/lib -path /var/lib/dpkg -prune -o ! -type d -print 2>/dev/null | sort'
}
