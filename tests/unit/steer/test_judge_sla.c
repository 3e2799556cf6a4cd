// Degraded and back: latency, jitter and loss against limits and against what is usual.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clean.h"

#include "probed.h"

enum { SLOW = 170000, FAST = 40000 };

// The sla of a voice network at the default interval of 200 ms.
static struct judge_config voice(void)
{
	struct judge_config c = judge_config_default();

	c.sla.limit[JUDGE_LATENCY].most = 150 * MS;
	c.sla.limit[JUDGE_JITTER].most = 30 * MS;
	c.sla.limit[JUDGE_LOSS].most = 10000;
	return c;
}

static void begin_up(struct probed *l, const struct judge_config *config)
{
	probed_start(l, 0, config);
	probed_pass(l, 150, FAST);
	assert_int_equal(l->j.state, JUDGE_UP);
	l->changes = 0;
}

static void told(const struct probed *l, const char *sentence)
{
	char text[256];

	judge_sentence("rho-bob", l->j.state, &l->j.cause, text, sizeof(text));
	assert_string_equal(text, sentence);
}

static void latency_broken_for_long_enough_degrades_and_clears_as_slowly(void **state)
{
	const struct judge_config config = voice();
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	int64_t began = l.now;

	while (l.j.state == JUDGE_UP)
		probed_pass(&l, 1, SLOW);
	assert_int_equal(l.j.state, JUDGE_DEGRADED);
	assert_in_range(l.j.since_us - began, 3 * SECOND, 4 * SECOND);
	told(&l, "rho-bob degraded: latency 170 ms is more than 150 ms, for 3 s");
	began = l.now;
	while (l.j.state == JUDGE_DEGRADED)
		probed_pass(&l, 1, FAST);
	assert_in_range(l.j.since_us - began, 30 * SECOND, 31 * SECOND);
	told(&l, "rho-bob up: within its sla for 30 s");
	assert_int_equal(l.changes, 2);
}

static void spikes_and_pauses_shorter_than_asked_change_nothing(void **state)
{
	struct judge_config config = voice();
	struct probed l;

	(void)state;
	config.sla.limit[JUDGE_JITTER].most = 0;
	begin_up(&l, &config);
	for (int i = 0; i < 50; i++) {
		probed_pass(&l, 12, SLOW); // 2.4 s
		probed_pass(&l, 3, FAST);
	}
	for (int i = 0; i < 200; i++) {
		probed_pass(&l, 2, SLOW); // a spike of two is never the middle of five
		probed_pass(&l, 3, FAST);
	}
	assert_int_equal(l.changes, 0);
	while (l.j.state == JUDGE_UP)
		probed_pass(&l, 1, SLOW);
	l.changes = 0;
	for (int i = 0; i < 20; i++) {
		probed_pass(&l, 140, FAST); // 28 s
		probed_pass(&l, 5, SLOW);
	}
	assert_int_equal(l.changes, 0);
}

static void jitter_is_measured_as_rfc_3550_has_it(void **state)
{
	const struct judge_config config = voice();
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	for (int i = 0; i < 25; i++) {
		probed_pass(&l, 1, 20 * MS);
		probed_pass(&l, 1, 100 * MS);
	}
	assert_in_range(l.j.value[JUDGE_JITTER], 70 * MS, 80 * MS);
	assert_int_equal(l.j.state, JUDGE_DEGRADED);
	assert_int_equal(l.j.cause.measure, JUDGE_JITTER);
	assert_true(l.j.cause.value > 30 * MS && l.j.cause.limit == 30 * MS);
}

// The clocks of both ends differ by an hour; only the way back varies.
static void jitter_of_one_direction_needs_no_common_clock(void **state)
{
	const struct judge_config config = voice();
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	for (int i = 0; i < 100; i++) {
		int64_t back = i % 2 ? 5 * MS : 65 * MS;
		const struct judge_reply reply = { 15 * MS + back, 3600 * SECOND + 10 * MS,
						   back - 3600 * SECOND };

		probed_send(&l);
		judge_reply(&l.j, l.next - 1, &reply, l.now + 15 * MS + back);
		probed_wait(&l, l.now + config.interval_us);
	}
	assert_in_range(l.j.value[JUDGE_JITTER], 55 * MS, 61 * MS);
}

static uint64_t dice = 88172645463325252;

// Passes `count` probes of which about `lost` in a million do not return.
static void lossy(struct probed *l, int count, uint64_t lost)
{
	for (; count > 0 && l->j.state != JUDGE_DOWN; count--) {
		dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
		probed_pass(l, 1, dice % 1000000 < lost ? -1 : FAST);
	}
}

static void a_loss_of_a_third_degrades_within_five_seconds_mostly(void **state)
{
	struct judge_config config = voice();
	int slow = 0;

	(void)state;
	config.down = 20; // else three in a row end the trial
	for (int trial = 0; trial < 200; trial++) {
		struct probed l;

		begin_up(&l, &config);
		int64_t began = l.now;

		while (l.j.state == JUDGE_UP)
			lossy(&l, 1, 300000);
		assert_int_equal(l.j.state, JUDGE_DEGRADED);
		assert_true(l.j.since_us - began >= 3 * SECOND);
		slow += l.j.since_us - began > 5 * SECOND;
	}
	// Chance may lose too few of the first 25, or none of the first ten.
	assert_in_range(slow, 0, 30);
}

static void a_loss_below_the_limit_never_degrades(void **state)
{
	const struct judge_config config = voice();
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	lossy(&l, 5 * 3600 * 4, 3000);
	assert_int_equal(l.changes, 0);
	l.j.config.down = 20;
	lossy(&l, 5 * 60, 150000);
	assert_int_equal(l.j.state, JUDGE_DEGRADED);
	assert_int_equal(l.j.cause.measure, JUDGE_LOSS);
	// The loss ends: it is over after the 30 s that were asked for, not after the history.
	int64_t began = l.now;

	while (l.j.state == JUDGE_DEGRADED)
		probed_pass(&l, 1, FAST);
	assert_in_range(l.j.since_us - began, 29 * SECOND, 31 * SECOND);
	probed_pass(&l, 300, FAST);
	assert_int_equal(l.j.state, JUDGE_UP);
}

static void losses_that_were_judged_are_not_judged_again(void **state)
{
	struct judge_config config = voice();
	struct probed l;

	(void)state;
	// Those of a link that was down do not make it degraded when it is back.
	begin_up(&l, &config);
	probed_pass(&l, 40, -1);
	assert_int_equal(l.j.state, JUDGE_DOWN);
	probed_pass(&l, 100, FAST);
	assert_int_equal(l.j.state, JUDGE_UP);
	assert_int_equal(l.changes, 2);
	// Nor do those that it was degraded for, when it is so no longer.
	config.sla.clear_for_us = 15 * SECOND;
	config.down = 20;
	begin_up(&l, &config);
	lossy(&l, 60, 300000);
	assert_int_equal(l.j.state, JUDGE_DEGRADED);
	probed_pass(&l, 200, FAST);
	assert_int_equal(l.j.state, JUDGE_UP);
	assert_int_equal(l.changes, 2);
}

static void a_factor_goes_by_what_is_usual(void **state)
{
	struct judge_config config = voice();
	struct probed l;

	(void)state;
	config.sla.limit[JUDGE_LATENCY] = (struct judge_limit){ .factor_permille = 2000 };
	begin_up(&l, &config);
	probed_pass(&l, 300, 75 * MS);
	assert_int_equal(l.changes, 0);
	while (l.j.state == JUDGE_UP)
		probed_pass(&l, 1, 100 * MS);
	assert_in_range(l.j.cause.usual, FAST, FAST + 2 * MS);
	assert_in_range(l.j.cause.limit, 2 * FAST, 2 * FAST + 4 * MS);
	// A new route that stays is usual in the end.
	probed_pass(&l, 5 * 3600 * 6, 100 * MS);
	assert_int_equal(l.j.state, JUDGE_UP);
	assert_in_range(l.j.baseline.usual[JUDGE_LATENCY], 95 * MS, 100 * MS);
}

static void a_factor_of_next_to_nothing_is_not_broken_by_next_to_nothing(void **state)
{
	struct judge_config config = voice();
	struct probed l;

	(void)state;
	config.sla.limit[JUDGE_LATENCY] = (struct judge_limit){ .factor_permille = 2000 };
	probed_start(&l, 0, &config);
	probed_pass(&l, 100, 200);
	probed_pass(&l, 100, 4 * MS);
	assert_int_equal(l.j.state, JUDGE_UP);
	probed_pass(&l, 100, 8 * MS);
	assert_int_equal(l.j.state, JUDGE_DEGRADED);
	told(&l, "rho-bob degraded: latency 8.0 ms is more than 5.2 ms (usual 0.2 ms), for 3 s");
}

static void one_that_comes_back_bad_is_not_up_first(void **state)
{
	const struct judge_config config = voice();
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	probed_pass(&l, 10, -1);
	assert_int_equal(l.j.state, JUDGE_DOWN);
	probed_pass(&l, 20, SLOW);
	assert_int_equal(l.j.state, JUDGE_DEGRADED);
	assert_int_equal(l.changes, 2);
}

static void without_an_sla_nothing_degrades_and_taking_it_away_clears(void **state)
{
	const struct judge_config config = voice(), none = judge_config_default();
	struct probed l;

	(void)state;
	begin_up(&l, &none);
	lossy(&l, 300, 200000);
	probed_start(&l, 0, &none);
	probed_pass(&l, 300, SLOW);
	assert_int_equal(l.changes, 1);
	judge_configure(&l.j, &config, l.now);
	probed_pass(&l, 30, SLOW);
	assert_int_equal(l.j.state, JUDGE_DEGRADED);
	judge_configure(&l.j, &none, l.now);
	probed_pass(&l, 5 * 31, SLOW);
	assert_int_equal(l.j.state, JUDGE_UP);
}

static void every_cause_has_its_sentence(void **state)
{
	static const struct {
		enum judge_state state;
		struct judge_cause cause;
		const char *sentence;
	} rows[] = {
		{ JUDGE_UP,
		  { .reason = JUDGE_RETURNED, .count = 5, .rtt_us = 38200 },
		  "rho-bob up: 5 of 5 probes returned, round trip 38 ms" },
		{ JUDGE_DOWN,
		  { .reason = JUDGE_MISSED, .count = 3, .last_reply_us = 612345 },
		  "rho-bob down: 3 of 3 probes lost, last reply 612 ms ago" },
		{ JUDGE_DOWN,
		  { .reason = JUDGE_MISSED, .count = 4, .last_reply_us = 75 * SECOND },
		  "rho-bob down: 4 of 4 probes lost, last reply 75 s ago" },
		{ JUDGE_DOWN,
		  { .reason = JUDGE_SEVERED, .last_reply_us = 3 * 3600 * SECOND },
		  "rho-bob down: its device is gone or has no carrier, last reply 3 hours ago" },
		{ JUDGE_DEGRADED,
		  { .reason = JUDGE_BROKEN,
		    .measure = JUDGE_LOSS,
		    .value = 125000,
		    .limit = 10000,
		    .usual = JUDGE_UNMEASURED,
		    .lasting_us = 3400000 },
		  "rho-bob degraded: loss 12.5 % is more than 1 %, for 3400 ms" },
		{ JUDGE_DEGRADED,
		  { .reason = JUDGE_BROKEN,
		    .measure = JUDGE_JITTER,
		    .value = 31000,
		    .limit = 24000,
		    .usual = 8000,
		    .lasting_us = 3 * SECOND },
		  "rho-bob degraded: jitter 31 ms is more than 24 ms (usual 8.0 ms), for 3 s" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[256];

		judge_sentence("rho-bob", rows[i].state, &rows[i].cause, text, sizeof(text));
		assert_string_equal(text, rows[i].sentence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(latency_broken_for_long_enough_degrades_and_clears_as_slowly),
		cmocka_unit_test(spikes_and_pauses_shorter_than_asked_change_nothing),
		cmocka_unit_test(jitter_is_measured_as_rfc_3550_has_it),
		cmocka_unit_test(jitter_of_one_direction_needs_no_common_clock),
		cmocka_unit_test(a_loss_of_a_third_degrades_within_five_seconds_mostly),
		cmocka_unit_test(a_loss_below_the_limit_never_degrades),
		cmocka_unit_test(losses_that_were_judged_are_not_judged_again),
		cmocka_unit_test(a_factor_goes_by_what_is_usual),
		cmocka_unit_test(a_factor_of_next_to_nothing_is_not_broken_by_next_to_nothing),
		cmocka_unit_test(one_that_comes_back_bad_is_not_up_first),
		cmocka_unit_test(without_an_sla_nothing_degrades_and_taking_it_away_clears),
		cmocka_unit_test(every_cause_has_its_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
