// Which way the main table's default route goes, whoever made it.
#pragma once

#include "kernel/netlink.h"
#include "kernel/values.h"

// The contract of kernel_default_route() (kernel.h).
int default_route_find(struct netlink *nl, const char *device, uint8_t family,
		       struct kernel_route *ret, struct err *err);
