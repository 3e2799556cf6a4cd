// Where the root of a tree sits: the least sum, and no hurry to move.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clean.h"

#include "plan/root.h"

#define MS     10 // costs are tenths
#define SECOND INT64_C(1000000)

// bob 0, epsilon 1, rho 2, vorke 3 in a mesh, pi0 4 behind rho.
static const struct root_link article[] = {
	{ 0, 1, 80 * MS }, { 0, 2, 20 * MS }, { 0, 3, 95 * MS }, { 1, 2, 85 * MS },
	{ 1, 3, 25 * MS }, { 2, 3, 90 * MS }, { 2, 4, 30 * MS },
};

static void the_root_has_the_least_sum(void **state)
{
	struct root_choice c;

	(void)state;
	root_init(&c);
	assert_true(root_choose(&c, article, ARRAY_LEN(article), 5, 0));
	// The tree is rho-bob, rho-pi0, bob-epsilon, epsilon-vorke; bob is in its middle.
	assert_int_equal(c.root, 0);
	assert_int_equal(c.second, 2);
	assert_int_equal(root_priority(&c, 0), ROOT_PRIORITY);
	assert_int_equal(root_priority(&c, 2), ROOT_PRIORITY_SECOND);
	assert_int_equal(root_priority(&c, 4), ROOT_PRIORITY_OTHERS);
	assert_false(root_choose(&c, article, ARRAY_LEN(article), 5, SECOND));
}

static void ways_over_others_count_as_they_are(void **state)
{
	// A chain: the middle. A dear direct link is not the way.
	static const struct root_link chain[] = {
		{ 0, 1, 10 }, { 1, 2, 10 }, { 2, 3, 10 }, { 3, 4, 10 }, { 0, 4, 900 }
	};
	struct root_choice c;

	(void)state;
	root_init(&c);
	(void)root_choose(&c, chain, ARRAY_LEN(chain), 5, 0);
	assert_int_equal(c.root, 2);
}

// A ring of five whose wires cost 10, but 1-2 costs `cost`. With root 1 the tree has that one and
// lacks 2-3, with root 4 it is the other way round.
static bool look(struct root_choice *c, uint32_t cost, int64_t second)
{
	const struct root_link ring[] = {
		{ 0, 1, 10 }, { 1, 2, cost }, { 2, 3, 10 }, { 3, 4, 10 }, { 4, 0, 10 }
	};

	return root_choose(c, ring, ARRAY_LEN(ring), 5, second * SECOND);
}

static void it_moves_only_when_that_is_worth_it_for_long(void **state)
{
	struct root_choice c = { .root = 1, .second = 0, .wanted = -1 };

	(void)state;
	for (int64_t s = 1; s < 300; s++) {
		(void)look(&c, 17, s);
		assert_int_equal(c.root, 1);
	}
	(void)look(&c, 10, 300); // once as before: it begins anew
	for (int64_t s = 301; s < 601; s++)
		(void)look(&c, 17, s);
	assert_int_equal(c.root, 1);
	assert_true(look(&c, 17, 601));
	assert_int_equal(c.root, 4);
	assert_int_not_equal(c.second, 4);
	// There it stays.
	for (int64_t s = 602; s < 2000; s++)
		assert_false(look(&c, s % 2 ? 17 : 10, s));
}

static void a_little_better_is_not_worth_it(void **state)
{
	struct root_choice c = { .root = 1, .second = 0, .wanted = -1 };

	(void)state;
	for (int64_t s = 1; s < 2000; s++)
		assert_false(look(&c, 13, s));
	assert_int_equal(c.root, 1);
}

static void a_root_that_is_cut_off_is_left_at_once(void **state)
{
	// Without rho's links: of bob, epsilon and vorke the one between the two others.
	static const struct root_link rest[] = { { 0, 1, 80 * MS },
						 { 0, 3, 95 * MS },
						 { 1, 3, 25 * MS } };
	struct root_choice c = { .root = 2, .second = 0, .wanted = -1 };

	(void)state;
	assert_true(root_choose(&c, rest, ARRAY_LEN(rest), 5, SECOND));
	assert_int_equal(c.root, 1);
	assert_int_equal(c.second, 3);
}

static void a_root_that_is_drained_is_left_at_once(void **state)
{
	const uint32_t most = ROOT_COST_DRAINED;
	const struct root_link drained[] = {
		{ 0, 1, most },    { 0, 2, most },    { 0, 3, most },
		{ 1, 2, 85 * MS }, { 1, 3, 25 * MS }, { 2, 3, 90 * MS }
	};
	struct root_choice c = { .root = 0, .second = 2, .wanted = -1 };

	(void)state;
	assert_true(root_choose(&c, drained, ARRAY_LEN(drained), 4, SECOND));
	assert_int_not_equal(c.root, 0);
	assert_int_not_equal(c.second, 0);
	assert_false(root_choose(&c, drained, ARRAY_LEN(drained), 4, 2 * SECOND));
}

static void without_links_or_nodes_there_is_nothing_to_gain(void **state)
{
	static const struct root_link strange[] = { { 7, 900, 5 }, { 0, 1, 0 } };
	struct root_choice c;

	(void)state;
	root_init(&c);
	assert_false(root_choose(&c, NULL, 0, 0, 0));
	assert_int_equal(c.root, -1);
	assert_true(root_choose(&c, NULL, 0, 1, 0));
	assert_int_equal(c.root, 0);
	assert_int_equal(c.second, -1);
	assert_true(root_choose(&c, strange, 2, 3, 0)); // a second
	assert_int_equal(c.root, 0);
	assert_int_equal(c.second, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_has_the_least_sum),
		cmocka_unit_test(ways_over_others_count_as_they_are),
		cmocka_unit_test(it_moves_only_when_that_is_worth_it_for_long),
		cmocka_unit_test(a_little_better_is_not_worth_it),
		cmocka_unit_test(a_root_that_is_cut_off_is_left_at_once),
		cmocka_unit_test(a_root_that_is_drained_is_left_at_once),
		cmocka_unit_test(without_links_or_nodes_there_is_nothing_to_gain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
