// What becomes of a flow: by its name, by what its address was learned for, by nobody.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "decide/marks.h"
#include "fault.h"
#include "hello.h"
#include "list_image.h"
#include "proxy/config.h"
#include "proxy/seen.h"
#include "proxy/verdict.h"

#define TV "/tmp/test_proxy_tv.image"
#define NO "/tmp/test_proxy_no.image"

enum { TCP = 6, TV_LIST = 0, NO_LIST = 1 };

static const char file[] =
	"{'idle': '30s', 'policies': [{'id': 3, 'name': 'home', 'from': ['10.1.0.0/16'], 'split': "
	"[], 'rules': ["
	"{'number': 1, 'to': [], 'ports': [], 'lists': [{'id': 7, 'name': 'tv', 'path': '" TV "'}],"
	" 'verdict': 'mark', 'mark': 65536},"
	"{'number': 2, 'to': [], 'ports': [], 'lists': [{'id': 8, 'name': 'no', 'path': '" NO "'}],"
	" 'unknown': true, 'verdict': 'block', 'block': 'drop'},"
	"{'number': 3, 'slot': 90, 'to': [], 'ports': [], 'verdict': 'mark', 'mark': 131072}]}]}";

static struct proxy_config *config_of(const char *text, struct err *err)
{
	json_t *json = list_image_json(text);
	CLEAN(free_ptr) char *exact = json_dumps(json, 0);
	json_decref(json);
	return proxy_config_parse(exact, strlen(exact), err);
}

// The third tells of itself by its slot.
static uint32_t bits(uint32_t rule)
{
	rule = rule == 3 ? 90 : rule;
	const struct policy_marks marks = policy_marks_of(POLICY_MASK_UNSAID);
	return policy_rule_bits(&marks, 3, rule);
}

struct given {
	struct proxy_config *config;
	const char *client;
};

static uint32_t verdict_for(const struct given *given, const struct verdict_sniffed *sniffed,
			    const struct verdict_learned *learned)
{
	struct verdict_flow flow = { .protocol = TCP, .port = 443 };
	assert_int_equal(
		address_parse(given->client ? given->client : "10.1.0.9", &flow.client, NULL), 0);
	assert_int_equal(address_parse("203.0.113.1", &flow.to, NULL), 0);
	return verdict_of(given->config->decide, &flow, sniffed, learned);
}

static struct verdict_sniffed said(const char *name, bool has_ech)
{
	static uint8_t hello[HELLO_SIZE], records[HELLO_SIZE + 1000];
	const struct hello_form form = { .name = name, .has_ech = has_ech };
	size_t wants;
	size_t len = hello_make(&form, hello);
	len = hello_records(hello, len, 1000, records);
	return verdict_sniff(records, len, &wants);
}

static int set_up(void **state)
{
	static struct given given;
	struct err err = { 0 };
	list_image_write(TV, "tv.example");
	list_image_write(NO, "no.example");
	given = (struct given){ config_of(file, &err), NULL };
	*state = &given;
	return given.config ? 0 : -1;
}

static int tear_down(void **state)
{
	struct given *given = *state;
	proxy_config_release(given->config);
	(void)unlink(TV);
	(void)unlink(NO);
	return 0;
}

static void a_name_decides(void **state)
{
	struct given *given = *state;
	struct verdict_sniffed tv = said("www.TV.example", false), no = said("no.example", false),
			       other = said("other.example", false);
	assert_false(verdict_needs_address(given->config->decide, &tv));
	assert_false(verdict_needs_address(given->config->decide, &other));
	assert_int_equal(verdict_for(given, &tv, NULL), 0x10000 | bits(1));
	assert_int_equal(verdict_for(given, &no, NULL),
			 given->config->decide->marks.drop | bits(2));
	assert_int_equal(verdict_for(given, &other, NULL), 0x20000 | bits(3));
	given->client = "10.2.0.1"; // of no policy
	assert_int_equal(verdict_for(given, &tv, NULL), given->config->decide->marks.direct);
	given->client = NULL;
}

static void a_verdict_stands_while_a_rule_leads_there(void **state)
{
	const struct given *given = *state;
	const struct decide *decide = given->config->decide;
	assert_true(verdict_stands(decide, 0x10000 | bits(1) | decide->marks.proxied));
	assert_true(verdict_stands(decide, 0x20000 | bits(1)));
	assert_true(verdict_stands(decide, decide->marks.direct | decide->marks.proxied));
	assert_false(verdict_stands(decide, 0x30000 | bits(1) | decide->marks.proxied));
}

static void http_says_names_too(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: tv.example:8080\r\n\r\n";
	struct given *given = *state;
	size_t wants;
	struct verdict_sniffed one = verdict_sniff((const uint8_t *)head, sizeof(head) - 1, &wants);
	assert_int_equal(one.result, SNIFF_NAME);
	assert_int_equal(verdict_for(given, &one, NULL), 0x10000 | bits(1));
	one = verdict_sniff((const uint8_t *)head, 12, &wants);
	assert_int_equal(one.result, SNIFF_MORE);
	assert_true(wants > 12);
	one = verdict_sniff((const uint8_t *)"SSH-2.0-x\r\n", 11, &wants);
	assert_int_equal(one.result, SNIFF_FOREIGN);
}

// By what its address was learned for, else by the rule for such flows.
static void nobodys_flow_goes_by_its_address(void **state)
{
	struct given *given = *state;
	struct verdict_sniffed nobody = said(NULL, false);
	struct verdict_learned learned = { 0 };
	assert_int_equal(nobody.result, SNIFF_NO_NAME);
	assert_true(verdict_needs_address(given->config->decide, &nobody));
	assert_int_equal(verdict_for(given, &nobody, &learned),
			 given->config->decide->marks.drop | bits(2));
	assert_int_equal(verdict_for(given, &nobody, NULL),
			 given->config->decide->marks.drop | bits(2));
	decide_set_put(&learned.lists, TV_LIST);
	assert_int_equal(verdict_for(given, &nobody, &learned), 0x10000 | bits(1));
}

static void an_encrypted_hello_counts_by_what_is_known_of_it(void **state)
{
	struct given *given = *state;
	struct verdict_sniffed tv = said("tv.example", true), other = said("other.example", true),
			       front = said("cloudflare-ech.com", true),
			       plain = said("cloudflare-ech.com", false);
	struct verdict_learned learned = { 0 };
	// Every hello of some browsers says that it has another one inside: a name in a list
	// counts.
	assert_false(verdict_needs_address(given->config->decide, &tv));
	assert_int_equal(verdict_for(given, &tv, NULL), 0x10000 | bits(1));
	// A name in none counts unless the address is that of others, which are in one.
	assert_true(verdict_needs_address(given->config->decide, &other));
	assert_int_equal(verdict_for(given, &other, &learned), 0x20000 | bits(3));
	decide_set_put(&learned.lists, TV_LIST);
	assert_int_equal(verdict_for(given, &other, &learned), 0x10000 | bits(1));
	learned.is_of_name = true;
	assert_int_equal(verdict_for(given, &other, &learned), 0x20000 | bits(3));
	// A front's name is nobody's.
	learned = (struct verdict_learned){ 0 };
	assert_true(verdict_needs_address(given->config->decide, &front));
	assert_int_equal(verdict_for(given, &front, &learned),
			 given->config->decide->marks.drop | bits(2));
	assert_int_equal(verdict_for(given, &plain, &learned), 0x20000 | bits(3));
}

static void a_name_is_new_once_a_minute(void **state)
{
	static struct seen seen;
	(void)state;
	assert_true(seen_is_new(&seen, "one.example", 11, 50000));
	assert_false(seen_is_new(&seen, "one.example", 11, 109999));
	assert_true(seen_is_new(&seen, "other.example", 13, 109999));
	assert_true(seen_is_new(&seen, "one.example", 11, 110000));
}

static void a_configuration_is_good_or_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "[]", "the file must be a mapping of settings" },
		{ "{'port': 0}", "port: 0 is not in 1..65535" },
		{ "{'policies': {}}", "policies: it must be a list" },
		{ "{'policies': [{'id': 1, 'name': 'x'}]}",
		  "policies[0]: x: from: a list is missing" },
		{ "{'idl': '5m'}", "idl: there is no such setting, did you mean idle?" },
	};
	struct given *given = *state;
	struct err err = { 0 };
	assert_int_equal(given->config->settings.port, 22380);
	assert_int_equal(given->config->settings.idle_ms, 30000);
	assert_int_equal(given->config->settings.connect_ms, 10000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_null(config_of(bad[i].text, &err));
		assert_string_equal(err.text, bad[i].why);
	}
	assert_null(proxy_config_parse("{", 1, &err));
	assert_ptr_equal(proxy_config_keep(given->config), given->config);
	proxy_config_release(given->config); // one reference is left
	assert_int_equal(given->config->settings.port, 22380);
}

static void a_configuration_without_memory_is_none(void **state)
{
	struct err err = { 0 };
	(void)state;
	json_t *json = list_image_json(file);
	CLEAN(free_ptr) char *exact = json_dumps(json, 0);
	json_decref(json);
	unsigned n = 0;
	bool has_struck;
	do {
		fault_arm(FAULT_ALLOC, ++n);
		struct proxy_config *config = proxy_config_parse(exact, strlen(exact), &err);
		has_struck = fault_disarm();
		assert_true(has_struck ? !config && err.text[0] : config != NULL);
		proxy_config_release(config);
	} while (has_struck);
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_name_decides, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_verdict_stands_while_a_rule_leads_there, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(http_says_names_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobodys_flow_goes_by_its_address, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_encrypted_hello_counts_by_what_is_known_of_it,
						set_up, tear_down),
		cmocka_unit_test(a_name_is_new_once_a_minute),
		cmocka_unit_test_setup_teardown(a_configuration_is_good_or_refused_with_a_sentence,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_configuration_without_memory_is_none, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
