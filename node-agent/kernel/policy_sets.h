// The sets of table `inet weft_policy` in the kernel: changed by transactions, read as a whole.
//
// One thread an object; the functions block for the time of a system call, a reading for as long as
// the sets are large.
#pragma once

#include "base/clean.h"
#include "base/err.h"

#include "kernel/policy_sets_messages.h"

struct policy_sets;

int policy_sets_open(struct policy_sets **ret, struct err *err);
void policy_sets_close(struct policy_sets *sets);
CLEAN_FUNC(struct policy_sets, policy_sets_close)

// Puts good records (sets_message_is_good) in force in their order, all or none. -ENOENT: a set to
// put something into is not there; -ENFILE: it is full.
int policy_sets_change(struct policy_sets *sets, const struct sets_record *records, size_t count,
		       struct err *err);

// Calls `fn` for each element of the lists' sets and of `known`; for some more than once when the
// tables change meanwhile.
int policy_sets_dump(struct policy_sets *sets, policy_sets_fn fn, void *context, struct err *err);

// The table's number, 0 when there is none.
int policy_sets_table(struct policy_sets *sets, uint64_t *ret, struct err *err);
