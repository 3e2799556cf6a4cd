// What a gateway-group promises of its choice: the first that is well, away from what goes bad at
// once, back only after the hold-down, and never to and fro with what comes and goes; for written
// schedules and for random ones.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>

#include "base/clean.h"

#include "steer/choice.h"

#define MS INT64_C(1000)
#define S  (1000 * MS)

static struct choice begin(size_t len, uint8_t adopt)
{
	struct choice_config config = choice_config_default();
	config.hold_us = 10 * S;
	config.hold_max_us = 60 * S;
	return choice_make(&config, len, adopt, 0);
}

static bool find(struct choice *c, uint8_t place, enum judge_state state, int64_t now_us)
{
	const struct choice_finding found = { .state = state, .rtt_us = JUDGE_UNMEASURED };
	choice_found(c, place, &found, now_us);
	return choice_decide(c, now_us);
}

static void find_all(struct choice *c, enum judge_state state, int64_t now_us)
{
	for (uint8_t i = 0; i < c->len; i++)
		(void)find(c, i, state, now_us);
}

static void the_first_that_is_well(void **state)
{
	struct choice c = begin(3, CHOICE_NONE);
	(void)state;
	// What is not known yet may be well: the order holds.
	assert_true(choice_decide(&c, 0));
	assert_int_equal(c.current, 0);
	assert_int_equal(c.reason, CHOICE_FIRST);
	(void)find(&c, 1, JUDGE_UP, 100 * MS);
	assert_int_equal(c.current, 0);
	// It turns out that it is not.
	assert_true(find(&c, 0, JUDGE_DOWN, 200 * MS));
	assert_int_equal(c.current, 1);
	assert_int_equal(c.reason, CHOICE_DOWN);
	assert_int_equal(c.from, 0);
}

static void one_that_stays_unknown_is_left(void **state)
{
	struct choice c = begin(2, CHOICE_NONE);
	(void)state;
	(void)choice_decide(&c, 0);
	assert_false(find(&c, 1, JUDGE_UP, 100 * MS));
	const int64_t due = choice_due_us(&c, 100 * MS);
	assert_int_equal(due, 2 * S);
	assert_true(choice_decide(&c, due));
	assert_int_equal(c.current, 1);
	assert_int_equal(c.reason, CHOICE_WORSE);
	assert_int_equal(choice_due_us(&c, due), CHOICE_NEVER);
}

static void what_was_in_use_is_kept_over_a_restart(void **state)
{
	struct choice c = begin(2, 1);
	(void)state;
	assert_false(choice_decide(&c, 0));
	assert_false(find(&c, 0, JUDGE_UP, 100 * MS));
	assert_false(find(&c, 1, JUDGE_UP, 200 * MS));
	assert_int_equal(c.current, 1);
	// Then as ever.
	assert_true(choice_decide(&c, choice_due_us(&c, 200 * MS)));
	assert_int_equal(c.current, 0);
	assert_int_equal(c.reason, CHOICE_PREFERRED);
}

static void back_after_the_hold_down_in_a_row(void **state)
{
	struct choice c = begin(2, 0);
	(void)state;
	find_all(&c, JUDGE_UP, 0);
	assert_true(find(&c, 0, JUDGE_DOWN, 1 * S));
	(void)find(&c, 0, JUDGE_UP, 2 * S);
	assert_int_equal(choice_due_us(&c, 2 * S), 12 * S);
	// It goes once more: the time begins anew.
	(void)find(&c, 0, JUDGE_DOWN, 11 * S);
	assert_int_equal(choice_due_us(&c, 11 * S), CHOICE_NEVER);
	(void)find(&c, 0, JUDGE_UP, 13 * S);
	assert_false(choice_decide(&c, 23 * S - 1));
	assert_true(choice_decide(&c, 23 * S));
	assert_int_equal(c.current, 0);
	assert_int_equal(c.moves, 2);
}

static void each_return_takes_twice_as_long(void **state)
{
	struct choice c = begin(2, 0);
	int64_t now = 0;
	static const int64_t holds[] = { 10 * S, 20 * S, 40 * S, 60 * S, 60 * S };
	(void)state;
	find_all(&c, JUDGE_UP, now);
	for (size_t i = 0; i < ARRAY_LEN(holds); i++) {
		assert_true(find(&c, 0, JUDGE_DOWN, now += S));
		(void)find(&c, 0, JUDGE_UP, now += S);
		assert_int_equal(choice_due_us(&c, now), now + holds[i]);
		assert_true(choice_decide(&c, now += holds[i]));
		assert_int_equal(c.current, 0);
	}
	// Long without one, and it is forgotten.
	now += 3 * 600 * S;
	assert_true(find(&c, 0, JUDGE_DOWN, now));
	(void)find(&c, 0, JUDGE_UP, now += S);
	assert_int_equal(choice_due_us(&c, now), now + 40 * S);
}

static void the_better_of_bad_ones(void **state)
{
	struct choice c = begin(3, 0);
	(void)state;
	find_all(&c, JUDGE_UP, 0);
	assert_true(find(&c, 0, JUDGE_DEGRADED, S));
	assert_int_equal(c.current, 1);
	(void)find(&c, 1, JUDGE_DOWN, 2 * S);
	assert_int_equal(c.current, 2);
	assert_true(find(&c, 2, JUDGE_DOWN, 3 * S));
	assert_int_equal(c.current, 0); // degraded is better than none
	assert_true(find(&c, 0, JUDGE_DOWN, 4 * S));
	assert_int_equal(c.current, CHOICE_NONE);
	assert_int_equal(c.reason, CHOICE_LOST);
	assert_true(find(&c, 2, JUDGE_UP, 5 * S));
	assert_int_equal(c.current, 2);
}

static void a_drained_one_serves_only_alone(void **state)
{
	struct choice c = begin(2, 0);
	struct choice_finding drained = { .state = JUDGE_UP,
					  .is_drained = true,
					  .rtt_us = JUDGE_UNMEASURED };
	(void)state;
	find_all(&c, JUDGE_UP, 0);
	choice_found(&c, 0, &drained, S);
	assert_true(choice_decide(&c, S));
	assert_int_equal(c.current, 1);
	assert_int_equal(c.reason, CHOICE_DRAINED);
	assert_true(find(&c, 1, JUDGE_DOWN, 2 * S));
	assert_int_equal(c.current, 0);
}

static void measure(struct choice *c, uint8_t place, int64_t rtt_us, int64_t now_us)
{
	const struct choice_finding found = { .state = JUDGE_UP, .rtt_us = rtt_us };
	choice_found(c, place, &found, now_us);
	(void)choice_decide(c, now_us);
}

static void the_nearest(void **state)
{
	struct choice c = begin(2, 0);
	(void)state;
	c.config.by_latency = true;
	measure(&c, 0, 40 * MS, 0);
	measure(&c, 1, 39 * MS, 0);
	assert_int_equal(choice_due_us(&c, 0), CHOICE_NEVER); // that is no difference
	measure(&c, 1, 20 * MS, S);
	assert_int_equal(choice_due_us(&c, S), 11 * S);
	assert_true(choice_decide(&c, 11 * S));
	assert_int_equal(c.current, 1);
	// The list's order does not lead it back.
	measure(&c, 0, 21 * MS, 12 * S);
	assert_int_equal(choice_due_us(&c, 12 * S), CHOICE_NEVER);
}

// ---- any schedule ----

static int worth(const struct choice *c, uint8_t place, int64_t now_us)
{
	const struct choice_option *o = &c->options[place];
	if (o->found.state == JUDGE_DOWN)
		return 0;
	if (o->found.is_drained)
		return 1;
	// Within its first moments it counts as well.
	if (o->found.state == JUDGE_UNKNOWN)
		return now_us - o->unknown_us < c->config.start_us ? 4 : 2;
	return o->found.state == JUDGE_DEGRADED ? 3 : 4;
}

// At any time: in use is one of the best sort; none only if all are down; and a return among
// equals keeps its distance from the one before.
static void assert_sound(const struct choice *c, int64_t now_us)
{
	int best = 0;
	for (uint8_t i = 0; i < c->len; i++) {
		const enum judge_state s = c->options[i].found.state;
		const int w = s == JUDGE_UNKNOWN && !c->options[i].found.is_drained
				      ? 2
				      : worth(c, i, now_us);
		best = w > best ? w : best;
	}
	if (c->current == CHOICE_NONE)
		assert_int_equal(best, 0);
	else
		assert_true(worth(c, c->current, now_us) >= best);
}

static void run_one(unsigned seed, int steps)
{
	struct choice c = begin(1 + seed % 5, seed % 3 ? CHOICE_NONE : 0);
	int64_t now = 0, returned = -1000 * S;
	c.config.by_latency = seed % 4 == 0;
	srand(seed);
	for (int i = 0; i < steps; i++) {
		const int64_t due = choice_due_us(&c, now);
		const int64_t at = now + (rand() % 3000) * MS;
		const bool is_due = due <= at;
		assert_true(due > now || due == CHOICE_NEVER || !choice_decide(&c, now));
		now = is_due ? due : at;
		if (!is_due) {
			const struct choice_finding found = {
				.state = (enum judge_state)(rand() % 4),
				.is_drained = rand() % 8 == 0,
				.rtt_us = rand() % 3 ? rand() % 100 * MS : JUDGE_UNMEASURED,
			};
			choice_found(&c, (uint8_t)((unsigned)rand() % c.len), &found, now);
		}
		if (choice_decide(&c, now) && c.reason == CHOICE_PREFERRED) {
			assert_true(now - returned >= c.config.hold_us);
			returned = now;
		}
		assert_sound(&c, now);
		assert_false(choice_decide(&c, now)); // it is settled
	}
}

static void any_schedule(void **state)
{
	const char *asked = getenv("WEFT_CHOICE_SEEDS");
	const unsigned seeds = asked ? (unsigned)atoi(asked) : 500;
	(void)state;
	printf("%u seeds of 400 steps (WEFT_CHOICE_SEEDS)\n", seeds);
	for (unsigned seed = 0; seed < seeds; seed++)
		run_one(seed, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_is_well),
		cmocka_unit_test(one_that_stays_unknown_is_left),
		cmocka_unit_test(what_was_in_use_is_kept_over_a_restart),
		cmocka_unit_test(back_after_the_hold_down_in_a_row),
		cmocka_unit_test(each_return_takes_twice_as_long),
		cmocka_unit_test(the_better_of_bad_ones),
		cmocka_unit_test(a_drained_one_serves_only_alone),
		cmocka_unit_test(the_nearest),
		cmocka_unit_test(any_schedule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
