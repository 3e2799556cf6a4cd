#!/usr/bin/env bash
# Installs what Weft needs on Debian 12: for `run`, `build`, `demo` or `test`
# (the default), each of which takes in those before it.
set -euo pipefail

run=(ca-certificates iproute2 nftables libwebsockets17 libwebsockets-evlib-uv libmicrohttpd12 libjansson4 libsqlite3-0
	libuv1 libcurl4 libmnl0 libnftables1 libyaml-0-2 libssl3 wireguard-go wireguard-tools)
build=(build-essential cmake ninja-build pkg-config file dpkg-dev nodejs npm
	libwebsockets-dev libmicrohttpd-dev libjansson-dev libsqlite3-dev libuv1-dev libcurl4-openssl-dev
	libmnl-dev libnftables-dev libyaml-dev libssl-dev libgnutls28-dev libcmocka-dev)
demo=(iputils-ping)
test=(clang iptables libclang-rt-14-dev clang-format clang-tidy llvm bridge-utils iputils-arping ethtool iperf3 tcpdump jq curl openssl
	procps python3 python3-yaml sqlite3 chromium bird2 unbound dnsmasq-base bind9-dnsutils knot-dnsutils dnsperf haproxy nginx-core libnginx-mod-stream
	ngtcp2-client ngtcp2-server bash-completion man-db qemu-system-x86 busybox-static cpio kmod)

packages=("${run[@]}")
case "${1:-test}" in
run) ;;
build) packages+=("${build[@]}") ;;
demo) packages+=("${build[@]}" "${demo[@]}") ;;
test) packages+=("${build[@]}" "${demo[@]}" "${test[@]}") ;;
*)
	echo "usage: deps.sh [run|build|demo|test]" >&2
	exit 2
	;;
esac

missing=()
for p in "${packages[@]}"; do
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
done
# A Node.js and npm of the host's own, where they are on the path and new enough, serve as well as Debian's.
if command -v node >/dev/null && command -v npm >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ]; then
	kept=()
	for p in "${missing[@]}"; do
		[ "$p" = nodejs ] || [ "$p" = npm ] || kept+=("$p")
	done
	missing=("${kept[@]}")
fi
if [ ${#missing[@]} -gt 0 ]; then
	[ "$(id -u)" = 0 ] || { echo "deps.sh: ${#missing[@]} packages are missing and only root can install them: ${missing[*]}" >&2; exit 1; }
	export DEBIAN_FRONTEND=noninteractive
	apt-get -o Acquire::Retries=3 update -q
	apt-get -o Acquire::Retries=3 install -y -q --no-install-recommends "${missing[@]}"
fi
# The tests in a machine of their own want Debian's kernel; where it cannot be had they say so themselves.
[ "${1:-test}" != test ] || "$(dirname "$0")/../tests/vm/kernel.sh" >/dev/null || true
