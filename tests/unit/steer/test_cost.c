// What a wire costs the tree: what it measures, and how long it takes to be believed.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clean.h"

#include "steer/cost.h"

#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)

static void a_cost_is_time_and_loss(void **state)
{
	static const struct {
		int64_t rtt_us;
		uint32_t loss_ppm, cost;
	} rows[] = {
		{ 0, 0, 10 },
		{ 1 * MS, 0, 20 },
		{ 40 * MS, 0, 410 },
		{ 40 * MS, 10000, 610 }, // 1 % is worth 20 ms
		{ 40 * MS, 1000000, 20410 },
		{ -5, 0, 10 },
		{ 3600 * SECOND, 1000000, COST_MAX },
		{ INT64_MAX, UINT32_MAX, COST_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(cost_of(rows[i].rtt_us, rows[i].loss_ppm), rows[i].cost);
}

static void a_direct_wire_is_better_than_two_that_take_as_long(void **state)
{
	(void)state;
	assert_true(cost_of(40 * MS, 0) < 2 * cost_of(20 * MS, 0));
}

static void the_first_measurement_takes_the_place_of_the_setting(void **state)
{
	struct cost c;

	(void)state;
	cost_init(&c, 100);
	assert_int_equal(c.value, 100);
	// The least of the first three: others had to wait for the tunnel.
	assert_false(cost_measure(&c, 90 * MS, 0, 0));
	assert_false(cost_measure(&c, 40 * MS, 0, 0));
	assert_int_equal(c.value, 100);
	assert_true(cost_measure(&c, 60 * MS, 0, 0));
	assert_int_equal(c.value, 410);
	assert_int_equal(c.rtt_us, 40 * MS);
	assert_false(cost_measure(&c, 40 * MS, 0, 0));
}

static void settle(struct cost *c, int64_t rtt_us)
{
	for (int i = 0; i < COST_SAMPLES; i++)
		(void)cost_measure(c, rtt_us, 0, 0);
}

// Measures every second from `from` to `to`; returns the second in which it changed, or -1.
static int64_t measure(struct cost *c, int64_t rtt_us, int64_t from, int64_t to)
{
	for (int64_t s = from; s <= to; s++)
		if (cost_measure(c, rtt_us, 0, s * SECOND))
			return s;
	return -1;
}

static void a_change_must_be_large_and_last(void **state)
{
	struct cost c;

	(void)state;
	cost_init(&c, 100);
	settle(&c, 40 * MS);
	assert_int_equal(measure(&c, 47 * MS, 1, 200), -1); // 17 % is none
	assert_int_equal(measure(&c, 60 * MS, 201, 230), -1);
	assert_int_equal(measure(&c, 40 * MS, 231, 231), -1); // and there it is again
	// When the last short one is forgotten it insists for a minute.
	assert_int_equal(measure(&c, 60 * MS, 232, 500), 306);
	assert_int_equal(c.value, 610);
	// Back at once: not before it has rested.
	assert_int_equal(measure(&c, 40 * MS, 307, 500), 367);
	assert_int_equal(c.value, 410);
}

static void small_costs_do_not_tremble(void **state)
{
	struct cost c;

	(void)state;
	cost_init(&c, 100);
	settle(&c, 500);
	assert_int_equal(c.value, 15);
	assert_int_equal(measure(&c, 5 * MS, 1, 300), -1); // ten times as much, and nothing
	assert_true(measure(&c, 6 * MS, 301, 500) > 0);
}

static void a_busy_link_is_no_long_one(void **state)
{
	struct cost c;

	(void)state;
	cost_init(&c, 100);
	settle(&c, 40 * MS);
	for (int64_t s = 1; s < 1000; s++)
		assert_false(cost_measure(&c, s % 10 ? 90 * MS : 40 * MS, 0, s * SECOND));
}

static void a_single_loss_proves_nothing(void **state)
{
	struct cost c;

	(void)state;
	cost_init(&c, 100);
	settle(&c, 40 * MS);
	for (int64_t s = 1; s < 300; s++)
		assert_false(cost_measure(&c, 40 * MS, 7812, s * SECOND)); // 1 of 128
	bool is_news = false;
	for (int64_t s = 300; s < 400 && !is_news; s++)
		is_news = cost_measure(&c, 40 * MS, 50000, s * SECOND);
	assert_true(is_news);
	assert_int_equal(c.value, 1410);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cost_is_time_and_loss),
		cmocka_unit_test(a_direct_wire_is_better_than_two_that_take_as_long),
		cmocka_unit_test(the_first_measurement_takes_the_place_of_the_setting),
		cmocka_unit_test(a_change_must_be_large_and_last),
		cmocka_unit_test(small_costs_do_not_tremble),
		cmocka_unit_test(a_busy_link_is_no_long_one),
		cmocka_unit_test(a_single_loss_proves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
