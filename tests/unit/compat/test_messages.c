// Every message that a release has ever sent is understood, and so is one that a later release may
// send in its place.

#include <errno.h>
#include <string.h>

#include "base/clean.h"

#include "conversation.h"

static json_t *schema[2]; // "$defs" of up.json and down.json

static int load_schema(void **state)
{
	static const char *const files[] = { [MSG_UP] = "up", [MSG_DOWN] = "down" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char path[512];

		(void)snprintf(path, sizeof path, WEFT_SOURCE_DIR "/schema/messages/%s.json",
			       files[i]);
		json_auto_t *json = json_load_file(path, 0, NULL);
		schema[i] = json_incref(json_object_get(json, "$defs"));
		assert_true(json_is_object(schema[i]));
	}
	return 0;
}

static int free_schema(void **state)
{
	(void)state;
	json_decref(schema[MSG_UP]);
	json_decref(schema[MSG_DOWN]);
	return 0;
}

static void assert_understood(const struct conversation *c, size_t at, const json_t *changed)
{
	CLEAN(free_ptr) char *text = json_dumps(changed, JSON_COMPACT);
	struct msg msg;
	struct err err = { 0 };

	assert_non_null(text);
	if (msg_decode(conversation_at(c, at).from, text, strlen(text), &msg, &err) < 0)
		fail_msg("%s, message %zu: %s\n%s", c->file, at, err.text, text);
	msg_done(&msg);
}

static json_t *parsed(const struct conversation *c, size_t at)
{
	return json_loads(conversation_at(c, at).text, 0, NULL);
}

// What is said is said again in the same words: nothing was dropped, nothing made up.
static void replay_as_they_are(const struct conversation *c)
{
	for (size_t at = 0; at < c->count; at++) {
		struct msg msg = conversation_decode(c, at);
		CLEAN(text_free) struct text out = { 0 };
		struct err err = { 0 };

		assert_int_equal(msg_type_direction(msg.type), conversation_at(c, at).from);
		if (msg_encode(&msg, &out, &err) < 0)
			fail_msg("%s, message %zu: %s", c->file, at, err.text);
		json_auto_t *before = parsed(c, at);
		json_auto_t *after = json_loads(out.data, 0, NULL);
		if (!json_equal(before, after))
			fail_msg("%s, message %zu: %s\nbecame %s", c->file, at,
				 conversation_at(c, at).text, out.data);
		msg_done(&msg);
	}
}

// A field may be new in the message and in every object within it whose names are fields.
static void add_fields(json_t *json, const char *name)
{
	static const char *const open[] = { "set", "values", "result", "args" };
	const char *inner;
	json_t *value;
	size_t i;

	for (i = 0; i < ARRAY_LEN(open); i++)
		if (name && strcmp(name, open[i]) == 0)
			return;
	json_array_foreach(json, i, value) add_fields(value, NULL);
	if (!json_is_object(json))
		return;
	json_object_foreach(json, inner, value) add_fields(value, inner);
	(void)json_object_set_new(json, "later", json_pack("{s:[i, n]}", "is", 1));
}

static void replay_with_unknown_fields(const struct conversation *c)
{
	for (size_t at = 0; at < c->count; at++) {
		json_auto_t *json = parsed(c, at);

		add_fields(json, NULL);
		assert_understood(c, at, json);
	}
}

static bool is_required(const json_t *required, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(required, i, one)
	{
		if (strcmp(json_string_value(one), name) == 0)
			return true;
	}
	return false;
}

// An earlier release does not send what the contract does not demand.
static void replay_with_what_is_required(const struct conversation *c)
{
	for (size_t at = 0; at < c->count; at++) {
		json_auto_t *json = parsed(c, at);
		const char *type = json_string_value(json_object_get(json, "type"));
		const json_t *rule = json_object_get(schema[conversation_at(c, at).from], type);
		const json_t *required = json_object_get(rule, "required");
		const char *name;
		json_t *value;
		void *next;

		assert_true(json_is_array(required));
		json_object_foreach_safe(json, next, name, value)
		{
			if (!is_required(required, name))
				(void)json_object_del(json, name);
		}
		assert_understood(c, at, json);
	}
}

static void recorded_messages_are_understood(void **state)
{
	(void)state;
	conversation_each(replay_as_they_are);
}

static void unknown_fields_do_no_harm(void **state)
{
	(void)state;
	conversation_each(replay_with_unknown_fields);
}

static void optional_fields_may_be_missing(void **state)
{
	(void)state;
	conversation_each(replay_with_what_is_required);
}

static bool has_been_said[2][32];

static void replay_for_types(const struct conversation *c)
{
	for (size_t at = 0; at < c->count; at++) {
		struct msg msg = conversation_decode(c, at);

		has_been_said[conversation_at(c, at).from][msg.type] = true;
		msg_done(&msg);
	}
}

// Whoever adds a message records it. `observe` down is for nodes that lie, which none here does.
static void every_type_was_recorded(void **state)
{
	(void)state;
	conversation_each(replay_for_types);
	for (enum msg_type type = MSG_HELLO; type <= MSG_BYE; type++)
		if (type != MSG_REOBSERVE && !has_been_said[msg_type_direction(type)][type])
			fail_msg("no conversation has a message %s", msg_type_name(type));
}

static int decode_up(const char *text, struct msg *ret)
{
	return msg_decode(MSG_UP, text, strlen(text), ret, NULL);
}

static void words_of_later_versions_are_taken(void **state)
{
	struct msg msg;

	(void)state;
	assert_int_equal(decode_up("{\"type\":\"later\",\"x\":{}}", &msg), -ENOMSG);
	assert_int_equal(decode_up("{\"type\":\"event\",\"at\":1,\"severity\":\"notice\","
				   "\"kind\":\"a\",\"text\":\"\"}",
				   &msg),
			 0);
	assert_string_equal(msg.event.severity, "warning");
	msg_done(&msg);
	// Another protocol may say hello in other words: its number is what counts.
	assert_int_equal(decode_up("{\"type\":\"hello\",\"protocol\":{\"major\":2},"
				   "\"version\":[3],\"base\":null}",
				   &msg),
			 0);
	assert_int_equal(msg.hello.protocol_major, 2);
	msg_done(&msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_messages_are_understood),
		cmocka_unit_test(unknown_fields_do_no_harm),
		cmocka_unit_test_setup_teardown(optional_fields_may_be_missing, load_schema,
						free_schema),
		cmocka_unit_test(every_type_was_recorded),
		cmocka_unit_test(words_of_later_versions_are_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
