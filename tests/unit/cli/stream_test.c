// Server-sent events cut anywhere, the lines made of them, and the path between two nodes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clean.h"
#include "base/text.h"

#include "cli/live.h"
#include "cli/path.h"
#include "cli/sse.h"

static int note(const char *type, const char *id, const char *data, void *user)
{
	text_addf(user, "<%s|%s|%s>", type, id, data);
	return 0;
}

static void cuts_streams(void **state)
{
	(void)state;
	static const char stream[] = ": hello\n\n"
				     "event: node\nid: c-1\ndata: {\"a\":\ndata: 1}\n\n"
				     "data:x\r\n\r\n"
				     "event: gone\n\n"
				     "id: c-3\rdata: y\r\r"
				     "data\n\n"
				     "unknown: z\ndata: unfinished\n";
	static const char wanted[] =
		"<node|c-1|{\"a\":\n1}><message|c-1|x><message|c-3|y><message|c-3|>";
	for (size_t cut = 1; cut < sizeof(stream); cut++) {
		CLEAN(text_free) struct text got = { 0 };
		struct sse sse = { .event = note, .user = &got };
		for (size_t at = 0; at < sizeof(stream) - 1; at += cut) {
			size_t left = sizeof(stream) - 1 - at;
			assert_int_equal(sse_feed(&sse, stream + at, left < cut ? left : cut), 0);
		}
		assert_string_equal(got.data, wanted);
		sse_done(&sse);
	}
}

static void filters_messages(void **state)
{
	(void)state;
	json_auto_t *event =
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "node", "rho", "severity", "error", "kind",
			  "link_down", "at", "then", "text", "it broke");
	const struct {
		struct live_filter filter;
		const char *type;
		const char *line;
	} cases[] = {
		{ { 0 }, "event", "then error   rho: it broke\n" },
		{ { .node = "bob" }, "event", NULL },
		{ { .only_events = true }, "entry", NULL },
		{ { .severity = "warning", .kind = "link_" },
		  "event",
		  "then error   rho: it broke\n" },
		{ { .kind = "link_up" }, "event", NULL },
		{ { .is_json = true, .node = "rho" },
		  "event",
		  "{\"type\":\"event\",\"id\":\"7\",\"data\":{\"node\":\"rho\",\"severity\":"
		  "\"error\",\"kind\":\"link_down\","
		  "\"at\":\"then\",\"text\":\"it broke\"}}\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(text_free) struct text t = { 0 };
		live_add_message(&t, cases[i].type, "7", event, &cases[i].filter, false);
		if (cases[i].line)
			assert_string_equal(t.data, cases[i].line);
		else
			assert_int_equal(t.len, 0);
	}
}

static void finds_paths(void **state)
{
	(void)state;
	static const char topology[] =
		"{\"segments\":[{\"name\":\"lan\",\"ports\":["
		"{\"node\":\"a\",\"peer\":\"b\",\"state\":\"forwarding\"},"
		"{\"node\":\"b\",\"peer\":\"a\",\"state\":\"forwarding\"},"
		"{\"node\":\"b\",\"peer\":\"c\",\"state\":\"forwarding\"},"
		"{\"node\":\"c\",\"peer\":\"b\",\"state\":\"forwarding\"},"
		"{\"node\":\"a\",\"peer\":\"c\",\"state\":\"forwarding\"},"
		"{\"node\":\"c\",\"peer\":\"a\",\"state\":\"blocking\"}]}],"
		"\"links\":[{\"network\":\"home\",\"a\":\"a\",\"b\":\"d\",\"state\":\"up\"},"
		"{\"network\":\"home\",\"a\":\"d\",\"b\":\"e\",\"state\":\"down\"}]}";
	json_auto_t *json = json_loads(topology, 0, NULL);
	static const struct {
		const char *from, *to, *path;
	} cases[] = {
		{ "a", "c", "a → b → c (segment lan)" }, // not over the blocked wire
		{ "a", "a", "a (segment lan)" },
		{ "a", "d", "a → d (links)" },
		{ "a", "e", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(text_free) struct text t = { 0 };
		bool is_found = path_describe(&t, json, cases[i].from, cases[i].to);
		assert_int_equal(is_found, cases[i].path != NULL);
		if (cases[i].path)
			assert_string_equal(t.data, cases[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_streams),
		cmocka_unit_test(filters_messages),
		cmocka_unit_test(finds_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
