// Which path carries the traffic: choosing, moving in the right order, following, draining.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "base/clean.h"

#include "steer/path.h"

#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)

enum { DIRECT, VIA_BOB, VIA_EVE, PATHS };

// Both ends of a pair; what one orders is noted in letters: P2 prepare, S2 switch, R0 release, T
// tell.
struct pair {
	struct path_set low, high;
	int64_t now;
	char orders[256]; // of the low end since last asked
};

static void note_orders(struct pair *p, const struct path_set *set,
			const struct path_orders *orders)
{
	static const char letters[] = {
		[PATH_PREPARE] = 'P', [PATH_SWITCH] = 'S', [PATH_RELEASE] = 'R', [PATH_TELL] = 'T'
	};

	for (unsigned i = 0; i < orders->count && set == &p->low; i++) {
		size_t used = strlen(p->orders);
		const struct path_order *o = &orders->list[i];

		if (o->what == PATH_TELL)
			(void)snprintf(p->orders + used, sizeof(p->orders) - used, "T ");
		else
			(void)snprintf(p->orders + used, sizeof(p->orders) - used, "%c%u ",
				       letters[o->what], o->path);
	}
}

#define ORDERED(pair, text)                                                                        \
	do {                                                                                       \
		assert_string_equal((pair)->orders, text);                                         \
		(pair)->orders[0] = '\0';                                                          \
	} while (0)

static void judged(struct pair *p, struct path_set *set, uint8_t path, enum judge_state state,
		   int64_t rtt)
{
	struct judge j = { .state = state, .value = { rtt, 0, 0 } };
	struct path_orders orders = { 0 };

	path_judged(set, path, &j, p->now, &orders);
	note_orders(p, set, &orders);
}

static void both_judge(struct pair *p, uint8_t path, enum judge_state state, int64_t rtt)
{
	judged(p, &p->low, path, state, rtt);
	judged(p, &p->high, path, state, rtt);
}

static void tell(struct pair *p, struct path_set *from)
{
	struct path_set *to = from == &p->low ? &p->high : &p->low;
	const struct path_note note = path_note(from);
	struct path_orders orders = { 0 };

	path_heard(to, &note, p->now, &orders);
	note_orders(p, to, &orders);
}

static void exchange(struct pair *p)
{
	tell(p, &p->high);
	tell(p, &p->low);
	tell(p, &p->high);
}

static void tick(struct pair *p, struct path_set *set)
{
	struct path_orders orders = { 0 };

	path_tick(set, p->now, &orders);
	note_orders(p, set, &orders);
}

// Time passes in steps of 100 ms, in which both ends measure and tell.
static void pass(struct pair *p, int64_t us, const int64_t rtt[PATHS])
{
	for (int64_t end = p->now + us; p->now < end; p->now += 100 * MS) {
		for (uint8_t i = 0; i < PATHS; i++) {
			both_judge(p, i, p->low.paths[i].state, rtt[i]);
			assert_true(path_due_us(&p->low) > p->now);
		}
		exchange(p);
		tick(p, &p->low);
		tick(p, &p->high);
	}
}

static const int64_t usual_rtt[PATHS] = { 40 * MS, 60 * MS, 80 * MS };

// Ids 3 and 7: the former chooses. All three paths up, the direct one in use at both ends.
static struct pair begin(void)
{
	const struct path_config config = path_config_default();
	struct pair p = { .now = 100 * SECOND };

	p.low = path_set_make(&config, 3, 7, PATH_NONE, p.now);
	p.high = path_set_make(&config, 7, 3, PATH_NONE, p.now);
	for (uint8_t i = 0; i < PATHS; i++) {
		struct path_orders orders = { 0 };

		path_put(&p.low, i, false, p.now, &orders);
		path_put(&p.high, i, false, p.now, &orders);
	}
	for (uint8_t i = 0; i < PATHS; i++)
		both_judge(&p, i, JUDGE_UP, usual_rtt[i]);
	exchange(&p);
	pass(&p, 3 * SECOND, usual_rtt);
	assert_int_equal(p.low.current, DIRECT);
	assert_int_equal(p.high.current, DIRECT);
	p.orders[0] = '\0';
	return p;
}

static void a_path_that_is_down_is_left_at_once_by_make_before_break(void **state)
{
	struct pair p = begin();

	(void)state;
	judged(&p, &p.low, DIRECT, JUDGE_DOWN, JUDGE_UNMEASURED);
	ORDERED(&p, "T P1 S1 T ");
	assert_int_equal(p.low.cause.reason, PATH_DOWN);
	assert_int_equal(p.low.cause.from, DIRECT);
	// The old one stands until the other end has moved too.
	p.now += 200 * MS;
	tick(&p, &p.low);
	ORDERED(&p, "");
	exchange(&p);
	assert_int_equal(p.high.current, VIA_BOB);
	assert_int_equal(p.high.cause.reason, PATH_FOLLOWED);
	ORDERED(&p, "R0 ");
}

static void an_old_path_stands_for_the_linger_time_when_the_other_end_is_silent(void **state)
{
	struct pair p = begin();

	(void)state;
	judged(&p, &p.low, DIRECT, JUDGE_DOWN, JUDGE_UNMEASURED);
	p.orders[0] = '\0';
	assert_int_equal(path_due_us(&p.low), p.now + 2 * SECOND);
	p.now += 2 * SECOND - 1;
	tick(&p, &p.low);
	ORDERED(&p, "");
	p.now += 1;
	tick(&p, &p.low);
	ORDERED(&p, "R0 ");
	assert_int_equal(path_due_us(&p.low), PATH_NEVER);
}

static void the_other_end_leaves_a_dead_path_alone_and_the_chooser_ends_the_difference(void **state)
{
	struct pair p = begin();

	(void)state;
	// Only the follower's probes fail: chance, on a path that loses much.
	judged(&p, &p.high, DIRECT, JUDGE_DOWN, JUDGE_UNMEASURED);
	assert_int_equal(p.high.current, VIA_BOB);
	assert_int_equal(p.low.current, DIRECT);
	tell(&p, &p.low); // it insists, and is not obeyed
	assert_int_equal(p.high.current, VIA_BOB);
	tell(&p, &p.high);
	assert_int_equal(p.low.current, VIA_BOB);
	assert_int_equal(p.low.cause.reason, PATH_DOWN);
	exchange(&p);
	assert_int_equal(p.high.current, VIA_BOB);
}

static void the_higher_id_follows_whatever_it_thinks_is_better(void **state)
{
	static const int64_t other_rtt[PATHS] = { 90 * MS, 20 * MS, 80 * MS };
	struct pair p = begin();

	(void)state;
	for (int i = 0; i < 600; i++, p.now += 100 * MS) {
		for (uint8_t path = 0; path < PATHS; path++) {
			judged(&p, &p.high, path, JUDGE_UP, other_rtt[path]);
			judged(&p, &p.low, path, JUDGE_UP, usual_rtt[path]);
		}
		exchange(&p);
		assert_int_equal(p.high.current, DIRECT);
		assert_int_equal(path_due_us(&p.high), PATH_NEVER);
	}
}

static void notes_lost_late_and_repeated_end_in_the_newest_choice(void **state)
{
	struct pair p = begin();
	struct path_note old[5];
	struct path_orders orders = { 0 };

	(void)state;
	for (int i = 0; i < 5; i++)
		old[i] = path_note(&p.low); // choose the direct one, and are late
	judged(&p, &p.low, DIRECT, JUDGE_DOWN, JUDGE_UNMEASURED);
	for (int i = 0; i < 50; i++)
		(void)path_note(&p.low); // lost
	tell(&p, &p.low);
	assert_int_equal(p.high.current, VIA_BOB);
	for (int i = 4; i >= 0; i--) {
		path_heard(&p.high, &old[i], p.now, &orders);
		path_heard(&p.high, &old[i], p.now, &orders);
		assert_int_equal(p.high.current, VIA_BOB);
	}
}

static void notes_that_make_no_sense_are_ignored(void **state)
{
	struct pair p = begin();
	struct path_set before = p.high;
	struct path_orders orders = { 0 };
	struct path_note note = path_note(&p.low);

	(void)state;
	note.choice = PATHS_MAX;
	path_heard(&p.high, &note, p.now, &orders);
	assert_memory_equal(&p.high, &before, sizeof(before));
	// A path this end does not have cannot be followed; the traffic stays where it is.
	note.choice = PATHS_MAX - 1;
	path_heard(&p.high, &note, p.now, &orders);
	assert_int_equal(p.high.current, DIRECT);
	assert_int_equal(orders.count, 0);
	path_put(&p.high, PATHS_MAX, false, p.now, &orders);
	path_drop(&p.high, 200, p.now, &orders);
	path_drain(&p.high, 255, true, p.now, &orders);
	assert_int_equal(orders.count, 0);
}

// A restarted chooser begins its stamps anew; the other end tells it how far it was.
static void a_restarted_chooser_is_heard_after_one_note_from_the_other_end(void **state)
{
	const struct path_config config = path_config_default();
	struct pair p = begin();

	(void)state;
	for (int i = 0; i < 1000; i++)
		exchange(&p);
	p.low = path_set_make(&config, 3, 7, VIA_EVE, p.now);
	for (uint8_t i = 0; i < PATHS; i++) {
		struct path_orders orders = { 0 };

		path_put(&p.low, i, false, p.now, &orders);
		assert_int_equal(orders.count, 0); // it adopts what is in use
		judged(&p, &p.low, i, JUDGE_UP, usual_rtt[i]);
	}
	tell(&p, &p.low);
	assert_int_equal(p.high.current, DIRECT); // an old stamp
	tell(&p, &p.high);
	tell(&p, &p.low);
	assert_int_equal(p.high.current, VIA_EVE);
	// Stamps may pass the end of their numbers.
	p.low.stamp = UINT64_MAX - 1;
	p.high.heard = UINT64_MAX - 2;
	judged(&p, &p.low, VIA_EVE, JUDGE_DOWN, JUDGE_UNMEASURED);
	uint8_t chosen = p.low.current;

	for (int i = 0; i < 4; i++)
		tell(&p, &p.low);
	assert_int_equal(p.high.current, chosen);
	assert_true(p.low.stamp < 10);
}

static void a_degraded_path_is_left_at_once_and_a_better_one_taken_after_the_hold(void **state)
{
	static const int64_t better_rtt[PATHS] = { 40 * MS, 20 * MS, 80 * MS };
	struct pair p = begin();

	(void)state;
	both_judge(&p, DIRECT, JUDGE_DEGRADED, 40 * MS);
	ORDERED(&p, "T P1 S1 T ");
	assert_int_equal(p.low.cause.reason, PATH_DEGRADED);
	exchange(&p);
	both_judge(&p, DIRECT, JUDGE_UP, 40 * MS);
	pass(&p, 9 * SECOND, usual_rtt);
	assert_int_equal(p.low.current, VIA_BOB);
	pass(&p, 2 * SECOND, usual_rtt);
	assert_int_equal(p.low.current, DIRECT);
	assert_int_equal(p.low.cause.reason, PATH_BETTER);
	// The next such move waits twice as long.
	int64_t began = p.now;

	while (p.low.current == DIRECT)
		pass(&p, 100 * MS, better_rtt);
	assert_in_range(p.now - began, 20 * SECOND, 23 * SECOND);
	assert_int_equal(p.high.current, VIA_BOB);
}

static void what_is_about_equal_does_not_flap(void **state)
{
	struct pair p = begin();
	uint64_t before = p.low.switches;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		const int64_t rtt[PATHS] = { 40 * MS, (i / 150 % 2 ? 37 : 43) * MS,
					     (i / 200 % 2 ? 38 : 41) * MS };

		pass(&p, 100 * MS, rtt);
	}
	assert_int_equal(p.low.switches, before);
}

static void costs_that_change_places_for_ever_move_it_ever_less_often(void **state)
{
	struct pair p = begin();
	uint64_t before = p.low.switches;

	(void)state;
	for (int i = 0; i < 60; i++) { // an hour
		const int64_t rtt[PATHS] = { 40 * MS, (i % 2 ? 20 : 80) * MS, 200 * MS };

		pass(&p, 60 * SECOND, rtt);
	}
	assert_in_range(p.low.switches - before, 2, 18);
}

static void the_preferred_of_equals_is_taken_and_a_standby_left(void **state)
{
	static const int64_t equal_rtt[PATHS] = { 40 * MS, 40 * MS, 40 * MS };
	struct path_orders orders = { 0 };
	struct pair p = begin();

	(void)state;
	path_put(&p.low, DIRECT, true, p.now, &orders); // a standby now
	pass(&p, 9 * SECOND, equal_rtt);
	assert_int_equal(p.low.current, DIRECT);
	pass(&p, 20 * SECOND, equal_rtt);
	assert_int_equal(p.low.current, VIA_BOB);
	assert_int_equal(p.low.cause.reason, PATH_LIKED);
	// A preference never beats a cost.
	pass(&p, 300 * SECOND, (const int64_t[PATHS]){ 20 * MS, 40 * MS, 40 * MS });
	assert_int_equal(p.low.current, DIRECT);
}

static void loss_costs(void **state)
{
	struct pair p = begin();

	(void)state;
	for (int i = 0; i < 200; i++, p.now += 100 * MS) {
		struct judge lossy = { .state = JUDGE_UP, .value = { 40 * MS, 0, 50000 } };
		struct path_orders orders = { 0 };

		path_judged(&p.low, DIRECT, &lossy, p.now, &orders);
	}
	assert_int_equal(p.low.current, VIA_BOB);
}

static void a_drained_path_is_emptied_at_both_ends_and_then_safe(void **state)
{
	struct path_orders orders = { 0 };
	struct pair p = begin();

	(void)state;
	assert_int_equal(path_drain_state(&p.low, DIRECT), PATH_NOT_DRAINED);
	path_drain(&p.high, DIRECT, true, p.now, &orders); // known to one end only
	assert_int_equal(path_drain_state(&p.high, DIRECT), PATH_MOVING);
	tell(&p, &p.high);
	assert_int_equal(p.low.current, VIA_BOB);
	assert_int_equal(p.low.cause.reason, PATH_DRAINED);
	assert_int_equal(path_drain_state(&p.low, DIRECT), PATH_MOVING);
	tell(&p, &p.low);
	assert_int_equal(p.high.current, VIA_BOB);
	tell(&p, &p.high);
	assert_int_equal(path_drain_state(&p.low, DIRECT), PATH_SAFE);
	assert_int_equal(path_drain_state(&p.high, DIRECT), PATH_SAFE);
	// Even a bad path goes before a drained one, a drained one before none.
	both_judge(&p, VIA_EVE, JUDGE_DOWN, JUDGE_UNMEASURED);
	both_judge(&p, VIA_BOB, JUDGE_DEGRADED, 60 * MS);
	exchange(&p);
	assert_int_equal(p.low.current, VIA_BOB);
	both_judge(&p, VIA_BOB, JUDGE_DOWN, JUDGE_UNMEASURED);
	exchange(&p);
	assert_int_equal(p.low.current, DIRECT);
	assert_int_equal(p.high.current, DIRECT);
	assert_int_equal(path_drain_state(&p.low, DIRECT), PATH_STUCK);
	both_judge(&p, VIA_BOB, JUDGE_UP, 60 * MS);
	exchange(&p);
	assert_int_equal(p.low.current, VIA_BOB);
	assert_int_equal(path_drain_state(&p.low, DIRECT), PATH_SAFE);
	path_drain(&p.high, DIRECT, false, p.now, &orders);
	exchange(&p);
	assert_int_equal(path_drain_state(&p.low, DIRECT), PATH_NOT_DRAINED);
	pass(&p, 25 * SECOND, usual_rtt);
	assert_int_equal(p.low.current, DIRECT);
}

static void with_nothing_up_it_stays_and_takes_the_first_that_returns(void **state)
{
	struct pair p = begin();

	(void)state;
	for (uint8_t i = PATHS; i-- > 0;)
		both_judge(&p, i, JUDGE_DOWN, JUDGE_UNMEASURED);
	exchange(&p);
	assert_int_equal(p.low.current, DIRECT);
	p.now += 60 * SECOND;
	tick(&p, &p.low);
	p.orders[0] = '\0';
	judged(&p, &p.low, VIA_EVE, JUDGE_UP, 80 * MS);
	assert_int_equal(p.low.current, DIRECT); // the other end still says it is down
	judged(&p, &p.high, VIA_EVE, JUDGE_UP, 80 * MS);
	tell(&p, &p.high);
	ORDERED(&p, "T P2 S2 T ");
	exchange(&p);
	assert_int_equal(p.high.current, VIA_EVE);
}

static void a_path_of_the_plan_that_goes_is_left_and_the_last_one_released(void **state)
{
	struct path_orders orders = { 0 };
	struct pair p = begin();

	(void)state;
	path_drop(&p.low, DIRECT, p.now, &orders);
	assert_int_equal(p.low.current, VIA_BOB);
	path_drop(&p.low, VIA_EVE, p.now, &orders);
	memset(&orders, 0, sizeof(orders));
	path_drop(&p.low, VIA_BOB, p.now, &orders);
	note_orders(&p, &p.low, &orders);
	ORDERED(&p, "R1 ");
	assert_int_equal(p.low.current, PATH_NONE);
	assert_int_equal(path_note(&p.low).choice, PATH_NONE);
	memset(&orders, 0, sizeof(orders));
	path_put(&p.low, VIA_EVE, false, p.now, &orders);
	assert_int_equal(p.low.current, VIA_EVE);
	assert_int_equal(p.low.cause.reason, PATH_FIRST);
}

static void at_the_start_one_that_is_up_waits_for_the_first_a_little(void **state)
{
	const struct path_config config = path_config_default();
	struct pair p = { .now = 100 * SECOND };

	(void)state;
	p.low = path_set_make(&config, 3, 7, PATH_NONE, p.now);
	for (uint8_t i = 0; i < PATHS; i++) {
		struct path_orders orders = { 0 };

		path_put(&p.low, i, false, p.now, &orders);
	}
	assert_int_equal(p.low.current, DIRECT); // at once, before anything is known
	judged(&p, &p.low, VIA_BOB, JUDGE_UP, 60 * MS);
	assert_int_equal(path_due_us(&p.low), p.now + PATH_START_US);
	p.now += PATH_START_US - 1;
	tick(&p, &p.low);
	assert_int_equal(p.low.current, DIRECT);
	p.now += 1;
	tick(&p, &p.low);
	assert_int_equal(p.low.current, VIA_BOB);
}

static void every_reason_has_its_sentence(void **state)
{
	static const struct {
		struct path_cause cause;
		const char *sentence;
	} rows[] = {
		{ { PATH_FIRST, PATH_NONE, JUDGE_UNMEASURED }, "goes by rho-epsilon-bob" },
		{ { PATH_DOWN, 0, 38000 }, "moved to rho-epsilon-bob, 38 ms: rho-bob is down" },
		{ { PATH_DEGRADED, 0, 38000 },
		  "moved to rho-epsilon-bob, 38 ms: rho-bob is degraded" },
		{ { PATH_DRAINED, 0, 38000 },
		  "moved to rho-epsilon-bob, 38 ms: rho-bob is drained" },
		{ { PATH_BETTER, 0, 8400 },
		  "moved to rho-epsilon-bob, 8.4 ms: it is better than rho-bob" },
		{ { PATH_LIKED, 0, 38000 },
		  "moved to rho-epsilon-bob, 38 ms: it is as good as rho-bob and preferred" },
		{ { PATH_FOLLOWED, 0, 38000 },
		  "moved to rho-epsilon-bob, 38 ms from rho-bob, as the other end" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[256];

		path_sentence(&rows[i].cause, "rho-epsilon-bob", "rho-bob", text, sizeof(text));
		assert_string_equal(text, rows[i].sentence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_that_is_down_is_left_at_once_by_make_before_break),
		cmocka_unit_test(
			an_old_path_stands_for_the_linger_time_when_the_other_end_is_silent),
		cmocka_unit_test(
			the_other_end_leaves_a_dead_path_alone_and_the_chooser_ends_the_difference),
		cmocka_unit_test(the_higher_id_follows_whatever_it_thinks_is_better),
		cmocka_unit_test(notes_lost_late_and_repeated_end_in_the_newest_choice),
		cmocka_unit_test(notes_that_make_no_sense_are_ignored),
		cmocka_unit_test(a_restarted_chooser_is_heard_after_one_note_from_the_other_end),
		cmocka_unit_test(
			a_degraded_path_is_left_at_once_and_a_better_one_taken_after_the_hold),
		cmocka_unit_test(what_is_about_equal_does_not_flap),
		cmocka_unit_test(costs_that_change_places_for_ever_move_it_ever_less_often),
		cmocka_unit_test(the_preferred_of_equals_is_taken_and_a_standby_left),
		cmocka_unit_test(loss_costs),
		cmocka_unit_test(a_drained_path_is_emptied_at_both_ends_and_then_safe),
		cmocka_unit_test(with_nothing_up_it_stays_and_takes_the_first_that_returns),
		cmocka_unit_test(a_path_of_the_plan_that_goes_is_left_and_the_last_one_released),
		cmocka_unit_test(at_the_start_one_that_is_up_waits_for_the_first_a_little),
		cmocka_unit_test(every_reason_has_its_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
