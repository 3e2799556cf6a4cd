// Every message survives encode and decode; whatever is wrong is refused by a sentence that names
// the field.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#include "wire/message.h"

#define ZERO    "00000000000000000000000000000000"
#define KEY_B64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define HELLO                                                                                      \
	"{\"type\":\"hello\",\"protocol\":{\"major\":1,\"minor\":0},\"version\":\"0.1.0\","        \
	"\"boot_id\":\"b\",\"public_key\":\"" KEY_B64                                              \
	"\",\"base\":{\"revision\":3,\"digest\":\"" ZERO "\"},\"observed_digest\":\"" ZERO "\"}"

struct good {
	enum msg_direction from;
	const char *text;
};

// In the encoder's own order, so that decoding and encoding gives the very text.
static const struct good goods[] = {
	{ MSG_UP, HELLO },
	{ MSG_UP, "{\"type\":\"applied\",\"revision\":7,\"digest\":\"" ZERO
		  "\",\"writes\":2,\"errors_total\":1,\"errors\":[{\"entry\":\"peer/home/bob\","
		  "\"text\":\"no such device\",\"blocked_by\":null}]}" },
	{ MSG_UP, "{\"type\":\"applied\",\"revision\":7,\"digest\":\"" ZERO
		  "\",\"writes\":2,\"errors_total\":0,\"refused\":8,\"refused_text\":\"it cut\","
		  "\"errors\":[]}" },
	{ MSG_UP, "{\"type\":\"keys\",\"entries\":[[\"" ZERO "\",\"" ZERO "\"]],\"digest\":\"" ZERO
		  "\",\"more\":true}" },
	{ MSG_UP, "{\"type\":\"observe\",\"reset\":true,\"set\":{\"node/self\":\"{\\\"a\\\":1}\"},"
		  "\"drop\":[\"peer/home/bob\"],\"digest\":\"" ZERO "\",\"more\":false}" },
	{ MSG_UP, "{\"type\":\"samples\",\"at\":1700000000000,\"values\":{\"node/self\":"
		  "{\"rss_kb\":4100}}}" },
	{ MSG_UP, "{\"type\":\"event\",\"at\":1,\"severity\":\"info\",\"kind\":\"drift_repaired\","
		  "\"entry\":null,\"text\":\"a \\\"quoted\\\" \\u0001 \xc3\xa4\"}" },
	{ MSG_UP, "{\"type\":\"renew\",\"csr\":\"PEM\"}" },
	{ MSG_UP, "{\"type\":\"ask\",\"id\":4,\"verb\":\"reach\",\"args\":{\"token\":\"0\"}}" },
	{ MSG_DOWN, "{\"type\":\"answer\",\"id\":4,\"ok\":true,\"result\":{},\"error\":null}" },
	{ MSG_UP, "{\"type\":\"response\",\"id\":4,\"ok\":true,\"result\":[1,{}],\"error\":null}" },
	{ MSG_UP,
	  "{\"type\":\"response\",\"id\":4,\"ok\":false,\"result\":null,\"error\":\"no\"}" },
	{ MSG_DOWN, "{\"type\":\"welcome\",\"version\":\"0.1.0\",\"name\":\"rho\",\"revision\":9,"
		    "\"samples\":false,\"observe\":\"reset\"}" },
	{ MSG_DOWN,
	  "{\"type\":\"welcome\",\"version\":\"0.1.0\",\"name\":\"rho\",\"revision\":9,"
	  "\"samples\":false,\"observe\":\"reset\",\"hubs\":[\"wss://c.example:8444/agent\"]}" },
	{ MSG_DOWN, "{\"type\":\"welcome\",\"version\":\"0.1.0\",\"name\":\"rho\",\"revision\":9,"
		    "\"samples\":false,\"observe\":\"reset\",\"uptime_ms\":12}" },
	{ MSG_DOWN, "{\"type\":\"desired\",\"revision\":9,\"base_digest\":\"" ZERO
		    "\",\"set\":{\"bridge/lan\":\"{}\"},\"drop\":[\"#" ZERO "\"],\"digest\":\"" ZERO
		    "\",\"more\":false}" },
	{ MSG_DOWN, "{\"type\":\"resync\"}" },
	{ MSG_DOWN, "{\"type\":\"observe\",\"reset\":true}" },
	{ MSG_DOWN, "{\"type\":\"samples\",\"on\":true}" },
	{ MSG_DOWN, "{\"type\":\"renewed\",\"certificate\":\"PEM\"}" },
	{ MSG_DOWN, "{\"type\":\"request\",\"id\":1,\"verb\":\"ping\",\"args\":{\"count\":3}}" },
	{ MSG_DOWN, "{\"type\":\"bye\",\"reason\":\"revoked\",\"retry\":false}" },
};

static void good_messages_survive(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(goods); i++) {
		CLEAN(text_free) struct text again = { 0 };
		struct msg msg;
		struct err err = { 0 };

		if (msg_decode(goods[i].from, goods[i].text, strlen(goods[i].text), &msg, &err) < 0)
			fail_msg("%s\n%s", goods[i].text, err.text);
		assert_int_equal(msg_type_direction(msg.type), goods[i].from);
		assert_int_equal(msg_encode(&msg, &again, &err), 0);
		assert_string_equal(again.data, goods[i].text);
		msg_done(&msg);
	}
}

struct bad {
	enum msg_direction from;
	int code;
	const char *says; // part of the sentence
	const char *text;
};

static const struct bad bads[] = {
	{ MSG_UP, -EBADMSG, "not valid JSON", "" },
	{ MSG_UP, -EBADMSG, "not valid JSON", "\xff" },
	{ MSG_UP, -EBADMSG, "not valid JSON", "{\"type\":\"hello\"" },
	{ MSG_UP, -EBADMSG, "not valid JSON", "{\"type\":\"renew\",\"csr\":\"\xc3\x28\"}" },
	{ MSG_UP, -EBADMSG, "not valid JSON", "{\"type\":\"renew\",\"csr\":\"\\u0000\"}" },
	{ MSG_UP, -EBADMSG, "not valid JSON", "{\"type\":\"renew\",\"csr\":\"a\",\"csr\":\"b\"}" },
	{ MSG_UP, -EBADMSG, "not an object", "[]" },
	{ MSG_UP, -EBADMSG, "nested", "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]" },
	{ MSG_UP, -EBADMSG, "message.type: expected a string, got nothing", "{}" },
	{ MSG_UP, -EBADMSG, "got a number", "{\"type\":7}" },
	{ MSG_UP, -ENOMSG, "unknown", "{\"type\":\"dance\"}" },
	{ MSG_UP, -ENOMSG, "unknown", "{\"type\":\"welcome\"}" },
	{ MSG_DOWN, -ENOMSG, "unknown", "{\"type\":\"hello\"}" },
	{ MSG_UP, -EBADMSG, "hello.protocol: expected an object", "{\"type\":\"hello\"}" },
	{ MSG_UP, -EBADMSG, "hello.protocol.minor: -1 is not in 0..2^53",
	  "{\"type\":\"hello\",\"protocol\":{\"major\":1,\"minor\":-1}}" },
	{ MSG_UP, -EBADMSG, "hello.protocol.major: expected a number, got a fraction",
	  "{\"type\":\"hello\",\"protocol\":{\"major\":1.5,\"minor\":0}}" },
	{ MSG_UP, -EBADMSG, "public_key",
	  "{\"type\":\"hello\",\"protocol\":{\"major\":1,\"minor\":0},\"version\":\"1\","
	  "\"boot_id\":\"b\",\"public_key\":\"AAAA\"}" },
	{ MSG_UP, -EBADMSG, "keys.entries: expected pairs",
	  "{\"type\":\"keys\",\"entries\":[[\"00\",\"11\"]]}" },
	{ MSG_UP, -EBADMSG, "item 0", "{\"type\":\"keys\",\"entries\":[[]]}" },
	{ MSG_UP, -EBADMSG, "keys.digest: expected 32 hex digits",
	  "{\"type\":\"keys\",\"entries\":[],\"digest\":\"xyz\"}" },
	{ MSG_UP, -EBADMSG, "keys.more: expected true or false, got a number",
	  "{\"type\":\"keys\",\"entries\":[],\"digest\":\"" ZERO "\",\"more\":1}" },
	{ MSG_UP, -EBADMSG, "observe.set: the key that begins \"peer/\"",
	  "{\"type\":\"observe\",\"set\":{\"peer/A\":\"{}\"}}" },
	{ MSG_UP, -EBADMSG, "got a number", "{\"type\":\"observe\",\"set\":{\"a\":7}}" },
	{ MSG_UP, -EBADMSG, "a: a body", "{\"type\":\"observe\",\"set\":{\"a\":\"[]\"}}" },
	{ MSG_UP, -EBADMSG, "control character",
	  "{\"type\":\"observe\",\"set\":{\"a\":\"{\\n}\"}}" },
	{ MSG_UP, -EBADMSG, "observe.set: expected an object",
	  "{\"type\":\"observe\",\"set\":[]}" },
	{ MSG_UP, -EBADMSG, "observe.drop", "{\"type\":\"observe\",\"drop\":[\"#" ZERO "\"]}" },
	{ MSG_UP, -EBADMSG, "observe.drop", "{\"type\":\"observe\",\"drop\":[1]}" },
	{ MSG_UP, -EBADMSG, "observe.digest", "{\"type\":\"observe\"}" },
	{ MSG_UP, -EBADMSG, "samples.values: a: expected words",
	  "{\"type\":\"samples\",\"at\":1,\"values\":{\"a\":{\"x\":\"1\"}}}" },
	{ MSG_UP, -EBADMSG, "samples.values: a: expected words",
	  "{\"type\":\"samples\",\"at\":1,\"values\":{\"a\":{\"x{y=\\\"\":1}}}" },
	{ MSG_UP, -EBADMSG, "samples.values: a: expected an object",
	  "{\"type\":\"samples\",\"at\":1,\"values\":{\"a\":1}}" },
	{ MSG_UP, -EBADMSG, "event.severity",
	  "{\"type\":\"event\",\"at\":1,\"severity\":3,\"kind\":\"a\",\"text\":\"\"}" },
	{ MSG_UP, -EBADMSG, "applied.errors.entry",
	  "{\"type\":\"applied\",\"revision\":1,\"digest\":\"" ZERO
	  "\",\"errors\":[{\"text\":\"x\"}]}" },
	{ MSG_UP, -EBADMSG, "applied.errors", "{\"type\":\"applied\",\"errors\":[3]}" },
	{ MSG_DOWN, -EBADMSG, "samples.on", "{\"type\":\"samples\"}" },
	{ MSG_DOWN, -EBADMSG, "request.args", "{\"type\":\"request\",\"id\":1,\"verb\":\"ping\"}" },
};

static void bad_messages_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
		struct msg msg;
		struct err err = { 0 };
		int rc = msg_decode(bads[i].from, bads[i].text, strlen(bads[i].text), &msg, &err);

		if (rc == 0)
			msg_done(&msg);
		if (rc != bads[i].code || !strstr(err.text, bads[i].says))
			fail_msg("%s\n-> %d \"%s\"", bads[i].text, rc, err.text);
	}
}

// Every prefix of a good message, and every message with one byte changed, is answered, not crashed
// upon.
static void mutilated_messages_are_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(goods); i++) {
		size_t len = strlen(goods[i].text);
		char copy[1024];
		struct msg msg;

		memcpy(copy, goods[i].text, len + 1);
		for (size_t cut = 0; cut < len; cut++)
			assert_true(msg_decode(goods[i].from, copy, cut, &msg, NULL) < 0);
		for (size_t at = 0; at < len; at++) {
			for (int bit = 0; bit < 8; bit++) {
				copy[at] = (char)(goods[i].text[at] ^ (1 << bit));
				if (msg_decode(goods[i].from, copy, len, &msg, NULL) == 0)
					msg_done(&msg);
			}
			copy[at] = goods[i].text[at];
		}
	}
}

static void too_many_and_too_large(void **state)
{
	CLEAN(text_free) struct text many = { 0 };
	CLEAN(text_free) struct text large = { 0 };
	struct err err = { 0 };
	struct msg msg;

	(void)state;
	text_add(&many, "{\"type\":\"observe\",\"drop\":[\"a\"");
	for (int i = 0; i < WIRE_ENTRIES_MAX; i++)
		text_add(&many, ",\"a\"");
	text_add(&many, "],\"digest\":\"" ZERO "\"}");
	assert_int_equal(msg_decode(MSG_UP, many.data, many.len, &msg, &err), -E2BIG);
	assert_non_null(strstr(err.text, "4097"));
	while (large.len <= WIRE_FRAME_MAX)
		text_add(&large,
			 "                                                                ");
	assert_int_equal(msg_decode(MSG_UP, large.data, large.len, &msg, &err), -E2BIG);
}

static void unknown_fields_are_ignored(void **state)
{
	static const char text[] = "{\"type\":\"bye\",\"reason\":\"x\",\"later\":{\"a\":[1,2]}}";
	struct msg msg;

	(void)state;
	assert_int_equal(msg_decode(MSG_DOWN, text, sizeof(text) - 1, &msg, NULL), 0);
	assert_true(msg.bye.retry);
	msg_done(&msg);
}

static void the_encoder_keeps_its_own_rules(void **state)
{
	CLEAN(text_free) struct text out = { 0 };
	CLEAN(text_free) struct text second = { 0 };
	char sentence[3000];
	struct msg msg = { .type = MSG_RENEW };
	struct err err;

	(void)state;
	assert_int_equal(msg_encode(&msg, &out, &err), -EINVAL);
	assert_string_equal(err.text, "renew.csr: missing");
	memset(sentence, 'x', sizeof(sentence) - 1);
	sentence[sizeof(sentence) - 1] = '\0';
	memcpy(sentence + WIRE_TEXT_MAX - 1, "\xc3\xa4", 2); // a character across the limit
	sentence[0] = '\xff';
	msg = (struct msg){ .type = MSG_BYE, .bye = { .reason = sentence } };
	assert_int_equal(msg_encode(&msg, &second, &err), 0);
	assert_int_equal(msg_decode(MSG_DOWN, second.data, second.len, &msg, &err), 0);
	assert_int_equal(strlen(msg.bye.reason), WIRE_TEXT_MAX - 1);
	assert_int_equal(msg.bye.reason[0], '?');
	msg_done(&msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_messages_survive),
		cmocka_unit_test(bad_messages_are_refused),
		cmocka_unit_test(mutilated_messages_are_answered),
		cmocka_unit_test(too_many_and_too_large),
		cmocka_unit_test(unknown_fields_are_ignored),
		cmocka_unit_test(the_encoder_keeps_its_own_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
