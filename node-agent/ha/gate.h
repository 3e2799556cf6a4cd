// A member's gate: the kernel's tables before the group's addresses, opened until a moment and
// never longer, the addresses themselves, and the LAN told of them.
#pragma once

#include "ha/config.h"

struct gate {
	struct vip_set set;
	bool is_made;       // the tables stand
	bool is_active;     // opened, and not shut since
	enum vip_slot slot; // in use
	int64_t until_us;   // the kernel's time-out ends no later
	int announces;      // still to be made
	int64_t announce_us;
};

void gate_init(struct gate *gate, const struct vip_set *set);

// Makes the tables if they do not stand.
int gate_make(struct gate *gate, struct vip *vip, struct err *err);

// Takes over what an agent before this one opened; *ret_until_us is 0 when it is shut.
int gate_adopt(struct gate *gate, struct vip *vip, int64_t *ret_until_us, struct err *err);

// Opens it, or goes on, until `until_us` by CLOCK_BOOTTIME. When it fails it is as it was, or shut.
int gate_open_until(struct gate *gate, struct vip *vip, int64_t until_us, struct err *err);

// Shuts it; the addresses go. When it fails the kernel's time-out shuts it.
int gate_shut(struct gate *gate, struct vip *vip, struct err *err);
bool gate_is_active(const struct gate *gate);

// Other addresses or another interface: shut, and made anew.
int gate_change(struct gate *gate, struct vip *vip, const struct vip_set *set, struct err *err);
// Shut, and nothing left of it.
int gate_drop(struct gate *gate, struct vip *vip, struct err *err);

// Announces again what was told the LAN only lately, as a frame may be lost.
void gate_tick(struct gate *gate, int64_t now_us);
