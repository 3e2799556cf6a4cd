// Controllers are tried in order; only a whole round that failed makes the agent wait, longer each
// time.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "uplink/walk.h"

static void the_list_is_walked_in_order(void **state)
{
	(void)state;
	struct walk walk;
	walk_reset(&walk);
	assert_int_equal(walk.at, 0);
	assert_int_equal(walk_fail(&walk, 3, 1), 0);
	assert_int_equal(walk.at, 1);
	assert_int_equal(walk_fail(&walk, 3, 1), 0);
	assert_int_equal(walk.at, 2);
	assert_true(walk_fail(&walk, 3, 1) > 0);
	assert_int_equal(walk.at, 0);
}

static void the_wait_grows_to_a_minute_and_no_further(void **state)
{
	(void)state;
	struct walk walk;
	walk_reset(&walk);
	uint32_t ceiling = WALK_FIRST_MS;
	for (int i = 0; i < 100; i++) {
		uint32_t wait = walk_fail(&walk, 1, (uint32_t)i * 2654435761U);
		assert_in_range(wait, ceiling / 2, ceiling);
		ceiling = ceiling * 2 < WALK_MAX_MS ? ceiling * 2 : WALK_MAX_MS;
	}
	walk_reset(&walk);
	assert_in_range(walk_fail(&walk, 1, 77), WALK_FIRST_MS / 2, WALK_FIRST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_is_walked_in_order),
		cmocka_unit_test(the_wait_grows_to_a_minute_and_no_further),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
