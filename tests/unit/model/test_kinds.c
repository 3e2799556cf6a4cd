// The table of kinds: it agrees with api/openapi.yaml, references are found and renamed, names and
// specs are checked.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "model/json.h"
#include "model/kinds.h"
#include "settings/yaml.h"

static json_t *openapi;

static int set_up(void **state)
{
	struct err err = { 0 };
	(void)state;
	if (yaml_read_file("api/openapi.yaml", NULL, &openapi, &err) == 0)
		return 0;
	print_error("%s\n", err.text);
	return -1;
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(openapi);
	return 0;
}

static const json_t *component(const char *name)
{
	return json_object_get(json_object_get(json_object_get(openapi, "components"), "schemas"),
			       name);
}

// "a.b[] -> kind" for every reference below a schema, one a line.
static void collect_references(const json_t *node, const char *path, struct text *out)
{
	const char *key;
	json_t *child;
	const char *ref = json_string_value(json_object_get(node, "$ref"));
	if (ref)
		node = component(strrchr(ref, '/') + 1);
	const char *format = json_string_value(json_object_get(node, "format"));
	const json_t *items = json_object_get(node, "items");
	if (format && strcmp(format, "reference") == 0)
		text_addf(out, "%s -> %s\n", path,
			  json_string_value(json_object_get(node, "x-kind")));
	if (items) {
		CLEAN(free_ptr) char *below = text_format("%s[]", path);
		collect_references(items, below, out);
	}
	json_object_foreach(json_object_get(node, "properties"), key, child)
	{
		CLEAN(free_ptr) char *below = text_format("%s%s%s", path, path[0] ? "." : "", key);
		collect_references(child, below, out);
	}
}

static void test_references_agree_with_openapi(void **state)
{
	(void)state;
	for (size_t i = 0; i < KIND_COUNT; i++) {
		CLEAN(text_free) struct text in_document = { 0 };
		CLEAN(text_free) struct text in_table = { 0 };
		text_add(&in_document, "");
		text_add(&in_table, "");
		collect_references(component(kinds[i].schema), "", &in_document);
		// What is only part of a text has a format of its own.
		for (const struct kind_reference *r = kinds[i].references; r->path; r++)
			if (r->form == KIND_FORM_NAME)
				text_addf(&in_table, "%s -> %s\n", r->path, kinds[r->to].name);
		assert_string_equal(in_table.data, in_document.data);
	}
}

static void test_every_kind_has_its_paths(void **state)
{
	const json_t *paths = json_object_get(openapi, "paths");
	const json_t *names = json_object_get(component("Kind"), "enum");
	(void)state;
	assert_int_equal(json_array_size(names), KIND_COUNT);
	for (size_t i = 0; i < KIND_COUNT; i++) {
		CLEAN(free_ptr) char *list = text_format("/api/v1/%s", kinds[i].name);
		CLEAN(free_ptr) char *item = text_format("/api/v1/%s/{name}", kinds[i].name);
		CLEAN(free_ptr)
		char *rename = text_format("/api/v1/%s/{name}/rename", kinds[i].name);
		assert_non_null(json_object_get(json_object_get(paths, list), "get"));
		assert_non_null(json_object_get(json_object_get(paths, item), "put"));
		assert_non_null(json_object_get(json_object_get(paths, item), "patch"));
		assert_non_null(json_object_get(json_object_get(paths, item), "delete"));
		// A link is named by its ends: only they can be renamed.
		assert_int_equal(json_object_get(paths, rename) == NULL, kinds[i].is_link_name);
		assert_string_equal(json_string_value(json_array_get(names, i)), kinds[i].name);
		assert_string_equal(kind_names[i], kinds[i].name);
		assert_ptr_equal(kind_by_name(kinds[i].name), &kinds[i]);
		assert_ptr_equal(kind_by_singular(kinds[i].singular), &kinds[i]);
		assert_int_equal(kind_id_of(&kinds[i]), i);
		assert_non_null(json_object_get(
			json_object_get(component("Resources"), "properties"), kinds[i].name));
	}
	assert_null(kind_by_name("node"));
	assert_null(kind_by_singular("nodes"));
}

static int append(const struct kind_reference_at *at, void *data)
{
	text_addf(data, "%s=%s>%s ", at->path, at->name ? at->name : "?", kinds[at->to].singular);
	return 0;
}

static void test_walk(void **state)
{
	static const struct {
		enum kind_id kind;
		const char *spec, *walked;
	} cases[] = {
		{ KIND_NETWORKS,
		  "{\"mesh\":[\"a\",\"node/b\"],\"links\":[[\"a\",\"c\"],[\"b\",5]]}",
		  "mesh[0]=a>node mesh[1]=b>node links[0][0]=a>node links[0][1]=c>node "
		  "links[1][0]=b>node " },
		{ KIND_NETWORKS, "{\"hub\":\"a\",\"spokes\":[\"site/b\"]}",
		  "hub=a>node spokes[0]=?>node " },
		{ KIND_LINKS, "{\"network\":\"h\",\"ends\":[\"a\",\"b\"],\"sla\":\"v\"}",
		  "network=h>network ends[0]=a>node ends[1]=b>node sla=v>sla " },
		{ KIND_LINKS, "{\"node\":\"node/a\",\"interface\":\"a\"}", "node=a>node " },
		{ KIND_NETWORKS, "{\"sla\":\"sla/voice\"}", "sla=voice>sla " },
		{ KIND_NODES, "{\"site\":\"paris\"}", "site=paris>site " },
		{ KIND_ENROLMENT_KEYS, "{\"site\":\"s\",\"node\":\"n\"}",
		  "node=n>node site=s>site " },
		{ KIND_GATEWAYS, "{\"uplink\":\"rho/fibre\"}", "uplink=rho>node " },
		{ KIND_POLICIES,
		  "{\"from\":[\"site/paris\",\"tag/eu\",\"node/rho\",\"10.1.0.0/"
		  "16\"],\"rules\":[{},{"
		  "\"via\":\"tv\"}]}",
		  "from[0]=paris>site from[2]=rho>node rules[1].via=tv>gateway-group " },
		{ KIND_USERS, "{\"role\":\"admin\"}", "" },
		{ KIND_SITES, "{}", "" },
		{ KIND_NETWORKS, "[]", "" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(text_free) struct text walked = { 0 };
		json_auto_t *spec = json_loads(cases[i].spec, 0, NULL);
		text_add(&walked, "");
		assert_int_equal(kind_walk_references(&kinds[cases[i].kind], spec, append, &walked),
				 0);
		assert_string_equal(walked.data, cases[i].walked);
	}
}

static void test_rename(void **state)
{
	json_auto_t *spec = json_loads(
		"{\"mesh\":[\"a\",\"node/a\",\"ab\"],\"links\":[[\"b\",\"a\"]]}", 0, NULL);
	json_auto_t *want = json_loads(
		"{\"mesh\":[\"z\",\"node/z\",\"ab\"],\"links\":[[\"b\",\"z\"]]}", 0, NULL);
	(void)state;
	assert_int_equal(kind_rename_references(&kinds[KIND_NETWORKS], spec, KIND_SITES, "a", "z"),
			 0);
	assert_int_equal(kind_rename_references(&kinds[KIND_NETWORKS], spec, KIND_NODES, "a", "z"),
			 3);
	assert_true(json_equal(spec, want));
}

// A name may be only part of what is written, or mean another kind.
static void test_rename_in_other_forms(void **state)
{
	json_auto_t *gateway = json_pack("{s:s}", "uplink", "rho/rho");
	json_auto_t *policy =
		json_pack("{s:[s,s,s,s]}", "from", "site/rho", "node/rho", "tag/rho", "node/rhode");
	json_auto_t *want =
		json_pack("{s:[s,s,s,s]}", "from", "site/rho", "node/ro", "tag/rho", "node/rhode");
	(void)state;
	assert_int_equal(
		kind_rename_references(&kinds[KIND_GATEWAYS], gateway, KIND_NODES, "rho", "ro"), 1);
	assert_string_equal(json_string_value(json_object_get(gateway, "uplink")), "ro/rho");
	assert_int_equal(
		kind_rename_references(&kinds[KIND_POLICIES], policy, KIND_NODES, "rho", "ro"), 1);
	assert_true(json_equal(policy, want));
}

static void test_names(void **state)
{
	static const struct {
		enum kind_id kind;
		const char *name;
		bool is_good;
	} cases[] = {
		{ KIND_NODES, "rho", true },         { KIND_NODES, "home.a.b", false },
		{ KIND_LINKS, "home.a.b", true },    { KIND_LINKS, "home.a", false },
		{ KIND_LINKS, "home.a.b.c", false }, { KIND_LINKS, "home..b", false },
		{ KIND_LINKS, "home.a.B", false },   { KIND_LINKS, "", false },
		{ KIND_LINKS, "upstairs", true },    { KIND_LINKS, "Up", false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(kind_name_check(&kinds[cases[i].kind], cases[i].name, NULL) == 0,
				 cases[i].is_good);
}

#define EXTERNAL(target, more)                                                                     \
	"{\"node\":\"a\",\"interface\":\"tun0\",\"target\":\"" target "\"" more "}"

struct spec_case {
	enum kind_id kind;
	const char *name, *spec, *problems;
};

static void check_specs(const struct spec_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEAN(problem_list_done) struct problem_list problems = { 0 };
		CLEAN(text_free) struct text got = { 0 };
		json_auto_t *spec = json_loads(cases[i].spec, 0, NULL);
		kind_check_spec(&kinds[cases[i].kind], cases[i].name, spec, "p", &problems);
		text_add(&got, "");
		for (size_t j = 0; j < problems.len; j++)
			text_addf(&got, "%s: %s\n", problems.items[j].field,
				  problems.items[j].text);
		assert_string_equal(got.data, cases[i].problems);
	}
}

static void test_specs(void **state)
{
	static const struct spec_case cases[] = {
		{ KIND_LINKS, "home.a.b", "{\"network\":\"home\",\"ends\":[\"b\",\"node/a\"]}",
		  "" },
		{ KIND_LINKS, "home.a.c", "{\"network\":\"home\",\"ends\":[\"b\",\"a\"]}",
		  "p: the link between these ends is named home.a.b\n" },
		{ KIND_LINKS, "home.a.a", "{\"network\":\"home\",\"ends\":[\"a\",\"node/a\"]}",
		  "p.ends: a link needs two different nodes, not a twice\n" },
		{ KIND_LINKS, "up", "{\"network\":\"home\",\"ends\":[\"b\",\"a\"]}",
		  "p: the link between these ends is named home.a.b\n" },
		{ KIND_LINKS, "up", "{\"sla\":\"voice\"}",
		  "p: a network and its ends are missing, or, for an external link, a node, an "
		  "interface and a target\n" },
		{ KIND_LINKS, "up", EXTERNAL("10.9.0.2", ""), "" },
		{ KIND_LINKS, "up", EXTERNAL("fe80::1", ",\"udp_port\":7"), "" },
		{ KIND_LINKS, "up", EXTERNAL("224.0.0.1", ""),
		  "p.target: 224.0.0.1 is no address of one host\n" },
		{ KIND_LINKS, "up", EXTERNAL("::", ""),
		  "p.target: :: is no address of one host\n" },
		{ KIND_LINKS, "up", EXTERNAL("ff02::1", ",\"mtu\":1400"),
		  "p.mtu: an external link carries no wires\n"
		  "p.target: ff02::1 is no address of one host\n" },
		{ KIND_LINKS, "home.a.b", EXTERNAL("10.9.0.2", ""),
		  "p: an external link has a name without dots\n" },
		{ KIND_SITES, "s", "{\"lan\":[\"10.0.0.0/8\",\"fd00::/8\",\"10.1.0.0/16\"]}",
		  "p.lan[2]: 10.1.0.0/16 overlaps 10.0.0.0/8 in the same list\n" },
		{ KIND_NETWORKS, "n", "{\"hub\":\"a\",\"spokes\":[\"b\",\"node/a\"]}",
		  "p.spokes[1]: a is the hub and cannot be its own spoke\n" },
		{ KIND_NETWORKS, "n", "{\"links\":[[\"a\",\"node/a\"]]}",
		  "p.links[0]: a link needs two different nodes, not a twice\n" },
		{ KIND_SLAS, "v", "{\"jitter\":\"30ms\"}", "" },
		{ KIND_SLAS, "v", "{\"for\":\"3s\"}",
		  "p: it limits nothing: a latency, a jitter or a loss is needed\n" },
		{ KIND_SEGMENTS, "s", "{\"network\":\"n\",\"stp\":{}}", "" },
		{ KIND_SEGMENTS, "s", "{\"network\":\"n\",\"stp\":{\"forward_delay\":\"4s\"}}",
		  "p.stp.max_age: it may be at most twice (forward_delay - 1s), here 6s\n" },
		{ KIND_SEGMENTS, "s", "{\"network\":\"n\",\"stp\":{\"hello_time\":\"10s\"}}",
		  "p.stp.max_age: it must be at least twice (hello_time + 1s), here 22s\n" },
		{ KIND_SEGMENTS, "s", "{\"network\":\"n\",\"mode\":\"routed\",\"stp\":{}}",
		  "p.stp: a routed segment has no spanning tree\n" },
		{ KIND_ENROLMENT_KEYS, "k", "{\"node\":\"a\",\"uses\":2}",
		  "p.uses: a key for one node can be used only once\n" },
		{ KIND_USERS, "u", "{}", "" },
	};
	(void)state;
	check_specs(cases, ARRAY_LEN(cases));
}

#define ZONE(records) "{\"zone\":\"Lan.example\",\"records\":[" records "]}"

static void test_dns_specs(void **state)
{
	static const struct spec_case cases[] = {
		{ KIND_DOMAIN_LISTS, "l", "{\"names\":[\"a.example\"]}", "" },
		{ KIND_DOMAIN_LISTS, "l", "{}",
		  "p: its names come from one of names, url and file, not from 0\n" },
		{ KIND_DOMAIN_LISTS, "l", "{\"file\":\"a\",\"url\":\"http://x/\"}",
		  "p: its names come from one of names, url and file, not from 2\n" },
		{ KIND_DNS_FORWARDS, "f", "{\"to\":[\"9.9.9.9\"]}",
		  "p: it needs from, names or a pattern: what everybody asks is put to the "
		  "resolver's upstreams\n" },
		{ KIND_DNS_FORWARDS, "f", "{\"to\":[\"9.9.9.9\"],\"pattern\":\"*\"}", "" },
		{ KIND_RESOLVERS, "r", "{\"upstreams\":[\"9.9.9.9\"]}",
		  "p: it needs a site or nodes to run on\n" },
		{ KIND_RESOLVERS, "r", "{\"nodes\":[\"a\",\"b\",\"node/a\"]}",
		  "p.nodes[2]: a stands there twice\n" },
		{ KIND_RESOLVERS, "r", "{\"site\":\"a\",\"interfaces\":[\"eth1\"]}",
		  "p.interfaces: nothing is taken from them, as intercept is false\n" },
		{ KIND_DNS_ZONES, "z", "{\"zone\":\"Weft.internal.\",\"records\":[]}",
		  "p.zone: weft.internal is made of the nodes and sites\n" },
		{ KIND_DNS_ZONES, "z",
		  "{\"zone\":\"internal\",\"records\":[{\"name\":\"a.weft\",\"a\":\"10.0.0.1\"},"
		  "{\"name\":\"b.weft\",\"cname\":\"a.weft.internal\"},"
		  "{\"name\":\"a.b.weft\",\"cname\":\"a.weft.internal\"}]}",
		  "p.records[1].cname: weft.internal is for nodes and sites: a name in it has no "
		  "cname\n" },
		{ KIND_DNS_ZONES, "z",
		  ZONE("{\"name\":\"*\",\"a\":\"10.0.0.1\"},{\"name\":\"@\",\"txt\":\"x\"},"
		       "{\"name\":\"a.b\",\"cname\":\"@\"},{\"name\":\"*.b\",\"cname\":\"c."
		       "example\"}"),
		  "" },
		{ KIND_DNS_ZONES, "z", ZONE("{\"name\":\"a\"}"),
		  "p.records[0]: it needs one of a, aaaa, cname, txt and ptr, and has 0\n" },
		{ KIND_DNS_ZONES, "z",
		  ZONE("{\"name\":\"a\",\"a\":\"fd00::1\"},{\"name\":\"a\",\"aaaa\":\"10.0.0.1\"}"),
		  "p.records[0].a: fd00::1 is no IPv4 address\n"
		  "p.records[1].aaaa: 10.0.0.1 is no IPv6 address\n" },
		{ KIND_DNS_ZONES, "z", ZONE("{\"name\":\"a.lan.example.\",\"a\":\"10.0.0.1\"}"),
		  "p.records[0].name: \"a.lan.example.\" is written without the zone, and without "
		  "a dot at its end\n" },
		{ KIND_DNS_ZONES, "z", ZONE("{\"name\":\"@\",\"cname\":\"a.example\"}"),
		  "p.records[0].cname: a zone itself cannot have a cname\n" },
		{ KIND_DNS_ZONES, "z",
		  ZONE("{\"name\":\"A\",\"cname\":\"b\"},{\"name\":\"a\",\"a\":\"10.0.0.1\"}"),
		  "p.records[1].a: a.lan.example has a cname, and nothing else may stand beside "
		  "it\n" },
	};
	(void)state;
	check_specs(cases, ARRAY_LEN(cases));
}

#define POLICY(rules, more) "{\"from\":[\"site/a\"],\"rules\":[" rules "]" more "}"

static void test_policy_specs(void **state)
{
	static const struct spec_case cases[] = {
		{ KIND_POLICIES, "p",
		  POLICY("{\"to\":[\"list/tv\",\"10.0.0.1\"],\"unknown\":true},"
			 "{\"to\":[\"list/ads\"],\"block\":\"nxdomain\"}",
			 ""),
		  "" },
		{ KIND_POLICIES, "p", POLICY("{\"to\":[\"10.0.0.1\"],\"unknown\":true}", ""),
		  "p.rules[0].unknown: it is for rules by name: to has no list/NAME, or has "
		  "any\n" },
		{ KIND_POLICIES, "p", POLICY("{\"to\":[\"any\"],\"block\":\"nxdomain\"}", ""),
		  "p.rules[0].block: there is no name to answer so: to has no list/NAME, or has "
		  "any\n" },
		{ KIND_POLICIES, "p",
		  POLICY("{\"to\":[\"list/tv\"],\"unknown\":true}", ",\"split\":[]"),
		  "p.rules[0].unknown: no flow is looked into for its name, as split is empty\n" },
	};
	(void)state;
	check_specs(cases, ARRAY_LEN(cases));
}

// An entry for a node holds at most 16 kB.
static void test_dns_sizes(void **state)
{
	CLEAN(text_free) struct text spec = { 0 };
	CLEAN(problem_list_done) struct problem_list problems = { 0 };
	(void)state;
	text_add(&spec, "{\"lists\":[\"a\"],\"except\":[");
	for (int i = 0; i < 500; i++)
		text_addf(&spec, "%s\"name-%04d.example\"", i ? "," : "", i);
	text_add(&spec, "]}");
	json_auto_t *json = json_loads(spec.data, 0, NULL);
	kind_check_spec(&kinds[KIND_BLOCKLISTS], "b", json, "p", &problems);
	assert_int_equal(problems.len, 1);
	assert_string_equal(problems.items[0].text, "it has 10026 bytes of text and may have 8000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references_agree_with_openapi),
		cmocka_unit_test(test_every_kind_has_its_paths),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_rename),
		cmocka_unit_test(test_rename_in_other_forms),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_dns_specs),
		cmocka_unit_test(test_policy_specs),
		cmocka_unit_test(test_dns_sizes),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
