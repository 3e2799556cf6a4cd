// api/openapi.yaml against good and bad bodies: every bad field is found and told in one sentence.

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
#include "model/kinds.h"
#include "model/schema.h"
#include "settings/yaml.h"

static struct schema *schema;

static int set_up(void **state)
{
	struct err err = { 0 };
	json_auto_t *openapi = NULL;
	(void)state;
	if (yaml_read_file("api/openapi.yaml", NULL, &openapi, &err) < 0 ||
	    schema_load(openapi, &schema, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	schema_free(schema);
	return 0;
}

// All problems as "field: text", one a line.
static char *check(const char *name, const char *body, const char *prefix)
{
	CLEAN(problem_list_done) struct problem_list problems = { 0 };
	json_auto_t *value = json_loads(body, JSON_DECODE_ANY, NULL);
	struct text t = { 0 };
	assert_non_null(value);
	schema_check(schema, name, value, prefix, &problems);
	for (size_t i = 0; i < problems.len; i++)
		text_addf(&t, "%s: %s\n", problems.items[i].field, problems.items[i].text);
	return text_take(&t);
}

struct body_case {
	const char *schema;
	const char *body;
	const char *problems; // "" for none
};

static void expect_cases(const struct body_case *cases, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		CLEAN(free_ptr) char *got = check(cases[i].schema, cases[i].body, "");
		assert_string_equal(got, cases[i].problems);
	}
}

static void test_good_bodies(void **state)
{
	static const struct body_case cases[] = {
		{ "NodeSpec", "{}", "" },
		{ "NodeSpec",
		  "{\"address\":\"rho.example.net:61000\",\"site\":\"site/"
		  "paris\",\"tags\":[\"eu\"]}",
		  "" },
		{ "SiteSpec",
		  "{\"lan\":[\"10.1.0.0/16\",\"fd00:1::/"
		  "48\"],\"location\":{\"lat\":48.9,\"lon\":2}}",
		  "" },
		{ "NetworkSpec", "{\"mesh\":[\"rho\",\"node/bob\"],\"links\":[[\"rho\",\"pi0\"]]}",
		  "" },
		{ "NetworkSpec", "{\"hub\":\"rho\",\"spokes\":[],\"keepalive\":\"25s\"}", "" },
		{ "LinkSpec", "{\"network\":\"home\",\"ends\":[\"a\",\"b\"],\"disabled\":true}",
		  "" },
		{ "SegmentSpec",
		  "{\"network\":\"home\",\"mode\":\"bridge\",\"mtu\":1500,\"stp\":{\"hello_time\":"
		  "\"1s\"}}",
		  "" },
		{ "EnrolmentKeySpec", "{\"expires\":\"2027-01-31T12:00:00Z\",\"uses\":5}", "" },
		{ "UserSpec", "{\"role\":\"admin\",\"password\":\"correct horse\"}", "" },
		{ "TokenSpec", "{\"role\":\"viewer\",\"expires\":\"90d\",\"scopes\":[\"metrics\"]}",
		  "" },
		{ "EntryError",
		  "{\"entry\":\"peer/home/bob\",\"text\":\"no address\",\"blocked_by\":null}", "" },
		{ "RevisionEvent",
		  "{\"revision\":7,\"at\":\"2027-01-31T12:00:00Z\",\"user\":\"user/ada\","
		  "\"changes\":[{\"kind\":\"nodes\",\"name\":\"rho\",\"action\":\"rename\"}]}",
		  "" },
		{ "Resources",
		  "{\"nodes\":{\"rho\":{}},\"networks\":{\"home\":{\"mesh\":[\"rho\"]}}}", "" },
	};
	(void)state;
	expect_cases(cases, ARRAY_LEN(cases));
}

static void test_bad_bodies(void **state)
{
	static const struct body_case cases[] = {
		{ "NodeSpec", "[]", ": a list is not a mapping\n" },
		{ "NodeSpec", "{\"adress\":\"rho\"}",
		  "adress: there is no such field, did you mean address?\n" },
		{ "NodeSpec", "{\"wibble\":1}", "wibble: there is no such field\n" },
		{ "NodeSpec", "{\"address\":5}", "address: 5 is not a string\n" },
		{ "NodeSpec", "{\"address\":\"300.1.1.1\"}",
		  "address: \"300.1.1.1\" is no host name or IP address\n" },
		{ "NodeSpec", "{\"site\":\"node/bob\"}",
		  "site: \"node/bob\" does not name a site\n" },
		{ "NodeSpec", "{\"site\":\"Paris\"}",
		  "site: \"Paris\" is no name: only a-z, 0-9 and - may be in it\n" },
		{ "NodeSpec", "{\"listen_port\":0}", "listen_port: 0 is not in 1..65535\n" },
		{ "NodeSpec", "{\"listen_port\":51820.0}",
		  "listen_port: 51820.0 is not a whole number\n" },
		{ "NodeSpec", "{\"listen_port\":null}",
		  "listen_port: null is not a whole number\n" },
		{ "NodeSpec", "{\"tags\":[\"eu\",\"eu\"]}",
		  "tags[1]: \"eu\" is in the list twice\n" },
		{ "SiteSpec", "{\"lan\":[\"10.1.0.0/16\",\"10.1.2.3/16\"]}",
		  "lan[1]: \"10.1.2.3/16\" has host bits set, did you mean 10.1.0.0/16?\n" },
		{ "SiteSpec", "{\"location\":{\"lat\":91}}",
		  "location.lat: 91 is not in -90..90\nlocation.lon: it is missing\n" },
		{ "NetworkSpec", "{\"mesh\":[\"a\"],\"hub\":\"b\",\"spokes\":[\"c\"]}",
		  ": mesh and hub may not stand together\n" },
		{ "NetworkSpec", "{\"mesh\":[\"a\"],\"spokes\":[\"c\"]}",
		  "spokes: it does not go with mesh\n" },
		{ "NetworkSpec", "{\"hub\":\"b\"}",
		  "spokes: it is missing and needed beside hub\n" },
		{ "NetworkSpec", "{\"links\":[[\"a\"],[\"a\",\"b\",\"c\"],[\"a\",\"a\"]]}",
		  "links[0]: it needs exactly 2 items, not 1\nlinks[1]: it needs exactly 2 items, "
		  "not 3\n"
		  "links[2][1]: \"a\" is in the list twice\n" },
		{ "NetworkSpec", "{\"links\":[[\"a\",\"b\"],[\"a\",\"b\"]]}",
		  "links[1]: [\"a\",\"b\"] is in the list twice\n" },
		{ "NetworkSpec", "{\"pool\":[]}", "pool: it may not be empty\n" },
		{ "NetworkSpec", "{\"keepalive\":25}", "keepalive: 25 is not a string\n" },
		{ "NetworkSpec", "{\"keepalive\":\"1500ms\"}",
		  "keepalive: 1500ms is not a multiple of 1s\n" },
		{ "NetworkSpec", "{\"keepalive\":\"20h\"}",
		  "keepalive: 20h is not in 0s..65535s\n" },
		{ "SegmentSpec", "{\"mode\":\"brigde\"}",
		  "mode: \"brigde\" is not one of bridge, routed\nnetwork: it is missing\n" },
		{ "SegmentSpec", "{\"network\":\"h\",\"stp\":{\"max_age\":\"5s\"}}",
		  "stp.max_age: 5s is not in 6s..40s\n" },
		{ "SegmentSpec", "{\"network\":\"h\",\"mtu\":10000}",
		  "mtu: 10000 is not in 576..9000\n" },
		{ "EnrolmentKeySpec", "{\"expires\":\"soon\"}",
		  "expires: \"soon\" is neither a duration such as 24h nor a time such as "
		  "2027-01-31T12:00:00Z\n" },
		{ "UserSpec", "{\"role\":\"root\",\"password\":\"short\"}",
		  "role: \"root\" is not one of viewer, operator, admin\n"
		  "password: it has 5 characters and needs at least 10\n" },
		{ "Nonsense", "{}", ": there is no schema for it\n" },
	};
	(void)state;
	expect_cases(cases, ARRAY_LEN(cases));
}

// What is refused is told in words, not by the expression that it did not match.
static void test_words_of_refusals(void **state)
{
	static const struct body_case cases[] = {
		{ "GatewaySpec", "{\"provider\":\"pia\",\"sessions\":1,\"noeds\":[]}",
		  "provider: this version does not serve gateways of commercial providers\n"
		  "sessions: this version does not serve gateways of commercial providers\n"
		  "noeds: there is no such field, did you mean node?\n" },
		{ "Resources", "{\"devices\":{\"phone\":{}}}",
		  "devices: this version does not serve the stock WireGuard app of phones and "
		  "laptops\n" },
		{ "DomainListSpec", "{\"names\":[\"192.0.2.7\",\"a.example\"]}",
		  "names[0]: 192.0.2.7 is an address, no name: it can stand in the `to` of a "
		  "rule\n" },
		{ "DomainListSpec", "{\"url\":\"ftp://lists.example/ads\"}",
		  "url: \"ftp://lists.example/ads\" is no http:// or https:// URL in ASCII\n" },
		{ "DomainListSpec", "{\"file\":\"../ads\"}",
		  "file: \"../ads\" is no name of a file (letters, digits, _ . -)\n" },
	};
	(void)state;
	expect_cases(cases, ARRAY_LEN(cases));
}

static void test_paths_begin_with_the_prefix(void **state)
{
	(void)state;
	CLEAN(free_ptr)
	char *got = check("NetworkSpec", "{\"mesh\":[\"a\",\"b\",\"C\"]}", "networks.home");
	assert_string_equal(
		got, "networks.home.mesh[2]: \"C\" is no name: only a-z, 0-9 and - may be in it\n");
}

static void test_whole_set_reports_every_field(void **state)
{
	(void)state;
	CLEAN(free_ptr)
	char *got = check("ApplyRequest",
			  "{\"resources\":{\"nodes\":{\"rho\":{\"adress\":1}},\"sites\":{\"p\":{"
			  "\"lan\":[1]}},"
			  "\"link\":{}},\"prune\":\"yes\"}",
			  "");
	assert_string_equal(
		got, "resources.nodes.rho.adress: there is no such field, did you mean address?\n"
		     "resources.sites.p.lan[0]: 1 is not a string\n"
		     "resources.link: there is no such field, did you mean links?\n"
		     "prune: \"yes\" is not true or false\n");
}

static void test_hostile_bodies_give_short_answers(void **state)
{
	CLEAN(problem_list_done) struct problem_list problems = { 0 };
	json_auto_t *tags = json_array();
	json_auto_t *value = json_object();
	CLEAN(free_ptr) char *key = malloc(100001);
	(void)state;
	memset(key, 'k', 100000);
	key[100000] = '\0';
	for (int i = 0; i < 10000; i++)
		assert_int_equal(json_array_append_new(tags, json_string("A")), 0);
	assert_int_equal(json_object_set_new(value, key, json_null()), 0);
	assert_int_equal(json_object_set_new(value, "comment", json_string(key)), 0);
	assert_int_equal(json_object_set(value, "tags", tags), 0);
	schema_check(schema, "NodeSpec", value, "", &problems);
	assert_int_equal(problems.len, 3);
	for (size_t i = 0; i < problems.len; i++)
		assert_true(strlen(problems.items[i].field) + strlen(problems.items[i].text) < 300);
}

static void test_nul_in_a_string_is_refused(void **state)
{
	CLEAN(problem_list_done) struct problem_list problems = { 0 };
	json_auto_t *value = json_loads("{\"comment\":\"a\\u0000b\"}", JSON_ALLOW_NUL, NULL);
	(void)state;
	schema_check(schema, "NodeSpec", value, "", &problems);
	assert_int_equal(problems.len, 1);
	assert_string_equal(problems.items[0].text, "it holds a NUL character");
}

static void test_defaults(void **state)
{
	json_auto_t *value = json_loads("{\"network\":\"home\",\"mtu\":1400,\"stp\":{}}", 0, NULL);
	json_auto_t *want =
		json_loads("{\"network\":\"home\",\"mtu\":1400,\"mode\":\"bridge\",\"stp\":"
			   "{\"hello_time\":\"1s\",\"max_age\":\"10s\",\"forward_delay\":\"6s\"}}",
			   0, NULL);
	json_auto_t *set = json_loads("{\"segments\":{\"lan\":{\"network\":\"home\"}}}", 0, NULL);
	(void)state;
	assert_int_equal(schema_fill_defaults(schema, "SegmentSpec", value, NULL), 0);
	assert_true(json_equal(value, want));
	assert_int_equal(schema_fill_defaults(schema, "Resources", set, NULL), 0);
	const json_t *lan = json_object_get(json_object_get(set, "segments"), "lan");
	assert_int_equal(json_integer_value(json_object_get(lan, "mtu")), 1500);
}

// Defaults, enums and bounds in the document must themselves be valid.
static void check_defaults_of(const char *name)
{
	const char *key;
	json_t *property;
	json_object_foreach(json_object_get(schema_get(schema, name), "properties"), key, property)
	{
		json_t *standard = json_object_get(property, "default");
		if (!standard)
			continue;
		CLEAN(problem_list_done) struct problem_list problems = { 0 };
		json_auto_t *value = json_object();
		assert_int_equal(json_object_set(value, key, standard), 0);
		schema_check(schema, name, value, "", &problems);
		for (size_t i = 0; i < problems.len; i++)
			assert_string_equal(strstr(problems.items[i].text, "missing")
						    ? ""
						    : problems.items[i].text,
					    "");
	}
}

static void test_defaults_are_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < KIND_COUNT; i++) {
		assert_non_null(schema_get(schema, kinds[i].schema));
		assert_true(json_is_false(json_object_get(schema_get(schema, kinds[i].schema),
							  "additionalProperties")));
		check_defaults_of(kinds[i].schema);
	}
}

static void test_schemas_that_are_not_understood_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "components.schemas is missing in the API description" },
		{ "{\"components\":{\"schemas\":{\"A\":{\"multipleOf\":2}}}}",
		  "schemas.A: the keyword multipleOf is not understood" },
		{ "{\"components\":{\"schemas\":{\"A\":{\"$ref\":\"#/components/schemas/B\"}}}}",
		  "schemas.A: $ref leads nowhere or does not stand alone" },
		{ "{\"components\":{\"schemas\":{\"A\":{\"$ref\":\"#/components/schemas/A\"}}}}",
		  "schemas.A: $ref leads nowhere or does not stand alone" },
		{ "{\"components\":{\"schemas\":{\"A\":{\"format\":\"ipv7\"}}}}",
		  "schemas.A: the format ipv7 is unknown" },
		{ "{\"components\":{\"schemas\":{\"A\":{\"pattern\":\"(\"}}}}",
		  "schemas.A: the pattern ( is no POSIX extended expression" },
		{ "{\"components\":{\"schemas\":{\"A\":{\"not\":{\"type\":\"null\"}}}}}",
		  "schemas.A: `not` is only understood with `required`" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		struct schema *s = NULL;
		json_auto_t *doc = json_loads(cases[i][0], 0, NULL);
		assert_int_equal(schema_load(doc, &s, &err), -EINVAL);
		assert_string_equal(err.text, cases[i][1]);
		assert_null(s);
	}
}

static void test_circular_all_of_ends(void **state)
{
	struct schema *s = NULL;
	CLEAN(problem_list_done) struct problem_list problems = { 0 };
	json_auto_t *doc = json_loads("{\"components\":{\"schemas\":{\"A\":{\"allOf\":[{\"$ref\":"
				      "\"#/components/schemas/A\"}]}}}}",
				      0, NULL);
	json_auto_t *value = json_object();
	(void)state;
	assert_int_equal(schema_load(doc, &s, NULL), 0);
	schema_check(s, "A", value, "", &problems);
	assert_true(problem_list_any(&problems));
	schema_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_bodies),
		cmocka_unit_test(test_bad_bodies),
		cmocka_unit_test(test_words_of_refusals),
		cmocka_unit_test(test_paths_begin_with_the_prefix),
		cmocka_unit_test(test_whole_set_reports_every_field),
		cmocka_unit_test(test_hostile_bodies_give_short_answers),
		cmocka_unit_test(test_nul_in_a_string_is_refused),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_defaults_are_valid),
		cmocka_unit_test(test_schemas_that_are_not_understood_are_refused),
		cmocka_unit_test(test_circular_all_of_ends),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
