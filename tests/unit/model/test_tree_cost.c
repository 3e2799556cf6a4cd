// What wires weigh in the tree.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "model/tree_cost.h"

static void it_is_the_power_of_two_and_a_half(void **state)
{
	(void)state;
	assert_int_equal(tree_cost(0), 1);
	assert_int_equal(tree_cost(1), 1);
	assert_int_equal(tree_cost(10), 3);
	assert_int_equal(tree_cost(100), 1000);
	assert_int_equal(tree_cost(400), 32000);
	assert_int_equal(tree_cost(2500), 3125000);
	assert_int_equal(tree_cost(65535), TREE_COST_MAX);
	assert_int_equal(tree_cost(UINT32_MAX), TREE_COST_MAX);
	for (uint32_t t = 6; t < 65535; t++)
		assert_true(tree_cost(t) <= tree_cost(t + 1));
	assert_true((uint64_t)64 * TREE_COST_MAX <= UINT32_MAX);
}

static void a_short_wire_abroad_is_worth_a_bridge_more(void **state)
{
	(void)state;
	// Paris to Ottawa 92 ms, to the Eastern US 90 ms, those two 25 ms apart.
	assert_true(tree_cost(930) > tree_cost(910) + tree_cost(260));
	// But four hops of 10 ms are no better than one wire of 15.
	assert_true(tree_cost(150) < 4 * tree_cost(100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_power_of_two_and_a_half),
		cmocka_unit_test(a_short_wire_abroad_is_worth_a_bridge_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
