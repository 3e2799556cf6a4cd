// The netlink messages by which table `inet weft_policy` is read, but for what its sets hold: nft
// itself reads all elements of all sets of a table whatever it lists of it. Pure.
#pragma once

#include <libmnl/libmnl.h>

#include "kernel/values.h"

// What is asked for, one after another.
enum policy_part { POLICY_CHAINS, POLICY_RULES, POLICY_COUNTERS, POLICY_SETS, POLICY_PARTS };

// Asks whether there is such a table; for one part of it.
struct nlmsghdr *policy_table_build(void *buf);
struct nlmsghdr *policy_part_build(void *buf, enum policy_part part);

#define POLICY_SUM_NOTHING UINT64_C(0xcbf29ce484222325)

// Takes what a message of an answer says of the table into `p`, whose sum begins as
// POLICY_SUM_NOTHING. 0 or -ENOMEM; kernel_policy_done() frees.
int policy_part_parse(const struct nlmsghdr *nlh, struct kernel_policy *p);
