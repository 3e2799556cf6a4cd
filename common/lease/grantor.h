// One voter of an HA group: promises the lease to one node at a time. Pure: time is passed in
// (microseconds of CLOCK_BOOTTIME), what must be on disk before a promise counts comes out.
//
// - A promise to one node keeps every other one out until it has run out or was released.
// - Epochs only grow, and each is promised to one node: it is on disk before the promise is given.
// - Renewals of the same epoch are kept in memory. So a voter that restarted has forgotten how long
//   its promise lasts, but not to whom it was: it promises nothing to anybody else for the longest
//   span that it may have given, and may renew to that node at once.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lease/message.h"

// What is on disk.
struct lease_record {
	uint64_t epoch;     // 0: never promised
	uint32_t holder;    // to whom
	int64_t longest_us; // no promise that this record stands for is longer
};

struct lease_grantor {
	struct lease_record record;
	int64_t lease_us;       // the span of an ordinary lease
	uint64_t seq;           // the newest of the holder's in this epoch
	int64_t until_us;       // the promise to record.holder
	int64_t quiet_until_us; // after a restart
	bool is_saving;
	struct lease_record saving;
	struct lease_message ask; // that the record is saved for
	bool is_void;             // released meanwhile
};

enum lease_step {
	LEASE_STEP_ANSWER, // send the answer
	LEASE_STEP_SAVE,   // save g->saving (fsync), then call lease_grantor_saved
	LEASE_STEP_NONE,   // nothing to say: a duplicate, or a save is under way
};

// `record`: from disk, NULL when there is none.
void lease_grantor_init(struct lease_grantor *g, const struct lease_record *record,
			int64_t lease_us, int64_t now_us);

// `from` asks (LEASE_ASK or LEASE_TRIAL).
enum lease_step lease_grantor_ask(struct lease_grantor *g, int64_t now_us, uint32_t from,
				  const struct lease_message *ask, struct lease_message *ret);

// The record is on disk, or could not be saved. True when there is an answer to `*ret_to`.
bool lease_grantor_saved(struct lease_grantor *g, int64_t now_us, bool is_ok, uint32_t *ret_to,
			 struct lease_message *ret);

// `from` gives the lease back. True when a promise ended with it.
bool lease_grantor_release(struct lease_grantor *g, int64_t now_us, uint32_t from,
			   const struct lease_message *release);

// When a promise to `node` becomes possible; in the past when it is already. A save under way is
// not counted.
int64_t lease_grantor_free_us(const struct lease_grantor *g, uint32_t node);

// To whom the lease is promised now; LEASE_NOBODY when to none.
uint32_t lease_grantor_holder(const struct lease_grantor *g, int64_t now_us);
