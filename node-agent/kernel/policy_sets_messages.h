// The netlink messages by which the sets of table `inet weft_policy` are changed and read. Pure.
#pragma once

#include <libmnl/libmnl.h>

#include "sets/sets.h"

// Room for the largest batch.
#define POLICY_SETS_BATCH_SIZE (512 * 1024)

// The batch that puts records in force; written into `buf` of that size, aligned to 4. Returns its
// length.
size_t policy_sets_build(void *buf, const struct sets_record *records, size_t count);

// Asks for the names of all sets; for the elements of one; for the table's own number.
struct nlmsghdr *policy_sets_names_build(void *buf);
struct nlmsghdr *policy_sets_elements_build(void *buf, const struct sets_record *set);
struct nlmsghdr *policy_sets_table_build(void *buf);

// Kind, family and list of the set that a message of the answer names, if it is one of addresses.
bool policy_sets_name_parse(const struct nlmsghdr *nlh, struct sets_record *ret);

typedef int (*policy_sets_fn)(void *context, const struct sets_record *record);
// Calls `fn` for each element of a message of the answer: sets_put ones with the time that is left,
// those without any apart. A negative errno: fn's, which ends it.
int policy_sets_elements_parse(const struct nlmsghdr *nlh, const struct sets_record *set,
			       policy_sets_fn fn, void *context);
uint64_t policy_sets_table_parse(const struct nlmsghdr *nlh);
