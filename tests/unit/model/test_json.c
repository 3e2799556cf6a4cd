// Canonical bytes, merge patch with the examples of RFC 7396, differences by field, and the list of
// problems.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "model/json.h"
#include "model/problem.h"

static json_t *load(const char *text)
{
	return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

static void expect_json(const json_t *value, const char *expected)
{
	json_auto_t *want = load(expected);
	CLEAN(free_ptr) char *got_text = json_canonical(value);
	CLEAN(free_ptr) char *want_text = json_canonical(want);
	assert_non_null(got_text);
	assert_string_equal(got_text, want_text);
}

static void test_canonical(void **state)
{
	json_auto_t *value = load("{ \"b\": [1, 2.5, null], \"a\": \"\xc3\xa4\", \"A\": {} }");
	CLEAN(free_ptr) char *text = json_canonical(value);
	(void)state;
	assert_string_equal(text, "{\"A\":{},\"a\":\"\xc3\xa4\",\"b\":[1,2.5,null]}");
}

static void test_merge_patch(void **state)
{
	// RFC 7396, appendix A.
	static const char *const cases[][3] = {
		{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
		{ "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
		{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
		{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
		  "{\"a\":{\"b\":\"d\"}}" },
		{ "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
		{ "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
		{ "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
		{ "{\"a\":\"foo\"}", "null", "null" },
		{ "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
		{ "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
		{ "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
		{ "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_auto_t *target = load(cases[i][0]);
		json_auto_t *patch = load(cases[i][1]);
		json_auto_t *result = json_merge_patch(target, patch);
		expect_json(result, cases[i][2]);
		expect_json(target, cases[i][0]);
	}
}

static void test_diff(void **state)
{
	static const char *const cases[][3] = {
		{ "{\"a\":1}", "{\"a\":1}", "[]" },
		{ "{\"a\":1}", "{\"a\":2}", "[{\"path\":\"a\",\"before\":1,\"after\":2}]" },
		{ "{\"b\":1,\"a\":1}", "{\"c\":1}",
		  "[{\"path\":\"a\",\"before\":1},{\"path\":\"b\",\"before\":1},{\"path\":\"c\","
		  "\"after\":1}]" },
		{ "{\"m\":[\"x\",\"y\"]}", "{\"m\":[\"x\",\"z\"]}",
		  "[{\"path\":\"m[1]\",\"before\":\"y\",\"after\":\"z\"}]" },
		{ "{\"m\":[1]}", "{\"m\":[1,2]}",
		  "[{\"path\":\"m\",\"before\":[1],\"after\":[1,2]}]" },
		{ "{\"l\":[{\"a\":{\"b\":1}}]}", "{\"l\":[{\"a\":{\"b\":2}}]}",
		  "[{\"path\":\"l[0].a.b\",\"before\":1,\"after\":2}]" },
		{ "{\"a\":{}}", "{\"a\":[]}", "[{\"path\":\"a\",\"before\":{},\"after\":[]}]" },
		{ NULL, "{\"a\":1}", "[{\"path\":\"a\",\"after\":1}]" },
		{ "{\"a\":1}", NULL, "[{\"path\":\"a\",\"before\":1}]" },
		{ "1", "2", "[{\"path\":\"\",\"before\":1,\"after\":2}]" },
		{ NULL, NULL, "[]" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_auto_t *before = load(cases[i][0]);
		json_auto_t *after = load(cases[i][1]);
		json_auto_t *list = json_diff_list(before, after);
		expect_json(list, cases[i][2]);
	}
}

static void test_problems_are_bounded_and_printable(void **state)
{
	CLEAN(problem_list_done) struct problem_list l = { 0 };
	struct err err = { 0 };
	(void)state;
	assert_false(problem_list_any(&l));
	assert_int_equal(problem_list_err(&l, &err), 0);
	problem_add(&l, "a.\xff\x1b", "bad %s", "\xc0\xaf\n\xc3\xa4");
	assert_string_equal(l.items[0].field, "a.??");
	assert_string_equal(l.items[0].text, "bad ???\xc3\xa4");
	assert_int_equal(problem_list_err(&l, &err), -EINVAL);
	assert_string_equal(err.text, "a.??: bad ???\xc3\xa4");
	for (int i = 0; i < 2 * PROBLEM_LIST_MAX; i++)
		problem_add(&l, "x", "no");
	assert_int_equal(l.len, PROBLEM_LIST_MAX);
	assert_true(l.is_cut);
	json_auto_t *json = problem_list_json(&l);
	assert_int_equal(json_array_size(json), PROBLEM_LIST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_merge_patch),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_problems_are_bounded_and_printable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
