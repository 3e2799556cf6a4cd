#!/usr/bin/env bash
# What systemd.sh runs as a service in its machine: results to /run/shared/result, everything else to /run/shared/log.
cd /run/shared || exit 1
exec >>log 2>&1
export DEBIAN_FRONTEND=noninteractive HOME=/tmp LC_ALL=C.UTF-8

check() {
	local what=$1
	shift
	if "$@" >check 2>&1; then
		echo "ok   $what" >>result
	else
		{ echo "FAIL $what"; tail -n 20 check | sed 's/^/     /'; } >>result
	fi
	cat check
}
within() { # within SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.3
	done
}
is() { systemctl --quiet is-active "$1"; }
not() { ! "$@"; }
apt() { apt-get -q "$@" </dev/null; }
tunnels() { ip -o link | awk -F': ' '$2 ~ /^w[gvb]/ { print $1, $2 }'; pgrep wireguard-go; }
same_tunnels() { [ -n "$before" ] && [ "$(tunnels)" = "$before" ]; }
agent_pid() { systemctl show -P MainPID weft-agent; }
new_agent() { is weft-agent && [ "$(agent_pid)" != "$pid" ] && weft-agent status; }

# The other host: a network, and a view of the files in which Weft was never there and systemd does not run.
ip netns add two
ip link add eth0 type veth peer name eth0 netns two
ip addr add 10.9.0.1/24 dev eth0
ip -n two addr add 10.9.0.2/24 dev eth0
ip -n two link set lo up
ip -n two link set eth0 up
ip link set eth0 up
within 10 sh -c 'ip -6 addr show dev eth0 scope link | grep -q . && ! ip -6 addr show tentative | grep -q .'
network() { ip addr; ip -4 route show table all; ip -6 route show table all; nft list ruleset; sysctl -a 2>/dev/null | grep '^net\.ip'; }
network | sed -E 's/(valid|preferred)_lft [0-9a-z]+//g' >network.before

check "systemd: the controller is installed" apt install -y --no-install-recommends ./weft-controller_*.deb ./weft-cli_*.deb
check "systemd: it is enabled and says when it is ready" sh -c 'systemctl is-enabled weft-controller && systemctl is-active weft-controller'
password=$(journalctl -u weft-controller -o cat | sed -n 's/.*with the password //p')
check "systemd: the journal names the first password" test -n "$password"
check "systemd: the operator signs in" sh -c "echo '$password' |
	weft login --user admin --password-stdin --ca-file /var/lib/weft/ca.crt https://10.9.0.1:8443"
printf '%s\n' 'nodes: {one: {address: 10.9.0.1}, two: {}}' 'networks: {home: {mesh: [one, two]}}' \
	'segments: {lan: {network: home, mode: bridge}}' >/tmp/fleet.yaml
check "systemd: the fleet is applied" weft apply -f /tmp/fleet.yaml
line=$(weft node add one | sed -n 's/^ *\(curl .*\)$/\1/p' | sed 's/| sudo sh/| sh/')
check "systemd: the line installs, joins and starts the agent" sh -c "$line && systemctl is-active weft-agent"
check "systemd: it does all its work within its sandbox" within 20 sh -c 'weft-agent status && ip -o link | grep -q ": wb"'
before=$(tunnels)
if pgrep wireguard-go >/dev/null; then
	check "systemd: wireguard-go is a service of its own" sh -c 'systemctl list-units "weft-wireguard@*" | grep -q running'
fi

pid=$(agent_pid)
systemctl restart weft-agent
check "systemd: the agent restarts" within 15 new_agent
check "systemd: the tunnels do not" same_tunnels
pid=$(agent_pid)
check "systemd: the package installs over itself" apt install -y --reinstall ./weft-agent_*.deb
check "systemd: the agent is a new one" within 15 new_agent
check "systemd: the tunnels are the old" same_tunnels
pid=$(agent_pid)
[ "$pid" -gt 1 ] && kill -KILL "$pid"
check "systemd: a killed agent comes back" within 15 new_agent
check "systemd: to the same tunnels" same_tunnels

# ---- N -> N+1 -> N while packets flow ----

# enter_two SCRIPT: every time the same private view, made at the first and kept by a process of its own (not by a file:
# Linux 6.18 refuses now and then to mount a mount namespace).
enter_two() {
	if [ ! -e /tmp/two/keeper ]; then
		mkdir -p /tmp/two/run /tmp/two/state /tmp/two/dns /tmp/two/wireguard
		cp /usr/sbin/weft-agent /tmp/two/weft-agent
		nsenter --net=/run/netns/two unshare --mount sh -c 'mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run/systemd; mkdir -p /run/wireguard /run/weft-agent /var/lib/weft-agent
			mount --bind /tmp/two/wireguard /run/wireguard; mount --bind /tmp/two/run /run/weft-agent; mount --bind /tmp/two/state /var/lib/weft-agent; mount --bind /tmp/two/dns /var/lib/weft-dns
			echo $$ >/tmp/two/keeper; exec sleep infinity' >/dev/null &
		within 10 test -s /tmp/two/keeper || return 1
	fi
	nsenter --target "$(cat /tmp/two/keeper)" --mount --net sh -c "$1"
}
join_two() { enter_two "/tmp/two/weft-agent join $(weft node add two -o json | jq -r .key)"; }
overlay_of() { weft get segments lan --effective -o json | jq -er --arg n "$1" '[.. | .nodes? // empty | .[$n][] | select(contains(":") | not)][0]'; }
# exchange_package FILE VERSION: the new agent finds all as it should be.
exchange_package() {
	pid=$(agent_pid)
	apt install -y --allow-downgrades "$1" || return 1
	within 20 new_agent && within 10 runs_version "$2" || return 1
	[ "$(weft-agent status --json | jq .writes)" = 0 ] || { echo "it wrote to the kernel:"; weft-agent status; return 1; }
}
runs_version() { weft-agent status --json | jq -e --arg v "$1" '.version == $v and .connected and .revision == .target'; }
# What a later version may leave on the disk.
leave_more_behind() {
	local file
	for file in identity.json desired.json; do
		jq '. + {later: {epoch: [12]}}' /var/lib/weft-agent/$file >/tmp/more && cat /tmp/more >/var/lib/weft-agent/$file || return 1
	done
}
is_whole() { ! ls /var/lib/weft-agent/*.bad && jq -e '.later.epoch == [12]' /var/lib/weft-agent/identity.json; }
no_echo_lost() {
	awk '/icmp_seq=/ && /time=/ { sub(/.*icmp_seq=/, ""); seen[$1 + 0] = 1; n++; if ($1 + 0 > last) last = $1 + 0 }
		END { for (i = 1; i <= last; i++) if (!(i in seen)) which = which " " i
			print last - n, "of", last, "echoes lost" (which ? ":" which : ""); exit n < 200 || n != last }' ping.log
}
# Every second carried something, and nothing but our own interrupt ended it.
no_reset() {
	cat iperf.log
	awk '/ sec .*\/sec/ && !/sender|receiver/ { split($3, at, "-"); if (at[2] - at[1] > 0.9) { n++; if ($5 + 0 == 0) stalled++ } }
		END { exit n < 5 || stalled > 0 }' iperf.log &&
		[ "$(grep -c 'iperf3: ' iperf.log)" = 1 ] && grep 'iperf3: interrupt' iperf.log
}

version=$(weft-agent version | cut -d' ' -f2)
next_version=$(dpkg-deb -f next/weft-agent_*.deb Version | sed 's/-.*//')
check "upgrade: another host joins" join_two
enter_two 'exec setsid /tmp/two/weft-agent run' >two.log 2>&1 &
two=$!
other=$(overlay_of two)
check "upgrade: the two reach each other over the segment" within 40 ping -c 1 -W 1 "$other"
before=$(tunnels)
units=$(systemctl show -P InvocationID 'weft-wireguard@*')
ip netns exec two iperf3 -s >iperf.server 2>&1 &
server=$!
within 10 sh -c 'ip netns exec two ss -ltn | grep -q ":5201 "'
ping -n -i 0.02 "$other" >ping.log 2>&1 &
ping=$!
# Far below what a busy machine carries: whatever is lost, no full queue lost it.
iperf3 -c "$other" -b 4M -l 4K -t 300 -i 1 --forceflush >iperf.log 2>&1 &
iperf=$!
within 10 grep -q "icmp_seq=50" ping.log
check "upgrade: $version -> $next_version: the agent is a new one, and finds nothing to do" exchange_package ./next/weft-agent_*.deb "$next_version"
check "upgrade: the later one leaves more on the disk than the former knows" leave_more_behind
check "upgrade: $next_version -> $version: likewise" exchange_package ./weft-agent_*.deb "$version"
check "upgrade: the former takes what the later one left, and keeps it" is_whole
kill -INT $iperf $ping
wait $iperf $ping
kill $server
check "upgrade: of pings every 20 ms not one was lost" no_echo_lost
echo "note $(no_echo_lost)" >>result
check "upgrade: a running iperf3 did not notice" no_reset
check "upgrade: the tunnels are the very same" same_tunnels
check "upgrade: and so are their services" [ "$(systemctl show -P InvocationID 'weft-wireguard@*')" = "$units" ]
enter_two '/tmp/two/weft-agent leave' >>two.log 2>&1
wait $two

. ./systemd_handover.sh

check "systemd: purge of the agent" apt purge -y weft-agent
check "systemd: no unit of it is left" sh -c '! systemctl list-units --all --no-legend "weft-agent*" "weft-wireguard*" | grep .'
network | sed -E 's/(valid|preferred)_lft [0-9a-z]+//g' >network.after
check "systemd: the network is as before" diff -u network.before network.after
check "systemd: purge of the controller" apt purge -y weft-controller weft-cli
check "systemd: nothing of it is left" sh -c '! ls -d /etc/weft /var/lib/weft* /usr/share/weft /run/weft* 2>/dev/null | grep . &&
	! id weft 2>/dev/null && ! find /etc/systemd -name "*weft*" | grep .'
check "systemd: no unit has failed" sh -c '! systemctl --failed --no-legend | grep .'
echo finished
