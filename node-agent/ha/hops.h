// The next hops of a site's LANs: in each bridge segment addresses that only the active member has
// there, each place behind a gate of its own.
//
// What is wrong with one of them costs neither the lease nor the group's own addresses; but none is
// left open when the lease is given back.
#pragma once

#include "ha/gate.h"

struct hop {
	struct gate gate;
	unsigned index;    // of the bridge when it was last seen; 0: it was not there
	int64_t looked_us; // when its tables were made, or could not be
	char trouble[160]; // "": it is as it should be
};

struct hops {
	struct hop items[HA_HOPS_MAX];
	size_t n;
};

void hops_init(struct hops *hops, const struct ha_config *config);

// Takes over what an agent before this one opened.
void hops_adopt(struct hops *hops, struct vip *vip);

// Opens those that can be, or goes on, until `until_us` by CLOCK_BOOTTIME.
void hops_open_until(struct hops *hops, struct vip *vip, int64_t until_us);

// Shuts all; goes on after a failure and returns the first.
int hops_shut(struct hops *hops, struct vip *vip, struct err *err);

// Other segments or addresses: what goes is shut first.
int hops_change(struct hops *hops, struct vip *vip, const struct ha_config *config,
		struct err *err);
// Shut, and nothing left of them.
int hops_drop(struct hops *hops, struct vip *vip, struct err *err);

void hops_tick(struct hops *hops, int64_t now_us);

// What is wrong with the first that something is wrong with; "": nothing.
const char *hops_trouble(const struct hops *hops);
