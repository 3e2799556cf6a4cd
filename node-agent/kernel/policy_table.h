// Table `inet weft_policy` as the kernel has it, but for what its sets hold.
#pragma once

#include "kernel/netlink.h"
#include "kernel/values.h"

// The contract of kernel_policy_read() (kernel.h).
int policy_table_read(struct netlink *netlink, struct kernel_policy *ret, struct err *err);
