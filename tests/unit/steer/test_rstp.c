// RSTP by tables of what comes in and what must go out, with bridges of the standard (802.1D-2004
// and -1998) at the other ends, and with Weft's own.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#include "steer/rstp.h"

#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)

// Bridges are called by a digit, the machine under test is 5; the lower is the better root. Its
// ports have numbers 1..4 and cost 100.
static struct bpdu_bridge_id id_of(unsigned digit)
{
	return (struct bpdu_bridge_id){ { 0x80, 0, 2, 0, 0, 0, 0, (uint8_t)digit } };
}

static struct rstp *bridge(unsigned digit)
{
	const struct rstp_config config = { .id = id_of(digit),
					    .hello_us = SECOND,
					    .max_age_us = 10 * SECOND,
					    .forward_delay_us = 6 * SECOND,
					    .session = digit * 1000 };
	struct rstp *b = NULL;

	assert_int_equal(rstp_new(&config, &b, NULL), 0);
	for (unsigned port = 1; port <= 4; port++)
		rstp_port_set(b, port, &(struct rstp_port_config){ (uint16_t)(0x8000 | port), 100 },
			      0);
	return b;
}

// "rst D pf 1/0/1/7" (role, flags, root/cost/bridge/port), "config kt 1/0/1/7", "tcn". Flags: p
// proposal, a agreement, l learning, f forwarding, t topology change, k its acknowledgement, o too
// old.
static struct bpdu bpdu_of(const char *text)
{
	struct bpdu b = { .times = { 0, 10 * SECOND, SECOND, 6 * SECOND },
			  .role = BPDU_DESIGNATED };
	char type[8] = "", role[8] = "D", flags[8] = "-";
	unsigned root = 0, cost = 0, sender = 0, port = 0;
	const bool is_rst = strncmp(text, "rst", 3) == 0;

	if (is_rst)
		assert_int_equal(sscanf(text, "%7s %7s %7s %u/%u/%u/%u", type, role, flags, &root,
					&cost, &sender, &port),
				 7);
	else if (strcmp(text, "tcn") != 0)
		assert_int_equal(sscanf(text, "%7s %7s %u/%u/%u/%u", type, flags, &root, &cost,
					&sender, &port),
				 6);
	b.type = is_rst ? BPDU_RST : *type ? BPDU_CONFIG : BPDU_TCN;
	if (*role != 'D')
		b.role = *role == 'R' ? BPDU_ROOT : BPDU_ALTERNATE_OR_BACKUP;
	b.proposal = strchr(flags, 'p');
	b.agreement = strchr(flags, 'a');
	b.learning = strchr(flags, 'l') || strchr(flags, 'f');
	b.forwarding = strchr(flags, 'f');
	b.topology_change = strchr(flags, 't');
	b.topology_change_ack = strchr(flags, 'k');
	if (strchr(flags, 'o'))
		b.times.message_age = 9 * SECOND + SECOND / 2;
	b.vector =
		(struct bpdu_vector){ id_of(root), cost, id_of(sender), (uint16_t)(0x8000 | port) };
	return b;
}

static void add_bpdu(struct text *out, const struct bpdu *b)
{
	static const char *const roles[] = { "?", "A", "R", "D" };

	if (b->type == BPDU_TCN) {
		text_add(out, "tcn");
		return;
	}
	text_add(out, b->type == BPDU_RST ? "rst " : "config ");
	if (b->type == BPDU_RST)
		text_addf(out, "%s ", roles[b->role]);
	text_addf(out, "%s%s%s%s%s%s ", b->proposal ? "p" : "", b->agreement ? "a" : "",
		  b->forwarding ? "f"
		  : b->learning ? "l"
				: "",
		  b->topology_change ? "t" : "", b->topology_change_ack ? "k" : "", "-");
	text_addf(out, "%u/%u/%u/%u", b->vector.root.bytes[7], b->vector.cost,
		  b->vector.bridge.bytes[7], b->vector.port & 0xfffu);
}

// All that the machine wants done: "1 forwarding; 2 flush; 1> rst R af- 1/100/5/1".
static void drain(struct rstp *b, struct text *out)
{
	struct rstp_action a;

	while (rstp_take(b, &a)) {
		if (out->len)
			text_add(out, "; ");
		if (a.kind == RSTP_SEND) {
			text_addf(out, "%u> ", a.port);
			add_bpdu(out, &a.bpdu);
		} else {
			text_addf(out, "%u %s", a.port,
				  a.kind == RSTP_FLUSH ? "flush" : rstp_state_name(a.state));
		}
	}
}

// What happens at a time: "up 1", "down 1", "1< BPDU", "tick" (time passes up to there, all timers
// heeded).
struct row {
	int64_t at_ms;
	const char *in;
	const char *out; // "*": anything
};

static void run_until(struct rstp *b, int64_t from, int64_t to, struct text *out)
{
	for (int64_t now; (now = rstp_due(b)) <= to;) {
		rstp_tick(b, now > from ? now : from);
		drain(b, out);
	}
}

static void run(const struct row *rows, size_t len)
{
	CLEAN(rstp_free_ptr) struct rstp *b = bridge(5);
	int64_t now = 0;

	for (size_t i = 0; i < len; i++) {
		CLEAN(text_free) struct text out = { 0 };
		const int64_t at = rows[i].at_ms * MS;
		const char *in = rows[i].in;

		run_until(b, now, at, &out);
		if (strcmp(in, "tick") != 0) {
			text_free(&out);
			if (text_starts(in, "up ", NULL) || text_starts(in, "down ", NULL))
				rstp_port_up(b, (unsigned)atoi(strchr(in, ' ')), *in == 'u', at);
			else
				rstp_receive(b, (unsigned)atoi(in),
					     (struct bpdu[]){ bpdu_of(strchr(in, ' ') + 1) }, at);
			drain(b, &out);
		}
		if (strcmp(rows[i].out, "*") != 0 &&
		    strcmp(out.data ? out.data : "", rows[i].out) != 0)
			fail_msg("row %zu, %s\nis     %s\nwanted %s", i, in,
				 out.data ? out.data : "", rows[i].out);
		now = at;
	}
}

#define RUN(...)                                                                                   \
	do {                                                                                       \
		static const struct row rows[] = { __VA_ARGS__ };                                  \
		run(rows, ARRAY_LEN(rows));                                                        \
	} while (0)

// --- the standard's handshake

static void a_root_port_opens_at_once_and_agrees(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "1> rst D p- 5/0/5/1" },
	    { 10, "1< rst D p 1/0/1/7", "1 forwarding; 1> rst R aft- 1/100/5/1" },
	    // Said again, it is agreed to again.
	    { 15, "1< rst D p 1/0/1/7", "1> rst R aft- 1/100/5/1" });
}

static void a_designated_port_opens_when_the_other_end_agrees(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" }, { 5, "1< rst D p 9/0/9/7", "" },
	    { 10, "1< rst R a 5/100/9/7", "1 forwarding; 1> rst D ft- 5/0/5/1" },
	    // An agreement to something better than what was said is none.
	    { 20, "up 2", "*" }, { 30, "2< rst R a 1/0/9/8", "" });
}

static void without_an_agreement_it_waits_for_the_timers(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" }, { 5, "1< rst D - 9/0/9/7", "*" },
	    { 9990, "1< rst D - 9/0/9/7", "*" },
	    { 10000, "tick", "1 learning; 1> rst D pl- 5/0/5/1" }, { 15990, "tick", "*" },
	    { 16000, "tick", "1 forwarding; 1> rst D pft- 5/0/5/1" });
}

static void a_port_that_never_heard_anybody_stays_closed(void **state)
{
	CLEAN(rstp_free_ptr) struct rstp *b = bridge(5);
	CLEAN(text_free) struct text out = { 0 };

	(void)state;
	rstp_port_up(b, 1, true, 0);
	run_until(b, 0, 120 * SECOND, &out);
	assert_non_null(strstr(out.data, "rst D p- 5/0/5/1"));
	assert_null(strstr(out.data, "forwarding"));
	assert_null(strstr(out.data, "learning"));
}

static void a_proposal_makes_the_others_close_first(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" }, { 0, "up 2", "*" }, { 5, "2< rst D - 9/0/9/8", "*" },
	    { 5, "2< rst R a 5/100/9/8", "2 forwarding; 2> rst D ft- 5/0/5/2" },
	    // What is better keeps the agreement: it is for less.
	    { 10, "1< rst D p 1/0/1/7",
	      "2 flush; 1 forwarding; 1> rst R aft- 1/100/5/1; 2> rst D ft- 1/100/5/2" },
	    { 500, "2< rst R a 1/200/9/8", "*" },
	    // What is worse does not: it closes before it agrees.
	    { 600, "1< rst D p 1/300/1/7",
	      "2 discarding; 2 flush; 1> rst R aft- 1/400/5/1; 2> rst D p- 1/400/5/2" },
	    { 610, "2< rst R a 1/500/9/8", "*" });
}

static void an_alternate_port_takes_over_at_once(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" }, { 0, "up 2", "*" }, { 10, "1< rst D p 1/0/1/7", "*" },
	    { 20, "2< rst D p 1/50/2/8", "2> rst A a- 1/100/5/2" },
	    { 3000, "1< rst D - 1/0/1/7", "*" }, { 3000, "2< rst D - 1/50/2/8", "*" },
	    { 4000, "down 1", "1 discarding; 1 flush; 2 forwarding; 2> rst R aft- 1/150/5/2" });
}

static void three_silent_hellos_age_the_root(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" }, { 10, "1< rst D p 1/0/1/7", "*" }, { 3009, "tick", "*" },
	    { 3010, "tick", "1> rst D f- 5/0/5/1" });
}

static void news_that_are_too_old_are_none(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" }, { 10, "1< rst D po 1/0/1/7", "1> rst D p- 5/0/5/1" });
}

static void a_bridge_that_does_not_hear_us_is_disputed(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" }, { 5, "1< rst D - 9/0/9/7", "*" },
	    { 10, "1< rst R a 5/100/9/7", "*" },
	    { 20, "1< rst D lf 9/0/9/7", "1 discarding; 1 flush; 1> rst D p- 5/0/5/1" });
}

static void what_was_learnt_is_forgotten_where_the_way_changed(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" }, { 0, "up 2", "*" }, { 5, "2< rst D - 9/0/9/8", "*" },
	    { 10, "2< rst R a 5/100/9/8", "*" }, { 20, "1< rst D p 1/0/1/7", "*" },
	    { 5000, "1< rst D - 1/0/1/7", "*" }, { 5000, "2< rst R a 1/200/9/8", "*" },
	    { 6500, "1< rst D - 1/0/1/7", "*" },
	    // Told by the root's side: on the other, and it is told there.
	    { 8000, "1< rst D t 1/0/1/7", "2 flush; 2> rst D ft- 1/100/5/2" },
	    { 8010, "2< rst R t 1/200/9/8", "1 flush; 1> rst R aft- 1/100/5/1" });
}

// --- a bridge of 802.1D-1998, such as the kernel's, which does not understand RST BPDUs

static void a_worse_stp_bridge_is_led(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" }, { 1000, "1< config - 9/0/9/7", "*" },
	    { 2500, "1< config - 9/0/9/7", "*" },
	    // It is believed after the migration time, and answered in its own language.
	    { 3100, "1< config - 9/0/9/7", "" }, { 3120, "tick", "1> config - 5/0/5/1" },
	    // Now it is silent, as the root port's end is; the timers open.
	    { 9999, "tick", "*" }, { 10000, "tick", "1 learning; 1> config - 5/0/5/1" },
	    { 15999, "tick", "*" }, { 16000, "tick", "*" }, { 16001, "1< tcn", "" },
	    { 17000, "tick", "1> config tk- 5/0/5/1" });
}

static void a_better_stp_bridge_leads_and_hears_of_changes(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" },
	    { 10, "1< config - 1/0/1/7", "1 forwarding; 1> rst R aft- 1/100/5/1" },
	    { 2000, "1< config - 1/0/1/7", "*" }, { 4000, "1< config - 1/0/1/7", "" },
	    { 5900, "1< config - 1/0/1/7", "*" }, { 6000, "up 2", "*" },
	    { 6005, "2< rst D - 9/0/9/8", "*" },
	    // A change behind this bridge goes up as a notification, until it is acknowledged.
	    { 6010, "2< rst R a 1/200/9/8",
	      "1 flush; 2 forwarding; 1> tcn; 2> rst D ft- 1/100/5/2" },
	    { 6900, "1< config tk 1/0/1/7", "2 flush" }, { 8050, "1< config t 1/0/1/7", "*" },
	    { 8900, "tick", "*" });
}

static void two_stp_bridges_give_one_root_port_and_one_blocked(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" }, { 0, "up 2", "*" }, { 10, "1< config - 1/0/1/7", "*" },
	    { 20, "2< config - 1/50/2/8", "2> rst A a- 1/100/5/2" },
	    { 2000, "1< config - 1/0/1/7", "*" }, { 2900, "2< config - 1/50/2/8", "*" },
	    // The root falls silent; the other one still knows it.
	    { 5010, "tick",
	      "1 discarding; 1 flush; 2 forwarding; 1> rst D p- 1/150/5/1; 2> "
	      "rst R aft- 1/150/5/2" });
}

static void a_bridge_that_learns_rstp_is_spoken_to_in_it(void **state)
{
	(void)state;
	RUN({ 0, "up 1", "*" }, { 3100, "1< config - 9/0/9/7", "*" },
	    { 3120, "tick", "1> config - 5/0/5/1" }, { 5000, "1< rst D p 9/0/9/7", "*" },
	    { 6200, "1< rst D p 9/0/9/7", "*" }, { 6220, "tick", "1> rst D p- 5/0/5/1" });
}

// --- between Weft's own

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

static void bpdus_are_limited(void **state)
{
	CLEAN(rstp_free_ptr) struct rstp *b = bridge(5);
	CLEAN(text_free) struct text out = { 0 };
	unsigned sent = 0;

	(void)state;
	rstp_port_up(b, 1, true, 0);
	for (unsigned i = 0; i < 1000; i++) {
		struct bpdu m = bpdu_of("rst D p 1/0/1/7");

		m.vector.cost = i % 2 ? 10 : 20;
		rstp_receive(b, 1, &m, i * 100);
	}
	drain(b, &out);
	for (int64_t now = 100 * MS; now < SECOND; now += MS) {
		struct rstp_action a;

		rstp_receive(b, 1, (struct bpdu[]){ bpdu_of("rst D p 1/0/1/7") }, now);
		while (rstp_take(b, &a))
			sent += a.kind == RSTP_SEND;
	}
	assert_in_range(sent, 10, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_root_port_opens_at_once_and_agrees),
		cmocka_unit_test(a_designated_port_opens_when_the_other_end_agrees),
		cmocka_unit_test(without_an_agreement_it_waits_for_the_timers),
		cmocka_unit_test(a_port_that_never_heard_anybody_stays_closed),
		cmocka_unit_test(a_proposal_makes_the_others_close_first),
		cmocka_unit_test(an_alternate_port_takes_over_at_once),
		cmocka_unit_test(three_silent_hellos_age_the_root),
		cmocka_unit_test(news_that_are_too_old_are_none),
		cmocka_unit_test(a_bridge_that_does_not_hear_us_is_disputed),
		cmocka_unit_test(what_was_learnt_is_forgotten_where_the_way_changed),
		cmocka_unit_test(a_worse_stp_bridge_is_led),
		cmocka_unit_test(a_better_stp_bridge_leads_and_hears_of_changes),
		cmocka_unit_test(two_stp_bridges_give_one_root_port_and_one_blocked),
		cmocka_unit_test(a_bridge_that_learns_rstp_is_spoken_to_in_it),
		cmocka_unit_test(two_of_weft_open_within_a_round_trip),
		cmocka_unit_test(an_agreement_to_something_older_opens_nothing),
		cmocka_unit_test(a_dead_agents_blocked_port_stays_blocked_at_both_ends),
		cmocka_unit_test(news_of_itself_are_no_way_to_the_root),
		cmocka_unit_test(a_link_that_carries_one_way_is_given_up),
		cmocka_unit_test(who_was_vouched_for_is_believed_when_it_speaks_again),
		cmocka_unit_test(a_new_program_goes_on_where_the_old_one_was),
		cmocka_unit_test(what_is_not_whole_is_not_loaded),
		cmocka_unit_test(a_better_priority_makes_the_root_and_a_dear_port_is_left),
		cmocka_unit_test(bpdus_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
