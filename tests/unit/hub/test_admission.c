// Who is let in by the hub, over real sockets on the loopback, and how sessions end.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "world.h"

static void a_good_node_is_welcome(void **state)
{
	struct world *w = *state;
	struct client *c = dial(w, "a");

	assert_non_null(c);
	say_hello(c, ZERO);
	json_t *welcome = client_expect(c, "welcome");
	assert_string_equal(text_in(welcome, "name"), "a");
	assert_string_equal(text_in(welcome, "observe"), "reset");
	assert_int_equal(json_integer_value(json_object_get(welcome, "revision")), 7);
	json_decref(welcome);
	assert_int_equal(w->connected, 1);
	assert_int_equal(hub_count(w->hub), 1);
	assert_true(hub_is_connected(w->hub, 1));
	assert_alive(w, c, 1);
	client_close(c);
	turn(&w->loop, 100);
	assert_int_equal(w->disconnected, 1);
	assert_int_equal(hub_count(w->hub), 0);
}

static void ipv6_works_too(void **state)
{
	struct world *w = *state;
	const struct client_options o = { .loop = &w->loop,
					  .port = hub_port(w->hub, 1),
					  .dir = w->dir,
					  .certificate = "b",
					  .is_v6 = true };
	struct client *c = client_open(&o);

	assert_non_null(c);
	say_hello(c, ZERO);
	json_decref(client_expect(c, "welcome"));
	client_close(c);
}

// TLS 1.3 tells a client of a refused certificate after its own part is done: the upgrade fails.
static void strangers_are_refused(void **state)
{
	struct world *w = *state;

	assert_null(dial(w, NULL));
	assert_null(dial(w, "stranger"));
	assert_null(dial(w, "late-stranger"));
	assert_null(dial(w, "early"));
	assert_int_equal(w->connected, 0);
}

static void other_subprotocols_are_refused(void **state)
{
	struct world *w = *state;
	const struct client_options o = { .loop = &w->loop,
					  .port = hub_port(w->hub, 0),
					  .dir = w->dir,
					  .certificate = "a",
					  .subprotocol = "chat" };
	struct client *c = client_open(&o);

	assert_true(!c || client_is_closed_within(c, 2000));
	client_close(c);
	assert_int_equal(hub_count(w->hub), 0);
}

static void the_revoked_are_told(void **state)
{
	struct world *w = *state;
	struct client *c = dial(w, "revoked");

	assert_non_null(c);
	expect_bye(c, "the certificate is revoked");
	assert_true(client_is_closed_within(c, 3000)); // who does not close after a bye is closed
	client_close(c);
	c = dial(w, "z");
	say_hello(c, ZERO);
	expect_bye(c, "the node was deleted");
	client_close(c);
	assert_int_equal(w->connected, 0);
}

static void revoking_ends_a_session_at_once(void **state)
{
	struct world *w = *state;
	struct client *a = join(w, "a");
	struct client *b = join(w, "b");

	hub_disconnect(w->hub, 1, "the certificate was revoked", false);
	assert_int_equal(w->disconnected, 1);
	assert_false(hub_is_connected(w->hub, 1));
	expect_bye(a, "revoked");
	assert_alive(w, b, 2);
	client_close(a);
	client_close(b);
}

static void the_expired_may_only_renew(void **state)
{
	struct world *w = *state;
	struct client *c = dial(w, "expired");

	assert_non_null(c);
	say_hello(c, ZERO);
	json_decref(client_expect(c, "welcome"));
	assert_int_equal(w->connected, 0);
	assert_true(client_send(c, "{\"type\":\"event\",\"at\":1,\"severity\":\"info\",\"kind\":"
				   "\"x\",\"text\":\"x\"}"));
	assert_true(client_send(c, "{\"type\":\"renew\",\"csr\":\"CSR\"}"));
	json_t *renewed = client_expect(c, "renewed");
	assert_string_equal(text_in(renewed, "certificate"), "CERT");
	json_decref(renewed);
	assert_int_equal(w->renewals, 1);
	assert_int_equal(w->events, 0);
	expect_bye(c, "new certificate"); // and comes back with it
	client_close(c);
}

static int reload(struct world *w, const char *certificate, const char *key, struct err *err)
{
	char certificate_file[128];
	char key_file[128];

	(void)snprintf(certificate_file, sizeof(certificate_file), "%s/%s.crt", w->dir,
		       certificate);
	(void)snprintf(key_file, sizeof(key_file), "%s/%s.key", w->dir, key);
	return hub_reload_certificate(w->hub, certificate_file, key_file, err);
}

static void a_new_certificate_is_shown_without_a_restart(void **state)
{
	struct world *w = *state;
	struct client *before = join(w, "a");
	long serial = client_server_serial(before);
	struct err err = { 0 };

	assert_int_equal(reload(w, "next", "server", &err), -EINVAL);
	assert_non_null(strstr(err.text, "next.crt"));
	assert_int_equal(reload(w, "absent", "absent", &err), -EINVAL);
	struct client *still = join(w, "b");
	assert_int_equal(client_server_serial(still), serial);
	client_close(still);
	assert_int_equal(reload(w, "next", "next", NULL), 0);
	struct client *after = join(w, "b");
	assert_int_not_equal(client_server_serial(after), serial);
	assert_alive(w, before, 1);
	client_close(before);
	client_close(after);
}

static void the_newer_session_takes_the_place(void **state)
{
	struct world *w = *state;
	struct client *older = join(w, "a");
	struct client *newer = join(w, "a");

	expect_bye(older, "newer session");
	assert_int_equal(w->connected, 2);
	assert_int_equal(w->disconnected, 1);
	assert_int_equal(hub_count(w->hub), 1);
	client_close(older);
	assert_alive(w, newer, 1);
	client_close(newer);
}

static void other_protocols_are_named(void **state)
{
	struct world *w = *state;
	struct client *c = dial(w, "a");

	assert_true(client_send(c, "{\"type\":\"hello\",\"protocol\":{\"major\":2,\"minor\":0},"
				   "\"version\":\"9\",\"boot_id\":\"b\",\"public_key\":\"" KEY_B64
				   "\",\"base\":{\"revision\":0,\"digest\":\"" ZERO "\"}}"));
	expect_bye(c, "protocol 2");
	client_close(c);
}

static void stopping_says_bye(void **state)
{
	struct world *w = *state;
	struct client *c = join(w, "a");

	hub_stop(w->hub, world_on_stopped, w);
	expect_bye(c, "stopping");
	client_close(c);
	for (int i = 0; i < 300 && !w->is_stopped; i++)
		turn(&w->loop, 10);
	assert_true(w->is_stopped);
	w->is_stopped = false;
	world_start_hub(w); // and it can begin anew, and tear_down has something to stop
	c = join(w, "a");
	client_close(c);
}

static void signals_are_left_alone(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct sigaction now;

		assert_int_equal(sigaction(signals[i], NULL, &now), 0);
		assert_true(now.sa_handler == SIG_DFL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB_TEST(a_good_node_is_welcome),
		HUB_TEST(ipv6_works_too),
		HUB_TEST(strangers_are_refused),
		HUB_TEST(other_subprotocols_are_refused),
		HUB_TEST(the_revoked_are_told),
		HUB_TEST(revoking_ends_a_session_at_once),
		HUB_TEST(the_expired_may_only_renew),
		HUB_TEST(a_new_certificate_is_shown_without_a_restart),
		HUB_TEST(the_newer_session_takes_the_place),
		HUB_TEST(other_protocols_are_named),
		HUB_TEST(stopping_says_bye),
		HUB_TEST(signals_are_left_alone),
	};

	world_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
