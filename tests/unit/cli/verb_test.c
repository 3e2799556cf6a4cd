// Dispatch, option parsing and what is made of the verb table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clean.h"
#include "base/text.h"

#include "cli/call.h"
#include "cli/kind.h"
#include "cli/usage.h"
#include "cli/verb.h"

struct lookup {
	const char *words[3];
	const char *found; // NULL: none
	const char *says;  // part of the sentence then
};

static void finds_verbs(void **state)
{
	(void)state;
	static const struct lookup cases[] = {
		{ { "plan" }, "plan", NULL },
		{ { "node", "add" }, "node add", NULL },
		{ { "secret", "set" }, "secret set", NULL },
		{ { "pan" }, NULL, "did you mean plan?" },
		{ { "statsu" }, NULL, "did you mean status?" },
		{ { "node" }, NULL, "needs one of: add, approve, revoke, retry" },
		{ { "node", "frob" }, NULL, "has no verb \"frob\", only add" },
		{ { "zzzzzzzzzz" }, NULL, "weft --help" },
		{ { "" }, NULL, "is no verb" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *argv[3] = { (char *)cases[i].words[0], (char *)cases[i].words[1], NULL };
		int argc = argv[1] ? 2 : 1;
		int words = 0;
		const struct verb *verb = verb_find(argc, argv, &words);
		if (cases[i].found) {
			assert_non_null(verb);
			assert_string_equal(verb->name, cases[i].found);
			assert_int_equal(words, argc);
			continue;
		}
		struct err err = { 0 };
		assert_null(verb);
		assert_int_equal(verb_unknown(argc, argv, &err), CLI_USAGE);
		assert_non_null(strstr(err.text, cases[i].says));
	}
}

static void tells_of_verbs_that_begin_alike(void **state)
{
	CLEAN(text_free) struct text t = { 0 };
	(void)state;
	assert_false(usage_group(&t, "plan"));
	assert_false(usage_group(&t, "dn"));
	assert_int_equal(t.len, 0);
	assert_true(usage_group(&t, "dns"));
	assert_non_null(strstr(t.data, "usage: weft dns VERB"));
	assert_non_null(strstr(t.data, "\n  dns status "));
	assert_non_null(strstr(t.data, "\n  dns except "));
	assert_null(strstr(t.data, "discover"));
}

struct parse {
	const char *verb;
	const char *words[8];
	int result;
	const char *says;
};

static const struct verb *by_name(const char *name)
{
	for (size_t i = 0; verb_table[i]; i++) {
		if (strcmp(verb_table[i]->name, name) == 0)
			return verb_table[i];
	}
	return NULL;
}

static void parses_command_lines(void **state)
{
	(void)state;
	static const struct parse cases[] = {
		{ "plan", { "-f", "a", "-fb", "--file=c", "--file", "-" }, 0, NULL },
		{ "plan", { NULL }, CLI_USAGE, "plan needs --file F" },
		{ "plan", { "-f" }, CLI_USAGE, "--file needs a value: F" },
		{ "plan", { "-f", "a", "x" }, CLI_USAGE, "nothing is expected at \"x\"" },
		{ "plan", { "-f", "a", "--prun" }, CLI_USAGE, "did you mean --prune?" },
		{ "plan", { "-f", "a", "--prune=1" }, CLI_USAGE, "takes no value" },
		{ "plan", { "-f", "a", "--set", "x", "--set", "y" }, CLI_USAGE, "given twice" },
		{ "get", { "nodes", "-o", "xml" }, CLI_USAGE, "xml is none of table|json|yaml" },
		{ "get", { "nodes", "--", "-o" }, 0, NULL },
		{ "get", { NULL }, CLI_USAGE, "get needs KIND" },
		{ "get", { "--help" }, 0, NULL },
		{ "context", { "frob" }, CLI_USAGE, "frob is none of list|use|show|delete" },
		{ "import", { "wg-quick" }, CLI_USAGE, "import needs FILE" },
		{ "import", { "wg-quick", "a", "b", "c" }, 0, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int argc = 0;
		while (cases[i].words[argc])
			argc++;
		struct err err = { 0 };
		CLEAN(call_done) struct call call = { 0 };
		int r = call_parse(&call, by_name(cases[i].verb), argc, (char **)cases[i].words,
				   &err);
		assert_int_equal(r, cases[i].result);
		if (cases[i].says && !strstr(err.text, cases[i].says))
			fail_msg("\"%s\" is not in \"%s\"", cases[i].says, err.text);
	}
}

static void keeps_repeated_options_in_order(void **state)
{
	(void)state;
	const char *words[] = { "-f", "a", "--file=b", "-fc", "-v" };
	CLEAN(call_done) struct call call = { 0 };
	assert_int_equal(call_parse(&call, by_name("apply"), 5, (char **)words, NULL), 0);
	assert_string_equal(call_option_at(&call, "file", 0), "a");
	assert_string_equal(call_option_at(&call, "file", 1), "b");
	assert_string_equal(call_option_at(&call, "file", 2), "c");
	assert_null(call_option_at(&call, "file", 3));
	assert_true(call_has(&call, "verbose"));
	assert_false(call_has(&call, "prune"));
}

static void checks_numbers(void **state)
{
	(void)state;
	static const char *const bad[] = { "0", "101", "x", "", "1x", "99999999999999999999" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *words[] = { "a", "b", "-c", bad[i] };
		long n = 7;
		struct err err = { 0 };
		CLEAN(call_done) struct call call = { 0 };
		assert_int_equal(call_parse(&call, by_name("ping"), 4, (char **)words, NULL), 0);
		assert_int_equal(call_number(&call, "count", 1, 100, &n, &err), CLI_USAGE);
		assert_int_equal(n, 7);
	}
}

static void every_verb_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; verb_table[i]; i++) {
		const struct verb *verb = verb_table[i];
		CLEAN(text_free) struct text help = { 0 };
		CLEAN(text_free) struct text man = { 0 };
		assert_non_null(verb->summary);
		assert_true(!verb->run != !verb->main);
		usage_verb(&help, verb);
		usage_man(&man, verb);
		assert_non_null(strstr(help.data, verb->summary));
		assert_non_null(strstr(man.data, ".SH SYNOPSIS"));
		for (const struct verb_arg *a = verb->args; a && a->name; a++)
			assert_true(a->help && (a->word != WORD_CHOICE || a->choices));
		for (const struct verb_option *o = verb->options; o && o->name; o++)
			assert_true(o->help && (!o->is_required || o->value));
		for (const char *line = man.data; line; line = strchr(line, '\n')) {
			line += *line == '\n';
			// Only requests of the page itself may begin with a dot.
			if (*line == '.')
				assert_true(strchr("TSPRnfB", line[1]) != NULL);
			if (!*line)
				break;
		}
	}
}

static void finds_kinds(void **state)
{
	(void)state;
	const struct kind *kind = NULL;
	struct err err = { 0 };
	assert_int_equal(kind_find("enrolment-key", &kind, &err), 0);
	assert_string_equal(kind->name, "enrolment-keys");
	assert_int_equal(kind_find("networks", &kind, &err), 0);
	assert_true(kind_find("netwroks", &kind, &err) < 0);
	assert_non_null(strstr(err.text, "did you mean networks?"));
	assert_true(kind_find("xyzzyxyzzy", &kind, &err) < 0);
	assert_non_null(strstr(err.text, "there are nodes, sites"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_verbs),
		cmocka_unit_test(tells_of_verbs_that_begin_alike),
		cmocka_unit_test(parses_command_lines),
		cmocka_unit_test(keeps_repeated_options_in_order),
		cmocka_unit_test(checks_numbers),
		cmocka_unit_test(every_verb_is_complete),
		cmocka_unit_test(finds_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
