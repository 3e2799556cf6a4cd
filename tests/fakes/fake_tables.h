// What is in the kernel in memory besides what netlink makes: nft's tables, others' default routes.
#pragma once

#include "fake_kernel.h"

// 0 or -ENOMEM.
int fake_policy_copy(const struct kernel_policy *from, struct kernel_policy *ret);

// Runs a transaction: what it leaves is what its last part says, for all else it has deleted.
int fake_policy_replace(struct kernel_policy *p, const char *ruleset);

// Keeps what is to be forgotten.
int fake_flows_forget(struct kernel *k, uint32_t mark, uint32_t mask, struct err *err);

void fake_guard_replace(struct kernel_guard *guard, const char *ruleset);

int fake_kernel_default(const struct fake_kernel *f, const char *device, uint8_t family,
			struct kernel_route *ret, struct err *err);
