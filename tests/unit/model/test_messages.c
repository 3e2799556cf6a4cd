// schema/messages: valid JSON, every message of the protocol and every entry kind is described, and
// nothing else.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <jansson.h>
#include <string.h>

#include "base/clean.h"
#include "wire/message.h"

static json_t *load_definitions(const char *path)
{
	json_error_t error;
	json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!document)
		fail_msg("%s: line %d: %s", path, error.line, error.text);
	json_t *definitions = json_incref(json_object_get(document, "$defs"));
	json_decref(document);
	return definitions;
}

static void test_entry_kinds(void **state)
{
	// Desired kinds in the order of their ranks.
	static const struct {
		const char *name;
		int rank;
	} desired[] = {
		{ "sysctl", 10 },       { "wireguard", 20 },
		{ "peer", 25 },         { "guard-base", 30 },
		{ "guard-wire", 31 },   { "guard-segment", 32 },
		{ "guard-owner", 33 },  { "guard-router", 34 },
		{ "guard-sender", 35 }, { "wire", 40 },
		{ "bridge", 50 },       { "port", 60 },
		{ "address", 70 },      { "route", 80 },
		{ "uplink", 82 },       { "gateway-group", 83 },
		{ "rule", 85 },         { "exit", 86 },
		{ "policy", 87 },       { "probe-key", 90 },
		{ "path-key", 90 },     { "ha-key", 91 },
		{ "probe", 95 },        { "echo", 95 },
		{ "ha", 96 },           { "gateway", 96 },
		{ "path", 97 },         { "outside", 98 },
		{ "splitter", 99 },     { "names", 100 },
		{ "dns-zone", 101 },    { "dns-forward", 101 },
		{ "dns-block", 102 },   { "dns", 103 },
	};
	static const char *const observed[] = { "node",    "wireguard",     "peer",    "link",
						"wire",    "bridge",        "port",    "address",
						"route",   "sysctl",        "guard",   "finding",
						"ha",      "rule",          "path",    "uplink",
						"gateway", "gateway-group", "policy",  "exit",
						"dns",     "names",         "outside", "splitter" };
	json_auto_t *down = load_definitions("schema/messages/entries-desired.json");
	json_auto_t *up = load_definitions("schema/messages/entries-observed.json");
	(void)state;
	assert_int_equal(json_object_size(down), ARRAY_LEN(desired));
	for (size_t i = 0; i < ARRAY_LEN(desired); i++) {
		const json_t *one = json_object_get(down, desired[i].name);
		assert_int_equal(json_integer_value(json_object_get(one, "x-rank")),
				 desired[i].rank);
		assert_non_null(json_object_get(json_object_get(one, "properties"), "needs"));
	}
	assert_int_equal(json_object_size(up), ARRAY_LEN(observed));
	for (size_t i = 0; i < ARRAY_LEN(observed); i++)
		assert_non_null(json_object_get(up, observed[i]));
}

// Is `definition` the message whose type is its own name?
static bool is_message(const char *name, const json_t *definition)
{
	const json_t *type = json_object_get(json_object_get(definition, "properties"), "type");
	const char *word = json_string_value(json_object_get(type, "const"));
	return word && strcmp(word, name) == 0;
}

static void test_messages(void **state)
{
	json_auto_t *up = load_definitions("schema/messages/up.json");
	json_auto_t *down = load_definitions("schema/messages/down.json");
	size_t described = 0, known = 0;
	const char *name;
	json_t *definition;
	(void)state;
	for (int type = MSG_HELLO; type <= MSG_BYE; type++) {
		const char *word = msg_type_name((enum msg_type)type);
		const json_t *in = msg_type_direction((enum msg_type)type) == MSG_UP ? up : down;
		if (!is_message(word, json_object_get(in, word)))
			fail_msg("the message %s is not described", word);
		known++;
	}
	json_object_foreach(up, name, definition) described += is_message(name, definition);
	json_object_foreach(down, name, definition) described += is_message(name, definition);
	assert_int_equal(described, known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry_kinds),
		cmocka_unit_test(test_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
