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

ip link add eth0 type veth peer name eth1
ip addr add 10.9.0.1/24 dev eth0
ip link set eth1 up
ip link set eth0 up
within 10 sh -c '! ip -6 addr show tentative | grep -q .'
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

check "systemd: purge of the agent" apt purge -y weft-agent
check "systemd: no unit of it is left" sh -c '! systemctl list-units --all --no-legend "weft-agent*" "weft-wireguard*" | grep .'
network | sed -E 's/(valid|preferred)_lft [0-9a-z]+//g' >network.after
check "systemd: the network is as before" diff -u network.before network.after
check "systemd: purge of the controller" apt purge -y weft-controller weft-cli
check "systemd: nothing of it is left" sh -c '! ls -d /etc/weft /var/lib/weft* /usr/share/weft /run/weft* 2>/dev/null | grep . &&
	! id weft 2>/dev/null && ! find /etc/systemd -name "*weft*" | grep .'
check "systemd: no unit has failed" sh -c '! systemctl --failed --no-legend | grep .'
echo finished
