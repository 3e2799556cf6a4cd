#include "ha/gate.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

#include "ha/announce.h"
#include "ha/inside.h"

enum {
	SLACK_US = 20000,  // between reading the clock and knowing that the kernel has the span
	ENOUGH_US = 30000, // a span that is longer by less is not worth two batches
	TRIES = 3,
	ANNOUNCES = 8,      // after the first ...
	ANNOUNCES_SLOW = 4, // ... of these the last, with twice the time before each
	ANNOUNCE_US = 250000,
};

void gate_init(struct gate *gate, const struct vip_set *set)
{
	*gate = (struct gate){ .set = *set, .slot = VIP_NONE };
}

bool gate_is_active(const struct gate *gate)
{
	return gate->is_active;
}

int gate_make(struct gate *gate, struct vip *vip, struct err *err)
{
	if (gate->is_made)
		return 0;
	int r = vip_tables(vip, &gate->set, err);
	gate->is_made = r == 0;
	return r;
}

int gate_adopt(struct gate *gate, struct vip *vip, int64_t *ret_until_us, struct err *err)
{
	enum vip_slot slot = VIP_NONE;
	int64_t ms = 0;

	*ret_until_us = 0;
	int r = gate_make(gate, vip, err);
	if (r == 0)
		r = vip_read(vip, &gate->set, &slot, &ms, err);
	if (r < 0 || slot == VIP_NONE)
		return r;
	gate->slot = slot;
	gate->is_active = true;
	// The clock is read after the kernel was: no less than what is left.
	gate->until_us = ha_now_us() + (ms + 1) * 1000;
	*ret_until_us = gate->until_us;
	return 0;
}

// One try. A span that ends by `until_us` is in the other slot when it returns 0; -EAGAIN when too
// much time went by to know.
static int pledge(const struct gate *gate, struct vip *vip, enum vip_slot slot, int64_t until_us,
		  struct err *err)
{
	const int64_t before = ha_now_us();
	const int64_t ms = (until_us - before - SLACK_US) / 1000;

	if (ms < VIP_SPAN_MIN_MS)
		return err_set(err, -ETIME, "the lease is over before the kernel has it");
	int r = vip_pledge(vip, &gate->set, slot, ms, err);
	if (r == 0 && ha_now_us() - before > SLACK_US)
		r = err_set(err, -EAGAIN, "this host is too busy to hold a lease");
	return r;
}

static void announce(struct gate *gate)
{
	struct err err = { 0 };

	if (announce_send(&gate->set, &err) < 0)
		log_warn("ha: %s", err.text);
	const int slow = ANNOUNCES_SLOW - gate->announces;
	gate->announce_us = ha_now_us() + (slow < 0 ? ANNOUNCE_US : 4 * ANNOUNCE_US << slow);
}

static int appear(struct gate *gate, struct vip *vip, struct err *err)
{
	int r = vip_addresses(vip, &gate->set, true, err);

	if (r < 0) {
		struct err ignored;

		(void)gate_shut(gate, vip, &ignored);
		return r;
	}
	gate->is_active = true;
	gate->announces = ANNOUNCES;
	announce(gate);
	return 0;
}

int gate_open_until(struct gate *gate, struct vip *vip, int64_t until_us, struct err *err)
{
	const enum vip_slot slot = gate->slot == VIP_A ? VIP_B : VIP_A;
	int r = -EAGAIN;

	if (gate->slot != VIP_NONE && until_us >= gate->until_us &&
	    until_us - gate->until_us < ENOUGH_US)
		return gate->is_active ? 0 : appear(gate, vip, err);
	for (int i = 0; i < TRIES && r == -EAGAIN; i++)
		r = pledge(gate, vip, slot, until_us, err);
	if (r == 0)
		r = vip_use(vip, &gate->set, slot, err);
	if (r < 0) {
		// Perhaps the tables went.
		gate->is_made = gate->is_made && r != -ENOENT;
		return r;
	}
	gate->slot = slot;
	gate->until_us = until_us;
	return gate->is_active ? 0 : appear(gate, vip, err);
}

int gate_shut(struct gate *gate, struct vip *vip, struct err *err)
{
	gate->is_active = false;
	gate->announces = 0;
	int r = gate->is_made ? vip_use(vip, &gate->set, VIP_NONE, err) : 0;
	if (r == -ENOENT) {
		gate->is_made = false;
		r = 0; // without tables nothing is held back: the addresses must go
	}
	const int dropped = vip_addresses(vip, &gate->set, false, err);
	if (r == 0)
		gate->slot = VIP_NONE;
	return r < 0 ? r : dropped;
}

int gate_change(struct gate *gate, struct vip *vip, const struct vip_set *set, struct err *err)
{
	if (vip_set_equal(set, &gate->set))
		return 0;
	int r = gate->set.n > 0 ? gate_drop(gate, vip, err) : 0;
	gate_init(gate, set);
	return r == 0 && set->n > 0 ? gate_make(gate, vip, err) : r;
}

int gate_drop(struct gate *gate, struct vip *vip, struct err *err)
{
	int r = gate_shut(gate, vip, err);

	if (r == 0)
		r = vip_tables_drop(vip, &gate->set, err);
	gate->is_made = gate->is_made && r < 0;
	return r;
}

void gate_tick(struct gate *gate, int64_t now_us)
{
	if (gate->announces <= 0 || now_us < gate->announce_us)
		return;
	gate->announces--;
	announce(gate);
}
