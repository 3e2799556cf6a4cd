// Today's hub heard by the agents of every release, and by one that says more than
// they know. The world of the hub's tests plays the controller.

#include <stdio.h>
#include <string.h>

#include "conversation.h"
#include "world.h"

enum { PACE_MS = 20 }; // a message; the world's hub takes 50 a second

static struct world *world;
static bool is_later; // what a later version says comes between

static void send_up(struct client *client, const struct said *said)
{
	static const char unknown[] = "{\"type\":\"later\",\"deep\":[[[]]]}";
	char longer[65536];

	if (!is_later) {
		assert_true(client_send(client, said->text));
		return;
	}
	assert_true(client_send(client, unknown));
	int n = snprintf(longer, sizeof longer, "%.*s,\"later\":{}}", (int)said->len - 1,
			 said->text);
	assert_in_range(n, 1, (int)sizeof longer - 1);
	assert_true(client_send(client, longer));
}

// What the controller told then, the world's tells now.
static void commit(const struct msg_desired *desired)
{
	CLEAN(entry_delta_done)
	struct entry_delta delta = { .base = desired->base, .digest = desired->digest };

	for (size_t i = 0; i < desired->count; i++)
		assert_int_equal(entry_delta_add(&delta, desired->changes[i].key,
						 desired->changes[i].body,
						 desired->changes[i].body_len),
				 0);
	assert_int_equal(entry_set_change(world->target, desired->changes, desired->count, NULL),
			 0);
	assert_true(digest_equal(entry_set_digest(world->target), desired->digest));
	world->revision = desired->revision;
	hub_push(world->hub, 1, desired->revision, &delta);
}

struct tally {
	int applied;
	int events;
	struct digest observed;
};

static bool has_heard(const struct tally *tally)
{
	return world->applied == tally->applied && world->events == tally->events &&
	       digest_equal(entry_set_digest(world->observed), tally->observed);
}

// From the hello at `at` to the next; the session stands to its end. Returns where that is.
static size_t replay_session(const struct conversation *c, size_t at, struct tally *tally)
{
	struct client *client = dial(world, "a");

	assert_non_null(client);
	for (size_t first = at; at < c->count; at++) {
		struct said said = conversation_at(c, at);
		struct msg msg = conversation_decode(c, at);
		bool is_next = msg.type == MSG_HELLO && at > first;

		if (!is_next && said.from == MSG_UP)
			send_up(client, &said);
		else if (msg.type == MSG_DESIRED)
			commit(&msg.desired);
		tally->applied += msg.type == MSG_APPLIED && !is_next;
		tally->events += msg.type == MSG_EVENT;
		if (msg.type == MSG_OBSERVE)
			tally->observed = msg.observe.digest;
		if (said.from == MSG_UP)
			turn(&world->loop, is_later ? 2 * PACE_MS : PACE_MS);
		msg_done(&msg);
		if (is_next)
			break;
	}
	for (int i = 0; i < 2000 && !has_heard(tally) && !world->disconnected; i++)
		turn(&world->loop, 5);
	if (world->disconnected)
		fail_msg("%s, before message %zu: %s", c->file, at, world->last_reason);
	client_close(client);
	for (int i = 0; i < 2000 && !world->disconnected; i++)
		turn(&world->loop, 5);
	world->disconnected = 0;
	return at;
}

static void replay(const struct conversation *c)
{
	struct tally tally = { 0 };

	entry_set_clear(world->target);
	world->revision = 0;
	world->applied = world->events = 0;
	for (size_t at = 0; at < c->count;)
		at = replay_session(c, at, &tally);
	assert_true(has_heard(&tally));
}

static void agents_of_every_release_are_heard(void **state)
{
	world = *state;
	is_later = false;
	conversation_each(replay);
}

static void agents_that_know_more_are_heard(void **state)
{
	world = *state;
	is_later = true;
	conversation_each(replay);
}

static void only_another_protocol_is_refused(void **state)
{
	struct client *later = dial(*state, "a");

	assert_true(client_send(later, "{\"type\":\"later\"}"));
	assert_true(client_send(later, "{\"type\":\"hello\",\"protocol\":{\"major\":1,\"minor\":77,"
				       "\"x\":1},\"version\":\"0.9.0\",\"boot_id\":\"b\","
				       "\"public_key\":\"" KEY_B64 "\",\"base\":{\"revision\":7,"
				       "\"digest\":\"" ZERO "\",\"x\":{}}}"));
	json_decref(client_expect(later, "welcome"));
	assert_alive(*state, later, 1);
	client_close(later);

	struct client *other = dial(*state, "b");
	assert_true(client_send(other, "{\"type\":\"hello\",\"protocol\":{\"major\":2},"
				       "\"version\":\"1.0.0\",\"keys\":[]}"));
	json_t *bye = client_expect(other, "bye");
	assert_non_null(strstr(text_in(bye, "reason"),
			       "protocol 2 of version 1.0.0 is not spoken here, 1 is"));
	assert_true(json_is_false(json_object_get(bye, "retry")));
	json_decref(bye);
	client_close(other);
}

static void the_number_alone_is_told(void **state)
{
	struct world *w = *state;
	struct client *client;

	w->revision = 9;
	client = join(w, "a"); // whose base is revision 7
	json_t *desired = client_expect(client, "desired");
	assert_int_equal(json_integer_value(json_object_get(desired, "revision")), 9);
	assert_int_equal(json_object_size(json_object_get(desired, "set")), 0);
	assert_int_equal(json_array_size(json_object_get(desired, "drop")), 0);
	assert_string_equal(text_in(desired, "digest"), text_in(desired, "base_digest"));
	json_decref(desired);
	client_close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB_TEST(agents_of_every_release_are_heard),
		HUB_TEST(agents_that_know_more_are_heard),
		HUB_TEST(only_another_protocol_is_refused),
		HUB_TEST(the_number_alone_is_told),
	};
	world_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
