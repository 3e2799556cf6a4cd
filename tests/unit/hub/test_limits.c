// Whoever misbehaves is ended by the hub with a reason while the others do not notice.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#include "world.h"

static void garbage_ends_only_that_session(void **state)
{
	static const char *const garbage[][2] = {
		{ "{", "not valid JSON" },
		{ "{\"type\":\"renew\",\"csr\":\"\xff\"}", "not valid JSON" },
		{ "{\"type\":\"keys\",\"entries\":7,\"digest\":\"" ZERO "\"}", "keys.entries" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "nested" },
		{ "{\"type\":\"observe\",\"set\":{\"A\":\"{}\"},\"digest\":\"" ZERO "\"}",
		  "observe.set" },
	};
	struct world *w = *state;
	struct client *b = join(w, "b");

	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		struct client *c = join(w, "a");

		assert_true(client_send(c, garbage[i][0]));
		expect_bye(c, garbage[i][1]);
		client_close(c);
		assert_alive(w, b, 2);
	}
	assert_int_equal(w->disconnected, ARRAY_LEN(garbage));
	client_close(b);
}

static void oversize_ends_only_that_session(void **state)
{
	struct world *w = *state;
	struct client *b = join(w, "b");
	struct client *c = join(w, "a");
	char *large = calloc(1, 70000);

	// Told at once, before a byte of it was sent.
	(void)client_send_frame(c, 0x81, "{", 1, 100000000);
	expect_bye(c, "larger than");
	client_close(c);
	// In fragments that never end.
	c = join(w, "a");
	memset(large, ' ', 70000);
	(void)client_send_frame(c, 0x01, large, 70000, 70000);
	for (int i = 0; i < 4; i++)
		(void)client_send_frame(c, 0x00, large, 70000, 70000);
	expect_bye(c, "larger than");
	client_close(c);
	c = join(w, "a");
	(void)client_send_frame(c, 0x82, "{}", 2, 2);
	expect_bye(c, "binary");
	client_close(c);
	assert_alive(w, b, 2);
	client_close(b);
	free(large);
}

// Fragments within the limit are one message.
static void fragments_are_put_together(void **state)
{
	struct world *w = *state;
	struct client *c = join(w, "a");
	static const char text[] = "{\"type\":\"event\",\"at\":1,\"severity\":\"info\",\"kind\":"
				   "\"x\",\"text\":\"x\"}";

	for (size_t i = 0; i + 1 < sizeof(text); i++)
		assert_true(client_send_frame(
			c, (unsigned char)((i == 0 ? 1 : 0) | (i + 2 == sizeof(text) ? 0x80 : 0)),
			text + i, 1, 1));
	assert_alive(w, c, 1);
	assert_int_equal(w->events, 1);
	client_close(c);
}

static void who_never_reads_is_dropped(void **state)
{
	struct world *w = *state;
	const struct client_options o = { .loop = &w->loop,
					  .port = hub_port(w->hub, 0),
					  .dir = w->dir,
					  .certificate = "a",
					  .receive_buffer = 4096 };
	struct client *c = client_open(&o);
	struct client *b = join(w, "b");
	char body[15000];

	assert_non_null(c);
	say_hello(c, ZERO);
	json_decref(client_expect(c, "welcome"));
	memset(body, 'x', sizeof(body) - 1);
	memcpy(body, "{\"a\":\"", 6);
	memcpy(body + sizeof(body) - 3, "\"}", 3);
	for (int i = 0; i < 200 && w->disconnected == 0; i++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "peer/home/n%d", i);
		push(w, key, body);
		turn(&w->loop, 1);
	}
	assert_int_equal(w->disconnected, 1);
	assert_non_null(strstr(w->last_reason, "reads too slowly"));
	assert_alive(w, b, 2);
	turn(&w->loop, 600);
	struct hub_counters counters;
	hub_counters_read(w->hub, &counters);
	assert_int_equal(counters.queued_bytes, 0);
	assert_int_equal(counters.dropped_total, 1);
	client_close(c);
	client_close(b);
}

static void who_says_too_much_is_dropped(void **state)
{
	struct world *w = *state;
	struct client *c = join(w, "a");

	// On a slow machine it takes more of them; what is sent after the end may cost its bye.
	for (int i = 0; i < 600 && w->disconnected == 0; i++) {
		(void)client_send(c, "{\"type\":\"later\"}");
		if (i >= 60 && i % 5 == 0)
			turn(&w->loop, 1);
	}
	for (int64_t until = clock_mono_ms() + 5000;
	     w->disconnected == 0 && clock_mono_ms() < until;)
		turn(&w->loop, 10);
	assert_int_equal(w->disconnected, 1);
	assert_non_null(strstr(w->last_reason, "more than 50 messages a second"));
	client_close(c);
}

static void who_says_nothing_is_dropped(void **state)
{
	struct world *w = *state;
	struct client *silent = join(w, "a");
	struct client *answering = join(w, "b");
	struct client *mute = dial(w, "a"); // no hello

	client_set_silent(silent, true);
	expect_bye(mute, "no hello");
	client_close(mute);
	client_answer_pings(answering, 5000);
	assert_int_equal(w->disconnected, 1);
	assert_true(hub_is_connected(w->hub, 2));
	assert_alive(w, answering, 2);
	client_close(silent);
	client_close(answering);
}

static void a_handshake_that_stops_half_way_is_closed(void **state)
{
	struct world *w = *state;
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)hub_port(w->hub, 0)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte;
	ssize_t rc = -1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	// Who says nothing at all is kept by the kernel.
	assert_int_equal(send(fd, "\x16", 1, 0), 1);
	for (int64_t until = clock_mono_ms() + 5000; rc < 0 && clock_mono_ms() < until;) {
		turn(&w->loop, 20);
		rc = recv(fd, &byte, 1, MSG_DONTWAIT);
		if (rc < 0 && errno == ECONNRESET)
			rc = 0;
	}
	assert_int_equal(rc, 0);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB_TEST(garbage_ends_only_that_session),
		HUB_TEST(oversize_ends_only_that_session),
		HUB_TEST(fragments_are_put_together),
		HUB_TEST(who_never_reads_is_dropped),
		HUB_TEST(who_says_too_much_is_dropped),
		HUB_TEST(who_says_nothing_is_dropped),
		HUB_TEST(a_handshake_that_stops_half_way_is_closed),
	};

	world_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
