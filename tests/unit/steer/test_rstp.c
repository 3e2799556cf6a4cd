// RSTP by tables of what comes in and what must go out, with bridges of the standard (802.1D-2004
// and -1998) at the other ends.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/clean.h"

#include "bridged.h"

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

// --- limits

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
		cmocka_unit_test(bpdus_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
