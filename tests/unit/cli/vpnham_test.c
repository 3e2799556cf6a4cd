// Configurations of vpnham: what is wrong in one is named, and what becomes of two hosts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clean.h"
#include "settings/yaml.h"

#include "cli/vpnham_check.h"
#include "cli/vpnham_import.h"

#define TUNNEL "eth1: {role: active, addr: '192.0.2.2:1', probe_addr: '192.0.2.3:1'}"
#define BRIDGE                                                                                     \
	"role: active, bridge_interface: eth0, peer_cidr: 10.1.0.0/16, status_addr: "              \
	"'10.0.0.2:80', "                                                                          \
	"partner_url: 'http://10.0.0.3:80/'"
#define LEFT(more) "bridges: {left: {" BRIDGE ", tunnel_interfaces: {" TUNNEL "}" more "}}"

static json_t *parsed(const char *text)
{
	json_t *json = NULL;
	struct err err = { 0 };
	if (yaml_parse(text, strlen(text), NULL, NULL, &json, &err) < 0)
		fail_msg("%s", err.text);
	return json;
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{ "bridgs: {}", "bridgs: vpnham has no such field, did you mean bridges?" },
		{ "metrics: {}", "bridges: is missing" },
		{ "[1]", "the file: is no map of fields" },
		{ "bridges: {}", "bridges: names none" },
		{ "bridges: {a: 1}", "bridges.a: is no map of fields" },
		{ LEFT(", probe_intervall: 1s"),
		  "bridges.left.probe_intervall: vpnham has no such field, did you mean "
		  "probe_interval?" },
		{ LEFT(", probe_interval: soon"),
		  "bridges.left.probe_interval: \"soon\" is no duration such as 15s or 1m30s" },
		{ LEFT(", extra_peer_cidrs: [10.1.0.1/16]"), "bridges.left.extra_peer_cidrs: " },
		{ LEFT(", partner_status_threshold_up: 1"),
		  "bridges.left.partner_status_threshold_up: is no whole number from 2 to 10" },
		{ LEFT(", reconcile: {bridge_activate: {script: [ls]}}"),
		  "bridges.left.reconcile.bridge_activate.script: command 1 is no list of words" },
		{ LEFT(", reconcile: {bridge_activate: {aws: {}}}"),
		  "bridges.left.reconcile.bridge_activate.aws.route_tables: is missing" },
		{ "bridges: {a: {" BRIDGE ", tunnel_interfaces: {e: {role: standby, addr: 'h:1', "
		  "probe_addr: 'h:2'}}}}",
		  "bridges.a.tunnel_interfaces: 0 have the role active, not one" },
		{ "bridges: {a: {" BRIDGE ", tunnel_interfaces: {e: {role: boss, addr: 'h:1', "
		  "probe_addr: 'h:2'}}}}",
		  "bridges.a.tunnel_interfaces.e.role: \"boss\" is neither active nor standby" },
		{ "bridges: {a: {" BRIDGE
		  ", tunnel_interfaces: {e: {role: active, addr: 192.0.2.1, "
		  "probe_addr: 'h:2'}}}}",
		  "bridges.a.tunnel_interfaces.e.addr: \"192.0.2.1\" has no port" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_auto_t *config = parsed(cases[i].text);
		struct err err = { 0 };
		assert_true(vpnham_check(config, &err) < 0);
		if (strncmp(err.text, cases[i].sentence, strlen(cases[i].sentence)) != 0)
			fail_msg("%s\ninstead of\n%s", err.text, cases[i].sentence);
	}
	json_auto_t *good = parsed(LEFT(""));
	assert_int_equal(vpnham_check(good, NULL), 0);
}

static void durations_are_gos(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms; // -1: refused
	} cases[] = { { "15s", 15000 },  { "1m30s", 90000 }, { "1.5s", 1500 }, { "250ms", 250 },
		      { "2h", 7200000 }, { "0s", 0 },        { "", -1 },       { "15", -1 },
		      { "s", -1 },       { "1s x", -1 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;
		const int r = vpnham_duration(cases[i].text, &ms, NULL);
		assert_int_equal(r < 0 ? -1 : ms, cases[i].ms);
	}
}

static json_t *path(const json_t *json, const char *a, const char *b, const char *c)
{
	return json_object_get(json_object_get(json_object_get(json, a), b), c);
}

// The far side of one is the site of the other, and each partner is one node, whoever tells of it.
static void two_sides_meet(void **state)
{
	(void)state;
	struct vpnham_file files[] = {
		{ "left.yaml", parsed(LEFT("")) },
		{ "standby.yaml",
		  parsed("bridges: {left: {role: standby, bridge_interface: eth0, peer_cidr: "
			 "10.1.0.0/16, status_addr: '10.0.0.3:80', partner_url: "
			 "'http://10.0.0.2:80', tunnel_interfaces: {eth7: {role: active, addr: "
			 "'192.0.2.10:1', probe_addr: '192.0.2.11:1'}}}}") },
		{ "right.yaml",
		  parsed("bridges: {right: {role: active, bridge_interface: ens5, peer_cidr: "
			 "10.0.0.0/16, status_addr: '10.1.0.2:80', partner_url: "
			 "'http://10.1.0.3:80/', "
			 "probe_interval: 500ms, tunnel_interfaces: {"
			 "eth1: {role: active, addr: '192.0.2.3:1', probe_addr: '192.0.2.2:1'}, "
			 "eth2: {role: standby, addr: '192.0.2.11:1', probe_addr: "
			 "'192.0.2.10:1'}}}}") },
	};
	CLEAN(vpnham_result_done) struct vpnham_result result = { 0 };
	struct err err = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		assert_int_equal(vpnham_check(files[i].config, &err), 0);
	assert_int_equal(vpnham_import(files, ARRAY_LEN(files), &result, &err), 0);
	assert_int_equal(json_object_size(json_object_get(result.resources, "nodes")), 4);
	assert_int_equal(json_object_size(json_object_get(result.resources, "sites")), 2);
	assert_int_equal(json_object_size(json_object_get(result.resources, "links")), 4);
	const json_t *lan = path(result.resources, "sites", "right", "lan");
	assert_string_equal(json_string_value(json_array_get(lan, 0)), "10.1.0.0/16");
	const json_t *members = path(result.resources, "ha-groups", "left", "members");
	assert_string_equal(json_string_value(json_array_get(members, 0)), "left-active");
	assert_string_equal(json_string_value(json_array_get(members, 1)), "left-standby");
	const json_t *target = path(result.resources, "links", "right-active-eth2", "target");
	assert_string_equal(json_string_value(target), "192.0.2.10");
	const json_t *role = path(result.resources, "links", "right-active-eth2", "role");
	assert_string_equal(json_string_value(role), "standby");
	const json_t *routes = path(result.resources, "links", "right-active-eth2", "routes");
	assert_int_equal(json_array_size(routes), 1);
	assert_string_equal(json_string_value(json_array_get(routes, 0)), "10.0.0.0/16");
	const json_t *via = path(result.resources, "links", "right-active-eth2", "via");
	assert_string_equal(json_string_value(json_array_get(via, 0)), "192.0.2.10");
	assert_null(strstr(result.notes.data, "left-standby: is known as a partner only"));
	assert_non_null(
		strstr(result.notes.data, "nodes/right-standby: is known as a partner only"));

	CLEAN(vpnham_result_done) struct vpnham_result twice = { 0 };
	struct vpnham_file same[] = { files[0], { "again.yaml", files[0].config } };
	assert_true(vpnham_import(same, 2, &twice, &err) < 0);
	assert_string_equal(err.text, "left.yaml and again.yaml are of the same host, 10.0.0.2");
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		json_decref(files[i].config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(durations_are_gos),
		cmocka_unit_test(two_sides_meet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
