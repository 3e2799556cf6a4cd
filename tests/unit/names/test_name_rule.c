// Lists as operators write them and as strangers publish them.
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
#include "base/text.h"

#include "names/rule.h"

static int collect(void *context, const struct name_rule *rule)
{
	char text[NAME_TEXT_SIZE];
	name_text(&rule->name, text);
	text_addf(context, "%u:%s ", rule->how, text);
	return 0;
}

static void three_kinds_of_rule(void **state)
{
	static const struct {
		const char *text;
		unsigned how;
	} rows[] = {
		{ "netflix.com", NAME_EXACT | NAME_BELOW },
		{ "=netflix.com", NAME_EXACT },
		{ "*.netflix.com", NAME_BELOW },
	};
	struct name_rule rule;
	char text[NAME_TEXT_SIZE];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(name_rule_parse(rows[i].text, strlen(rows[i].text), &rule, NULL),
				 0);
		assert_int_equal(rule.how, rows[i].how);
		name_text(&rule.name, text);
		assert_string_equal(text, "netflix.com");
	}
	assert_int_equal(name_rule_parse("*", 1, &rule, NULL), -EINVAL);
	assert_int_equal(name_rule_parse("*.", 2, &rule, NULL), -EINVAL);
	assert_int_equal(name_rule_parse("=", 1, &rule, NULL), -EINVAL);
	assert_int_equal(name_rule_parse("a.*.b", 5, &rule, NULL), -EINVAL);
}

static void every_format_is_read(void **state)
{
	static const char list[] = "\xef\xbb\xbf# a comment\r\n"
				   "! another\n"
				   "[Adblock Plus]\n"
				   "\n"
				   "plain.example\r\n"
				   "*.below.example # why\n"
				   "||block.example^\n"
				   "127.0.0.1\tlocalhost\n"
				   "0.0.0.0 ads.example  Tracker.Example. # both\n"
				   "fe80::1%lo0 localhost\n"
				   ":: six.example\n"
				   "=last.example";
	CLEAN(text_free) struct text got = { 0 };
	struct name_lines lines;
	(void)state;
	assert_int_equal(name_lines_read(list, sizeof(list) - 1, collect, &got, &lines, NULL), 0);
	assert_string_equal(got.data,
			    "3:plain.example 2:below.example 3:block.example 1:ads.example "
			    "1:tracker.example 1:six.example 1:last.example ");
	assert_int_equal(lines.rules, 7);
	assert_int_equal(lines.bad, 0);
	assert_int_equal(lines.lines, 8);
}

static void a_bad_line_costs_itself_only(void **state)
{
	static const char list[] =
		"# x\ngood.example\n@@||exception.example^\ntwo names.example\n"
		"com is the top level\n||block.example^ more\nalso.example # said\n";
	CLEAN(text_free) struct text got = { 0 };
	struct name_lines lines;
	(void)state;
	assert_int_equal(name_lines_read(list, sizeof(list) - 1, collect, &got, &lines, NULL), 0);
	assert_string_equal(got.data, "3:good.example 3:also.example ");
	assert_int_equal(lines.bad, 4);
	assert_int_equal(lines.rules, 2);
	assert_int_equal(lines.first_bad, 3);
	assert_non_null(strstr(lines.first_why.text, "@@"));
}

static void a_page_is_no_list(void **state)
{
	CLEAN(text_free) struct text page = { 0 }, got = { 0 };
	struct name_lines lines;
	struct err err;
	(void)state;
	for (int i = 0; i < 20; i++)
		text_add(&page, "<p>Please sign in</p>\nhello\n");
	assert_int_equal(name_lines_read(page.data, page.len, collect, &got, &lines, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "no list"));
}

static int stop(void *context, const struct name_rule *rule)
{
	(void)context;
	(void)rule;
	return -ENOMEM;
}

static void who_takes_may_stop(void **state)
{
	struct name_lines lines;
	(void)state;
	assert_int_equal(name_lines_read("a\nb", 3, stop, NULL, &lines, NULL), -ENOMEM);
	assert_int_equal(name_lines_read("0.0.0.0 a b", 11, stop, NULL, &lines, NULL), -ENOMEM);
	assert_int_equal(name_lines_read("", 0, stop, NULL, &lines, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_kinds_of_rule),
		cmocka_unit_test(every_format_is_read),
		cmocka_unit_test(a_bad_line_costs_itself_only),
		cmocka_unit_test(a_page_is_no_list),
		cmocka_unit_test(who_takes_may_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
