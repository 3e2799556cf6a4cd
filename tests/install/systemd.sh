#!/usr/bin/env bash
# Boots systemd in a machine of namespaces (a root of its own over this machine's /, a network with one veth pair), and
# installs, joins, restarts, upgrades and removes there what the packages bring, all under the real units.
#   tests/install/systemd.sh DIRECTORY      with the .deb files, and in next/ the agent's of the next version; one line a
#                                           check, exits 77 where it cannot
set -u
here=$(cd "$(dirname "$0")" && pwd)

skip() { echo "tests/install/systemd: $1" >&2; exit 77; }

outside() {
	local cgroups group shared
	[ -x /lib/systemd/systemd ] || skip "systemd is not installed"
	cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	group=$cgroups/weft-install-$$
	[ -n "$cgroups" ] && mkdir "$group" 2>/dev/null || skip "no cgroup of version 2 can be made"
	shared=$(mktemp -d)
	cp -r "$1"/*.deb "$1/next" "$here/systemd_inside.sh" "$here/systemd_handover.sh" "$here/flow.py" "$here/../netns/dns.py" "$shared/"
	# The subshell moves itself, so that systemd sees the group as the root of all.
	(echo $BASHPID >"$group/cgroup.procs" && WEFT_SHARED=$shared exec timeout -s KILL 420 \
		unshare --mount --net --uts --ipc --pid --cgroup --fork --kill-child "$here/systemd.sh" --boot) >"$shared/console" 2>&1
	cat "$shared/result" 2>/dev/null
	if ! grep -q '^finished' "$shared/log" 2>/dev/null; then
		echo "FAIL systemd comes up and the checks run to their end"
		tail -n 20 "$shared/console"
	fi
	for _ in $(seq 50); do
		find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
		[ -d "$group" ] || break
		sleep 0.1
	done
	rm -rf "$shared"
}

boot() {
	local r=/mnt/root unit
	mount --make-rprivate /
	mkdir -p /mnt
	mount -t tmpfs tmpfs /mnt
	mkdir /mnt/upper /mnt/work $r
	mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work $r
	mount -t proc proc $r/proc
	mount -t sysfs sysfs $r/sys
	mount -t cgroup2 cgroup2 $r/sys/fs/cgroup
	mount --bind /dev $r/dev
	mount -t tmpfs tmpfs $r/run
	mount -t tmpfs tmpfs $r/tmp
	mkdir -p $r/run/lock $r/run/shared $r/old-root
	mount --bind "$WEFT_SHARED" $r/run/shared
	# This machine may be an image that forbids packages to start services.
	rm -f $r/usr/sbin/policy-rc.d
	printf '[Unit]\nRequires=basic.target\nAfter=basic.target\n[Service]\nExecStart=/bin/bash /run/shared/systemd_inside.sh\n%s\n' \
		'ExecStopPost=/bin/systemctl --no-block exit' >$r/etc/systemd/system/install-test.service
	for unit in systemd-udevd systemd-udev-trigger systemd-timesyncd; do
		ln -sf /dev/null $r/etc/systemd/system/$unit.service
	done
	cd $r && pivot_root . old-root && umount -l /old-root && rmdir /old-root
	ip link set lo up
	exec env -i container=weft PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --system --unit=install-test.service --log-target=console
}

if [ "${1:-}" = --boot ]; then
	boot
else
	outside "$1"
fi
