#!/usr/bin/env bash
# Debian's own kernel, downloaded and unpacked under build/vm/, never installed. Prints the directory: it has vmlinuz
# and lib/modules. An earlier download serves while Debian has no newer one, and where Debian is out of reach.
set -uo pipefail
cache=$(cd "$(dirname "$0")/../.." && pwd)/build/vm
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

fail() {
	echo "tests/vm: $1" >&2
	exit 1
}

# The package that linux-image-amd64 stands for; the cloud kernel has no 9p.
candidate() { apt-cache depends linux-image-amd64 2>/dev/null | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9.]+-[0-9]+-amd64$/ { print $2; exit }'; }

# unpack PACKAGE: into $work/kernel.
unpack() {
	local release=${1#linux-image-}
	work=$(mktemp -d "$cache/unpack.XXXXXX") && chmod 755 "$work" && # apt drops its rights to download
		(cd "$work" && apt-get download -q "$1" >/dev/null) && dpkg -x "$work/$1"_*.deb "$work/all" && mkdir "$work/kernel" &&
		mv "$work/all/boot/vmlinuz-$release" "$work/kernel/vmlinuz" && mv "$work/all/lib" "$work/kernel/lib" &&
		depmod -b "$work/kernel" "$release"
}

# fetch PACKAGE: $cache/PACKAGE is whole or not there. Those before it go.
fetch() {
	[ -n "$1" ] || return 1
	[ ! -e "$cache/$1" ] || return 0
	unpack "$1" 2>"$cache/fetch.log" && mv "$work/kernel" "$cache/$1" &&
		find "$cache" -maxdepth 1 -name 'linux-image-*' ! -name "$1" -exec rm -rf {} +
}

[ "$(uname -m)" = x86_64 ] || fail "the kernel that is tested is that of amd64, this machine is $(uname -m)"
for tool in apt-get apt-cache dpkg depmod; do
	command -v $tool >/dev/null || fail "$tool is not installed"
done
mkdir -p "$cache"
package=$(candidate)
if ! fetch "$package"; then
	# The lists may be missing, or older than the package that stands there now.
	apt-get update -q >/dev/null 2>&1
	package=$(candidate)
	fetch "$package" || package=$(cd "$cache" && printf '%s\n' linux-image-* | sort -V | tail -n 1)
fi
[ -e "$cache/$package/vmlinuz" ] || fail "Debian's kernel cannot be downloaded: $(tail -n 1 "$cache/fetch.log" 2>/dev/null)"
echo "$cache/$package"
