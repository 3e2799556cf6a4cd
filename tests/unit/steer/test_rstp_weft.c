// RSTP between Weft's own bridges, and over a restart of the program.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "bridged.h"

// Hands over what `from` has to say on its port 1; true when there was anything. `ret_last` keeps
// the last.
static bool hand_over(struct rstp *from, struct rstp *to, int64_t now, struct bpdu *ret_last)
{
	struct rstp_action a;
	bool any = false;

	while (rstp_take(from, &a)) {
		if (a.kind != RSTP_SEND || a.port != 1)
			continue;
		any = true;
		*ret_last = a.bpdu;
		if (to)
			rstp_receive(to, 1, &a.bpdu, now);
	}
	return any;
}

static enum rstp_state state_of(const struct rstp *b, unsigned port)
{
	struct rstp_port_view v;

	rstp_port_look(b, port, &v);
	return v.state;
}

// Both ends of the link are up, and what either says arrives.
static int64_t talk(struct rstp *a, struct rstp *b, int64_t from, int64_t to)
{
	struct bpdu last;

	rstp_port_up(a, 1, true, from);
	rstp_port_up(b, 1, true, from);
	for (int64_t now = from; now <= to; now += MS) {
		rstp_tick(a, now);
		rstp_tick(b, now);
		while (hand_over(a, b, now, &last) | hand_over(b, a, now, &last))
			;
	}
	return to;
}

static void two_of_weft_open_within_a_round_trip(void **state)
{
	CLEAN(rstp_free_ptr) struct rstp *a = bridge(4), *b = bridge(5);
	struct rstp_view view;

	(void)state;
	(void)talk(a, b, 0, 100 * MS);
	assert_int_equal(state_of(a, 1), RSTP_FORWARDING);
	assert_int_equal(state_of(b, 1), RSTP_FORWARDING);
	rstp_look(b, &view);
	assert_int_equal(view.root_port, 1);
	assert_int_equal(view.root_cost, 100);
	assert_memory_equal(&view.root, (struct bpdu_bridge_id[]){ id_of(4) }, 8);
}

static void an_agreement_to_something_older_opens_nothing(void **state)
{
	CLEAN(rstp_free_ptr) struct rstp *a = bridge(4), *b = bridge(5);
	struct bpdu agreement, last;
	int64_t now;

	(void)state;
	now = talk(a, b, 0, 2000 * MS);
	// Kept back: b's answer to what a says now.
	rstp_tick(a, now += SECOND);
	(void)hand_over(a, b, now, &last);
	rstp_tick(b, now);
	assert_true(hand_over(b, NULL, now, &agreement));
	assert_true(agreement.agreement);
	// a's link fails and comes back; then the old answer arrives.
	rstp_port_up(a, 1, false, now);
	rstp_port_up(a, 1, true, now + MS);
	(void)hand_over(a, NULL, now, &last);
	rstp_receive(a, 1, &agreement, now + 2 * MS);
	assert_int_equal(state_of(a, 1), RSTP_DISCARDING);
	(void)talk(a, b, now + 3 * MS, now + 200 * MS);
	assert_int_equal(state_of(a, 1), RSTP_FORWARDING);
}

static void a_dead_agents_blocked_port_stays_blocked_at_both_ends(void **state)
{
	CLEAN(rstp_free_ptr) struct rstp *a = bridge(4), *b = bridge(5);
	struct bpdu last;
	int64_t now;

	(void)state;
	// b, with a better way elsewhere, blocks its port to a; then its agent dies.
	rstp_port_up(b, 2, true, 0);
	rstp_receive(b, 2, (struct bpdu[]){ bpdu_of("rst D p 4/0/3/7") }, 0);
	now = talk(a, b, 0, 500 * MS);
	for (; now < 60 * SECOND; now += 10 * MS) {
		rstp_tick(a, now);
		(void)hand_over(a, NULL, now, &last);
	}
	// The link may have been agreed upon before; after it fails once, nothing opens it again.
	rstp_port_up(a, 1, false, now);
	rstp_port_up(a, 1, true, now + MS);
	for (; now < 180 * SECOND; now += 10 * MS) {
		rstp_tick(a, now);
		(void)hand_over(a, NULL, now, &last);
		assert_int_equal(state_of(a, 1), RSTP_DISCARDING);
	}
}

static void news_of_itself_are_no_way_to_the_root(void **state)
{
	CLEAN(rstp_free_ptr) struct rstp *b = bridge(5);
	struct bpdu m = bpdu_of("rst D f 1/0/6/7"), own;
	struct rstp_view view;

	(void)state;
	rstp_port_up(b, 1, true, 0);
	assert_true(hand_over(b, NULL, 0, &own));
	m.has_extension = true;
	m.extension.mark = (struct bpdu_mark){ 77, 1 };
	m.extension.echo = own.extension.mark;
	m.extension.path_len = 3;
	memcpy(m.extension.path[0], id_of(1).bytes + 2, 6);
	memcpy(m.extension.path[1], id_of(5).bytes + 2, 6);
	memcpy(m.extension.path[2], id_of(6).bytes + 2, 6);
	rstp_receive(b, 1, &m, MS);
	rstp_look(b, &view);
	assert_int_equal(view.root_port, -1);
	m.extension.mark.number = 2;
	memcpy(m.extension.path[1], id_of(7).bytes + 2, 6);
	rstp_receive(b, 1, &m, 2 * MS);
	rstp_look(b, &view);
	assert_int_equal(view.root_port, 1);
}

static void a_link_that_carries_one_way_is_given_up(void **state)
{
	CLEAN(rstp_free_ptr) struct rstp *a = bridge(4), *b = bridge(5);
	struct bpdu last;
	int64_t now;

	(void)state;
	now = talk(a, b, 0, 2000 * MS);
	const int64_t since = now;
	// b hears a, a does not hear b.
	for (; now < since + 5 * SECOND; now += 10 * MS) {
		rstp_tick(a, now);
		rstp_tick(b, now);
		(void)hand_over(a, b, now, &last);
		(void)hand_over(b, NULL, now, &last);
	}
	assert_int_equal(state_of(b, 1), RSTP_DISCARDING);
}

// An agent that starts again says at first what the one before had heard. Its kernel had answered
// for it: nothing closes.
static void who_was_vouched_for_is_believed_when_it_speaks_again(void **state)
{
	CLEAN(rstp_free_ptr) struct rstp *a = bridge(4), *b = bridge(5), *next = NULL;
	CLEAN(free_ptr) uint8_t *saved = malloc(rstp_save_size());
	struct bpdu last;
	int64_t now;

	(void)state;
	now = talk(a, b, 0, 3000 * MS);
	rstp_save(a, saved);
	const int64_t dead_since = now = talk(a, b, now, now + 3 * SECOND);
	for (; now < dead_since + 2500 * MS; now += 10 * MS) {
		rstp_tick(b, now);
		(void)hand_over(b, NULL, now, &last);
		if (now - dead_since == 2 * SECOND)
			rstp_vouch(b, 1, now);
	}
	assert_int_equal(rstp_load(saved, rstp_save_size(), now, &next, NULL), 0);
	for (const int64_t since = now; now < since + 5 * SECOND; now += 10 * MS) {
		struct rstp_port_view v;

		rstp_tick(next, now);
		rstp_tick(b, now);
		rstp_port_look(b, 1, &v);
		assert_int_equal(v.role, RSTP_ROOT);
		while (hand_over(next, b, now, &last) | hand_over(b, next, now, &last))
			;
		assert_int_equal(state_of(next, 1), RSTP_FORWARDING);
		assert_int_equal(state_of(b, 1), RSTP_FORWARDING);
	}
}

// --- over a restart

static void a_new_program_goes_on_where_the_old_one_was(void **state)
{
	CLEAN(rstp_free_ptr) struct rstp *a = bridge(4), *b = bridge(5), *next = NULL;
	CLEAN(free_ptr) uint8_t *saved = malloc(rstp_save_size());
	CLEAN(text_free) struct text out = { 0 };
	int64_t now;

	(void)state;
	now = talk(a, b, 0, 3000 * MS);
	rstp_save(b, saved);
	assert_false(rstp_wants_saving(b));
	// Hellos are no news.
	now = talk(a, b, now, now + 3 * SECOND);
	assert_false(rstp_wants_saving(b));
	now += 2 * SECOND;
	assert_int_equal(rstp_load(saved, rstp_save_size(), now, &next, NULL), 0);
	assert_int_equal(state_of(next, 1), RSTP_FORWARDING);
	assert_true(rstp_wants_saving(next)); // its numbers have moved on
	rstp_tick(next, now);
	drain(next, &out);
	assert_string_equal(out.data, "1> rst R af- 4/100/5/1");
	(void)talk(a, next, now, now + 5 * SECOND);
	assert_int_equal(state_of(a, 1), RSTP_FORWARDING);
	assert_int_equal(state_of(next, 1), RSTP_FORWARDING);
	text_free(&out);
	rstp_repeat_states(next);
	drain(next, &out);
	assert_string_equal(out.data, "2 discarding; 3 discarding; 4 discarding; 1 forwarding");
}

static void what_is_not_whole_is_not_loaded(void **state)
{
	CLEAN(rstp_free_ptr) struct rstp *b = bridge(5);
	CLEAN(free_ptr) uint8_t *saved = malloc(rstp_save_size());
	struct rstp *next = NULL;

	(void)state;
	rstp_save(b, saved);
	assert_int_equal(rstp_load(saved, rstp_save_size() - 1, 0, &next, NULL), -EBADMSG);
	saved[rstp_save_size() / 2] ^= 1;
	assert_int_equal(rstp_load(saved, rstp_save_size(), 0, &next, NULL), -EBADMSG);
	assert_null(next);
}

// --- settings

static void a_better_priority_makes_the_root_and_a_dear_port_is_left(void **state)
{
	CLEAN(rstp_free_ptr) struct rstp *a = bridge(4), *b = bridge(5);
	struct rstp_config config = { .id = id_of(5),
				      .hello_us = SECOND,
				      .max_age_us = 10 * SECOND,
				      .forward_delay_us = 6 * SECOND };
	struct rstp_view view;
	int64_t now = talk(a, b, 0, SECOND);

	(void)state;
	rstp_port_set(b, 1, &(struct rstp_port_config){ 0x8001, 300 }, now);
	rstp_look(b, &view);
	assert_int_equal(view.root_cost, 300);
	config.id.bytes[0] = 0x10;
	rstp_configure(b, &config, now);
	(void)talk(a, b, now, now + 200 * MS);
	rstp_look(a, &view);
	assert_int_equal(view.root_port, 1);
	assert_int_equal(state_of(a, 1), RSTP_FORWARDING);
	assert_int_equal(state_of(b, 1), RSTP_FORWARDING);
	rstp_port_drop(b, 1, now + SECOND);
	rstp_look(b, &view);
	assert_int_equal(view.root_port, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_of_weft_open_within_a_round_trip),
		cmocka_unit_test(an_agreement_to_something_older_opens_nothing),
		cmocka_unit_test(a_dead_agents_blocked_port_stays_blocked_at_both_ends),
		cmocka_unit_test(news_of_itself_are_no_way_to_the_root),
		cmocka_unit_test(a_link_that_carries_one_way_is_given_up),
		cmocka_unit_test(who_was_vouched_for_is_believed_when_it_speaks_again),
		cmocka_unit_test(a_new_program_goes_on_where_the_old_one_was),
		cmocka_unit_test(what_is_not_whole_is_not_loaded),
		cmocka_unit_test(a_better_priority_makes_the_root_and_a_dear_port_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
