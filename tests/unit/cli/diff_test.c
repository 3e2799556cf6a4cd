// What plan and apply print, against golden files.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clean.h"
#include "base/file.h"

#include "cli/diff.h"
#include "cli/problem.h"
#include "cli/table.h"
#include "cli/value.h"

static const char result[] =
	"{'revision':8,'changes':["
	"{'kind':'nodes','name':'rho','action':'create','fields':[{'path':'address','after':'a."
	"example'},"
	"{'path':'tags','after':['eu','a b']}]},"
	"{'kind':'networks','name':'home','action':'update','fields':[{'path':'mesh[1]','before':'"
	"bob',"
	"'after':'eps'},{'path':'port','after':51821},{'path':'pool','before':['10.0.0.0/24']}]},"
	"{'kind':'sites','name':'old','action':'delete','fields':[{'path':'lan','before':['10.1.0."
	"0/16']}]},"
	"{'kind':'nodes','name':'same','action':'none'}],"
	"'nodes':[{'name':'rho','set':['peer/home/eps','wire/lan/eps'],'drop':['peer/home/bob']},"
	"{'name':'bob','set':['a/b'],'changed':['c/d','e/f'],'drop':[]}]}";

static json_t *parse(const char *quoted)
{
	CLEAN(free_ptr) char *text = strdup(quoted);
	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json_t *json = json_loads(text, 0, NULL);
	assert_non_null(json);
	return json;
}

static void assert_golden(const char *name, const char *text)
{
	char path[300];
	struct err err = { 0 };
	CLEAN(free_ptr) char *wanted = NULL;
	(void)snprintf(path, sizeof(path), "%s/tests/unit/cli/golden/%s", WEFT_SOURCE_DIR, name);
	if (getenv("WEFT_WRITE_GOLDEN"))
		assert_int_equal(file_replace(path, text, strlen(text), 0644, &err), 0);
	assert_int_equal(file_read(path, 1 << 20, &wanted, NULL, &err), 0);
	assert_string_equal(text, wanted);
}

static void renders(void **state)
{
	(void)state;
	static const struct {
		const char *golden;
		struct diff_style style;
	} cases[] = {
		{ "plan.txt", { 0 } },
		{ "plan-verbose.txt", { .is_verbose = true } },
		{ "plan-colour.txt", { .is_coloured = true, .is_verbose = true } },
		{ "apply.txt", { .is_done = true } },
	};
	json_auto_t *json = parse(result);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(text_free) struct text t = { 0 };
		diff_render(&t, json, &cases[i].style);
		assert_golden(cases[i].golden, t.data);
	}
}

static void tells_of_new_names(void **state)
{
	(void)state;
	json_auto_t *json = parse(
		"{'revision':9,'changes':[{'kind':'nodes','name':'rho','action':'rename','fields':["
		"{'path':'name','before':'sigma','after':'rho'}]}],'nodes':[]}");
	CLEAN(text_free) struct text t = { 0 };
	assert_true(diff_any(json));
	diff_render(&t, json, &(struct diff_style){ .is_done = true });
	assert_non_null(strstr(t.data, "> nodes/rho\n    name: sigma → rho\n"));
	assert_non_null(strstr(t.data, "0 deleted, 1 renamed on 0 nodes, revision 9\n"));
}

static void knows_nothing_to_do(void **state)
{
	(void)state;
	json_auto_t *none =
		parse("{'revision':3,'changes':[{'kind':'nodes','name':'a','action':'none'}],"
		      "'nodes':[]}");
	CLEAN(text_free) struct text t = { 0 };
	assert_false(diff_any(none));
	diff_render(&t, none, &(struct diff_style){ .is_done = true });
	assert_string_equal(t.data, "Nothing to do.\n");
}

// A controller that lies about its shapes, or a name with an escape sequence, must not reach the
// terminal as such.
static void survives_hostile_answers(void **state)
{
	(void)state;
	static const char *const hostile[] = {
		"{}",
		"[]",
		"{'changes':3,'nodes':'x'}",
		("{'changes':[1,null,{'action':'create'},{'action':7,'kind':[]},"
		 "{'action':'update','fields':[null,{'path':3}]}],"
		 "'nodes':[1,{'set':3,'drop':[2]}]}"),
		("{'changes':[{'kind':'nodes','name':'a\\u001b[31m','action':'create',"
		 "'fields':[{'path':'p\\u001b','after':'\\u001b]0;x'}]}],'nodes':[]}"),
	};
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		json_auto_t *json = parse(hostile[i]);
		CLEAN(text_free) struct text t = { 0 };
		diff_render(&t, json, &(struct diff_style){ .is_verbose = true });
		assert_non_null(t.data);
		assert_null(strchr(t.data, 033));
	}
}

static void tells_problems(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		long status;
		const char *says;
	} cases[] = {
		{ "{'detail':'bad','errors':[{'field':'a.b','text':'x'},{'field':'','text':'y'}]}",
		  422, "a.b: x\ny\n" },
		{ "{'detail':'still referenced by networks/home'}", 409,
		  "still referenced by networks/home\n" },
		{ "{'errors':[{'field':1}]}", 403, "your role does not allow this (HTTP 403)\n" },
		{ "{'detail':'a\\nb'}", 400, "a b\n" },
		{ "[]", 500, "the controller refused the request (HTTP 500)\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_auto_t *json = parse(cases[i].json);
		CLEAN(text_free) struct text t = { 0 };
		problem_lines(&t, cases[i].status, json);
		assert_string_equal(t.data, cases[i].says);
	}
}

static void fits_tables(void **state)
{
	(void)state;
	CLEAN(table_done) struct table table = { 0 };
	static const char *const cells[] = { "NAME", "TEXT", "é", "a long sentence that is cut",
					     "x",    "" };
	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		table_cell(&table, cells[i]);
		if (i % 2)
			table_end_row(&table);
	}
	CLEAN(text_free) struct text wide = { 0 };
	CLEAN(text_free) struct text narrow = { 0 };
	table_render(&table, 0, false, &wide);
	table_render(&table, 20, false, &narrow);
	assert_string_equal(wide.data, "NAME  TEXT\né     a long sentence that is cut\nx     -\n");
	assert_string_equal(narrow.data, "NAME  TEXT\né     a long senten…\nx     -\n");
}

static void numbers_are_written_as_people_do(void **state)
{
	(void)state;
	CLEAN(text_free) struct text t = { 0 };
	json_auto_t *value = json_pack("[f, i, f]", 48.9, 7, 0.1);
	value_add(&t, value);
	assert_string_equal(t.data, "[48.9, 7, 0.1]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written_as_people_do),
		cmocka_unit_test(renders),
		cmocka_unit_test(tells_of_new_names),
		cmocka_unit_test(knows_nothing_to_do),
		cmocka_unit_test(survives_hostile_answers),
		cmocka_unit_test(tells_problems),
		cmocka_unit_test(fits_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
