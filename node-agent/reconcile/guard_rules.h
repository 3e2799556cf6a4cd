// Renders the guard entries of a node as table `inet weft` in nft's language. Pure.
#pragma once

#include "base/text.h"

#include "kernel/kernel.h"
#include "reconcile/body.h"

enum guard_part {
	GUARD_BASE,
	GUARD_WIRE,
	GUARD_SEGMENT,
	GUARD_OWNER,
	GUARD_ROUTER,
	GUARD_SENDER,
};

struct guard {
	enum guard_part part;
	char router[IFNAMSIZ]; // router, sender: which routed segment; no device has that name
	// base, wire: the WireGuard device; segment, owner: the bridge; sender: the wire to that
	// node, "": there is none
	char device[IFNAMSIZ];
	// base: pools; segment, router: own; owner, sender: what that node may send from
	struct prefix_list prefixes;
	struct kernel_ip source; // wire: the peer's overlay address
	uint32_t vni;            // wire
	char wire[IFNAMSIZ];     // wire: its device, a port of a bridge
	uint16_t vxlan_port;     // base
	uint8_t mac[6];          // owner
};

// The chains and sets of table `inet weft`, without the head and the tail around them, and after
// them table `bridge weft`, without its tail: what a digest is made of. `guards` in any stable
// order.
// `more`: further chains of table `inet weft`, NULL for none.
void guard_rules_render(struct text *out, const struct guard *const *guards, size_t len,
			const char *more);

// The whole transaction: the tables of before are replaced by `rules`, and the counters go on from
// where they were.
void guard_table_render(struct text *out, const char *rules, const char *comment,
			const struct kernel_counter counters[KERNEL_COUNTERS]);
