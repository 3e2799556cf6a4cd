// What stands in the kernel before the addresses that only an HA group's active member has: tables
// weft_ha_N and weft_ha_N_PART (inet and netdev), which let packets of those addresses pass only
// while an element with a time-out exists, and the addresses themselves.
//
// Nothing else has to be trusted: an agent that is killed or stopped at any instruction does not
// stay active. The kernel knows only spans, so the end of one is fixed in two steps. A span is
// written into the slot that is not in use; then the clock is read again, and only when so little
// time went by that the span ends in time is that slot put to use. Between the two the kernel's own
// time-out runs.
//
// One thread an object; the functions block for the time of a system call.
#pragma once

#include "base/clean.h"
#include "base/text.h"

#include "kernel/values.h"

enum { VIP_MAX = 16 };

struct vip_set {
	uint32_t group;
	uint32_t part; // a group has several sets in several places: 0, or the number of another
	char interface[IFNAMSIZ]; // of the LAN
	struct kernel_ip ips[VIP_MAX];
	size_t n;
};

enum vip_slot { VIP_NONE = -1, VIP_A, VIP_B };

bool vip_set_equal(const struct vip_set *a, const struct vip_set *b);

struct vip;

int vip_open(struct vip **ret, struct err *err);
void vip_close(struct vip *vip);
CLEAN_FUNC(struct vip, vip_close)

// Makes the tables as they should be, closed. Those that stand already, as they should be, keep
// what is in them.
int vip_tables(struct vip *vip, const struct vip_set *set, struct err *err);
int vip_tables_drop(struct vip *vip, const struct vip_set *set, struct err *err);

// Which slot is in use, VIP_NONE when none is, and how long it lasts still.
int vip_read(struct vip *vip, const struct vip_set *set, enum vip_slot *ret_slot, int64_t *ret_ms,
	     struct err *err);

// Writes a span of `ms` (more than VIP_SPAN_MIN_MS) into a slot that is not in use.
enum { VIP_SPAN_MIN_MS = 15 }; // shorter ones would be rounded to 0, which is for ever
int vip_pledge(struct vip *vip, const struct vip_set *set, enum vip_slot slot, int64_t ms,
	       struct err *err);

// Puts that slot to use and the other out of use; VIP_NONE: neither, and both are emptied.
int vip_use(struct vip *vip, const struct vip_set *set, enum vip_slot slot, struct err *err);

// Adds the addresses to the interface, or takes them away; those that are there (are not) are no
// error. IPv6 ones without a detection of duplicates, and never as a source by themselves.
int vip_addresses(struct vip *vip, const struct vip_set *set, bool add, struct err *err);

// Takes away all tables of this kind and the addresses that they stood before: for a host that
// leaves.
int vip_drop_all(struct vip *vip, struct err *err);
