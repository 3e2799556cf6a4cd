// How a node gets to its target by the hub, and what it tells comes through.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "world.h"

static void a_node_behind_gets_the_difference(void **state)
{
	struct world *w = *state;
	CLEAN(entry_set_free_ptr) struct entry_set *mine = entry_set_new();
	struct client *c = dial(w, "a");
	char digest[DIGEST_TEXT_SIZE];

	fill_set(w->target, 8000, "{\"v\":1}");
	fill_set(mine, 4000, "{\"v\":1}");
	fill_set(mine, 10, "{\"v\":2}");
	assert_int_equal(entry_set_put(mine, "old", "{}", 2, NULL), 1);
	digest_format(entry_set_digest(mine), digest);
	say_hello(c, digest);
	json_decref(client_expect(c, "welcome"));
	json_decref(client_expect(c, "resync"));
	assert_int_equal(msg_keys_frames(mine, send_frame, c, NULL), 0);
	follow(c, mine);
	assert_true(digest_equal(entry_set_digest(mine), entry_set_digest(w->target)));
	client_close(c);
}

static void commits_are_pushed(void **state)
{
	struct world *w = *state;
	CLEAN(entry_set_free_ptr) struct entry_set *mine = entry_set_new();
	struct client *c = join(w, "a");

	push(w, "bridge/lan", "{\"mtu\":1500}");
	push(w, "bridge/wan", "{}");
	push(w, "bridge/wan", NULL);
	follow(c, mine);
	assert_int_equal(entry_set_count(mine), 1);
	follow(c, mine);
	follow(c, mine);
	assert_true(digest_equal(entry_set_digest(mine), entry_set_digest(w->target)));
	assert_true(client_send(c, "{\"type\":\"applied\",\"revision\":10,\"digest\":\"" ZERO
				   "\",\"errors\":[],\"writes\":1}"));
	// A delta on a base that the node does not have leads to a comparison.
	w->revision++;
	assert_int_equal(entry_set_put(w->target, "x", "{}", 2, NULL), 1);
	push(w, "y", "{}");
	json_decref(client_expect(c, "resync"));
	push(w, "z", "{}"); // meanwhile
	assert_int_equal(msg_keys_frames(mine, send_frame, c, NULL), 0);
	follow(c, mine);
	assert_true(digest_equal(entry_set_digest(mine), entry_set_digest(w->target)));
	push(w, "z", NULL);
	follow(c, mine);
	assert_int_equal(entry_set_count(mine), 3);
	assert_int_equal(w->applied, 1);
	client_close(c);
}

static void a_node_that_never_agrees_is_ended(void **state)
{
	struct world *w = *state;
	struct client *c = join(w, "a");

	fill_set(w->target, 3, "{}");
	for (int i = 0; i < 12; i++)
		(void)client_send(c, "{\"type\":\"keys\",\"entries\":[],\"digest\":\"" ZERO "\"}");
	json_t *json = NULL;
	for (int i = 0; i < 12; i++) {
		json_decref(json);
		json = client_receive(c);
		assert_non_null(json);
		if (strcmp(text_in(json, "type"), "bye") == 0)
			break;
	}
	assert_non_null(strstr(text_in(json, "reason"), "does not come to the desired state"));
	json_decref(json);
	client_close(c);
}

static void a_lying_digest_is_asked_again_then_ended(void **state)
{
	static const char lie[] = "{\"type\":\"observe\",\"reset\":true,\"set\":{\"node/self\":"
				  "\"{}\"},\"digest\":\"" ZERO "\"}";
	struct world *w = *state;
	struct client *c = join(w, "a");

	assert_true(client_send(c, lie));
	json_decref(client_expect(c, "observe"));
	assert_true(client_send(c, lie));
	json_decref(client_expect(c, "observe"));
	assert_true(client_send(c, lie));
	expect_bye(c, "digest");
	client_close(c);
}

static void true_observations_are_kept(void **state)
{
	struct world *w = *state;
	CLEAN(entry_set_free_ptr) struct entry_set *set = entry_set_new();
	struct client *c = join(w, "a");

	fill_set(set, 9000, "{\"state\":\"up\"}");
	assert_int_equal(msg_observe_all_frames(set, send_frame, c, NULL), 0);
	assert_alive(w, c, 1);
	assert_int_equal(entry_set_count(w->observed), 9000);
	client_close(c);
}

static void samples_come_only_while_wanted(void **state)
{
	static const char sample[] = "{\"type\":\"samples\",\"at\":1,\"values\":{}}";
	struct world *w = *state;
	struct client *c = join(w, "a");

	assert_true(client_send(c, sample));
	assert_alive(w, c, 1);
	hub_samples_want(w->hub, HUB_ALL_NODES, 1);
	hub_samples_want(w->hub, 1, 1);
	json_t *on = client_expect(c, "samples");
	assert_true(json_is_true(json_object_get(on, "on")));
	json_decref(on);
	assert_int_equal(w->samples, 0);
	assert_true(client_send(c, sample));
	hub_samples_want(w->hub, HUB_ALL_NODES, -1);
	assert_alive(w, c, 1);
	assert_int_equal(w->samples, 1);
	hub_samples_want(w->hub, 1, -1);
	json_t *off = client_expect(c, "samples");
	assert_true(json_is_false(json_object_get(off, "on")));
	json_decref(off);
	client_close(c);
}

static void requests_end_once(void **state)
{
	struct world *w = *state;
	struct client *c = join(w, "a");
	uint64_t id = 0;

	assert_int_equal(ask(w, 9, 100, NULL), -ENOTCONN);
	assert_int_equal(ask(w, 1, 100, NULL), 0);
	turn(&w->loop, 700);
	assert_int_equal(w->answers, 1);
	assert_string_equal(w->answer, "the node did not answer in time");
	assert_int_equal(ask(w, 1, 60000, &id), 0);
	hub_request_cancel(w->hub, id);
	assert_int_equal(ask(w, 1, 60000, &id), 0);
	client_close(c);
	turn(&w->loop, 100);
	assert_int_equal(w->answers, 2);
	assert_non_null(strstr(w->answer, "the node went away"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB_TEST(a_node_behind_gets_the_difference),
		HUB_TEST(commits_are_pushed),
		HUB_TEST(a_node_that_never_agrees_is_ended),
		HUB_TEST(a_lying_digest_is_asked_again_then_ended),
		HUB_TEST(true_observations_are_kept),
		HUB_TEST(samples_come_only_while_wanted),
		HUB_TEST(requests_end_once),
	};

	world_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
