#!/usr/bin/env bash
# Installs the packages on two machines that share this one's kernel and join one network:
#
#    one (10.9.0.2) ---- veth ---- two (10.9.0.1)
#    a host                        the controller, and a node as well
#
# Each has a root of its own (an overlay over this machine's /, thrown away at the end) and its own network. No systemd
# runs there, so this also shows that the packages manage without; systemd.sh, run at the end, shows the units.
# One line a check, then "N passed, N failed".
#   tests/install/install.sh      WEFT_BUILD is the build directory (default: build/release)
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(realpath "${WEFT_BUILD:-$root/build/release}")

skip() { echo "tests/install: $1" >&2; exit 77; }

if [ "${WEFT_INSTALL_INSIDE:-}" = "" ]; then
	[ "$(id -u)" = 0 ] || skip "only root can make namespaces"
	for tool in cpack apt-get dpkg-deb unshare ip nft curl jq setpriv; do
		command -v $tool >/dev/null || skip "$tool is missing"
	done
	[ -x "$build/bin/weft-controller" ] || skip "$build/bin/weft-controller is not built"
	[ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
	unshare --mount sh -c 'd=$(mktemp -d) && mount -t tmpfs tmpfs "$d" && mkdir "$d/u" "$d/w" "$d/m" &&
		mount -t overlay overlay -o "lowerdir=/,upperdir=$d/u,workdir=$d/w" "$d/m"; r=$?; umount -l "$d"; rmdir "$d"; exit $r' \
		2>/dev/null || skip "an overlay over / cannot be mounted"
	WEFT_INSTALL_INSIDE=1 WEFT_BUILD=$build exec unshare --mount --net --uts --ipc --pid --fork --kill-child "$here/install.sh"
fi

passed=0 failed=0
check() {
	local what=$1
	shift
	if "$@" >"$work/check.log" 2>&1; then
		passed=$((passed + 1)) && echo "ok   $what"
	else
		failed=$((failed + 1)) && echo "FAIL $what" && tail -n 30 "$work/check.log" | sed 's/^/     /'
	fi
}
give_up() { echo "FAIL $1"; [ ! -f "$work/$2" ] || tail -n 30 "$work/$2"; echo "$passed passed, $((failed + 1)) failed"; exit 1; }

# ---- the machines ----

mount --make-rprivate /
mount -t proc proc /proc
work=/mnt
mount -t tmpfs tmpfs $work
mkdir $work/shared
mount -t tmpfs tmpfs /run
mkdir /run/netns

# machine NAME ADDRESS: its network and its root, both empty of Weft.
machine() {
	local m=$work/$1
	mkdir -p "$m/upper" "$m/work" "$m/root"
	ip netns add "$1"
	ip -n "$1" link set lo up
	mount -t overlay overlay -o "lowerdir=/,upperdir=$m/upper,workdir=$m/work" "$m/root" || give_up "overlay of $1"
	mount -t proc proc "$m/root/proc"
	mount --bind /dev "$m/root/dev"
	for dir in run tmp mnt; do mount -t tmpfs tmpfs "$m/root/$dir"; done
	chmod 1777 "$m/root/tmp"
	mkdir "$m/root/run/lock"
	mount --bind $work/shared "$m/root/mnt"
}
# on NAME COMMAND...
on() { (run_on "$@"); }
# run_on NAME COMMAND... &: the same for a process that stays; $! is its id.
run_on() {
	local m=$1
	shift
	exec ip netns exec "$m" chroot "$work/$m/root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/tmp LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
# until SECONDS COMMAND...: repeats it until it succeeds.
until_ok() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { "$@"; return 1; }
		sleep 0.3
	done
}
has() { grep -qF -- "$1" "$2" || { echo "no \`$1' in:"; cat "$2"; return 1; }; }
refuses() { # refuses SENTENCE COMMAND...
	local sentence=$1
	shift
	if "$@" >"$work/refusal" 2>&1; then
		echo "was not refused"; cat "$work/refusal"; return 1
	fi
	has "$sentence" "$work/refusal"
}

# Everything of the network that a node changes.
network_of() {
	on "$1" sh -c 'ip -d link; ip addr; for f in -4 -6; do ip $f route show table all; ip $f rule; done; nft list ruleset
		sysctl -a 2>/dev/null | grep "^net\." | grep -v "^net\.netfilter"; cat /etc/resolv.conf' |
		sed -E 's/ (expires|valid_lft|preferred_lft) [0-9a-z]+//g'
}
# Files that are not as before: whatever stands in the overlay and differs from this machine's /. What dpkg, apt and man
# write down for themselves is theirs to keep.
files_of() {
	local upper=$work/$1/upper
	(cd "$upper" && find . -mindepth 1 | sort | while read -r path; do
		case ${path#.} in
		/var/lib/dpkg/* | /var/lib/apt/* | /var/cache/apt/* | /var/cache/man/* | /var/cache/debconf/* | /var/log/* | \
			/etc/passwd- | /etc/shadow- | /etc/group- | /etc/gshadow- | /etc/.pwd.lock | /var/lib/systemd/deb-systemd-helper-*) continue ;;
		esac
		if [ -d "$path" ] && [ -d "/$path" ]; then continue; fi
		if [ -f "$path" ] && cmp -s "$path" "/$path" && [ "$(stat -c %a:%u:%g "$path")" = "$(stat -c %a:%u:%g "/$path")" ]; then
			continue
		fi
		stat -c '%F %n' "$path"
	done)
}
same() { diff -u "$1" "$2"; }
nothing_in() { [ ! -s "$1" ] || { cat "$1"; return 1; }; }

machine one
machine two
ip -n one link add eth0 type veth peer name eth0 netns two
ip -n one addr add 10.9.0.2/24 dev eth0
ip -n two addr add 10.9.0.1/24 dev eth0
ip -n one link set eth0 up
ip -n two link set eth0 up
until_ok 10 on one ping -c 1 -W 1 10.9.0.1 || give_up "the two machines do not reach each other"
# Interfaces settle (carrier, duplicate address detection) before they are compared.
for m in one two; do until_ok 10 sh -c "! ip -n $m -6 addr show tentative | grep -q ." ; done

# ---- the packages ----

cp "$build/CPackConfig.cmake" $work/ || give_up "the build directory has no CPackConfig.cmake: configure it anew"
(cd "$build" && cpack -B $work/packages) >$work/cpack.log 2>&1 || give_up "cpack" cpack.log
cp $work/packages/*.deb $work/shared/
check "cpack makes the three packages" sh -c "ls $work/shared/weft-controller_*.deb $work/shared/weft-agent_*.deb $work/shared/weft-cli_*.deb"
check "the controller's package carries the agent's" sh -c \
	"dpkg-deb -c $work/shared/weft-controller_*.deb | grep -q './usr/share/weft/packages/weft-agent_.*\.deb'"
# The agent's package of the next release: the same but for the program, which is one (tests/compat), and the number.
next_package() {
	local p=$work/next.root version
	mkdir $work/shared/next
	version=$("$build/compat/next/weft-agent" version | cut -d' ' -f2)
	dpkg-deb -R $work/shared/weft-agent_*.deb $p && strip -o $p/usr/sbin/weft-agent "$build/compat/next/weft-agent" || return 1
	sed -i "s/^Version: [^-]*/Version: $version/" $p/DEBIAN/control
	(cd $p && find . -path ./DEBIAN -prune -o -type f -printf '%P\n' | xargs md5sum >DEBIAN/md5sums) && dpkg-deb -b $p $work/shared/next
}
check "a package of the next version is made" next_package
if command -v systemd-analyze >/dev/null; then
	# The programs the units name stand only in the machines.
	dpkg-deb -x $work/shared/weft-controller_*.deb $work/units && dpkg-deb -x $work/shared/weft-agent_*.deb $work/units
	sed -i "s,=/usr/sbin/weft,=$work/units/usr/sbin/weft," $work/units/usr/lib/systemd/system/*.service
	for unit in weft-controller weft-agent weft-boot weft-wireguard@ weft-dns weft-sets weft-proxy; do
		check "systemd-analyze has nothing against $unit.service" sh -c \
			"out=\$(systemd-analyze verify --man=no $work/units/usr/lib/systemd/system/$unit.service 2>&1) && [ -z \"\$out\" ] || { echo \"\$out\"; exit 1; }"
		check "$unit.service is exposed less than 3 of 10" systemd-analyze security --offline=true --threshold=30 \
			$work/units/usr/lib/systemd/system/$unit.service
	done
fi

network_of one >$work/one.before
network_of two >$work/two.before
dpkg-query -W >$work/dpkg.before

install() { on two sh -c 'apt-get install -y --no-install-recommends /mnt/weft-controller_*.deb /mnt/weft-cli_*.deb'; }
check "apt-get installs the controller and the command line" install
cp $work/check.log $work/install.log
check "without systemd it says how to start" has "no systemd here: start it yourself" $work/install.log
check "the settings files name every default" sh -c "grep -q '^#state_dir: /var/lib/weft' $work/two/root/etc/weft/controller.yaml"
check "manual pages and completion are there" on two sh -c 'man -w weft-controller && man -w weft-apply && [ -s /usr/share/bash-completion/completions/weft ]'
check "the controller's directory is its user's alone" sh -c "[ \"\$(chroot $work/two/root stat -c %U:%a /var/lib/weft)\" = weft:700 ]"

# ---- the controller ----

echo 'advertise: [10.9.0.1]' >>$work/two/root/etc/weft/controller.yaml
run_on two setpriv --reuid weft --regid weft --clear-groups weft-controller run >$work/controller.log 2>&1 &
controller=$!
check "the controller runs as its own user" until_ok 20 on two curl -fsSk https://10.9.0.1:8443/healthz
password=$(sed -n 's/.*with the password //p' $work/controller.log)
[ -n "$password" ] || give_up "the controller prints no first password" controller.log
[ $failed = 0 ] || give_up "the rest, without a controller" controller.log
check "the operator signs in" on two sh -c "echo '$password' | weft login --user admin --password-stdin --ca-file /var/lib/weft/ca.crt https://10.9.0.1:8443"
cat >$work/shared/fleet.yaml <<'END'
nodes:
  one: {address: 10.9.0.2}
  two: {address: 10.9.0.1}
networks:
  home: {mesh: [one, two]}
segments:
  lan: {network: home, mode: bridge}
END
check "the fleet is applied" on two weft apply -f /mnt/fleet.yaml

# line NODE: the one line that `weft node add` prints, without the sudo: here we are root.
line() { on two weft node add "$1" | sed -n 's/^ *\(curl .*\)$/\1/p' | sed 's/| sudo sh/| sh/'; }
join_one=$(line one)
echo "     $join_one" | cut -c1-150
key=${join_one##* }
state() { on two weft get nodes "$1" -o json >/dev/null && on two weft status -o json; }
is_well() { state "$1" | jq -e --arg n "$1" '.nodes[] | select(.name == $n) | .connected and .health == "ok"'; }

# ---- what the line refuses ----

script() { on one curl -fsSk --pinnedpubkey "$pin" https://10.9.0.1:8443/join; }
pin=$(sed -n "s/.*--pinnedpubkey '\([^']*\)'.*/\1/p" <<<"$join_one")
script >$work/shared/join.sh
on one sh -c 'mkdir /tmp/arch && printf "#!/bin/sh\necho riscv64\n" >/tmp/arch/dpkg && chmod 755 /tmp/arch/dpkg'
printf 'ID=fedora\nPRETTY_NAME="Fedora Linux 40"\n' >$work/shared/os-release
wrong_pin() { on one sh -c "curl -fsSk --pinnedpubkey 'sha256//$(printf 'A%.0s' {1..43})=' -o /tmp/got https://10.9.0.1:8443/join || { [ ! -s /tmp/got ] && echo 'nothing came' && exit 1; }"; }
elsewhere() { on one unshare --mount sh -c "mount --bind /mnt/os-release /usr/lib/os-release && sh /mnt/join.sh $key"; }
tampered() {
	local file=$work/two/root/usr/share/weft/packages/ kept
	file=$(ls "$file"weft-agent_*.deb) && kept=$(stat -c %s "$file")
	cp -a "$file" $work/kept.deb && printf x >>"$file"
	on one sh /mnt/join.sh "$key"
	local status=$?
	cp -a $work/kept.deb "$file"
	return $status
}
check "no key: one sentence" refuses "give the enrolment key" on one sh /mnt/join.sh
check "not root: one sentence" refuses "must run as root" on one setpriv --reuid nobody --clear-groups sh /mnt/join.sh "$key"
check "another system: one sentence" refuses "this is Fedora Linux 40; only Debian and Ubuntu are supported" elsewhere
check "another architecture: one sentence" refuses "the controller has no weft-agent package for riscv64/" \
	on one env PATH=/tmp/arch:/usr/sbin:/usr/bin:/sbin:/bin sh /mnt/join.sh "$key"
check "another key than the pinned: nothing is fetched" refuses "nothing came" wrong_pin
check "a changed package is not installed" refuses "is not what the controller announced" tampered
on one sh -c 'rm -rf /tmp/arch /tmp/got'
files_of one >$work/one.refused
check "after all these nothing is changed on the host" nothing_in $work/one.refused

# ---- joining ----

declare -A agent
start_agent() { run_on "$1" weft-agent run >>"$work/$1.agent.log" 2>&1 & agent[$1]=$!; }
check "the line installs the agent and joins" on one sh -c "$join_one"
cp $work/check.log $work/join.log
check "without systemd it says what to run" has "start \`weft-agent run\` yourself" $work/join.log
check "the line a second time: one sentence" refuses "this host has joined already" on one sh -c "$join_one"
start_agent one
check "GET /state has the host connected and well" until_ok 30 is_well one
join_two=$(line two)
check "the controller's machine joins by its line too" on two sh -c "$join_two"
start_agent two
check "GET /state has it connected and well" until_ok 30 is_well two
other=$(until_ok 20 sh -c "ip -n two -4 -o addr show | grep -q ' wb'" && ip -n two -4 -o addr show | awk '$2 ~ /^wb/ { sub("/.*", "", $4); print $4; exit }')
check "the two reach each other over the segment" until_ok 60 on one ping -c 1 -W 1 "${other:-none}"
check "weft-agent status says so" until_ok 15 on one weft-agent status

# ---- an upgrade ----

links() { ip -n one -o link | awk -F': ' '{ print $1, $2 }' | grep ' w[gvb]'; }
links >$work/links.before
run_on one ping -i 0.05 -c 160 "$other" >$work/ping.log 2>&1 &
ping=$!
check "the package installs over itself" on one sh -c 'apt-get install -y --reinstall /mnt/weft-agent_*.deb'
kill "${agent[one]}" "${agent[two]}"
wait "${agent[one]}" "${agent[two]}"
start_agent one
start_agent two
wait $ping
links >$work/links.after
check "no packet is lost while package and agents change over" has " 0% packet loss" $work/ping.log
check "the interfaces are the very same" same $work/links.before $work/links.after
check "and the agents are back" until_ok 30 is_well one

# ---- leaving ----

check "leave takes the host out" on one weft-agent leave
until_ok 10 sh -c "! ip -n one -o link | grep -q ': w[gvb]'"
network_of one >$work/one.left
check "leave: links, addresses, routes, rules, nft, sysctl and resolv.conf are as before" same $work/one.before $work/one.left
check "purge" on one apt-get purge -y weft-agent
files_of one >$work/one.files
check "purge: every file is as before" nothing_in $work/one.files
on one dpkg-query -W >$work/dpkg.after
check "purge: so is the list of packages" same $work/dpkg.before $work/dpkg.after
check "purge without leave" on two apt-get purge -y weft-agent
until_ok 10 sh -c "! ip -n two -o link | grep -q ': w[gvb]'"
network_of two >$work/two.left
check "purge alone leaves too: the network is as before" same $work/two.before $work/two.left
check "purge stops the controller and removes it" on two apt-get purge -y weft-controller weft-cli
files_of two >$work/two.files
check "every file of it is gone, keys and user too" nothing_in $work/two.files
check "no process is left" sh -c '! pgrep "weft-agent|weft-controller|wireguard-go"'

# ---- the same under systemd ----

"$here/systemd.sh" $work/shared | tee $work/systemd.log
skipped=$((PIPESTATUS[0] == 77))
passed=$((passed + $(grep -c '^ok ' $work/systemd.log)))
failed=$((failed + $(grep -c '^FAIL ' $work/systemd.log)))

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
