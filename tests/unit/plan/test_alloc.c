// An owner keeps its value; nobody gets a value that another holds; freed ones come last.
// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>

#include "plan/alloc.h"

static int64_t take(struct alloc *alloc, const char *owner, int64_t last)
{
	struct alloc_range range = { .first = 1, .last = last };
	int64_t value = 0;
	int rc = alloc_take(alloc, "pool", owner, &range, &value);

	return rc < 0 ? rc : value;
}

static void owners_keep_their_values(void **state)
{
	struct alloc *alloc = alloc_new();

	(void)state;
	assert_int_equal(take(alloc, "a", 3), 1);
	assert_int_equal(take(alloc, "b", 3), 2);
	assert_int_equal(take(alloc, "a", 3), 1);
	assert_int_equal(alloc_release(alloc, "pool", "a", 5), 0);
	assert_int_equal(alloc_number(alloc, "pool", "a"), 0);
	assert_int_equal(take(alloc, "a", 3), 1); // it comes back to its own
	alloc_free(alloc);
}

static void freed_values_come_last_and_oldest_first(void **state)
{
	struct alloc *alloc = alloc_new();

	(void)state;
	assert_int_equal(take(alloc, "a", 4), 1);
	assert_int_equal(take(alloc, "b", 4), 2);
	assert_int_equal(alloc_release(alloc, "pool", "b", 5), 0);
	assert_int_equal(alloc_release(alloc, "pool", "a", 6), 0);
	assert_int_equal(take(alloc, "c", 4), 3);
	assert_int_equal(take(alloc, "d", 4), 4);
	assert_int_equal(take(alloc, "e", 4), 2);
	assert_int_equal(take(alloc, "f", 4), 1);
	assert_int_equal(take(alloc, "g", 4), -ENOSPC);
	alloc_free(alloc);
}

static void undo_leaves_no_trace(void **state)
{
	struct alloc *alloc = alloc_new();

	(void)state;
	assert_int_equal(take(alloc, "a", 9), 1);
	alloc_commit(alloc);
	assert_int_equal(take(alloc, "b", 9), 2);
	assert_int_equal(alloc_release(alloc, "pool", "a", 2), 0);
	assert_int_equal(alloc_put(alloc, "pool", "c", "1"), 0);
	alloc_rewind(alloc);
	assert_int_equal(alloc_number(alloc, "pool", "a"), 1);
	assert_int_equal(alloc_number(alloc, "pool", "b"), 0);
	alloc_replay(alloc);
	assert_int_equal(alloc_number(alloc, "pool", "c"), 1);
	assert_int_equal(alloc_number(alloc, "pool", "a"), 0);
	alloc_undo(alloc);
	assert_int_equal(alloc_log_count(alloc), 0);
	assert_int_equal(alloc_number(alloc, "pool", "a"), 1);
	assert_int_equal(take(alloc, "d", 9), 2); // b's was never given
	alloc_free(alloc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_keep_their_values),
		cmocka_unit_test(freed_values_come_last_and_oldest_first),
		cmocka_unit_test(undo_leaves_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
