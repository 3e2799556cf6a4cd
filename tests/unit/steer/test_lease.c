// HA leases: the voter, the messages, and named stories of groups; the stories that once broke a
// promise in the simulator are among them.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/clean.h"

#include "lease/grantor.h"
#include "sim/lease_world.h"

enum { SECOND = 1000000, MS = 1000, LEASE = 650 * MS };

// ---- the voter ----

static struct lease_message ask(uint64_t epoch, uint64_t seq, int64_t span_us)
{
	return (struct lease_message){
		.type = LEASE_ASK, .epoch = epoch, .seq = seq, .span_us = span_us
	};
}

// Asks, saves at once if that is needed, and returns the answer; -1: none.
static int verdict(struct lease_grantor *g, int64_t now, uint32_t from, struct lease_message m)
{
	struct lease_message answer;
	uint32_t to;
	switch (lease_grantor_ask(g, now, from, &m, &answer)) {
	case LEASE_STEP_NONE:
		return -1;
	case LEASE_STEP_SAVE:
		assert_true(lease_grantor_saved(g, now, true, &to, &answer));
		assert_int_equal(to, from);
		return (int)answer.verdict;
	case LEASE_STEP_ANSWER:
		return (int)answer.verdict;
	}
	return -1;
}

static void voter_promises_to_one(void **state)
{
	struct lease_grantor g;
	(void)state;
	lease_grantor_init(&g, NULL, LEASE, 0);
	assert_int_equal(verdict(&g, 0, 1, ask(1, 1, LEASE)), LEASE_QUIET);
	int64_t now = LEASE;
	assert_int_equal(verdict(&g, now, 1, ask(1, 1, LEASE)), LEASE_GRANTED);
	assert_int_equal(verdict(&g, now + 1, 2, ask(2, 1, LEASE)), LEASE_HELD);
	// A duplicate is not answered; an older request does not shorten the promise.
	assert_int_equal(verdict(&g, now + 2, 1, ask(1, 1, LEASE)), -1);
	assert_int_equal(verdict(&g, now + 3, 1, ask(1, 3, LEASE)), LEASE_GRANTED);
	assert_int_equal(verdict(&g, now + 4, 1, ask(1, 2, 1)), -1);
	assert_int_equal(verdict(&g, now + 2 + LEASE, 2, ask(2, 1, LEASE)), LEASE_HELD);
	// Free, but the epoch must grow.
	assert_int_equal(verdict(&g, now + 3 + LEASE, 2, ask(1, 1, LEASE)), LEASE_STALE);
	assert_int_equal(verdict(&g, now + 3 + LEASE, 2, ask(2, 1, LEASE)), LEASE_GRANTED);
	assert_int_equal(lease_grantor_holder(&g, now + 4 + LEASE), 2);
}

static void voter_saves_before_it_promises(void **state)
{
	struct lease_grantor g;
	struct lease_message answer, first = ask(5, 1, LEASE), other = ask(6, 1, LEASE);
	uint32_t to = 0;
	(void)state;
	lease_grantor_init(&g, NULL, LEASE, -LEASE);
	assert_int_equal(lease_grantor_ask(&g, 0, 1, &first, &answer), LEASE_STEP_SAVE);
	assert_int_equal(g.saving.epoch, 5);
	// Meanwhile nobody else gets it.
	assert_int_equal(lease_grantor_ask(&g, 1, 2, &other, &answer), LEASE_STEP_ANSWER);
	assert_int_equal(answer.verdict, LEASE_HELD);
	// The disk is full: no promise, and the next may have it.
	assert_false(lease_grantor_saved(&g, 2, false, &to, &answer));
	assert_int_equal(lease_grantor_holder(&g, 3), LEASE_NOBODY);
	assert_int_equal(verdict(&g, 4, 2, other), LEASE_GRANTED);
	// Released while it was being saved: nobody has it.
	struct lease_message next = ask(7, 1, LEASE),
			     gone = { LEASE_RELEASE, .epoch = 7, .seq = 2 };
	assert_int_equal(lease_grantor_ask(&g, 4 + LEASE, 1, &next, &answer), LEASE_STEP_SAVE);
	assert_true(lease_grantor_release(&g, 5 + LEASE, 1, &gone));
	assert_false(lease_grantor_saved(&g, 6 + LEASE, true, &to, &answer));
	assert_int_equal(lease_grantor_holder(&g, 6 + LEASE), LEASE_NOBODY);
}

static void restarted_voter_promises_nothing_new(void **state)
{
	struct lease_grantor g;
	const struct lease_record record = { .epoch = 9, .holder = 1, .longest_us = 30 * SECOND };
	(void)state;
	lease_grantor_init(&g, &record, LEASE, 0);
	assert_int_equal(verdict(&g, SECOND, 2, ask(10, 1, LEASE)), LEASE_QUIET);
	// To the holder of its last promise it may renew: nobody else can have one.
	assert_int_equal(verdict(&g, SECOND, 1, ask(9, 7, LEASE)), LEASE_GRANTED);
	// ... which does not make it forget the long one before the restart.
	assert_int_equal(g.record.longest_us, 30 * SECOND);
	assert_int_equal(verdict(&g, 30 * SECOND - 1, 2, ask(10, 1, LEASE)), LEASE_QUIET);
	assert_int_equal(verdict(&g, 30 * SECOND, 2, ask(10, 1, LEASE)), LEASE_GRANTED);
}

// ---- messages ----

static void messages_survive_the_wire(void **state)
{
	const struct lease_message m = {
		.type = LEASE_ANSWER,
		.group = 0xdeadbeef,
		.generation = 3,
		.node = 77,
		.epoch = UINT64_C(1) << 40,
		.seq = 12345678901,
		.span_us = LEASE_LONGEST_US,
		.verdict = LEASE_STALE,
		.flags = LEASE_FLAG_TRIAL,
		.highest = 99,
	};
	struct lease_message back;
	struct err err = { 0 };
	uint8_t bytes[LEASE_MESSAGE_SIZE + 8] = { 0 };
	(void)state;
	lease_message_encode(&m, bytes);
	assert_int_equal(lease_message_decode(bytes, LEASE_MESSAGE_SIZE, &back, &err), 0);
	assert_memory_equal(&back, &m, sizeof m);
	// What a later version appends is skipped; what is short or strange is refused.
	assert_int_equal(lease_message_decode(bytes, sizeof bytes, &back, &err), 0);
	assert_true(lease_message_decode(bytes, LEASE_MESSAGE_SIZE - 1, &back, &err) < 0);
	static const struct {
		size_t at;
		uint8_t value;
		const char *sentence;
	} bad[] = {
		{ 0, 'X', "48 bytes are no lease message" },
		{ 2, 2, "a lease message of version 2, known is 1" },
		{ 3, 0, "a lease message of the unknown type 0" },
		{ 3, 5, "a lease message of the unknown type 5" },
		{ 16, 0xff, "a lease message with an epoch beyond counting" },
		{ 32, 0xff, "a lease message with a span of 4287858 ms, at most 60000" },
		{ 36, 4, "a lease message with the unknown verdict 4" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		lease_message_encode(&m, bytes);
		bytes[bad[i].at] = bad[i].value;
		assert_true(lease_message_decode(bytes, LEASE_MESSAGE_SIZE, &back, &err) < 0);
		assert_string_equal(err.text, bad[i].sentence);
	}
}

// ---- settings ----

static void settings_are_checked(void **state)
{
	struct lease_config c;
	struct err err = { 0 };
	(void)state;
	lease_config_init(&c);
	c.self = 1;
	c.n_members = 2;
	c.n_voters = 3;
	memcpy(c.voters, (uint32_t[]){ 1, 2, 3 }, 3 * sizeof(uint32_t));
	assert_int_equal(lease_config_check(&c, &err), 0);
	struct lease_config bad = c;
	bad.voters[2] = 1;
	assert_true(lease_config_check(&bad, &err) < 0);
	assert_string_equal(err.text, "voter 1 is no node or there twice");
	bad = c;
	bad.self = 4;
	assert_true(lease_config_check(&bad, &err) < 0);
	assert_string_equal(err.text, "node 4 is no voter of the group");
	bad = c;
	bad.lease_us = 200 * MS;
	assert_true(lease_config_check(&bad, &err) < 0);
	assert_string_equal(err.text,
			    "a lease of 200 ms leaves no room for three renewals of 60 ms");
}

// ---- stories ----

static void begin(struct world *w, size_t n_members, size_t n_voters)
{
	assert_int_equal(world_init(w, 1, n_members, n_voters), 0);
	world_run(w, 2 * SECOND);
	assert_string_equal(w->breach, "");
	assert_int_equal(world_active(w), 0);
}

// Runs on and returns after how long `node` was active.
static int64_t until_active(struct world *w, unsigned node, int64_t at_most)
{
	int64_t since = sim_now(w->sim);
	while (!world_is_active(w, node) && sim_now(w->sim) - since < at_most && !w->breach[0])
		world_run(w, 5 * MS);
	assert_string_equal(w->breach, "");
	assert_true(world_is_active(w, node));
	return sim_now(w->sim) - since;
}

static void stays_with(struct world *w, unsigned node, int64_t us)
{
	for (int64_t end = sim_now(w->sim) + us; sim_now(w->sim) < end;) {
		world_run(w, 5 * MS);
		assert_true(world_is_active(w, node));
	}
	assert_string_equal(w->breach, "");
}

static const char *name(const void *context, uint32_t node)
{
	static const char *const names[] = { "", "rho-a", "rho-b", "bob" };
	(void)context;
	return names[node];
}

static void dead_member_is_replaced_within_a_second(void **state)
{
	struct world w;
	char sentence[200];
	(void)state;
	begin(&w, 2, 3);
	for (int i = 0; i < 20; i++) {
		unsigned dead = (unsigned)i % 2, other = 1 - dead;
		world_power_off(&w, dead);
		assert_true(until_active(&w, other, SECOND) < SECOND);
		sim_restart(w.sim, dead);
		world_run(&w, SECOND + i * 7 * MS);
		assert_true(world_is_active(&w, other));
	}
	lease_sentence(&w.nodes[1].last, name, NULL, sentence, sizeof sentence);
	assert_ptr_equal(strstr(sentence, "active, since rho-a was silent for 0."), sentence);
	assert_non_null(strstr(sentence, "s (2 of 3 voters agree, epoch "));
	world_done(&w);
}

static void two_members_need_no_controller(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 2, 3);
	sim_crash(w.sim, 2);
	stays_with(&w, 0, 10 * SECOND);
	// But alone it has no majority: rather none than two.
	world_power_off(&w, 0);
	world_run(&w, 5 * SECOND);
	assert_int_equal(world_active(&w), w.n_nodes);
	sim_restart(w.sim, 2);
	// The voter is quiet for one lease.
	assert_true(until_active(&w, 1, 2 * SECOND) > 600 * MS);
	world_done(&w);
}

static void cut_between_members_changes_nothing(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 2, 3);
	world_cut(&w, 0, 1, true);
	stays_with(&w, 0, 10 * SECOND);
	// A member that cannot win does not wear its disk out with epochs.
	assert_int_equal(w.nodes[1].record.epoch, w.nodes[0].record.epoch);
	world_done(&w);
}

static void stopped_agent_is_never_active_beside_another(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 2, 3);
	for (int i = 0; i < 100; i++) {
		unsigned active = world_active(&w);
		sim_stop(w.sim, active);
		assert_true(until_active(&w, 1 - active, SECOND) < SECOND);
		world_run(&w, i * 3 * MS);
		world_continue(&w, active);
		world_run(&w, SECOND);
		assert_string_equal(w.breach, "");
		assert_true(world_is_active(&w, 1 - active));
	}
	world_done(&w);
}

static void first_member_returns_after_the_hold_down(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 2, 3);
	world_power_off(&w, 0);
	(void)until_active(&w, 1, SECOND);
	sim_restart(w.sim, 0);
	stays_with(&w, 1, w.config.hold_down_us - SECOND);
	(void)until_active(&w, 0, 3 * SECOND);
	assert_int_equal(w.nodes[0].told[LEASE_TOOK_HANDED], 1);
	assert_int_equal(w.nodes[1].told[LEASE_HANDED_OVER], 1);
	world_done(&w);
}

static void hand_over_takes_little(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 3, 4);
	world_set_fit(&w, 0, false);
	assert_false(world_is_active(&w, 0));
	assert_true(until_active(&w, 1, SECOND) < 150 * MS);
	world_set_fit(&w, 1, false);
	assert_true(until_active(&w, 2, 2 * SECOND) < SECOND);
	world_done(&w);
}

static void planned_restart_keeps_it_active(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 2, 3);
	sim_crash(w.sim, 2);
	world_prepare_restart(&w, 0, 20 * SECOND);
	world_run(&w, SECOND / 2);
	assert_true(w.nodes[0].is_long);
	world_kill(&w, 0);
	stays_with(&w, 0, 12 * SECOND);
	sim_restart(w.sim, 0);
	stays_with(&w, 0, 5 * SECOND);
	assert_int_equal(w.nodes[0].told[LEASE_RESUMED], 1);
	// And the long lease is given back: a failure now does not wait for its end.
	sim_restart(w.sim, 2);
	stays_with(&w, 0, SECOND);
	world_power_off(&w, 0);
	assert_true(until_active(&w, 1, SECOND) < SECOND);
	world_done(&w);
}

static void isolated_member_holds_if_it_is_told_to(void **state)
{
	struct world w;
	char sentence[200];
	(void)state;
	assert_int_equal(world_init(&w, 1, 2, 3), 0);
	w.config.holds_isolated = true;
	world_run(&w, 2 * SECOND);
	world_cut(&w, 0, 1, true);
	world_cut(&w, 0, 2, true);
	// It says so; the other side is free to have another.
	for (int i = 0; i < 1000 && !w.nodes[0].told[LEASE_HOLDS_ISOLATED]; i++) {
		world_run(&w, 5 * MS);
		assert_true(world_is_active(&w, 0));
	}
	lease_sentence(&w.nodes[0].last, name, NULL, sentence, sizeof sentence);
	assert_string_equal(sentence,
			    "stays active without a majority (1 of 3 voters answer, 2 are needed), "
			    "as on_isolation says: another member may be active too");
	while (!w.nodes[1].told[LEASE_TOOK_OVER])
		world_run(&w, 5 * MS);
	assert_true(world_is_active(&w, 0));
	// Uniqueness was given up, and the world has noticed.
	assert_non_null(strstr(w.breach, "node 2 is active (epoch 2) and so is node 1"));
	w.breach[0] = '\0';
	world_cut(&w, 0, 1, false);
	world_cut(&w, 0, 2, false);
	world_run(&w, SECOND / 2);
	assert_int_equal(w.nodes[0].told[LEASE_SUPERSEDED], 1);
	assert_int_equal(world_active(&w), 1);
	world_done(&w);
}

static void isolated_member_is_unique_again(void **state)
{
	struct world w;
	(void)state;
	assert_int_equal(world_init(&w, 1, 2, 3), 0);
	w.config.holds_isolated = true;
	world_run(&w, 2 * SECOND);
	sim_crash(w.sim, 2);
	world_power_off(&w, 1);
	stays_with(&w, 0, 5 * SECOND);
	sim_restart(w.sim, 2);
	stays_with(&w, 0, 2 * SECOND);
	assert_int_equal(w.nodes[0].told[LEASE_UNIQUE_AGAIN], 1);
	world_done(&w);
}

static void losing_a_minority_of_packets_loses_nothing(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 2, 4);
	for (unsigned link = 0; link < sim_links(w.sim); link++) {
		for (unsigned node = 0; node < w.n_nodes; node++) {
			if (sim_is_end(w.sim, link, node))
				sim_line(w.sim, link, node)->loss_permille = 100;
		}
	}
	stays_with(&w, 0, 60 * SECOND);
	world_done(&w);
}

// Answers that take half a second say nothing about the half second.
static void late_answers_do_not_lengthen_the_lease(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 2, 3);
	sim_line(w.sim, world_link(&w, 0, 1), 1)->delay_us = 450 * MS;
	sim_line(w.sim, world_link(&w, 0, 2), 2)->delay_us = 450 * MS;
	stays_with(&w, 0, 5 * SECOND);
	world_cut(&w, 0, 1, true);
	world_cut(&w, 0, 2, true);
	assert_true(until_active(&w, 1, SECOND) < SECOND);
	assert_false(world_is_active(&w, 0));
	world_done(&w);
}

// A minute of lease on clocks that drift apart, with the kernel as late as the margin allows.
static void drift_is_within_the_lease(void **state)
{
	struct world w;
	(void)state;
	begin(&w, 2, 3);
	sim_set_clock(w.sim, 0, sim_clock(w.sim, 0), -1000);
	sim_set_clock(w.sim, 1, sim_clock(w.sim, 1), 1000);
	sim_set_clock(w.sim, 2, sim_clock(w.sim, 2), 1000);
	world_prepare_restart(&w, 0, 60 * SECOND);
	world_run(&w, SECOND / 2);
	world_kill(&w, 0);
	world_run(&w, 55 * SECOND);
	(void)until_active(&w, 1, 6 * SECOND);
	world_done(&w);
}

// The machine alone, for what needs an exact order of messages: member 2 of five voters.
struct desk {
	struct lease lease;
	struct lease_out out;
	int64_t now;
};

static void deliver(struct desk *d, uint32_t from, struct lease_message m)
{
	d->out.n = 0;
	d->now += MS;
	lease_receive(&d->lease, d->now, from, &m, &d->out);
}

static const struct lease_action *ordered(const struct desk *d, enum lease_order what)
{
	for (size_t i = 0; i < d->out.n; i++) {
		if (d->out.items[i].order == what)
			return &d->out.items[i];
	}
	return NULL;
}

static void saved(struct desk *d)
{
	const struct lease_action *save = ordered(d, LEASE_SAVE);
	uint64_t token = save ? save->token : 0;
	assert_non_null(save);
	d->out.n = 0;
	lease_saved(&d->lease, d->now, token, true, &d->out);
}

static struct lease_message answer(uint64_t epoch, uint64_t seq, enum lease_verdict verdict,
				   uint64_t highest)
{
	return (struct lease_message){ .type = LEASE_ANSWER,
				       .epoch = epoch,
				       .seq = seq,
				       .span_us = LEASE,
				       .verdict = verdict,
				       .highest = highest };
}

// A desk that bids in epoch 4 and has been granted it by its own voter.
static void bid(struct desk *d)
{
	const struct lease_record record = { .epoch = 3, .holder = 1, .longest_us = LEASE };
	const struct lease_boot boot = { .record = &record };
	struct lease_config c;
	lease_config_init(&c);
	c.self = 2;
	c.n_members = 3;
	c.n_voters = 5;
	memcpy(c.voters, (uint32_t[]){ 1, 2, 3, 4, 5 }, 5 * sizeof(uint32_t));
	assert_int_equal(lease_config_check(&c, NULL), 0);
	*d = (struct desk){ .now = LEASE + MS };
	lease_init(&d->lease, &c, &boot, 0);
	lease_set_fit(&d->lease, 0, true, &d->out);
	lease_tick(&d->lease, d->now, &d->out);
	for (uint32_t voter = 3; voter <= 5; voter++) {
		struct lease_message m = answer(0, 1, LEASE_GRANTED, 3);
		m.flags = LEASE_FLAG_TRIAL;
		deliver(d, voter, m);
	}
	d->now += d->lease.config.stagger_us;
	d->out.n = 0;
	lease_tick(&d->lease, d->now, &d->out);
	assert_int_equal(d->lease.state, LEASE_BIDS);
	assert_int_equal(d->lease.epoch, 4);
	saved(d);
}

// Seed 17277: voter 4 had promised epoch 4 to member 3, who was active in it. A majority of
// promises, one of them in epoch 5, is not yet one that makes epoch 4 or 5 this member's.
static void epoch_is_held_only_by_a_majority(void **state)
{
	struct desk d;
	(void)state;
	bid(&d);
	deliver(&d, 1, answer(4, d.lease.seq, LEASE_GRANTED, 4));
	deliver(&d, 4, answer(4, d.lease.seq, LEASE_STALE, 4));
	assert_int_equal(d.lease.epoch, 5);
	saved(&d);
	deliver(&d, 4, answer(5, d.lease.seq, LEASE_GRANTED, 5));
	assert_int_equal(d.lease.state, LEASE_BIDS);
	deliver(&d, 1, answer(5, d.lease.seq, LEASE_GRANTED, 5));
	assert_int_equal(d.lease.state, LEASE_HOLDS);
	const struct lease_action *active = ordered(&d, LEASE_ACTIVE);
	assert_int_equal(active ? active->epoch : 0, 5);
}

// Seed 98358: with delays of several renewals, refusals of its own older epochs drove a holder
// through a hundred epochs.
static void refusal_of_an_old_request_is_not_news(void **state)
{
	struct desk d;
	(void)state;
	bid(&d);
	deliver(&d, 4, answer(4, d.lease.seq, LEASE_STALE, 4));
	assert_int_equal(d.lease.epoch, 5);
	saved(&d);
	deliver(&d, 5, answer(4, 1, LEASE_STALE, 5));
	assert_null(ordered(&d, LEASE_SAVE));
	assert_int_equal(d.lease.epoch, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(voter_promises_to_one),
		cmocka_unit_test(voter_saves_before_it_promises),
		cmocka_unit_test(restarted_voter_promises_nothing_new),
		cmocka_unit_test(messages_survive_the_wire),
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(dead_member_is_replaced_within_a_second),
		cmocka_unit_test(two_members_need_no_controller),
		cmocka_unit_test(cut_between_members_changes_nothing),
		cmocka_unit_test(stopped_agent_is_never_active_beside_another),
		cmocka_unit_test(first_member_returns_after_the_hold_down),
		cmocka_unit_test(hand_over_takes_little),
		cmocka_unit_test(planned_restart_keeps_it_active),
		cmocka_unit_test(isolated_member_holds_if_it_is_told_to),
		cmocka_unit_test(isolated_member_is_unique_again),
		cmocka_unit_test(losing_a_minority_of_packets_loses_nothing),
		cmocka_unit_test(late_answers_do_not_lengthen_the_lease),
		cmocka_unit_test(drift_is_within_the_lease),
		cmocka_unit_test(epoch_is_held_only_by_a_majority),
		cmocka_unit_test(refusal_of_an_old_request_is_not_news),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
