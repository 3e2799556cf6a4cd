// The HA groups that this node votes in, and is the active member of or not.
//
// In a thread of its own with a loop of its own: nothing else that the agent does may cost it a
// lease. The functions are called from the agent's loop thread, and what there is to tell comes
// there. What is safe without any of this is the kernel's part (kernel/vip.h).
#pragma once

#include <uv.h>

#include "base/err.h"

#include "ha/config.h"

enum { HA_TEXT_SIZE = 256 };

struct ha;

enum ha_news_kind {
	HA_NEWS_CHANGED,  // a reading is another
	HA_NEWS_ACTIVE,   // this node is the active member from now on
	HA_NEWS_INACTIVE, // no longer
	HA_NEWS_EVENT,    // `text`, for people
	HA_NEWS_MESSAGE,  // `message` is for the controller
};

struct ha_news {
	enum ha_news_kind kind;
	char group[HA_NAME_SIZE];
	char text[HA_TEXT_SIZE];
	const char *severity; // of an event
	const char *event;    // its kind: "ha_active"
	uint64_t epoch;       // ACTIVE, INACTIVE: in which it is, or was
	struct lease_message message;
};

typedef void (*ha_news_fn)(void *context, const struct ha_news *news);

enum ha_state { HA_WITNESS, HA_STANDBY, HA_UNFIT, HA_ACTIVE };
const char *ha_state_name(enum ha_state state);

struct ha_reading {
	char group[HA_NAME_SIZE];
	enum ha_state state;
	int64_t since_ms;          // of the state, wall clock
	char holder[HA_NAME_SIZE]; // the active member as far as this node knows; ""
	uint64_t epoch;
	uint32_t generation;
	size_t heard, needed, voters;
	char cause[HA_TEXT_SIZE];       // what happened last, or why it is unfit
	char site[HA_NAME_SIZE];        // whose LANs follow the active member; ""
	char lan_trouble[HA_TEXT_SIZE]; // why they could not through this one; ""
};

int ha_new(uv_loop_t *loop, const char *state_dir, ha_news_fn news, void *context,
	   struct ha **ret_ha, struct err *err);

// Told in the groups' thread, which waits meanwhile: this node is the active member of `group`,
// whose site's LANs follow it, and is to be followed in `epoch` until `until_us` (CLOCK_BOOTTIME;
// past: it is active no more). Before the first ha_set.
typedef void (*ha_claim_fn)(void *context, uint32_t group, uint64_t epoch, int64_t until_us);
void ha_on_claim(struct ha *ha, ha_claim_fn claim, void *context);

// Takes over which groups there are; those that go are given back first.
int ha_set(struct ha *ha, const struct ha_config *configs, size_t count, struct err *err);

// False when there is none at this place, or `ha` is NULL.
bool ha_read(struct ha *ha, size_t at, struct ha_reading *ret_reading);

// A message that the controller sent.
void ha_take(struct ha *ha, const struct lease_message *message);

// The agent will stop and start again: asks for leases that last until then.
void ha_prepare_restart(struct ha *ha);
// Whether there is nothing more to wait for.
bool ha_is_prepared(struct ha *ha);

// Ends the thread; frees itself once the loop has let go of its handle. What is active stays so
// until its lease ends; with `is_leaving` everything is given back and taken away first.
void ha_close(struct ha *ha, bool is_leaving);
