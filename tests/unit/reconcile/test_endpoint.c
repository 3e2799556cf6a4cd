// When another endpoint of a silent peer is tried, and when the one in use is left alone.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "reconcile/endpoint.h"

#define WALL 1700000000

static struct kernel_endpoint at(const char *text)
{
	struct kernel_endpoint e = { .port = 0 };

	if (*text)
		assert_int_equal(kernel_endpoint_parse(text, &e, NULL), 0);
	return e;
}

// One look: what is known at that second, and the port of the endpoint that is set (0: none).
struct step {
	int second;
	const char *candidates[3];
	const char *current;
	int handshake_age; // -1: never
	uint64_t rx, tx;
	unsigned keepalive;
	unsigned moved_to;
};

static void play(const struct step *steps, size_t len)
{
	struct endpoint_track track = { 0 };

	for (size_t i = 0; i < len; i++) {
		const struct step *s = &steps[i];
		struct kernel_endpoint candidates[3], to = { .port = 0 };
		struct endpoint_facts f = { .candidates = candidates,
					    .current = at(s->current),
					    .rx_bytes = s->rx,
					    .tx_bytes = s->tx,
					    .keepalive = (uint16_t)s->keepalive,
					    .mono_ms = s->second * 1000,
					    .wall_ms = (int64_t)(WALL + s->second) * 1000 };

		if (s->handshake_age >= 0)
			f.handshake = WALL + s->second - s->handshake_age;
		while (f.count < 3 && s->candidates[f.count]) {
			candidates[f.count] = at(s->candidates[f.count]);
			f.count++;
		}
		const bool moved = endpoint_decide(&track, &f, &to);
		if ((moved ? to.port : 0) != s->moved_to)
			fail_msg("second %d: moved to %u instead of %u", s->second,
				 moved ? to.port : 0, s->moved_to);
	}
}

#define A       "192.0.2.1:1"
#define B       "192.0.2.2:2"
#define C       "[2001:db8::3]:3"
#define ROAMED  "198.51.100.9:9"
#define PLAY(s) play(s, sizeof(s) / sizeof *(s))

static void test_first_candidate_then_the_next(void **state)
{
	const struct step steps[] = {
		{ 0, { A, B, C }, "", -1, 0, 0, 25, 1 },
		{ 1, { A, B, C }, A, -1, 0, 148, 25, 0 },
		{ 5, { A, B, C }, A, -1, 0, 148, 25, 0 },
		{ 6, { A, B, C }, A, -1, 0, 296, 25, 2 },
		{ 12, { A, B, C }, B, -1, 0, 444, 25, 3 },
		{ 18, { A, B, C }, C, -1, 0, 592, 25, 1 },
	};

	(void)state;
	PLAY(steps);
}

static void test_healthy_peer_is_left_alone(void **state)
{
	const struct step steps[] = {
		{ 0, { A, B }, ROAMED, 100, 1000, 1000, 25, 0 },
		{ 25, { A, B }, ROAMED, 125, 1032, 1032, 25, 0 },
		{ 50, { A, B }, ROAMED, 10, 1064, 1100, 25, 0 },
		{ 75, { A, B }, ROAMED, 35, 1096, 1132, 25, 0 },
	};

	(void)state;
	PLAY(steps);
}

static void test_keepalives_alone_are_no_silence(void **state)
{
	const struct step steps[] = {
		{ 0, { A, B }, A, 10, 1000, 1000, 25, 0 },
		{ 30, { A, B }, A, 40, 1000, 1032, 25, 0 },
		{ 100, { A, B }, A, 110, 1000, 1128, 25, 0 },
	};

	(void)state;
	PLAY(steps);
}

static void test_silent_peer_is_looked_for(void **state)
{
	const struct step steps[] = {
		{ 0, { A, B }, ROAMED, 10, 1000, 1000, 25, 0 },
		{ 1, { A, B }, ROAMED, 11, 1100, 1100, 25, 0 },
		{ 15, { A, B }, ROAMED, 25, 1100, 3000, 25, 0 },
		{ 22, { A, B }, ROAMED, 32, 1100, 4000, 25, 1 },
		{ 24, { A, B }, A, 34, 1100, 4148, 25, 0 },
		{ 28, { A, B }, A, 38, 1100, 4296, 25, 2 },
		{ 34, { A, B }, B, 44, 1100, 4444, 25, 9 }, // where it was heard last
		{ 40, { A, B }, ROAMED, 50, 1100, 4592, 25, 1 },
		{ 41, { A, B }, A, 0, 1300, 4592, 25, 0 },
		{ 60, { A, B }, A, 19, 1400, 9000, 25, 0 },
	};

	(void)state;
	PLAY(steps);
}

static void test_news_shorten_the_wait(void **state)
{
	const struct step steps[] = {
		{ 0, { A }, A, 10, 1000, 1000, 0, 0 },
		{ 1, { A }, A, 10, 1100, 1000, 0, 0 },
		{ 7, { B }, A, 10, 1100, 2000, 0, 2 },
		{ 9, { B }, B, 10, 1100, 2148, 0, 0 },
	};

	(void)state;
	PLAY(steps);
}

static void test_expired_session_with_keepalive(void **state)
{
	const struct step steps[] = {
		{ 0, { A, B }, A, 170, 1000, 1000, 25, 0 },
		{ 21, { A, B }, A, 191, 1000, 1000, 25, 2 },
	};

	(void)state;
	PLAY(steps);
}

static void test_nothing_to_try(void **state)
{
	const struct step steps[] = {
		{ 0, { NULL }, "", -1, 0, 0, 25, 0 },
		{ 60, { NULL }, "", -1, 0, 900, 25, 0 },
		{ 61, { A }, "", -1, 0, 900, 25, 1 },
		{ 90, { A }, A, -1, 0, 1900, 25, 0 },
	};

	(void)state;
	PLAY(steps);
}

// WireGuard's moment of a handshake is of a clock that NTP, or a person, may set at any time.
static void test_age_of_a_handshake_when_the_clock_jumps(void **state)
{
	static const struct {
		int64_t mono_s, wall_s, handshake, age_s;
	} looks[] = {
		{ 100, WALL + 5, WALL, 5 },             // a new one: the clock is trusted
		{ 103, WALL + 3608, WALL, 8 },          // an hour forth
		{ 106, WALL - 86400, WALL, 11 },        // a day back
		{ 109, WALL - 86397, WALL - 86398, 1 }, // a handshake by the new time
		{ 112, WALL + 12, WALL - 86398, 4 },    // and the clock is right again
		{ 115, WALL + 15, WALL + 20, 0 },       // from a clock that was ahead
		{ 415, WALL + 315, WALL + 20, 300 },    // silent since
	};
	struct endpoint_track track = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
		const struct endpoint_facts f = { .handshake = looks[i].handshake,
						  .mono_ms = looks[i].mono_s * 1000,
						  .wall_ms = looks[i].wall_s * 1000 };

		assert_int_equal(endpoint_handshake_age_ms(&track, &f), looks[i].age_s * 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_candidate_then_the_next),
		cmocka_unit_test(test_healthy_peer_is_left_alone),
		cmocka_unit_test(test_keepalives_alone_are_no_silence),
		cmocka_unit_test(test_silent_peer_is_looked_for),
		cmocka_unit_test(test_news_shorten_the_wait),
		cmocka_unit_test(test_expired_session_with_keepalive),
		cmocka_unit_test(test_nothing_to_try),
		cmocka_unit_test(test_age_of_a_handshake_when_the_clock_jumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
