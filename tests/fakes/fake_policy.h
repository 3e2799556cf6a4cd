// Table `inet weft_policy` of the kernel in memory.
#pragma once

#include "kernel/values.h"

// 0 or -ENOMEM.
int fake_policy_copy(const struct kernel_policy *from, struct kernel_policy *ret);

// Runs a transaction: what it leaves is what its last part says, for all else it has deleted.
int fake_policy_replace(struct kernel_policy *p, const char *ruleset);
