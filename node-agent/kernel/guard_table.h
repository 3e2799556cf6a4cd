// Runs nftables transactions on table `inet weft` through libnftables. Nothing else of a host's
// rules is read or written.
#pragma once

#include "kernel/kernel.h"

struct guard_table;

int guard_table_open(struct guard_table **ret, struct err *err);
void guard_table_close(struct guard_table *t);
CLEAN_FUNC(struct guard_table, guard_table_close)

int guard_table_read(struct guard_table *t, struct kernel_guard *ret, struct err *err);
int guard_table_replace(struct guard_table *t, const char *ruleset, struct err *err);
int guard_table_delete(struct guard_table *t, struct err *err);
