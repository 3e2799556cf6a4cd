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

#define MS     INT64_C(1000)
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
	assert_int_equal(c.root, 2);
	assert_int_equal(c.second, 0);
	assert_int_equal(root_priority(&c, 2), ROOT_PRIORITY);
	assert_int_equal(root_priority(&c, 0), ROOT_PRIORITY_SECOND);
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

// A star whose middle is `middle`, of 4 nodes; its links take `rtt_us`.
static bool look(struct root_choice *c, unsigned middle, int64_t rtt_us, int64_t second)
{
	struct root_link links[8];
	size_t len = 0;

	for (unsigned n = 0; n < 4; n++)
		if (n != middle)
			links[len++] = (struct root_link){ middle, n, rtt_us };
	return root_choose(c, links, len, 4, second * SECOND);
}

static void it_moves_only_when_that_is_worth_it_for_long(void **state)
{
	struct root_choice c;

	(void)state;
	root_init(&c);
	(void)look(&c, 0, 10 * MS, 0);
	assert_int_equal(c.root, 0);
	// Now 1 is in the middle: 30 ms in sum instead of 50.
	for (int64_t s = 1; s < 300; s++) {
		(void)look(&c, 1, 10 * MS, s);
		assert_int_equal(c.root, 0);
	}
	(void)look(&c, 0, 10 * MS, 300); // once as before: it begins anew
	for (int64_t s = 301; s < 601; s++)
		(void)look(&c, 1, 10 * MS, s);
	assert_int_equal(c.root, 0);
	assert_true(look(&c, 1, 10 * MS, 601));
	assert_int_equal(c.root, 1);
	assert_int_not_equal(c.second, 1);
}

static void a_little_better_is_not_worth_it(void **state)
{
	struct root_choice c;
	struct root_link links[] = { { 0, 1, 10 }, { 0, 2, 20 }, { 1, 2, 20 } };

	(void)state;
	root_init(&c);
	(void)root_choose(&c, links, 3, 3, 0);
	assert_int_equal(c.root, 0);
	links[2].rtt_us = 16; // 26 instead of 30
	for (int64_t s = 1; s < 2000; s++)
		assert_false(root_choose(&c, links, 3, 3, s * SECOND));
	assert_int_equal(c.root, 0);
}

static void a_root_that_is_cut_off_is_left_at_once(void **state)
{
	struct root_choice c;

	(void)state;
	root_init(&c);
	(void)root_choose(&c, article, ARRAY_LEN(article), 5, 0);
	assert_int_equal(c.root, 2);
	// Without rho's links: of bob, epsilon and vorke the one between the two others.
	static const struct root_link rest[] = { { 0, 1, 80 * MS },
						 { 0, 3, 95 * MS },
						 { 1, 3, 25 * MS } };
	assert_true(root_choose(&c, rest, ARRAY_LEN(rest), 5, SECOND));
	assert_int_equal(c.root, 1);
	assert_int_equal(c.second, 3);
}

static void without_links_or_nodes_there_is_nothing_to_gain(void **state)
{
	static const struct root_link strange[] = { { 7, 900, 5 }, { 0, 1, -4 } };
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
		cmocka_unit_test(without_links_or_nodes_there_is_nothing_to_gain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
