// A host in memory with one network, one segment and one wire, for the tests of a run.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_kernel.h"
#include "reconcile/reconcile.h"

struct fixture {
	struct fake_kernel kernel;
	struct reconcile *r;
	struct entry_set *set; // desired
	struct reconcile_result result;
	struct reconcile_now now;
	json_t *saved; // sysctl values of before
};

enum { FIXTURE_ENTRIES = 11 };

// cmocka's.
int fixture_setup(void **state);
int fixture_teardown(void **state);

void fixture_want(struct fixture *f, const char *key, const char *body);
// A new process: only the kernel and the file of former values are left.
void fixture_begin(struct fixture *f);
// A run a second later; it must be able to read the kernel.
void fixture_run(struct fixture *f);
// An entry that is the only one in error, with that sentence; it is not wanted afterwards.
void fixture_assert_refused(struct fixture *f, const char *key, const char *body,
			    const char *sentence);
// What the last transaction on the policies' table says.
void fixture_table_has(const struct fixture *f, const char *line);
// How many rules of routing there are.
size_t fixture_rules_with(const struct fixture *f, uint32_t mark, enum kernel_rule_action action);
// A run that finds nothing to do.
void fixture_assert_quiet(struct fixture *f);
