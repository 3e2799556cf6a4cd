// Who waits, who makes room for whom, and for how long.
// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/lobby.h"

enum { MAX = 4, PER_ADDRESS = 2, WAIT_MS = 1000, GRACE_MS = 10 };

struct caller {
	int ours, theirs;
	struct lobby_guest *guest;
};

static struct lobby *lobby;

static int setup(void **state)
{
	const struct lobby_config config = { MAX, PER_ADDRESS, WAIT_MS, GRACE_MS };

	(void)state;
	lobby = lobby_new(&config);
	return lobby ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	lobby_free(lobby);
	return 0;
}

static struct caller call(const char *address, int64_t now_ms)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const struct sockaddr *from = (const struct sockaddr *)&v4;
	struct caller c;
	int pair[2];

	if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1)
		from = (const struct sockaddr *)&v6;
	else
		assert_int_equal(inet_pton(AF_INET, address, &v4.sin_addr), 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	c.ours = pair[0];
	c.theirs = pair[1];
	c.guest = lobby_enter(lobby, c.ours, from, now_ms);
	assert_non_null(c.guest);
	return c;
}

static bool is_ended(const struct caller *c)
{
	struct pollfd p = { .fd = c->theirs, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

static void hang_up(struct caller *c)
{
	lobby_leave(c->guest);
	(void)close(c->ours);
	(void)close(c->theirs);
}

static void who_has_waited_longest_makes_room(void **state)
{
	static const char *const from[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3",
					    "192.0.2.4", "192.0.2.5", "192.0.2.6" };
	struct caller c[6];

	(void)state;
	for (int i = 0; i < 4; i++)
		c[i] = call(from[i], i);
	assert_false(lobby_has_room(lobby, 4));
	lobby_admit(c[0].guest); // known: it does not count any more
	assert_true(lobby_has_room(lobby, 4));
	c[4] = call(from[4], 4);
	assert_int_equal(lobby_waiting(lobby), 4);
	assert_int_equal(lobby_ended(lobby), 0);
	assert_true(lobby_has_room(lobby, 20));
	c[5] = call(from[5], 20);
	assert_true(is_ended(&c[1]));
	assert_false(is_ended(&c[0]) || is_ended(&c[2]));
	assert_int_equal(lobby_waiting(lobby), 4);
	// Back for its next request: over the bound, until time has made room.
	lobby_wait(c[0].guest, 21);
	assert_int_equal(lobby_waiting(lobby), 5);
	lobby_tick(lobby, 22);
	assert_true(is_ended(&c[2]));
	assert_int_equal(lobby_waiting(lobby), 4);
	// Who was ended cannot wait again.
	lobby_wait(c[1].guest, 23);
	assert_int_equal(lobby_waiting(lobby), 4);
	for (int i = 0; i < 6; i++)
		hang_up(&c[i]);
	assert_int_equal(lobby_waiting(lobby), 0);
}

static void honest_ones_in_a_hurry_stay(void **state)
{
	struct caller c[6];
	char from[16];

	(void)state;
	for (int i = 0; i < 6; i++) {
		(void)snprintf(from, sizeof from, "192.0.2.%d", i);
		c[i] = call(from, i);
	}
	lobby_tick(lobby, 9);
	assert_int_equal(lobby_waiting(lobby), 6);
	assert_int_equal(lobby_ended(lobby), 0);
	for (int i = 0; i < 6; i++)
		hang_up(&c[i]);
}

static void one_address_takes_only_its_own_places(void **state)
{
	struct caller other = call("192.0.2.9", 0);
	struct caller a = call("192.0.2.1", 1), b = call("192.0.2.1", 2), c = call("192.0.2.1", 11);
	const struct sockaddr_in same = { .sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(0xc0000201) };

	(void)state;
	assert_true(is_ended(&a));
	assert_false(is_ended(&b) || is_ended(&c) || is_ended(&other));
	// Both are within their grace now.
	lobby_leave(b.guest);
	b.guest = lobby_enter(lobby, b.ours, (const struct sockaddr *)&same, 12);
	assert_non_null(b.guest);
	assert_null(lobby_enter(lobby, a.ours, (const struct sockaddr *)&same, 13));
	hang_up(&a);
	hang_up(&b);
	hang_up(&c);
	hang_up(&other);
}

static void a_network_of_ipv6_counts_as_one(void **state)
{
	struct caller a = call("2001:db8:0:1::1", 0), b = call("2001:db8:0:1:ffff::2", 1);
	struct caller other = call("2001:db8:0:2::1", 2), c = call("2001:db8:0:1::3", 30);

	(void)state;
	assert_true(is_ended(&a));
	assert_false(is_ended(&b) || is_ended(&other) || is_ended(&c));
	hang_up(&a);
	hang_up(&b);
	hang_up(&c);
	hang_up(&other);
}

static void a_wait_ends(void **state)
{
	struct caller a = call("192.0.2.1", 0), b = call("192.0.2.2", 500),
		      c = call("192.0.2.3", 0);

	(void)state;
	lobby_admit(c.guest);
	lobby_tick(lobby, WAIT_MS);
	assert_false(is_ended(&a));
	lobby_tick(lobby, WAIT_MS + 1);
	assert_true(is_ended(&a));
	assert_false(is_ended(&b) || is_ended(&c));
	lobby_wait(b.guest, WAIT_MS); // another request: the wait begins anew
	lobby_tick(lobby, WAIT_MS + 600);
	assert_false(is_ended(&b));
	hang_up(&a);
	hang_up(&b);
	hang_up(&c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_has_waited_longest_makes_room),
		TEST(honest_ones_in_a_hurry_stay),
		TEST(one_address_takes_only_its_own_places),
		TEST(a_network_of_ipv6_counts_as_one),
		TEST(a_wait_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
