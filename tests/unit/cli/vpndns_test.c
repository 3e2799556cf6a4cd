// Configurations of vpndns: what becomes of each option, and what is said of those that have no
// counterpart.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clean.h"
#include "settings/yaml.h"

#include "cli/vpndns_import.h"
#include "cli/vpndns_regex.h"

static json_t *parsed(const char *text)
{
	json_t *json = NULL;
	struct err err = { 0 };
	if (yaml_parse(text, strlen(text), NULL, NULL, &json, &err) < 0)
		fail_msg("%s", err.text);
	return json;
}

static void expressions_become_rules_or_patterns(void **state)
{
	static const struct {
		const char *regex, *rules, *patterns; // NULL, NULL: refused
	} cases[] = {
		{ ".+site-A.com$", "[\"site-a.com\"]", "[]" },
		{ ".*\\.corp\\.example$", "[\"corp.example\"]", "[]" },
		{ "corp\\.example$", "[\"corp.example\"]", "[]" },
		{ "^www\\.example$", "[\"=www.example\"]", "[]" },
		{ ".+\\.(attlocal|mynetwork|localdomain)$",
		  "[\"attlocal\",\"mynetwork\",\"localdomain\"]", "[]" },
		{ "\\.(?:a|b\\.c)$", "[\"a\",\"b.c\"]", "[]" },
		{ ".+\\.int\\..+", "[]", "[\"*.int.*\"]" },
		{ "^vpn.*\\.example$", "[]", "[\"vpn*.example\"]" },
		{ "ads", "[]", "[\"*ads*\"]" },
		{ "^[a-z]+\\.example$", NULL, NULL },
		{ "(a|b)\\.example$", NULL, NULL },
		{ "a?b$", NULL, NULL },
		{ "(a|", NULL, NULL },
		{ "\\d+", NULL, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_auto_t *rules = NULL, *patterns = NULL;
		struct err err = { 0 };
		int r = vpndns_regex(cases[i].regex, &rules, &patterns, &err);
		assert_int_equal(r < 0, cases[i].rules == NULL);
		if (r < 0)
			continue;
		CLEAN(free_ptr) char *a = json_dumps(rules, JSON_COMPACT);
		CLEAN(free_ptr) char *b = json_dumps(patterns, JSON_COMPACT);
		assert_string_equal(a, cases[i].rules);
		assert_string_equal(b, cases[i].patterns);
	}
}

// As in the sample of vpndns, without its words.
#define CONFIG                                                                                     \
	"dns_listeners: [['192.168.1.3', 53], ['127.0.0.1', 5353]]\n"                              \
	"nameservers: {192.168.1.0/24: 192.168.100.10, 192.168.2.0/24: 192.168.100.10, "           \
	"192.168.10.8/29: 192.168.100.51}\n"                                                       \
	"nameserver_default: 192.168.1.254\n"                                                      \
	"nameserver_regex: {'.+site-A.com$': 192.168.2.254, '^[a-z]+$': 1.1.1.1}\n"                \
	"ttl_override: {my_domain.com: 3600}\n"                                                    \
	"vpn_jail: [192.168.100.48/30]\n"                                                          \
	"blocklist_dir: /home/vpndns/blocklists/\n"                                                \
	"client_exemptions: [192.168.1.7]\n"                                                       \
	"nxdomain_regex: ['.+\\.(attlocal|localdomain)$', '.+\\.x\\..+']\n"                        \
	"interface_listen: [['127.0.0.1', 8080]]\n"                                                \
	"static_records: /home/vpndns/static.txt\n"                                                \
	"static_records_ttl: 60\n"                                                                 \
	"output_stdout: true\n"                                                                    \
	"blocklistdir: x\n"

static const char *const notes[] = {
	"dns_listeners: 127.0.0.1: Weft's resolver answers at port 53 only",
	"dns_listeners: 127.0.0.1 is left out",
	"nameserver_regex: is left out for 1.1.1.1: the expression",
	"nameserver_regex: .+site-A.com$ is for a name and everything below it",
	"ttl_override: is left out",
	"blocklist_dir: the controller reads one file",
	"nxdomain_regex: .+\\.x\\..+ is left out: a list holds names, not patterns",
	"interface_listen: is left out",
	"static_records: line 3 is left out",
	"output_stdout: is left out",
	"blocklistdir: is left out: vpndns has no such option, did you mean blocklist_dir?",
	"resolvers/vpndns: answers the prefixes of nameservers and vpn_jail",
};

static void each_option_is_carried_over_or_named(void **state)
{
	static const char records[] = "# local\nPrinter.example 10.1.0.9\nnonsense\n"
				      "printer.example 10.1.0.10\nnas 10.1.0.11\n";
	static const char whole[] =
		"{\"blocklists\":{\"vpndns-blocklist\":{\"answer\":\"zero\",\"exempt\":"
		"[\"192.168.1.7/32\"],\"lists\":[\"vpndns-blocklist\"],\"ttl\":\"1s\"},"
		"\"vpndns-nxdomain\":{\"lists\":[\"vpndns-nxdomain\"]}},\"dns-forwards\":"
		"{\"jail-192-168-100-48\":{\"from\":[\"192.168.100.48/32\"],\"to\":"
		"[\"192.168.100.48\"]},\"jail-192-168-100-49\":{\"from\":[\"192.168.100.49/32\"],"
		"\"to\":[\"192.168.100.49\"]},\"jail-192-168-100-50\":{\"from\":"
		"[\"192.168.100.50/32\"],\"to\":[\"192.168.100.50\"]},\"jail-192-168-100-51\":"
		"{\"from\":[\"192.168.100.51/32\"],\"to\":[\"192.168.100.51\"]},\"site-a-com\":"
		"{\"names\":[\"site-a.com\"],\"to\":[\"192.168.2.254\"]},\"to-192-168-100-10\":"
		"{\"from\":[\"192.168.1.0/24\",\"192.168.2.0/24\"],\"to\":[\"192.168.100.10\"]},"
		"\"to-192-168-100-51\":{\"from\":[\"192.168.10.8/29\"],\"to\":"
		"[\"192.168.100.51\"]}},\"dns-zones\":{\"nas\":{\"records\":[{\"a\":\"10.1.0.11\","
		"\"name\":\"@\"}],\"ttl\":\"60s\",\"zone\":\"nas\"},\"printer-example\":"
		"{\"records\":[{\"a\":\"10.1.0.9\",\"name\":\"@\"},{\"a\":\"10.1.0.10\",\"name\":"
		"\"@\"}],\"ttl\":\"60s\",\"zone\":\"printer.example\"}},\"domain-lists\":"
		"{\"vpndns-blocklist\":{\"file\":\"vpndns-blocklist.txt\"},\"vpndns-nxdomain\":"
		"{\"names\":[\"attlocal\",\"localdomain\"]}},\"resolvers\":{\"vpndns\":{"
		"\"clients\":"
		"[\"192.168.1.0/24\",\"192.168.2.0/24\",\"192.168.10.8/29\",\"192.168.100.48/30\"],"
		"\"listen\":[\"192.168.1.3\"],\"nodes\":[\"rho\"],\"upstreams\":"
		"[\"192.168.1.254\"]}}}";
	json_auto_t *config = parsed(CONFIG);
	const struct vpndns_file file = { "v.yml", config, records, "rho" };
	CLEAN(import_result_done) struct import_result result = { 0 };
	struct err err = { 0 };
	(void)state;
	if (vpndns_import(&file, &result, &err) < 0)
		fail_msg("%s", err.text);
	CLEAN(free_ptr)
	char *text = json_dumps(result.resources, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, whole);
	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		if (!strstr(result.notes.data, notes[i]))
			fail_msg("\"%s\" is not among\n%s", notes[i], result.notes.data);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{ "[1]", "v.yml: is no map of options" },
		{ "dns_listeners: []", "v.yml: nameserver_default: is missing" },
		{ "nameserver_default: dns.example",
		  "v.yml: nameserver_default: \"dns.example\" is no" },
		{ "{nameserver_default: 1.1.1.1, nameservers: {10.0.0.0/33: 1.1.1.1}}",
		  "v.yml: nameservers: " },
		{ "{nameserver_default: 1.1.1.1, dns_listeners: [[here, 53]]}",
		  "v.yml: dns_listeners: each is an address and a port" },
		{ "{nameserver_default: 1.1.1.1, blocklist_dir: x, client_exemptions: [bob]}",
		  "v.yml: client_exemptions: is a list of addresses" },
		{ "{nameserver_default: 1.1.1.1, vpn_jail: [1]}", "v.yml: vpn_jail: is a list of" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_auto_t *config = parsed(cases[i].text);
		const struct vpndns_file file = { "v.yml", config, NULL, NULL };
		struct import_result result;
		struct err err = { 0 };
		assert_true(vpndns_import(&file, &result, &err) < 0);
		if (strncmp(err.text, cases[i].sentence, strlen(cases[i].sentence)) != 0)
			fail_msg("%s\ninstead of\n%s", err.text, cases[i].sentence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions_become_rules_or_patterns),
		cmocka_unit_test(each_option_is_carried_over_or_named),
		cmocka_unit_test(what_is_wrong_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
