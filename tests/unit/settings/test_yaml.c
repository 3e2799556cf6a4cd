// YAML in: types, limits, and what is refused with which line. YAML out: reads back to the same
// value.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/json.h"
#include "settings/yaml.h"
#include "settings/yaml_emit.h"

static void test_values(void **state)
{
	static const char *const cases[][2] = {
		{ "", "null" },
		{ "# nothing\n", "null" },
		{ "a: {b: [1, x]}", "{\"a\":{\"b\":[1,\"x\"]}}" },
		{ "- true\n- True\n- yes\n- on\n- 'true'", "[true,true,\"yes\",\"on\",\"true\"]" },
		{ "[null, ~, Null, '', \"~\"]", "[null,null,null,\"\",\"~\"]" },
		{ "a:\nb: 1", "{\"a\":null,\"b\":1}" },
		{ "[12, -3, +4, 0x1f, 0o17, 010, '5']", "[12,-3,4,31,15,10,\"5\"]" },
		{ "[1.5, .5, 1., 1e3, -1.5E-1]", "[1.5,0.5,1.0,1000.0,-0.15]" },
		{ "[1_000, 0b1, 1:30, 1.2.3.4, 10.1.0.0/16, 5m, .]",
		  "[\"1_000\",\"0b1\",\"1:30\",\"1.2.3.4\",\"10.1.0.0/16\",\"5m\",\".\"]" },
		{ "lan: [10.1.0.0/16, \"fd00:1::/48\"]",
		  "{\"lan\":[\"10.1.0.0/16\",\"fd00:1::/48\"]}" },
		{ "t: |\n  a\n  b\n", "{\"t\":\"a\\nb\\n\"}" },
		{ "t: >\n  a\n  b\n", "{\"t\":\"a b\\n\"}" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "---\na: 1\n...\n", "{\"a\":1}" },
		{ "\xc3\xa4: \xe2\x82\xac", "{\"\xc3\xa4\":\"\xe2\x82\xac\"}" },
		{ "1: a\ntrue: b", "{\"1\":\"a\",\"true\":\"b\"}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_auto_t *value = NULL;
		json_auto_t *want = json_loads(cases[i][1], JSON_DECODE_ANY, NULL);
		struct err err = { 0 };
		if (yaml_parse(cases[i][0], strlen(cases[i][0]), NULL, NULL, &value, &err) < 0)
			fail_msg("%s: %s", cases[i][0], err.text);
		CLEAN(free_ptr) char *got_text = json_canonical(value);
		CLEAN(free_ptr) char *want_text = json_canonical(want);
		assert_string_equal(got_text, want_text);
	}
}

static void test_refusals(void **state)
{
	static const char *const cases[][2] = {
		{ "a: 1\nb: 2\na: 3\n", "f: line 3, column 1: the key a is there twice" },
		{ "a: {b: 1, b: 2}", "f: line 1, column 11: the key b is there twice" },
		{ "a: &x 1", "f: line 1, column 4: anchors and tags are not allowed" },
		{ "a: !!str 1", "f: line 1, column 4: anchors and tags are not allowed" },
		{ "a: *x", "f: line 1, column 4: aliases are not allowed" },
		{ "<<: {a: 1}", "f: line 1, column 1: merge keys are not allowed" },
		{ "[a]: 1", "f: line 1, column 1: a key must be a word" },
		{ "a: 1\n---\nb: 1\n", "f: line 2, column 1: only one document is allowed" },
		{ "a: 99999999999999999999",
		  "f: line 1, column 4: 99999999999999999999 is a number that cannot be held" },
		{ "a: .inf", "f: line 1, column 4: .inf is a number that cannot be held" },
		{ "a: 1e999", "f: line 1, column 4: 1e999 is a number that cannot be held" },
		{ "a: \"\\0\"", "f: line 1, column 4: a text holds a NUL character" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *value = NULL;
		struct err err = { 0 };
		assert_int_equal(
			yaml_parse(cases[i][0], strlen(cases[i][0]), "f", NULL, &value, &err),
			-EINVAL);
		assert_null(value);
		assert_string_equal(err.text, cases[i][1]);
	}
}

static void test_broken_text_names_its_line(void **state)
{
	static const char *const cases[] = { "a: [1, 2\nb: 3\n",
					     "a: 'x",
					     "a: b: c",
					     "\ta: 1",
					     "a: 1\n b: 2",
					     "{",
					     "]",
					     "%",
					     "@",
					     "a: %x" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *value = NULL;
		struct err err = { 0 };
		assert_int_equal(yaml_parse(cases[i], strlen(cases[i]), NULL, NULL, &value, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, "line "));
	}
}

static void test_bytes_that_are_no_utf8(void **state)
{
	static const char *const cases[] = { "a: \xff",     "a: \xc0\xaf", "a: \"\xed\xa0\x80\"",
					     "a: \xe2\x82", "a: \x01",     "\xfe\xff\x00\x61" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *value = NULL;
		struct err err = { 0 };
		assert_int_equal(yaml_parse(cases[i], strlen(cases[i]), "f", NULL, &value, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, "f: byte "));
	}
}

static void test_limits(void **state)
{
	const struct yaml_limits limits = { .bytes = 100000, .depth = 10, .nodes = 1000 };
	CLEAN(text_free) struct text deep = { 0 };
	CLEAN(text_free) struct text wide = { 0 };
	json_t *value = NULL;
	struct err err = { 0 };
	(void)state;
	for (int i = 0; i < 40000; i++)
		text_add(&deep, "[");
	assert_int_equal(yaml_parse(deep.data, deep.len, NULL, &limits, &value, &err), -EFBIG);
	assert_string_equal(err.text, "line 1, column 11: it is nested more than 10 deep");
	for (int i = 0; i < 2000; i++)
		text_add(&wide, "- 1\n");
	assert_int_equal(yaml_parse(wide.data, wide.len, NULL, &limits, &value, &err), -EFBIG);
	assert_string_equal(err.text, "line 1000, column 3: there are more than 1000 values");
	while (wide.len <= limits.bytes)
		text_add(&wide, "- 1\n");
	assert_int_equal(yaml_parse(wide.data, wide.len, "f", &limits, &value, &err), -EFBIG);
	assert_non_null(strstr(err.text, "f: it has "));
	assert_null(value);
}

static void test_missing_file(void **state)
{
	json_t *value = NULL;
	struct err err = { 0 };
	(void)state;
	assert_int_equal(yaml_read_file("/nowhere/fleet.yaml", NULL, &value, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere/fleet.yaml"));
}

static void test_emit(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"a\":{\"b\":[1,{\"c\":null,\"d\":[]}],\"e\":{}}}",
		  "a:\n  b:\n  - 1\n  - c: null\n    d: []\n  e: {}\n" },
		{ "[[1,2],[[3]]]", "- - 1\n  - 2\n- - - 3\n" },
		{ "{\"a\":\"true\",\"b\":\"12\",\"c\":\"\",\"d\":\"x: y\",\"e\":\"- x\"}",
		  "a: \"true\"\nb: \"12\"\nc: \"\"\nd: \"x: y\"\ne: \"- x\"\n" },
		{ "{\"p\":\"10.1.0.0/16\",\"q\":\"fd00:1::/48\",\"r\":\"::1\",\"s\":\"node/bob\"}",
		  "p: 10.1.0.0/16\nq: fd00:1::/48\nr: \"::1\"\ns: node/bob\n" },
		{ "{\"lat\":48.9,\"one\":1.0}", "lat: 48.9\none: 1.0\n" },
		{ "\"a\\nb\"", "\"a\\nb\"\n" },
		{ "null", "null\n" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_auto_t *value = json_loads(cases[i][0], JSON_DECODE_ANY, NULL);
		CLEAN(free_ptr) char *text = yaml_format(value);
		assert_string_equal(text, cases[i][1]);
	}
}

static void test_emit_reads_back(void **state)
{
	static const char *const cases[] = {
		"{\"a b\":\"~\",\"#\":\"# no\",\"k:\":\"v:\",\"-\":\"-\",\"?\":\"? x\",\"\":\"|\"}",
		"[\" a\",\"a "
		"\",\"'\",\"\\\"\",\"\\\\\",\"\\t\",\"\\r\\n\",\"\\u0001\\u007f\\u0085\\u00a0\"]",
		"[\"\\ufeff\",\"\\uffff\",\"\\ufffe\",\"\\u2028\",\"} \\u2028 \\u2029 "
		"a\",\"\\ud83d\\ude00\"]",
		"[\"0x1f\",\"1e3\",\".5\",\".inf\",\"null\",\"=\",\"<<\",\"@a\",\"`a\",\"%a\",\"!"
		"a\",\"&a\",\"*a\"]",
		"[1.1,1e300,-0.1,123456789.125,0.30000000000000004,9223372036854775807,-1]",
		"{\"x\":[[],{},[{}],[[{\"a\":[]}]]]}",
		"[\"---\",\"...\",\"a, b\",\"{a}\",\"[a]\",\"a #b\"]",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_auto_t *value = json_loads(cases[i], JSON_DECODE_ANY, NULL);
		json_auto_t *back = NULL;
		struct err err = { 0 };
		assert_non_null(value);
		CLEAN(free_ptr) char *text = yaml_format(value);
		if (yaml_parse(text, strlen(text), NULL, NULL, &back, &err) < 0)
			fail_msg("%s\n%s", text, err.text);
		if (!json_equal(value, back))
			fail_msg("reads back differently:\n%s", text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_broken_text_names_its_line),
		cmocka_unit_test(test_bytes_that_are_no_utf8),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_emit),
		cmocka_unit_test(test_emit_reads_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
