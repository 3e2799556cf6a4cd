// Resolvers: what their nodes are told, and what an edit costs.
// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "lot.h"

// The article's network with a site of two, and a resolver at the site.
static struct lot *lot_paris(void)
{
	struct lot *lot = lot_article();

	lot_put(lot, "sites", "paris", "{'lan':['10.1.0.0/16','fd00:1::/48']}");
	lot_put(lot, "nodes", "rho", "{'address':'rho.example.net','site':'paris'}");
	lot_put(lot, "nodes", "bob", "{'address':'bob.example.net','site':'site/paris'}");
	lot_put(lot, "resolvers", "paris",
		"{'site':'paris','upstreams':['9.9.9.9','tls://1.1.1.1#one.example'],'rate':50,"
		"'stale':'1h','log':'all'}");
	lot_change(lot);
	return lot;
}

// How many entries the last change set or dropped on a node.
static size_t changed(const struct lot *lot, const char *node)
{
	const struct plan_delta *delta = lot_delta(lot, node);

	return delta ? delta->count : 0;
}

static void a_resolver_stands_on_its_nodes_only(void **state)
{
	struct lot *lot = lot_paris();

	(void)state;
	assert_true(lot_has(lot, "rho", "dns/paris") && lot_has(lot, "bob", "dns/paris"));
	assert_false(lot_has(lot, "vorke", "dns/paris"));
	assert_false(lot_has(lot, "vorke", "dns-zone/weft.internal/rho"));
	lot_says(lot, "rho", "dns/paris", "upstreams",
		 "[\"9.9.9.9\",\"tls://1.1.1.1#one.example\"]");
	lot_says(lot, "rho", "dns/paris", "rate", "50");
	lot_says(lot, "rho", "dns/paris", "stale_s", "3600");
	lot_says(lot, "rho", "dns/paris", "cache_bytes", "33554432");
	lot_says(lot, "rho", "dns/paris", "listen", "[\"10.128.0.1\",\"fd01:203:405:8001::1\"]");
	lot_says(lot, "rho", "dns/paris", "intercept", "[]");
	lot_says(lot, "rho", "dns/paris", "clients",
		 "[\"10.1.0.0/16\",\"10.128.0.0/22\",\"10.64.0.0/16\",\"127.0.0.0/8\",\"::1/128\","
		 "\"fd00:1::/48\",\"fd01:203:405:1::/64\",\"fd01:203:405:8001::/64\"]");
	// Another node comes to the site, and one leaves it.
	lot_put(lot, "nodes", "vorke", "{'site':'paris'}");
	lot_put(lot, "nodes", "bob", "{'address':'bob.example.net'}");
	lot_change(lot);
	assert_true(lot_has(lot, "vorke", "dns-zone/weft.internal/rho"));
	assert_false(lot_has(lot, "bob", "dns/paris"));
	assert_false(lot_has(lot, "bob", "dns-zone/weft.internal/rho"));
	lot_put(lot, "resolvers", "paris", NULL);
	lot_change(lot);
	assert_false(lot_has(lot, "rho", "dns/paris"));
	assert_false(lot_has(lot, "rho", "dns-zone/weft.internal/rho"));
	lot_done(lot);
}

static void a_group_lends_its_addresses_and_interface(void **state)
{
	struct lot *lot = lot_paris();

	(void)state;
	lot_put(lot, "resolvers", "paris",
		"{'site':'paris','upstreams':['9.9.9.9'],'intercept':true}");
	lot_change(lot);
	lot_put(lot, "ha-groups", "pair",
		"{'members':['rho','bob'],'vip':['10.1.0.1'],'interface':'eth1'}");
	lot_change(lot);
	lot_says(lot, "rho", "dns/paris", "listen",
		 "[\"10.1.0.1\",\"10.128.0.1\",\"fd01:203:405:8001::1\"]");
	lot_says(lot, "bob", "dns/paris", "intercept", "[\"eth1\"]");
	lot_says(lot, "bob", "dns-zone/weft.internal/paris", "records",
		 "[{\"data\":\"10.1.0.1\",\"name\":\"paris\",\"ttl\":60,\"type\":\"A\"}]");
	lot_put(lot, "ha-groups", "pair", NULL);
	lot_change(lot);
	lot_says(lot, "rho", "dns/paris", "listen", "[\"10.128.0.1\",\"fd01:203:405:8001::1\"]");
	json_t *body = lot_entry(lot, "rho", "dns-zone/weft.internal/paris");
	// Both nodes, both families.
	assert_int_equal(json_array_size(json_object_get(body, "records")), 4);
	json_decref(body);
	// A node of the site's name takes the name.
	lot_put(lot, "nodes", "paris", "{}");
	lot_change(lot);
	assert_false(lot_has(lot, "rho", "dns-zone/weft.internal/paris"));
	lot_done(lot);
}

static void a_zone_has_whole_names_and_fits_the_wire(void **state)
{
	struct lot *lot = lot_paris();
	CLEAN(text_free) struct text large = { 0 };

	(void)state;
	lot_put(lot, "dns-zones", "lan",
		"{'zone':'Lan.Example.','records':[{'name':'Printer','a':'10.1.0.9'},"
		"{'name':'www','cname':'printer','ttl':'1h'},{'name':'@','txt':'hello'},"
		"{'name':'*.apps','aaaa':'FD00::9'},{'name':'x','cname':'Other.Example'}]}");
	lot_change(lot);
	lot_says(lot, "rho", "dns-zone/lan", "zone", "lan.example");
	lot_says(lot, "rho", "dns-zone/lan", "records",
		 "[{\"data\":\"10.1.0.9\",\"name\":\"printer\",\"ttl\":300,\"type\":\"A\"},"
		 "{\"data\":\"printer.lan.example\",\"name\":\"www\",\"ttl\":3600,\"type\":"
		 "\"CNAME\"},"
		 "{\"data\":\"hello\",\"name\":\"@\",\"ttl\":300,\"type\":\"TXT\"},"
		 "{\"data\":\"fd00::9\",\"name\":\"*.apps\",\"ttl\":300,\"type\":\"AAAA\"},"
		 "{\"data\":\"other.example\",\"name\":\"x\",\"ttl\":300,\"type\":\"CNAME\"}]");
	assert_int_equal(lot_touched(lot), 2);
	assert_int_equal(changed(lot, "rho"), 1);
	text_add(&large, "{'zone':'lan.example','records':[");
	for (int i = 0; i < 1000; i++)
		text_addf(&large, "%s{'name':'host-%d','a':'10.1.%d.%d'}", i ? "," : "", i, i / 250,
			  i % 250 + 1);
	text_add(&large, "]}");
	lot_put(lot, "dns-zones", "lan", large.data);
	lot_change(lot);
	size_t records = 0, pieces = 0;
	for (;; pieces++) {
		char key[64] = "dns-zone/lan";
		if (pieces)
			(void)snprintf(key, sizeof key, "dns-zone/lan/%zu", pieces + 1);
		json_t *body = lot_entry(lot, "rho", key);
		if (!body)
			break;
		assert_true(json_dumpb(body, NULL, 0, JSON_COMPACT) < 16384);
		records += json_array_size(json_object_get(body, "records"));
		json_decref(body);
	}
	assert_int_equal(records, 1000);
	assert_in_range(pieces, 5, 10);
	// An empty one is answered for, too.
	lot_put(lot, "dns-zones", "lan", "{'zone':'lan.example','records':[]}");
	lot_change(lot);
	lot_says(lot, "rho", "dns-zone/lan", "records", "[]");
	assert_false(lot_has(lot, "rho", "dns-zone/lan/2"));
	lot_done(lot);
}

static void lists_go_where_a_blocklist_needs_them(void **state)
{
	struct lot *lot = lot_paris();
	static const char hash[] =
		"6cb9bb45f4c0b4f7ec31dc7ee2a7d0dc3dda5b0bfb3ef4ad4a18d55e1f5f0f2a";
	char facts[160];

	(void)state;
	lot_put(lot, "domain-lists", "work", "{'names':['corp.example','=www.example']}");
	lot_put(lot, "domain-lists", "ads", "{'url':'https://lists.example/ads.txt'}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 0);
	lot_put(lot, "blocklists", "no",
		"{'lists':['work'],'answer':'zero','except':['good.example']}");
	lot_put(lot, "blocklists", "ads", "{'lists':['domain-list/ads']}");
	lot_change(lot);
	lot_says(lot, "rho", "names/work", "rules", "[\"corp.example\",\"=www.example\"]");
	lot_says(lot, "rho", "names/ads", "rules", "[]");
	lot_says(lot, "rho", "dns-block/ads", "needs", "[\"names/ads\"]");
	lot_says(lot, "rho", "dns-block/no", "answer", "zero");
	(void)snprintf(facts, sizeof facts, "{'sha256':'%s','size':12345}", hash);
	lot_facts_of(lot, "domain-lists", "ads", facts);
	lot_change(lot);
	lot_says(lot, "rho", "names/ads", "sha256", hash);
	lot_says(lot, "rho", "names/ads", "size", "12345");
	assert_int_equal(changed(lot, "rho"), 1);
	// A resolver that takes one of them only.
	lot_put(lot, "resolvers", "paris",
		"{'site':'paris','upstreams':['9.9.9.9'],'blocklists':['ads']}");
	lot_change(lot);
	assert_false(lot_has(lot, "rho", "dns-block/no"));
	assert_false(lot_has(lot, "rho", "names/work"));
	assert_true(lot_has(lot, "rho", "dns-block/ads"));
	lot_put(lot, "resolvers", "paris",
		"{'site':'paris','upstreams':['9.9.9.9'],'blocklists':[]}");
	lot_change(lot);
	assert_false(lot_has(lot, "rho", "names/ads"));
	lot_done(lot);
}

static void a_long_list_is_fetched_by_its_hash(void **state)
{
	struct lot *lot = lot_paris();
	CLEAN(text_free) struct text spec = { 0 };

	(void)state;
	text_add(&spec, "{'names':[");
	for (int i = 0; i < 1001; i++)
		text_addf(&spec, "%s'n%d.example'", i ? "," : "", i);
	text_add(&spec, "]}");
	lot_put(lot, "domain-lists", "long", spec.data);
	lot_put(lot, "blocklists", "long", "{'lists':['long']}");
	lot_change(lot);
	json_t *body = lot_entry(lot, "bob", "names/long");
	assert_null(json_object_get(body, "rules"));
	assert_int_equal(json_string_length(json_object_get(body, "sha256")), 64);
	json_decref(body);
	lot_done(lot);
}

static void an_edit_costs_what_it_touches(void **state)
{
	struct lot *lot = lot_paris();

	(void)state;
	lot_put(lot, "dns-forwards", "corp",
		"{'from':['10.1.5.0/24'],'pattern':'*.int.*','to':['10.9.9.9']}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 2);
	assert_int_equal(changed(lot, "rho"), 1);
	lot_says(lot, "rho", "dns-forward/corp", "patterns", "[\"*.int.*\"]");
	lot_put(lot, "resolvers", "paris", "{'site':'paris','upstreams':['9.9.9.10']}");
	lot_change(lot);
	assert_int_equal(changed(lot, "rho"), 1);
	// A note on a node is none of the resolvers' business.
	lot_put(lot, "nodes", "rho", "{'address':'rho.example.net','site':'paris','comment':'x'}");
	lot_change(lot);
	assert_int_equal(changed(lot, "bob"), 0);
	lot_rename(lot, "nodes", "pi0", "pi1");
	lot_put(lot, "networks", "home",
		"{'mesh':['rho','epsilon','bob','vorke'],'links':[['rho','pi1']]}");
	lot_change(lot);
	assert_true(lot_has(lot, "rho", "dns-zone/weft.internal/pi1"));
	assert_false(lot_has(lot, "rho", "dns-zone/weft.internal/pi0"));
	lot_done(lot);
}

static void what_cannot_be_served_is_refused(void **state)
{
	static const struct {
		const char *kind, *spec, *why;
	} cases[] = {
		{ "resolvers", "{'nodes':['vorke','rho'],'upstreams':['9.9.9.9']}",
		  "resolvers.paris runs on rho already" },
		{ "dns-zones", "{'zone':'LAN.example','records':[]}",
		  "LAN.example is already that of dns-zones.lan" },
		{ "dns-zones",
		  "{'zone':'sub.lan.example','records':[{'name':'y','a':'10.0.0.1'},"
		  "{'name':'x','cname':'y'}]}",
		  "dns-zones.other.records[1].cname: x.sub.lan.example stands in dns-zones.lan as "
		  "well, "
		  "and nothing may stand beside a cname" },
		{ "dns-zones", "{'zone':'example','records':[{'name':'*.far.lan','txt':'x'}]}",
		  "dns-zones.other.records[0].txt: *.far.lan.example stands in dns-zones.lan as "
		  "well" },
		{ "resolvers", "{'nodes':['lone'],'upstreams':['9.9.9.9'],'intercept':true}",
		  "resolvers.other.intercept: lone has no interface that is known as one of its "
		  "LAN: say which in interfaces" },
		{ "resolvers",
		  "{'nodes':['vorke'],'listen':['192.0.2.1','2001:db8::1'],'upstreams':['9.9.9.9',"
		  "'[2001:DB8:0::1]:53']}",
		  "resolvers.other.upstreams: [2001:DB8:0::1]:53 is where this resolver itself "
		  "answers on vorke" },
	};
	struct lot *lot = lot_paris();
	struct err err;

	(void)state;
	lot_put(lot, "dns-zones", "lan",
		"{'zone':'lan.example.','records':[{'name':'x.sub','a':'10.0.0.1'},"
		"{'name':'*.far','cname':'y.example'}]}");
	lot_put(lot, "nodes", "lone", "{}");
	lot_put(lot, "resolvers", "far", "{'nodes':['epsilon'],'upstreams':['9.9.9.9']}");
	lot_change(lot);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		lot_put(lot, cases[i].kind, "other", cases[i].spec);
		assert_true(lot_commit(lot, &err) < 0);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s", err.text);
	}
	// Moving the node is as wrong as moving the resolver.
	lot_put(lot, "nodes", "epsilon", "{'address':'epsilon.example.net','site':'paris'}");
	assert_true(lot_commit(lot, &err) < 0);
	assert_non_null(strstr(err.text, "runs on epsilon already"));
	lot_done(lot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_resolver_stands_on_its_nodes_only),
		cmocka_unit_test(a_group_lends_its_addresses_and_interface),
		cmocka_unit_test(a_zone_has_whole_names_and_fits_the_wire),
		cmocka_unit_test(lists_go_where_a_blocklist_needs_them),
		cmocka_unit_test(a_long_list_is_fetched_by_its_hash),
		cmocka_unit_test(an_edit_costs_what_it_touches),
		cmocka_unit_test(what_cannot_be_served_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
