// A directory of its own for each test, and short words for what store tests do.
#pragma once

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "store/rows.h"

struct scratch {
	char dir[64];
	char db[96];
};

int scratch_setup(void **state); // *state: struct scratch
int scratch_teardown(void **state);

struct store *scratch_open(const struct scratch *scratch); // without a loop; fails the test

// Transaction: inserts node `*(int64_t *)arg`, named "n<id>".
int insert_node(struct store_tx *tx, void *arg, struct err *err);
int count_kinds(struct store_tx *tx, void *arg,
		struct err *err); // transaction: the number of nodes into an int64_t
int64_t count_nodes(struct store *store);
