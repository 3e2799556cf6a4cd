// The verdict on a link: up and down, and what must never change it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/clean.h"

#include "steer/judge.h"

#define MS INT64_C(1000)

static const struct judge_reply fast = { 12 * MS, JUDGE_UNMEASURED, JUDGE_UNMEASURED };

// A link with its probes: sequence numbers and time go on from where they are.
struct link {
	struct judge j;
	uint32_t next;
	int64_t now;
};

static void link_init(struct link *l, uint32_t first, const struct judge_config *config)
{
	l->next = first;
	l->now = 1000000;
	judge_init(&l->j, config, l->now);
}

// One interval: a probe leaves; its reply comes after `rtt` or, below 0, never. Deadlines inside
// the interval are kept to the microsecond.
static void pass(struct link *l, int64_t rtt)
{
	int64_t end = l->now + l->j.config.interval_us;
	uint32_t sequence = l->next++;

	judge_sent(&l->j, sequence, l->now);
	while (judge_due_us(&l->j) < (rtt >= 0 ? l->now + rtt : end))
		judge_tick(&l->j, judge_due_us(&l->j));
	if (rtt >= 0)
		judge_reply(&l->j, sequence,
			    &(struct judge_reply){ rtt, JUDGE_UNMEASURED, JUDGE_UNMEASURED },
			    l->now + rtt);
	while (judge_due_us(&l->j) < end)
		judge_tick(&l->j, judge_due_us(&l->j));
	l->now = end;
}

static void passes(struct link *l, int count, int64_t rtt)
{
	for (int i = 0; i < count; i++)
		pass(l, rtt);
}

static void five_returns_bring_it_up_and_three_misses_down(void **state)
{
	struct judge_config config = judge_config_default();
	struct link l;

	(void)state;
	link_init(&l, 0, &config);
	passes(&l, 4, 12 * MS);
	assert_int_equal(l.j.state, JUDGE_UNKNOWN);
	pass(&l, 12 * MS);
	assert_int_equal(l.j.state, JUDGE_UP);
	passes(&l, 2, -1);
	passes(&l, 1, 12 * MS);
	passes(&l, 2, -1);
	passes(&l, 1, 12 * MS);
	assert_int_equal(l.j.state, JUDGE_UP);

	int64_t cut = l.now - config.interval_us + 12 * MS; // just after the last reply
	passes(&l, 5, -1);
	assert_int_equal(l.j.state, JUDGE_DOWN);
	assert_true(l.j.since_us - cut <= 4 * config.interval_us + 12 * MS + 30 * MS);
	assert_int_equal(l.j.cause.reason, JUDGE_MISSED);
	assert_int_equal(l.j.cause.count, 3);
	assert_int_equal(l.j.cause.last_reply_us, l.j.since_us - cut);
}

static void a_sentence_tells_why(void **state)
{
	struct judge_cause cause = { .reason = JUDGE_MISSED, .count = 3, .last_reply_us = 612345 };
	char text[256];

	(void)state;
	judge_sentence("rho-bob", JUDGE_DOWN, &cause, text, sizeof(text));
	assert_string_equal(text, "rho-bob down: 3 of 3 probes lost, last reply 612 ms ago");
}

static void what_was_never_sent_changes_nothing(void **state)
{
	struct judge_config config = judge_config_default();
	struct link l;

	(void)state;
	link_init(&l, 7, &config);
	assert_false(judge_reply(&l.j, 7, &fast, l.now));
	passes(&l, 6, 12 * MS);
	assert_int_equal(l.j.state, JUDGE_UP);
	assert_false(judge_reply(&l.j, l.next + 5, &fast, l.now));
	assert_false(judge_reply(&l.j, 3, &fast, l.now));
	assert_false(judge_miss(&l.j, l.next + 5, l.now));
	assert_int_equal(l.j.counts.stray, 3);
	assert_int_equal(l.j.state, JUDGE_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_returns_bring_it_up_and_three_misses_down),
		cmocka_unit_test(a_sentence_tells_why),
		cmocka_unit_test(what_was_never_sent_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
