// A split.yaml of envoy-split-proxy: what becomes of its names, and what is said.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clean.h"
#include "settings/yaml.h"

#include "cli/split_import.h"

#define SPLIT                                                                                      \
	"interface: eth0\n"                                                                        \
	"urls:\n"                                                                                  \
	"- ifconfig.me\n"                                                                          \
	"## Netflix\n"                                                                             \
	"- \"*.netflix.com\"\n"                                                                    \
	"- nflximg.com\n"                                                                          \
	"- \"81.130.98.*\"\n"                                                                      \
	"- \"*-ext.amazon.com\"\n"                                                                 \
	"# - amazon.com\n"                                                                         \
	"## Amazon Prime\n"                                                                        \
	"- \"*.media-amazon.com\"\n"                                                               \
	"- nflximg.com\n"                                                                          \
	"interfaces: x\n"

static int import(const char *text, const char *node, struct import_result *ret, struct err *err)
{
	json_auto_t *config = NULL;
	json_auto_t *lans = json_pack("[s]", "10.1.0.0/16");
	if (yaml_parse(text, strlen(text), NULL, NULL, &config, err) < 0)
		fail_msg("%s", err->text);
	const struct split_file file = {
		.path = "split.yaml", .text = text, .config = config, .node = node, .lans = lans
	};
	return split_import(&file, ret, err);
}

static void assert_made(const struct import_result *result, const char *kind, const char *name,
			const char *spec)
{
	const json_t *made = json_object_get(json_object_get(result->resources, kind), name);
	CLEAN(free_ptr) char *text = made ? json_dumps(made, JSON_COMPACT) : strdup("(none)");
	assert_string_equal(text, spec);
}

static void names_become_lists_and_a_policy(void **state)
{
	CLEAN(import_result_done) struct import_result result = { 0 };
	struct err err = { 0 };
	(void)state;
	assert_int_equal(import(SPLIT, NULL, &result, &err), 0);
	assert_made(&result, "domain-lists", "split", "{\"names\":[\"ifconfig.me\"]}");
	assert_made(&result, "domain-lists", "netflix",
		    "{\"names\":[\"*.netflix.com\",\"nflximg.com\"]}");
	assert_made(&result, "domain-lists", "amazon-prime",
		    "{\"names\":[\"*.media-amazon.com\"]}");
	assert_made(&result, "nodes", "split",
		    "{\"site\":\"split\",\"uplinks\":{\"bypass\":{\"interface\":\"eth0\"}}}");
	assert_made(&result, "sites", "split", "{\"lan\":[\"10.1.0.0/16\"]}");
	assert_made(&result, "gateways", "bypass", "{\"uplink\":\"split/bypass\"}");
	assert_made(&result, "policies", "split",
		    "{\"from\":[\"site/split\"],\"rules\":[{\"to\":[\"list/split\","
		    "\"list/netflix\",\"81.130.98.0/24\",\"list/amazon-prime\"],\"via\":\"bypass\","
		    "\"otherwise\":\"direct\"}]}");
}

static void what_has_no_counterpart_is_said(void **state)
{
	static const char *const said[] = {
		"split.yaml: urls: 81.130.98.* becomes 81.130.98.0/24",
		"split.yaml: urls: *-ext.amazon.com is left out: ",
		"split.yaml: urls: a name without a star stands for what is below it, too",
		"split.yaml: interfaces: is left out: envoy-split-proxy has no such option, did "
		"you "
		"mean interface?",
		"split.yaml: nodes/split: is the host",
	};
	CLEAN(import_result_done) struct import_result result = { 0 };
	struct err err = { 0 };
	(void)state;
	assert_int_equal(import(SPLIT, NULL, &result, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		if (!strstr(result.notes.data, said[i]))
			fail_msg("`%s` is not said:\n%s", said[i], result.notes.data);
}

static void a_node_that_is_there_stays_as_it_is(void **state)
{
	CLEAN(import_result_done) struct import_result result = { 0 };
	struct err err = { 0 };
	(void)state;
	assert_int_equal(import("{interface: tun0, urls: [a.example]}\n", "rho", &result, &err), 0);
	assert_made(&result, "nodes", "rho", "(none)");
	assert_made(&result, "domain-lists", "split", "{\"names\":[\"a.example\"]}");
	assert_made(&result, "gateways", "bypass", "{\"uplink\":\"rho/bypass\"}");
	assert_non_null(strstr(result.notes.data, "nodes/rho: give it uplinks"));
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "{urls: [a.example]}\n", "split.yaml: interface: is missing" },
		{ "{interface: 5, urls: [a.example]}\n",
		  "split.yaml: interface: is no name of an interface" },
		{ "{interface: eth0}\n", "split.yaml: urls: at least one name is missing" },
		{ "{interface: eth0, urls: a.example}\n", "split.yaml: urls: is no list of names" },
		{ "{interface: eth0, urls: [7]}\n", "split.yaml: urls[0]: is no name" },
		{ "{interface: eth0, urls: ['*']}\n",
		  "split.yaml: urls: none of them can be carried over" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct import_result result;
		struct err err = { 0 };
		assert_int_equal(import(cases[i].text, NULL, &result, &err), -EINVAL);
		assert_string_equal(err.text, cases[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_lists_and_a_policy),
		cmocka_unit_test(what_has_no_counterpart_is_said),
		cmocka_unit_test(a_node_that_is_there_stays_as_it_is),
		cmocka_unit_test(what_cannot_be_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
