#!/usr/bin/env bash
# What the agent writes to the kernel's WireGuard by generic netlink comes back exactly: thousands of peers, changes and
# answers of many messages, dumps while another program changes the device.
. "$(dirname "$0")/../netns/lib.sh"
test=$WEFT_BIN/../vm/vm_wireguard
[ -x "$test" ] || skip_all "vm_wireguard is not built"

round_trip() {
	"$test" >"$scratch/round" 2>&1 || { cat "$scratch/round"; die "vm_wireguard failed"; }
	grep -E 'gave up|PASSED' "$scratch/round" | while read -r line; do note "$line"; done
}

check "1500 peers and 2000 allowed IPs of one, written and read back; dumps under change" round_trip
finish
