// A reflector answers what is new, and what was recorded never becomes a session.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>

#include "probe/reflector.h"

static struct hmac_key key;

static int make_key(void **state)
{
	(void)state;
	hmac_key_init(&key, "of this run", 11);
	return 0;
}

static enum reflector_verdict ask(struct reflector *r, uint64_t session, uint32_t sequence,
				  uint64_t confirm, struct stamp_reply *ret)
{
	const struct stamp_request request = {
		.session = session, .sequence = sequence, .confirm = confirm, .sent = 77
	};
	return reflector_take(r, &key, &request, 99, ret);
}

// Brings a session up; its next sequence number is 2.
static void confirm(struct reflector *r, uint64_t session, uint64_t *ret_challenge)
{
	struct stamp_reply reply = { 0 };
	assert_int_equal(ask(r, session, 0, 0, &reply), REFLECTOR_UNKNOWN);
	assert_true(reply.challenge != 0);
	assert_true(reply.session == session && reply.request_sent == 77 && reply.received == 99);
	*ret_challenge = reply.challenge;
	assert_int_equal(ask(r, session, 1, reply.challenge, &reply), REFLECTOR_FRESH);
	assert_true(reply.challenge == 0 && reply.sequence == 0);
	assert_true(r->session == session);
}

static void a_session_is_confirmed_by_its_challenge(void **state)
{
	(void)state;
	struct reflector r;
	struct stamp_reply reply;
	uint64_t challenge;
	reflector_init(&r, 1);
	confirm(&r, 5, &challenge);
	assert_int_equal(ask(&r, 5, 2, challenge, &reply), REFLECTOR_FRESH);
	assert_int_equal(reply.sequence, 1);
	assert_int_equal(r.counts.fresh, 2);
	assert_int_equal(r.counts.unknown, 1);
}

static void guesses_confirm_nothing(void **state)
{
	(void)state;
	struct reflector r;
	struct stamp_reply reply;
	reflector_init(&r, 1);
	assert_int_equal(ask(&r, 0, 0, 0, &reply), REFLECTOR_UNKNOWN);
	assert_int_equal(ask(&r, 0, 1, reply.challenge, &reply), REFLECTOR_UNKNOWN);
	for (uint64_t guess = 0; guess < 1000; guess++)
		assert_int_equal(ask(&r, 5, 0, guess, &reply), REFLECTOR_UNKNOWN);
	assert_true(r.session == 0);
}

static void a_recorded_session_does_not_come_back(void **state)
{
	(void)state;
	struct reflector r;
	struct stamp_reply reply;
	uint64_t first, second;
	reflector_init(&r, 1);
	confirm(&r, 5, &first);
	confirm(&r, 6, &second);
	// All that the first session ever sent, its confirmation too, again.
	for (uint32_t sequence = 0; sequence < 100; sequence++)
		assert_int_equal(ask(&r, 5, sequence, first, &reply), REFLECTOR_UNKNOWN);
	assert_true(r.session == 6);
	assert_int_equal(ask(&r, 6, 2, second, &reply), REFLECTOR_FRESH);
	// A reflector that was restarted does not take it either.
	reflector_init(&r, 2);
	assert_int_equal(ask(&r, 6, 1, second, &reply), REFLECTOR_UNKNOWN);
}

static void each_request_counts_once(void **state)
{
	(void)state;
	struct reflector r;
	struct stamp_reply reply;
	uint64_t challenge;
	reflector_init(&r, 1);
	confirm(&r, 5, &challenge);
	for (uint32_t sequence = 2; sequence < 600; sequence++)
		assert_int_equal(ask(&r, 5, sequence, 0, &reply), REFLECTOR_FRESH);
	for (uint32_t sequence = 0; sequence < 600; sequence++)
		assert_int_equal(ask(&r, 5, sequence, challenge, &reply), REFLECTOR_REPLAY);
	assert_int_equal(r.counts.replayed, 600);
	assert_int_equal(r.counts.fresh, 599);
}

static void requests_may_overtake_each_other(void **state)
{
	(void)state;
	struct reflector r;
	struct stamp_reply reply;
	uint64_t challenge;
	reflector_init(&r, 1);
	confirm(&r, 5, &challenge);
	assert_int_equal(ask(&r, 5, 200, 0, &reply), REFLECTOR_FRESH);
	for (uint32_t sequence = 2; sequence < 200; sequence++)
		assert_int_equal(ask(&r, 5, sequence, 0, &reply), REFLECTOR_FRESH);
	assert_int_equal(r.counts.reordered, 198);
	assert_int_equal(ask(&r, 5, 5000, 0, &reply), REFLECTOR_FRESH);
	assert_int_equal(ask(&r, 5, 5000 - REFLECTOR_WINDOW, 0, &reply), REFLECTOR_REPLAY);
	assert_int_equal(ask(&r, 5, 5001 - REFLECTOR_WINDOW, 0, &reply), REFLECTOR_FRESH);
}

static void sequence_numbers_wrap(void **state)
{
	(void)state;
	struct reflector r;
	struct stamp_reply reply;
	reflector_init(&r, 1);
	assert_int_equal(ask(&r, 5, UINT32_MAX - 1, 0, &reply), REFLECTOR_UNKNOWN);
	assert_int_equal(ask(&r, 5, UINT32_MAX, reply.challenge, &reply), REFLECTOR_FRESH);
	for (uint32_t sequence = 0; sequence < 300; sequence++) {
		assert_int_equal(ask(&r, 5, sequence, 0, &reply), REFLECTOR_FRESH);
		assert_int_equal(ask(&r, 5, sequence, 0, &reply), REFLECTOR_REPLAY);
	}
	assert_int_equal(ask(&r, 5, UINT32_MAX, 0, &reply), REFLECTOR_REPLAY);
}

// What a window has to do, said the plain way: against it, random numbers near and far.
static void the_window_agrees_with_a_list(void **state)
{
	(void)state;
	static bool seen[20000];
	struct reflector r;
	struct stamp_reply reply;
	uint64_t challenge;
	uint32_t highest = 1;
	reflector_init(&r, 1);
	confirm(&r, 5, &challenge);
	seen[1] = true;
	srandom(4);
	for (int i = 0; i < 50000 && highest < 19000; i++) {
		const long jump = random() % 700 == 0 ? 900 : 20;
		const long pick = (long)highest - random() % 300 + random() % jump;
		const uint32_t sequence = pick < 0 ? 0 : (uint32_t)pick;
		const bool is_old = sequence + REFLECTOR_WINDOW <= highest;
		const enum reflector_verdict want =
			is_old || seen[sequence] ? REFLECTOR_REPLAY : REFLECTOR_FRESH;
		assert_int_equal(ask(&r, 5, sequence, 0, &reply), want);
		if (want == REFLECTOR_FRESH)
			seen[sequence] = true;
		highest = sequence > highest ? sequence : highest;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_confirmed_by_its_challenge),
		cmocka_unit_test(guesses_confirm_nothing),
		cmocka_unit_test(a_recorded_session_does_not_come_back),
		cmocka_unit_test(each_request_counts_once),
		cmocka_unit_test(requests_may_overtake_each_other),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(the_window_agrees_with_a_list),
	};
	return cmocka_run_group_tests(tests, make_key, NULL);
}
