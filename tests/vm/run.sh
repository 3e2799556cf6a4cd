#!/usr/bin/env bash
# Boots Debian's own kernel in QEMU (software emulation: no KVM needed) over a copy-on-write view of this machine's file
# system and runs namespace scripts inside, where WireGuard is the kernel's.
#   tests/vm/run.sh                      the scripts of this directory
#   tests/vm/run.sh [SCRIPT|WORD...]     others: paths, or words as for tests/netns/run.sh
#   tests/vm/run.sh -- COMMAND [ARG...]  a command of your own
# Settings: docs/testing.md. Ends with "N passed, N failed, N skipped"; exits 77 where QEMU or the kernel cannot be had.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
limit=${WEFT_VM_SECONDS:-900}
work=
machine=

skip() {
	echo "tests/vm: $1" >&2
	exit 77
}

finish() {
	trap - EXIT INT TERM
	[ -z "$machine" ] || kill -KILL "$machine" 2>/dev/null
	[ -z "$work" ] || rm -rf "$work"
	exit "$1"
}

# make_initramfs KERNEL-DIRECTORY: $work/initramfs, with busybox and what is needed to reach the host's file system.
make_initramfs() {
	local kernel=$1 release modules=(virtio_pci 9pnet_virtio 9p overlay) file tree=$work/tree
	release=$(basename "$kernel"/lib/modules/*)
	mkdir -p "$tree/bin" "$tree/lib/modules/$release"
	cp "$(command -v busybox)" "$tree/bin/busybox"
	cp "$here/init.sh" "$tree/init"
	cp "$kernel/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$tree/lib/modules/$release/"
	modprobe -d "$kernel" -S "$release" -D -a "${modules[@]}" | sed -n 's/^insmod \(.*[^ ]\) *$/\1/p' | sort -u >"$work/modules"
	while read -r file; do install -D "$file" "$tree${file#"$kernel"}"; done <"$work/modules"
	depmod -b "$tree" "$release"
	(cd "$tree" && find . | cpio -o -H newc --quiet) >"$work/initramfs"
}

# boot KERNEL-DIRECTORY: starts the machine. What the kernel says goes to build/logs/vm-console.log.
boot() {
	local devices=(
		-fsdev "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"
		-device "virtio-9p-pci,fsdev=host,mount_tag=host"
		-fsdev "local,id=share,path=$work/share,security_model=none"
		-device "virtio-9p-pci,fsdev=share,mount_tag=share"
		-serial "file:$root/build/logs/vm-console.log")
	qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 -nodefaults -no-user-config -no-reboot -display none \
		"${devices[@]}" -kernel "$1/vmlinuz" -initrd "$work/initramfs" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr" \
		</dev/null >"$work/qemu" 2>&1 &
	machine=$!
}

[ "$(uname -m)" = x86_64 ] || skip "the kernel that is tested is that of amd64, this machine is $(uname -m)"
for tool in qemu-system-x86_64 busybox cpio modprobe depmod; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
bin=$(cd "${WEFT_BIN:-$root/build/release/bin}" 2>/dev/null && pwd) || skip "the programs are not built (WEFT_BIN=${WEFT_BIN:-$root/build/release/bin})"
kernel=$("$here/kernel.sh") || exit 77

trap 'finish 1' EXIT INT TERM
mkdir -p "$root/build/logs"
work=$(mktemp -d "$root/build/vm/run.XXXXXX")
mkdir -p "$work/share/logs"
if [ "${1:-}" = -- ]; then
	command=("${@:2}")
elif [ $# -gt 0 ]; then
	command=(../netns/run.sh)
	for word in "$@"; do
		[[ $word != */* ]] || word=$(realpath "$word")
		command+=("$word")
	done
else
	command=(../netns/run.sh "$here"/[0-9][0-9]-*.sh)
fi
printf '%s\0' "${command[@]}" >"$work/share/command"
printf '%s\0' "WEFT_BIN=$bin" "WEFT_SLOW=${WEFT_SLOW:-4}" "WEFT_NETEM=${WEFT_NETEM:-}" "WEFT_NETNS_LOGS=/run/weft-vm/logs" "HOME=/root" "LANG=C.UTF-8" \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" >"$work/share/environment"
echo "$here/guest.sh" >"$work/share/guest"
echo "$kernel/lib/modules" >"$work/share/modules"
: >"$work/share/output"
make_initramfs "$kernel"
boot "$kernel"

tail -f --pid="$machine" -s 0.5 "$work/share/output" &
printer=$!
end=$((SECONDS + limit))
while kill -0 "$machine" 2>/dev/null && [ $SECONDS -lt $end ]; do sleep 0.5; done
[ $SECONDS -lt $end ] || echo "FAIL the machine was not done within $limit s"
kill -KILL "$machine" 2>/dev/null
wait "$machine" "$printer" 2>/dev/null
if ! [ -s "$work/share/status" ]; then
	cat "$work/qemu"
	tail -n +1 "$work"/share/logs/*
	tail -n 20 "$root/build/logs/vm-console.log"
	echo "FAIL the machine boots and runs the scripts to their end (build/logs/vm-console.log)"
	finish 1
fi
finish "$(cat "$work/share/status")"
