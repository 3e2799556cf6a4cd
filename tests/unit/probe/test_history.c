// The rings behind the charts: slots close when their time is over, spikes stay, gaps stay gaps,
// and the memory is what the documentation says.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "probe/history.h"

#define S INT64_C(1000000)

static struct history h;
static struct history_view view;

static int64_t last(enum history_measure m, size_t back)
{
	return view.value[m][view.count - 1 - back];
}

static void codes_keep_three_digits(void **state)
{
	(void)state;
	for (int64_t v = 0; v < INT64_C(4000000000000); v = v * 9 / 8 + 1) {
		const int64_t back = history_value(history_code(v));
		assert_true(back <= v && v - back <= v / 2048);
	}
	assert_int_equal(history_value(history_code(2047)), 2047);
	assert_int_equal(history_value(history_code(HISTORY_UNKNOWN)), HISTORY_UNKNOWN);
	// What is beyond the range is its end, not unknown.
	assert_true(history_value(history_code(INT64_MAX)) > INT64_C(4000000000000));
}

static void a_spike_is_not_averaged_away(void **state)
{
	(void)state;
	history_init(&h, 1000 * S);
	for (int i = 0; i < 49; i++)
		history_reply(&h, 1000 * S + i * S / 5, 1000, 10);
	history_reply(&h, 1009 * S + S * 9 / 10, 50000, 3000);
	history_read(&h, HISTORY_HOUR, 1010 * S, &view);
	assert_int_equal(view.count, HISTORY_HOUR_SLOTS);
	assert_int_equal(view.step_us, 10 * S);
	assert_int_equal(view.age_us, 0);
	assert_int_equal(last(HISTORY_RTT_MIN, 1), 1000);
	assert_int_equal(last(HISTORY_RTT_AVG, 1), 1980);
	assert_in_range(last(HISTORY_RTT_MAX, 1), 49970, 50000);
	assert_in_range(last(HISTORY_JITTER, 1), 2998, 3000);
	assert_int_equal(last(HISTORY_RTT_AVG, 0), HISTORY_UNKNOWN);
	assert_int_equal(last(HISTORY_RTT_AVG, 2), HISTORY_UNKNOWN);
	// The day's slot is not over, and shows what there is.
	history_read(&h, HISTORY_DAY, 1010 * S, &view);
	assert_int_equal(last(HISTORY_RTT_MAX, 0), 50000);
	assert_int_equal(view.age_us, 110 * S);
}

static void loss_is_of_the_slot_alone(void **state)
{
	(void)state;
	history_init(&h, 0);
	history_outcomes(&h, 5 * S, 25, 0);
	history_outcomes(&h, 12 * S, 25, 30);
	history_outcomes(&h, 22 * S, 60, 35);
	history_read(&h, HISTORY_HOUR, 25 * S, &view);
	assert_int_equal(last(HISTORY_LOSS, 2), 0);
	assert_in_range(last(HISTORY_LOSS, 1), 999500, 1000000);
	assert_int_equal(last(HISTORY_LOSS, 0), 125000);
	assert_int_equal(last(HISTORY_LOSS, 3), HISTORY_UNKNOWN);
}

static void traffic_is_a_rate_and_survives_a_new_counter(void **state)
{
	(void)state;
	history_init(&h, 0);
	history_traffic(&h, 3 * S, 1000000, 500); // where it begins tells nothing
	history_traffic(&h, 6 * S, 1003000, 500);
	history_traffic(&h, 9 * S, 1006000, 500);
	history_traffic(&h, 12 * S, 5, 5); // made anew
	history_traffic(&h, 15 * S, 3005, 1505);
	history_read(&h, HISTORY_HOUR, 16 * S, &view);
	assert_in_range(last(HISTORY_RX, 1), 7996, 8000);
	assert_int_equal(last(HISTORY_TX, 1), 0);
	assert_int_equal(last(HISTORY_RX, 0), 8000);
	assert_int_equal(last(HISTORY_TX, 0), 4000);
}

static void a_gap_is_unknown_and_the_oldest_goes(void **state)
{
	(void)state;
	history_init(&h, 0);
	history_reply(&h, 5 * S, 1111, HISTORY_UNKNOWN);
	history_reply(&h, 35 * S, 2222, HISTORY_UNKNOWN);
	history_read(&h, HISTORY_HOUR, 41 * S, &view);
	assert_in_range(last(HISTORY_RTT_AVG, 4), 1110, 1111);
	assert_int_equal(last(HISTORY_RTT_AVG, 3), HISTORY_UNKNOWN);
	assert_in_range(last(HISTORY_RTT_AVG, 1), 2221, 2222);
	assert_int_equal(last(HISTORY_JITTER, 1), HISTORY_UNKNOWN);
	history_read(&h, HISTORY_HOUR, 3599 * S, &view);
	assert_in_range(view.value[HISTORY_RTT_AVG][0], 1110, 1111);
	history_read(&h, HISTORY_HOUR, 3605 * S, &view);
	assert_int_equal(view.value[HISTORY_RTT_AVG][0], HISTORY_UNKNOWN);
	// Stopped for days: nothing of before is shown as now.
	history_read(&h, HISTORY_HOUR, 500000 * S, &view);
	for (size_t i = 0; i < view.count; i++)
		assert_int_equal(view.value[HISTORY_RTT_AVG][i], HISTORY_UNKNOWN);
}

static void the_memory_is_what_is_said(void **state)
{
	(void)state;
	assert_in_range(sizeof(struct history), 9000, 9500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_keep_three_digits),
		cmocka_unit_test(a_spike_is_not_averaged_away),
		cmocka_unit_test(loss_is_of_the_slot_alone),
		cmocka_unit_test(traffic_is_a_rate_and_survives_a_new_counter),
		cmocka_unit_test(a_gap_is_unknown_and_the_oldest_goes),
		cmocka_unit_test(the_memory_is_what_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
