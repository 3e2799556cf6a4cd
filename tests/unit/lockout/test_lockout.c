// A revision on trial: every way the controller may come and go, with the order each moment gives.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/clean.h"

#include "lockout/lockout.h"

static struct digest digest_at(uint8_t byte)
{
	const char body = (char)byte;

	return digest_of_entry("k", &body, 1);
}

enum happening {
	END,
	TICK,
	PONG,    // an answer on a standing session
	WELCOME, // of a controller that has been running for `up`
};

struct moment {
	enum happening what;
	int64_t at; // s since the revision is in force
	enum lockout_order order;
	enum lockout_state state; // after it
	int64_t up;               // s
};

struct story {
	const char *name;
	struct moment moments[16];
};

#define LONG_AGO 100000

static const struct story stories[] = {
	{ "the controller answers all the time: kept once the revision has settled",
	  { { PONG, 0, LOCKOUT_NOTHING, LOCKOUT_TRIAL, 0 },
	    { TICK, 9, LOCKOUT_NOTHING, LOCKOUT_TRIAL, 0 },
	    { TICK, 10, LOCKOUT_ASK, LOCKOUT_TRIAL, 0 },
	    { TICK, 11, LOCKOUT_NOTHING, LOCKOUT_TRIAL, 0 },
	    { PONG, 11, LOCKOUT_KEEP, LOCKOUT_CALM, 0 },
	    { TICK, 31, LOCKOUT_NOTHING, LOCKOUT_CALM, 0 },
	    { END, 0, 0, 0, 0 } } },
	{ "an early answer does not count: what cuts may need a moment",
	  { { PONG, 1, LOCKOUT_NOTHING, LOCKOUT_TRIAL, 0 },
	    { TICK, 10, LOCKOUT_ASK, LOCKOUT_TRIAL, 0 },
	    { TICK, 29, LOCKOUT_NOTHING, LOCKOUT_TRIAL, 0 },
	    { TICK, 30, LOCKOUT_UNDO, LOCKOUT_UNDONE, 0 },
	    { END, 0, 0, 0, 0 } } },
	{ "the revision cut it off: back within the window, refused",
	  { { TICK, 30, LOCKOUT_UNDO, LOCKOUT_UNDONE, 0 },
	    { TICK, 31, LOCKOUT_NOTHING, LOCKOUT_UNDONE, 0 },
	    { WELCOME, 32, LOCKOUT_REFUSE, LOCKOUT_REFUSED, LONG_AGO },
	    { PONG, 40, LOCKOUT_NOTHING, LOCKOUT_REFUSED, 0 },
	    { TICK, 4000, LOCKOUT_NOTHING, LOCKOUT_REFUSED, 0 },
	    { END, 0, 0, 0, 0 } } },
	{ "an older controller does not tell its uptime: the window decides alone",
	  { { TICK, 30, LOCKOUT_UNDO, LOCKOUT_UNDONE, 0 },
	    { WELCOME, 32, LOCKOUT_REFUSE, LOCKOUT_REFUSED, -1 },
	    { END, 0, 0, 0, 0 } } },
	{ "the controller was restarted meanwhile: the revision may be offered again",
	  { { TICK, 30, LOCKOUT_UNDO, LOCKOUT_UNDONE, 0 },
	    { WELCOME, 41, LOCKOUT_FORGIVE, LOCKOUT_CALM, 5 },
	    { END, 0, 0, 0, 0 } } },
	{ "a restart shorter than the trial is no matter",
	  { { WELCOME, 22, LOCKOUT_KEEP, LOCKOUT_CALM, 3 }, { END, 0, 0, 0, 0 } } },
	{ "away for hours: undone three times, each time later, then the revision stays",
	  { { TICK, 30, LOCKOUT_UNDO, LOCKOUT_UNDONE, 0 },
	    { TICK, 49, LOCKOUT_NOTHING, LOCKOUT_UNDONE, 0 },
	    { TICK, 50, LOCKOUT_REDO, LOCKOUT_TRIAL, 0 },
	    { TICK, 649, LOCKOUT_ASK, LOCKOUT_TRIAL, 0 },
	    { TICK, 650, LOCKOUT_UNDO, LOCKOUT_UNDONE, 0 },
	    { TICK, 710, LOCKOUT_REDO, LOCKOUT_TRIAL, 0 },
	    { TICK, 4310, LOCKOUT_UNDO, LOCKOUT_UNDONE, 0 },
	    { TICK, 4490, LOCKOUT_REDO, LOCKOUT_CALM, 0 },
	    { TICK, 90000, LOCKOUT_NOTHING, LOCKOUT_CALM, 0 },
	    { END, 0, 0, 0, 0 } } },
	{ "away, and back under the revision: it is kept",
	  { { TICK, 30, LOCKOUT_UNDO, LOCKOUT_UNDONE, 0 },
	    { TICK, 50, LOCKOUT_REDO, LOCKOUT_TRIAL, 0 },
	    { WELCOME, 300, LOCKOUT_KEEP, LOCKOUT_CALM, LONG_AGO },
	    { END, 0, 0, 0, 0 } } },
	{ "slow to be found again: refused in the second round",
	  { { TICK, 30, LOCKOUT_UNDO, LOCKOUT_UNDONE, 0 },
	    { TICK, 50, LOCKOUT_REDO, LOCKOUT_TRIAL, 0 },
	    { TICK, 650, LOCKOUT_UNDO, LOCKOUT_UNDONE, 0 },
	    { WELCOME, 690, LOCKOUT_REFUSE, LOCKOUT_REFUSED, LONG_AGO },
	    { END, 0, 0, 0, 0 } } },
};

static enum lockout_order happen(struct lockout *l, const struct moment *m)
{
	int64_t now_ms = m->at * 1000;

	if (m->what == TICK)
		return lockout_tick(l, now_ms);
	return lockout_answer(l, now_ms, m->what == PONG || m->up < 0 ? -1 : m->up * 1000);
}

static void every_story_goes_as_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
		struct lockout l = { 0 };

		lockout_begin(&l, 41, digest_at(41), 40);
		lockout_applied(&l, 0);
		for (const struct moment *m = stories[i].moments; m->what != END; m++) {
			enum lockout_order order = happen(&l, m);

			// After a return the glue puts the revision in force and says when.
			if (order == LOCKOUT_REDO && l.state == LOCKOUT_TRIAL)
				lockout_applied(&l, m->at * 1000);
			if (order != m->order || l.state != m->state)
				fail_msg("%s: at %d s order %d, state %d", stories[i].name,
					 (int)m->at, (int)order, (int)l.state);
		}
	}
}

static void the_state_before_is_the_last_one_that_was_proven(void **state)
{
	struct lockout l = { 0 };

	(void)state;
	lockout_begin(&l, 41, digest_at(41), 40);
	lockout_applied(&l, 0);
	assert_false(lockout_is_proven(&l));
	lockout_begin(&l, 42, digest_at(42), 41);
	assert_int_equal(l.before, 40);
	lockout_applied(&l, 2000);
	assert_int_equal(lockout_answer(&l, 2100, -1), LOCKOUT_NOTHING);
	assert_true(lockout_is_proven(&l));
	lockout_begin(&l, 43, digest_at(43), 42);
	assert_int_equal(l.before, 42);
	assert_int_equal(l.revision, 43);
}

static struct lockout refused(void)
{
	struct lockout l = { 0 };

	lockout_begin(&l, 41, digest_at(41), 40);
	lockout_applied(&l, 0);
	assert_int_equal(lockout_tick(&l, 30000), LOCKOUT_UNDO);
	assert_int_equal(lockout_answer(&l, 31000, 1000000), LOCKOUT_REFUSE);
	return l;
}

static void a_refusal_lasts_until_the_revision_changes_or_somebody_asks(void **state)
{
	char text[ERR_TEXT_SIZE];
	struct lockout l = refused();

	(void)state;
	lockout_sentence(&l, text, sizeof text);
	assert_non_null(strstr(text, "revision 41 cut this node off its controller"));
	assert_true(lockout_refuses(&l, digest_at(41)));
	assert_false(lockout_refuses(&l, digest_at(42)));
	assert_true(lockout_is_proven(&l));
	lockout_target(&l, 41);
	assert_int_equal(l.state, LOCKOUT_REFUSED);
	lockout_target(&l, 42);
	assert_int_equal(l.state, LOCKOUT_CALM);
	assert_false(lockout_retry(&l));
	l = refused();
	assert_true(lockout_retry(&l));
	assert_false(lockout_refuses(&l, digest_at(41)));
	lockout_sentence(&l, text, sizeof text);
	assert_string_equal(text, "");
}

static void the_record_survives_a_restart(void **state)
{
	struct lockout l = { 0 }, read = { 0 };
	struct err err = { 0 };

	(void)state;
	lockout_begin(&l, 41, digest_at(41), 40);
	lockout_applied(&l, 5000);
	assert_int_equal(lockout_tick(&l, 35000), LOCKOUT_UNDO);
	assert_int_equal(lockout_tick(&l, 55000), LOCKOUT_REDO);
	CLEAN(free_ptr) char *text = lockout_write(&l);
	assert_non_null(text);
	assert_int_equal(lockout_read(&read, text, &err), 0);
	assert_int_equal(read.state, LOCKOUT_TRIAL);
	assert_int_equal(read.revision, 41);
	assert_int_equal(read.before, 40);
	assert_int_equal(read.round, 1);
	assert_true(digest_equal(read.digest, l.digest));
	lockout_resume(&read, 1000);
	assert_int_equal(lockout_tick(&read, 600999), LOCKOUT_ASK);
	assert_int_equal(lockout_tick(&read, 601000), LOCKOUT_UNDO);
}

static void a_damaged_record_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"{}",
		"{\"state\":\"trial\"}",
		"{\"state\":\"away\",\"digest\":\"00000000000000000000000000000000\"}",
		"{\"state\":\"trial\",\"digest\":\"0\"}",
		"{\"state\":\"trial\",\"digest\":\"00000000000000000000000000000000\",\"round\":9}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct lockout l = { .revision = 7 };
		struct err err = { 0 };

		assert_true(lockout_read(&l, bad[i], &err) < 0);
		assert_non_null(strstr(err.text, "damaged"));
		assert_int_equal(l.revision, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_story_goes_as_told),
		cmocka_unit_test(the_state_before_is_the_last_one_that_was_proven),
		cmocka_unit_test(a_refusal_lasts_until_the_revision_changes_or_somebody_asks),
		cmocka_unit_test(the_record_survives_a_restart),
		cmocka_unit_test(a_damaged_record_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
