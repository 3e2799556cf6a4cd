// The verdict on a link: up and down, and what must never change it. The cases "as in" are
// sequences that bring down, wedge or end the program that did this work before.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clean.h"

#include "probed.h"

enum { RTT = 12 * 1000 };

static struct judge_config config_of(int64_t interval_us, uint32_t down, uint32_t up)
{
	struct judge_config c = judge_config_default();

	c.interval_us = interval_us;
	c.down = down;
	c.up = up;
	return c;
}

static void begin_up(struct probed *l, const struct judge_config *config)
{
	probed_start(l, 0, config);
	probed_pass(l, (int)config->up, RTT);
	assert_int_equal(l->j.state, JUDGE_UP);
	l->changes = 0;
}

static void five_returns_bring_it_up_and_three_misses_down(void **state)
{
	const struct judge_config config = judge_config_default();
	struct probed l;

	(void)state;
	probed_start(&l, 0, &config);
	probed_pass(&l, 4, RTT);
	assert_int_equal(l.j.state, JUDGE_UNKNOWN);
	probed_pass(&l, 1, RTT);
	assert_int_equal(l.j.state, JUDGE_UP);
	for (int i = 0; i < 3; i++) {
		probed_pass(&l, 2, -1);
		probed_pass(&l, 1, RTT);
	}
	assert_int_equal(l.j.state, JUDGE_UP);
	probed_pass(&l, 4, -1);
	assert_int_equal(l.j.state, JUDGE_DOWN);
	assert_int_equal(l.j.cause.reason, JUDGE_MISSED);
	assert_int_equal(l.j.cause.count, 3);
	assert_int_equal(l.changes, 2);
}

static void never_answered_it_is_down_and_says_so(void **state)
{
	const struct judge_config config = judge_config_default();
	struct probed l;
	char text[256];

	(void)state;
	probed_start(&l, 0, &config);
	judge_sentence("rho-bob", l.j.state, &l.j.cause, text, sizeof(text));
	assert_string_equal(text, "rho-bob unknown: no probe has come back yet");
	probed_pass(&l, 10, -1);
	assert_int_equal(l.j.state, JUDGE_DOWN);
	judge_sentence("rho-bob", l.j.state, &l.j.cause, text, sizeof(text));
	assert_string_equal(text, "rho-bob down: 3 of 3 probes lost, no reply ever");
	// It never was up: there is no flap to damp.
	probed_pass(&l, 5, RTT);
	assert_int_equal(l.j.state, JUDGE_UP);
}

// The cut comes at the worst moment: just after the reply to a probe that has just left.
static void a_silent_link_is_down_within_the_promise(void **state)
{
	static const int64_t intervals[] = { 20 * MS, 50 * MS, 200 * MS, SECOND, 15 * SECOND };
	static const int64_t rtts[] = { 100, 15 * MS, 80 * MS, 700 * MS };
	struct probed l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(intervals) * ARRAY_LEN(rtts) * 5; i++) {
		const struct judge_config config =
			config_of(intervals[i / 20], (uint32_t)(i % 5) + 1, 5);
		int64_t rtt = rtts[i / 5 % 4];

		// Replies come many intervals later on a long round trip: they are kept in flight.
		probed_start(&l, UINT32_MAX - 2, &config);
		int64_t began = l.now, cut = began + 200 * config.interval_us;
		uint32_t answered = l.next;

		while (l.j.state != JUDGE_DOWN) {
			int64_t sends =
				began + (int64_t)(l.next - UINT32_MAX + 2) * config.interval_us;
			int64_t answer = began + rtt +
					 (int64_t)(answered - UINT32_MAX + 2) * config.interval_us;

			if (answer - rtt <= cut && answer <= sends) {
				probed_wait(&l, answer);
				probed_reply(&l, answered++, rtt);
			} else {
				probed_wait(&l, sends);
				probed_send(&l);
			}
			assert_true(l.now - cut < 400 * config.interval_us);
			assert_true(l.now < cut || l.j.state != JUDGE_UNKNOWN);
		}
		assert_true(l.j.since_us > cut);
		assert_true(l.j.since_us - cut <=
			    (config.down + 1) * config.interval_us + rtt + 30 * MS);
	}
}

// As in vpnham, where a probe that returned exactly max(down, up) + 1 ticks late ended the program.
static void a_late_reply_never_matters(void **state)
{
	const struct judge_config config = config_of(50 * MS, 5, 3);
	struct probed l;

	(void)state;
	for (int late = 1; late < 200; late++) {
		begin_up(&l, &config);
		probed_pass(&l, 10, RTT);
		uint32_t sequence = l.next;

		probed_pass(&l, 1, -1);
		probed_pass(&l, late, RTT);
		probed_reply(&l, sequence, late * config.interval_us);
		probed_pass(&l, 10, RTT);
		assert_int_equal(l.j.state, JUDGE_UP);
		assert_int_equal(l.changes, 0);
		assert_int_equal(l.j.counts.late, 1);
		assert_int_equal(l.j.counts.lost, 1);
	}
}

static void six_seconds_of_delay_are_down_and_its_flood_changes_nothing(void **state)
{
	const struct judge_config config = judge_config_default();
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	uint32_t first = l.next;

	probed_pass(&l, 30, -1);
	assert_int_equal(l.j.state, JUDGE_DOWN);
	for (uint32_t s = first; s != l.next - 5; s++)
		probed_reply(&l, s, 6 * SECOND);
	assert_int_equal(l.j.state, JUDGE_DOWN);
	assert_int_equal(l.changes, 1);
	assert_int_equal(l.j.counts.late, 25);
}

// As in vpnham, where a jump of the sequence as long as its history wedged the monitor for ever.
static void a_jump_of_the_sequence_wedges_nothing(void **state)
{
	static const uint32_t jumps[] = { 2,   6,    63,         64,         65,
					  100, 1000, 0x7fffffff, 0x80000000, 0xffffffff };
	const struct judge_config config = config_of(50 * MS, 5, 3);
	struct probed l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		begin_up(&l, &config);
		l.next += jumps[i] - 1;
		probed_pass(&l, 5, RTT);
		assert_int_equal(l.changes, 0);
		probed_pass(&l, 7, -1);
		assert_int_equal(l.j.state, JUDGE_DOWN);
		probed_pass(&l, 60, RTT);
		assert_int_equal(l.j.state, JUDGE_UP);
	}
}

// As in vpnham, where a reordered or repeated return moved the acknowledged sequence backwards and
// marked good probes as lost.
static void reordered_and_repeated_replies_are_counted_only(void **state)
{
	static const uint32_t order[] = { 2, 0, 1, 0, 2, 2, 3, 1 };
	const struct judge_config config = config_of(50 * MS, 2, 3);
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	struct judge_counts before = l.j.counts;
	uint32_t first = l.next;

	for (int i = 0; i < 4; i++) {
		probed_send(&l);
		l.now += 5 * MS; // faster than they return
	}
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		probed_reply(&l, first + order[i], 30 * MS);
	probed_pass(&l, 10, RTT);
	assert_int_equal(l.changes, 0);
	assert_int_equal(l.j.counts.lost, 0);
	assert_int_equal(l.j.counts.returned - before.returned, 14);
	assert_int_equal(l.j.counts.reordered, 2);
	assert_int_equal(l.j.counts.duplicate, 4);
}

// As in vpnham, where a probe that could not be sent both failed and succeeded.
static void a_probe_has_one_outcome(void **state)
{
	const struct judge_config config = judge_config_default();
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	uint32_t sequence = l.next;

	probed_send(&l);
	assert_false(judge_miss(&l.j, sequence, l.now));
	assert_false(judge_miss(&l.j, sequence, l.now));
	probed_reply(&l, sequence, RTT);
	assert_int_equal(l.j.counts.lost, 1);
	assert_int_equal(l.j.counts.late, 1);
	assert_int_equal(l.j.counts.returned, 5);
	sequence = l.next;
	l.now += config.interval_us;
	probed_send(&l);
	probed_reply(&l, sequence, RTT);
	assert_false(judge_miss(&l.j, sequence, l.now));
	assert_int_equal(l.j.counts.lost, 1);
	assert_int_equal(l.j.counts.returned, 6);
	assert_int_equal(l.changes, 0);
}

// As in vpnham, where one empty datagram ended the receiver: what is no reply leaves the probe
// waiting for its own.
static void garbage_is_counted_and_the_probe_still_waits(void **state)
{
	const struct judge_config config = judge_config_default();
	struct probed l;

	(void)state;
	probed_start(&l, 7, &config);
	probed_reply(&l, 7, RTT); // before anything was sent
	begin_up(&l, &config);
	uint32_t sequence = l.next;

	probed_send(&l);
	probed_reply(&l, sequence, -1);
	probed_reply(&l, sequence, INT64_MIN);
	probed_reply(&l, sequence, INT64_MAX);
	probed_reply(&l, sequence + 1, RTT);          // not sent yet
	probed_reply(&l, sequence + 0x7fffffff, RTT); // nor ever
	assert_int_equal(l.j.counts.stray, 5);
	assert_int_equal(l.j.counts.returned, 5);
	probed_reply(&l, sequence, RTT);
	assert_int_equal(l.j.counts.returned, 6);
	assert_int_equal(l.changes, 0);
	assert_int_equal(l.j.value[JUDGE_LATENCY], RTT);
}

// As in vpnham, where a tunnel that flaps took the traffic back after two good probes.
static void each_flap_doubles_the_hold_down_up_to_its_most(void **state)
{
	static const int64_t held_s[] = { 2, 4, 8, 16, 32, 60, 60 };
	const struct judge_config config = config_of(200 * MS, 3, 2);
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	for (size_t i = 0; i < ARRAY_LEN(held_s); i++) {
		probed_pass(&l, 4, -1);
		assert_int_equal(l.j.state, JUDGE_DOWN);
		assert_int_equal(l.j.cause.held_us, held_s[i] * SECOND);
		int64_t down = l.j.since_us;

		while (l.j.state == JUDGE_DOWN)
			probed_pass(&l, 1, RTT);
		assert_int_equal(l.j.since_us, down + held_s[i] * SECOND);
	}
	// Six doublings are forgotten one a minute; two minutes leave four.
	probed_pass(&l, 5 * 125, RTT);
	probed_pass(&l, 4, -1);
	assert_int_equal(l.j.cause.held_us, 32 * SECOND);
	probed_pass(&l, 5 * 40, RTT);
	assert_int_equal(l.j.state, JUDGE_UP);
	probed_pass(&l, 5 * 3600, RTT);
	probed_pass(&l, 4, -1);
	assert_int_equal(l.j.cause.held_us, 2 * SECOND);
}

static void a_link_that_flaps_for_a_day_changes_seldom(void **state)
{
	const struct judge_config config = config_of(200 * MS, 3, 2);
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	for (int64_t end = l.now + 86400 * SECOND; l.now < end;) {
		probed_pass(&l, 4, -1);
		probed_pass(&l, 3, RTT);
	}
	// Hardly ever a time of calm: no more than one down and one up a minute.
	assert_in_range(l.changes, 2, 2 * 1440 + 14);
}

static void a_stopped_process_blames_no_link(void **state)
{
	const struct judge_config config = judge_config_default();
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	probed_send(&l);
	probed_send(&l);
	uint32_t sequence = l.next - 2;

	l.now += 60 * SECOND; // SIGSTOP, SIGCONT; the replies wait in the socket
	assert_false(judge_tick(&l.j, l.now));
	probed_send(&l);
	probed_reply(&l, sequence, 60 * SECOND);
	probed_reply(&l, sequence + 1, 60 * SECOND);
	probed_reply(&l, sequence + 2, RTT);
	probed_pass(&l, 5, RTT);
	assert_int_equal(l.changes, 0);
	assert_int_equal(l.j.counts.lost, 0);
	probed_pass(&l, 4, -1);
	assert_int_equal(l.j.state, JUDGE_DOWN);
}

static void a_clock_that_stands_or_goes_back_changes_nothing(void **state)
{
	const struct judge_config config = judge_config_default();
	struct probed l;

	(void)state;
	begin_up(&l, &config);
	probed_send(&l);
	assert_false(judge_tick(&l.j, 0));
	assert_false(judge_tick(&l.j, INT64_MIN));
	probed_reply(&l, l.next - 1, RTT);
	assert_int_equal(l.j.counts.returned, 6);
}

static void without_a_carrier_it_is_down_at_once(void **state)
{
	const struct judge_config config = judge_config_default();
	struct probed l;
	char text[256];

	(void)state;
	begin_up(&l, &config);
	probed_send(&l);
	l.now += 100 * MS;
	assert_true(judge_sever(&l.j, l.now));
	assert_false(judge_sever(&l.j, l.now));
	assert_int_equal(l.j.since_us, l.now);
	judge_sentence("rho-bob", l.j.state, &l.j.cause, text, sizeof(text));
	assert_string_equal(text, "rho-bob down: its device is gone or has no carrier, last reply "
				  "288 ms ago");
	probed_reply(&l, l.next - 1, RTT);
	assert_int_equal(l.j.counts.late, 1);
	probed_pass(&l, 12, RTT); // the hold-down
	assert_int_equal(l.j.state, JUDGE_UP);
}

static void one_of_long_round_trip_comes_up_and_stays(void **state)
{
	const struct judge_config config = config_of(50 * MS, 3, 5);
	struct probed l;

	(void)state;
	probed_start(&l, 0, &config);
	for (int i = 0; i < 400; i++) {
		probed_send(&l);
		probed_wait(&l, l.now + config.interval_us);
		if (l.next >= 14) // 14 intervals are 700 ms
			probed_reply(&l, l.next - 14, 700 * MS);
	}
	assert_int_equal(l.j.state, JUDGE_UP);
	assert_int_equal(l.changes, 1);
	assert_int_equal(l.j.counts.lost, 0);
}

// Anything at all, for a long time: nothing breaks, the books balance, deadlines are kept.
static void whatever_comes_the_books_balance(void **state)
{
	const struct judge_config config = config_of(20 * MS, 3, 5);
	uint64_t dice = 88172645463325252;
	struct probed l;

	(void)state;
	probed_start(&l, UINT32_MAX - 50000, &config);
	for (int i = 0; i < 300000; i++) {
		dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
		uint32_t sequence = l.next - (uint32_t)(dice >> 32) % 80 + 4;
		int64_t rtt = (int64_t)(dice >> 20 & 0xffff);

		if (dice % 8 == 0)
			judge_miss(&l.j, sequence, l.now);
		else if (dice % 1000 == 1)
			judge_sever(&l.j, l.now);
		else if (dice % 3)
			probed_reply(&l, sequence, dice % 50 == 1 ? -rtt : rtt);
		else
			probed_send(&l);
		probed_wait(&l, l.now + (int64_t)(dice >> 8 & 0x3fff));
		assert_true(judge_due_us(&l.j) > l.now);
		assert_int_equal(l.j.counts.sent,
				 l.j.counts.returned + l.j.counts.lost +
					 (uint64_t)__builtin_popcountll(l.j.pending));
		assert_int_equal(l.j.pending & l.j.returned, 0);
		assert_int_equal(l.j.missed & (l.j.pending | l.j.returned), 0);
	}
	assert_true(l.changes > 10);
}

static void values_out_of_range_are_brought_into_it(void **state)
{
	const struct judge_config wild = { .interval_us = -5, .down = 0, .up = 1000 };
	struct probed l;

	(void)state;
	probed_start(&l, 0, &wild);
	assert_int_equal(l.j.config.interval_us, 1000);
	assert_int_equal(l.j.config.down, 1);
	assert_int_equal(l.j.config.up, JUDGE_MAX_COUNT);
	probed_pass(&l, JUDGE_MAX_COUNT, 100);
	assert_int_equal(l.j.state, JUDGE_UP);
	struct judge_config config = judge_config_default();

	judge_configure(&l.j, &config, l.now);
	assert_int_equal(l.j.state, JUDGE_UP);
	assert_int_equal(l.j.config.down, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_returns_bring_it_up_and_three_misses_down),
		cmocka_unit_test(never_answered_it_is_down_and_says_so),
		cmocka_unit_test(a_silent_link_is_down_within_the_promise),
		cmocka_unit_test(a_late_reply_never_matters),
		cmocka_unit_test(six_seconds_of_delay_are_down_and_its_flood_changes_nothing),
		cmocka_unit_test(a_jump_of_the_sequence_wedges_nothing),
		cmocka_unit_test(reordered_and_repeated_replies_are_counted_only),
		cmocka_unit_test(a_probe_has_one_outcome),
		cmocka_unit_test(garbage_is_counted_and_the_probe_still_waits),
		cmocka_unit_test(each_flap_doubles_the_hold_down_up_to_its_most),
		cmocka_unit_test(a_link_that_flaps_for_a_day_changes_seldom),
		cmocka_unit_test(a_stopped_process_blames_no_link),
		cmocka_unit_test(a_clock_that_stands_or_goes_back_changes_nothing),
		cmocka_unit_test(without_a_carrier_it_is_down_at_once),
		cmocka_unit_test(one_of_long_round_trip_comes_up_and_stays),
		cmocka_unit_test(whatever_comes_the_books_balance),
		cmocka_unit_test(values_out_of_range_are_brought_into_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
