// Settings tables: defaults, every type, and the words of every refusal.

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

#include "base/clean.h"
#include "base/log.h"
#include "settings/settings.h"
#include "settings/yaml.h"

struct sample {
	bool is_on;
	uint32_t interval_ms;
	uint32_t keep_ms;
	char *name;
	char *mode;
	char *state_dir;
	char *web_dir;
	struct setting_list listen;
	enum log_level level;
};

#define AT(field) offsetof(struct sample, field)
static const struct setting table[] = {
	{ "on", SETTING_BOOL, AT(is_on), .number = 1, .help = "whether" },
	{ "probe.interval_ms", SETTING_U32, AT(interval_ms), 20, 60000, 200,
	  .help = "time between two probes" },
	{ "probe.keep", SETTING_DURATION_MS, AT(keep_ms), 1000, 60000, 5000, .help = "how long" },
	{ "name", SETTING_STRING, AT(name), 1, 8, .help = "its name" },
	{ "mode", SETTING_CHOICE, AT(mode), .text = "auto", .choices = "auto|kernel|wireguard-go",
	  .help = "which" },
	{ "state_dir", SETTING_PATH, AT(state_dir), .text = "/var/lib/weft", .help = "where" },
	{ "web_dir", SETTING_PATH, AT(web_dir), .help = "where else" },
	{ "rest.listen", SETTING_STRING_LIST, AT(listen), .text = "0.0.0.0:8443 [::]:8443",
	  .help = "addresses" },
	{ "log.level", SETTING_LOG_LEVEL, AT(level), .text = "info", .help = "how much" },
	{ 0 },
};

static int parse(const char *text, struct sample *ret, struct err *err)
{
	json_auto_t *file = NULL;
	assert_int_equal(yaml_parse(text, strlen(text), NULL, NULL, &file, err), 0);
	return settings_parse(table, file, ret, err);
}

static void test_defaults(void **state)
{
	struct sample s = { 0 };
	struct err err = { 0 };
	(void)state;
	assert_int_equal(parse("", &s, &err), 0);
	assert_true(s.is_on);
	assert_int_equal(s.interval_ms, 200);
	assert_int_equal(s.keep_ms, 5000);
	assert_null(s.name);
	assert_null(s.web_dir);
	assert_string_equal(s.mode, "auto");
	assert_int_equal(s.listen.len, 2);
	assert_string_equal(s.listen.items[1], "[::]:8443");
	assert_int_equal(s.level, LOG_LEVEL_INFO);
	settings_done(table, &s);
	assert_null(s.mode);
	assert_int_equal(s.listen.len, 0);
}

static void test_values(void **state)
{
	struct sample s = { 0 };
	struct err err = { 0 };
	(void)state;
	assert_int_equal(
		parse("on: false\nprobe: {interval_ms: 20, keep: 1m}\nname: rho\nmode: kernel\n"
		      "state_dir: /tmp/x\nrest: {listen: \"127.0.0.1:1\"}\nlog.level: "
		      "debug\nweb_dir:\n",
		      &s, &err),
		0);
	assert_false(s.is_on);
	assert_int_equal(s.interval_ms, 20);
	assert_int_equal(s.keep_ms, 60000);
	assert_string_equal(s.name, "rho");
	assert_string_equal(s.mode, "kernel");
	assert_string_equal(s.state_dir, "/tmp/x");
	assert_int_equal(s.listen.len, 1);
	assert_int_equal(s.level, LOG_LEVEL_DEBUG);
	settings_done(table, &s);
}

static void test_refusals(void **state)
{
	static const char *const cases[][2] = {
		{ "[]", "the file must be a mapping of settings" },
		{ "probe: {interval_ms: 7}", "probe.interval_ms: 7 is not in 20..60000" },
		{ "probe: {interval_ms: -1}", "probe.interval_ms: -1 is not in 20..60000" },
		{ "probe: {interval_ms: 4294967496}",
		  "probe.interval_ms: 4294967496 is not in 20..60000" },
		{ "probe: {interval_ms: fast}",
		  "probe.interval_ms: \"fast\" is not a whole number" },
		{ "probe: {interval_ms: [1]}", "probe.interval_ms: a list is not a whole number" },
		{ "probe: {keep: 5}", "probe.keep: 5 is not a duration such as 200ms, 30s or 5m" },
		{ "probe: {keep: 2m}", "probe.keep: 2m is not in 1s..1m" },
		{ "on: 1", "on: 1 is not true or false" },
		{ "name: ''", "name: it has 0 characters, not 1..8" },
		{ "name: 5", "name: 5 is not a text" },
		{ "mode: go", "mode: \"go\" is not one of auto, kernel, wireguard-go" },
		{ "state_dir: var", "state_dir: \"var\" is not an absolute path" },
		{ "rest: {listen: [1]}", "rest.listen: 1 is not a text" },
		{ "log: {level: loud}",
		  "log.level: \"loud\" is not one of error, warn, info, debug" },
		{ "log: loud", "log: it must be a mapping of settings" },
		{ "rest: {lisen: x}",
		  "rest.lisen: there is no such setting, did you mean rest.listen?" },
		{ "stat_dir: /x", "stat_dir: there is no such setting, did you mean state_dir?" },
		{ "completely: different", "completely: there is no such setting" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sample s = { 0 };
		struct err err = { 0 };
		assert_int_equal(parse(cases[i][0], &s, &err), -EINVAL);
		assert_string_equal(err.text, cases[i][1]);
		assert_null(s.mode);
	}
}

static void test_files(void **state)
{
	struct sample s = { 0 };
	struct err err = { 0 };
	(void)state;
	assert_int_equal(settings_read(table, "/nowhere/agent.yaml", true, &s, &err), 0);
	assert_string_equal(s.state_dir, "/var/lib/weft");
	settings_done(table, &s);
	assert_int_equal(settings_read(table, "/nowhere/agent.yaml", false, &s, &err), -ENOENT);
}

// The description, uncommented, is a file that says what holds anyway.
static void test_description_reads_back(void **state)
{
	CLEAN(text_free) struct text t = { 0 };
	CLEAN(text_free) struct text open = { 0 };
	struct sample s = { 0 };
	struct err err = { 0 };
	(void)state;
	settings_describe(table, &t);
	for (char *line = strtok(t.data, "\n"); line; line = strtok(NULL, "\n")) {
		assert_int_equal(line[0], '#');
		text_addf(&open, "%s\n", line + 1);
	}
	assert_non_null(
		strstr(open.data, "  # time between two probes (20..60000)\n  interval_ms: 200\n"));
	if (parse(open.data, &s, &err) < 0)
		fail_msg("%s\n%s", open.data, err.text);
	assert_int_equal(s.listen.len, 2);
	assert_int_equal(s.keep_ms, 5000);
	settings_done(table, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_description_reads_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
