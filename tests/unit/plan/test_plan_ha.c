// HA groups: who votes, what the voters are told, and what is refused.
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

#define PARIS                                                                                      \
	"{'members':['rho','bob'],'witness':['epsilon'],'vip':['10.9.0.1','fd09::1'],'interface':" \
	"'eth1'"

static void a_group_tells_each_voter_of_all(void **state)
{
	struct lot *lot = lot_article();
	char list[512];

	(void)state;
	lot_put(lot, "ha-groups", "paris", PARIS ",'hold_down':'5s','on_active':['move']}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 3);
	lot_says(lot, "rho", "ha/paris", "generation", "1");
	lot_says(lot, "rho", "ha/paris", "members", "2");
	lot_says(lot, "rho", "ha/paris", "vip", "[\"10.9.0.1\",\"fd09::1\"]");
	lot_says(lot, "bob", "ha/paris", "hold_down_ms", "5000");
	lot_says(lot, "bob", "ha/paris", "on_active", "[\"move\"]");
	json_t *body = lot_entry(lot, "epsilon", "ha/paris");
	assert_non_null(body);
	assert_null(json_object_get(body, "vip"));
	json_decref(body);
	(void)snprintf(list, sizeof list,
		       "[{\"address\":\"10.64.0.1\",\"id\":%lld,\"name\":\"rho\"},"
		       "{\"address\":\"10.64.0.3\",\"id\":%lld,\"name\":\"bob\"},"
		       "{\"address\":\"10.64.0.2\",\"id\":%lld,\"name\":\"epsilon\"}]",
		       (long long)lot_id(lot, "nodes", "rho"),
		       (long long)lot_id(lot, "nodes", "bob"),
		       (long long)lot_id(lot, "nodes", "epsilon"));
	lot_says(lot, "epsilon", "ha/paris", "voters", list);
	lot_says(lot, "rho", "ha/paris", "drained", "false");
	lot_put(lot, "nodes", "rho", "{'address':'rho.example.net','drain':true}");
	lot_change(lot);
	lot_says(lot, "rho", "ha/paris", "drained", "true");
	lot_says(lot, "bob", "ha/paris", "drained", "false");
	// An even number is made odd by the controller, which has no address.
	lot_put(lot, "ha-groups", "lyon",
		"{'members':['rho','bob'],'vip':['10.9.0.2'],'interface':'eth1'}");
	lot_change(lot);
	body = lot_entry(lot, "bob", "ha/lyon");
	const json_t *last = json_array_get(json_object_get(body, "voters"), 2);
	assert_int_equal(json_integer_value(json_object_get(last, "id")), 4294967295);
	assert_null(json_object_get(last, "address"));
	json_decref(body);
	lot_rename(lot, "nodes", "bob", "rob");
	lot_put(lot, "networks", "home",
		"{'mesh':['rho','epsilon','rob','vorke'],'links':[['rho','pi0']]}");
	lot_put(lot, "ha-groups", "lyon", NULL);
	lot_put(lot, "ha-groups", "paris",
		"{'members':['rho','rob'],'witness':['epsilon'],'vip':['10.9.0.1'],'interface':'"
		"eth1'"
		"}");
	lot_change(lot);
	lot_says(lot, "rob", "ha/paris", "generation", "1");
	lot_check_whole(lot);
	lot_done(lot);
}

static void voters_change_one_by_one_and_only_when_all_have_the_last(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_put(lot, "ha-groups", "paris", PARIS "}");
	lot_change(lot);
	// vorke instead of epsilon: first one goes, then one comes, neither before the ack.
	lot_put(lot, "ha-groups", "paris",
		"{'members':['rho','bob'],'witness':['vorke'],'vip':['10.9.0.1'],'interface':'eth1'"
		"}");
	lot_change(lot);
	lot_says(lot, "epsilon", "ha/paris", "generation", "1");
	assert_null(lot_entry(lot, "vorke", "ha/paris"));
	lot_facts_of(lot, "ha-groups", "paris", "{'settled':1}");
	lot_change(lot);
	lot_says(lot, "rho", "ha/paris", "generation", "2");
	assert_null(lot_entry(lot, "epsilon", "ha/paris"));
	assert_null(lot_entry(lot, "vorke", "ha/paris"));
	lot_facts_of(lot, "ha-groups", "paris", "{'settled':2}");
	lot_change(lot);
	lot_says(lot, "vorke", "ha/paris", "generation", "3");
	lot_says(lot, "bob", "ha/paris", "generation", "3");
	lot_facts_of(lot, "ha-groups", "paris", "{'settled':3}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 0);
	lot_check_whole(lot);
	lot_done(lot);
}

// Whether a list of an entry has something.
static bool lists(struct lot *lot, const char *node, const char *key, const char *list,
		  const char *what)
{
	json_t *body = lot_entry(lot, node, key), *item;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(body, list), i, item)
	{
		found = found || strcmp(json_string_value(item), what) == 0;
	}
	json_decref(body);
	return found;
}

// Paris has rho and bob; epsilon and vorke are elsewhere.
static struct lot *lot_paris(const char *mode)
{
	struct lot *lot = lot_article();
	char segment[64];

	(void)snprintf(segment, sizeof segment, "{'network':'home','mode':'%s'}", mode);
	lot_put(lot, "sites", "paris", "{'lan':['10.1.0.0/16','fd00:1::/48']}");
	lot_put(lot, "nodes", "rho", "{'address':'rho.example.net','site':'paris'}");
	lot_put(lot, "nodes", "bob", "{'address':'2001:db8::b','site':'paris'}");
	lot_put(lot, "segments", "internet", NULL);
	lot_put(lot, "segments", "lan", segment);
	lot_change(lot);
	return lot;
}

#define LED                                                                                        \
	"{'members':['rho','bob'],'witness':['epsilon'],'vip':['10.1.0.1'],'interface':'eth1',"    \
	"'site':'paris'}"

static void in_a_bridge_segment_the_next_hop_is_the_groups(void **state)
{
	struct lot *lot = lot_paris("bridge");

	(void)state;
	lot_says(lot, "epsilon", "route/lan/10.1.0.0/16", "via", "10.128.4.1");
	assert_false(lists(lot, "epsilon", "guard/owner/lan/bob", "prefixes", "10.1.0.0/16"));
	lot_put(lot, "ha-groups", "paris", LED);
	lot_change(lot);
	// Behind what 64 nodes can have.
	lot_says(lot, "epsilon", "route/lan/10.1.0.0/16", "via", "10.128.4.65");
	lot_says(lot, "vorke", "route/lan/fd00:1::/48", "via", "fd01:203:405:8002::41");
	// Whoever is active may send from the LAN and the address, and both members are told both.
	for (int i = 0; i < 2; i++) {
		const char *key = i ? "guard/owner/lan/bob" : "guard/owner/lan/rho";

		assert_true(lists(lot, "epsilon", key, "prefixes", "10.1.0.0/16"));
		assert_true(lists(lot, "epsilon", key, "prefixes", "10.128.4.65/32"));
		json_t *body = lot_entry(lot, i ? "bob" : "rho", "ha/paris");
		const json_t *hop = json_array_get(json_object_get(body, "hops"), 0);
		assert_string_equal(
			json_string_value(json_array_get(json_object_get(hop, "addresses"), 1)),
			"fd01:203:405:8002::41");
		assert_string_equal(json_string_value(json_object_get(body, "site")), "paris");
		json_decref(body);
		assert_true(lot_has(lot, i ? "bob" : "rho", "sysctl/net.ipv4.ip_forward"));
	}
	assert_false(lot_has(lot, "bob", "route/lan/10.1.0.0/16"));
	json_t *body = lot_entry(lot, "epsilon", "ha/paris");
	assert_null(json_object_get(body, "hops"));
	json_decref(body);
	// The address stays its, whatever else comes and goes.
	lot_put(lot, "ha-groups", "more",
		"{'members':['rho','bob'],'vip':['10.1.0.2'],'interface':'eth1','site':'paris'}");
	lot_put(lot, "sites", "paris", "{'lan':['10.7.0.0/16']}");
	lot_change(lot);
	lot_says(lot, "epsilon", "route/lan/10.7.0.0/16", "via", "10.128.4.65");
	body = lot_entry(lot, "rho", "ha/more");
	assert_null(json_object_get(body, "hops"));
	json_decref(body);
	lot_put(lot, "ha-groups", "paris", NULL);
	lot_change(lot);
	lot_says(lot, "epsilon", "route/lan/10.7.0.0/16", "via", "10.128.4.66");
	lot_put(lot, "ha-groups", "more", NULL);
	lot_change(lot);
	lot_says(lot, "epsilon", "route/lan/10.7.0.0/16", "via", "10.128.4.1");
	lot_done(lot);
}

static void what_is_not_wholly_in_a_segment_does_not_lead_there(void **state)
{
	struct lot *lot = lot_paris("bridge");
	struct err err;

	(void)state;
	lot_put(lot, "networks", "side", "{'mesh':['rho','vorke']}");
	lot_put(lot, "segments", "side", "{'network':'side','mode':'bridge'}");
	lot_put(lot, "ha-groups", "paris", LED);
	lot_change(lot);
	lot_says(lot, "epsilon", "route/lan/10.1.0.0/16", "via", "10.128.4.65");
	lot_says(lot, "vorke", "route/side/10.1.0.0/16", "via", "10.128.8.1");
	lot_put(lot, "networks", "side", "{'mesh':['rho','bob','vorke']}");
	lot_change(lot);
	lot_says(lot, "vorke", "route/side/10.1.0.0/16", "via", "10.128.8.65");
	lot_put(lot, "networks", "side", "{'mesh':['rho','vorke']}");
	lot_change(lot);
	lot_says(lot, "vorke", "route/side/10.1.0.0/16", "via", "10.128.8.1");
	// A pool that the nodes fill has no address for it.
	lot_put(lot, "segments", "small",
		"{'network':'home','mode':'bridge','pool':['10.77.0.0/29']}");
	lot_put(lot, "nodes", "sixth", "{}");
	lot_put(lot, "networks", "home",
		"{'mesh':['rho','epsilon','bob','vorke'],'links':[['rho','pi0'],['rho','sixth']]}");
	assert_true(lot_commit(lot, &err) < 0);
	assert_string_equal(err.text,
			    "segments.small.pool: 10.77.0.0/29 has no address left for "
			    "ha-groups.paris, whose active member speaks for site paris there");
	lot_done(lot);
}

static void in_a_routed_segment_the_agents_are_told_whom_to_follow(void **state)
{
	struct lot *lot = lot_paris("routed");

	(void)state;
	lot_says(lot, "epsilon", "route/lan/10.1.0.0/16", "via", "10.128.4.1");
	lot_put(lot, "ha-groups", "paris", LED);
	lot_change(lot);
	// No route is fixed, in no table; both may send from the LAN.
	assert_false(lot_has(lot, "epsilon", "route/lan/10.1.0.0/16"));
	for (int i = 0; i < 2; i++) {
		const char *path = i ? "path/lan/bob" : "path/lan/rho";
		const char *sender = i ? "guard/sender/lan/bob" : "guard/sender/lan/rho";
		json_t *body = lot_entry(lot, "vorke", path);
		const json_t *lan = json_object_get(body, "lan");

		assert_false(lists(lot, "vorke", path, "prefixes", "10.1.0.0/16"));
		assert_true(lists(lot, "vorke", sender, "prefixes", "10.1.0.0/16"));
		assert_int_equal(json_integer_value(json_object_get(lan, "group")),
				 lot_id(lot, "ha-groups", "paris"));
		assert_int_equal(json_array_size(json_object_get(lan, "prefixes")), 2);
		assert_int_equal(json_is_true(json_object_get(lan, "first")), i == 0);
		json_decref(body);
	}
	// What bob sends through rho is from their LAN, but rho's choice is not for it.
	lot_says(lot, "rho", "rule/lan/bob@v4", "priority", "22341");
	json_t *body = lot_entry(lot, "rho", "path/lan/bob");
	assert_null(json_object_get(body, "lan"));
	json_decref(body);
	body = lot_entry(lot, "bob", "ha/paris");
	assert_string_equal(json_string_value(json_object_get(body, "site")), "paris");
	assert_null(json_object_get(body, "hops"));
	json_decref(body);
	lot_done(lot);
}

static void a_group_that_cannot_agree_is_refused(void **state)
{
	static const struct {
		const char *name, *spec, *why;
	} cases[] = {
		{ "a",
		  "{'members':['rho','pi0'],'witness':['bob'],'vip':['10.9.0.1'],'interface':'e'}",
		  "no network links each member with every other voter" },
		{ "b",
		  "{'members':['rho','pi0'],'witness':['bob'],'vip':['10.9.0.1'],'interface':'e',"
		  "'network':'home'}",
		  "home has no link between pi0 and bob: each member needs one with every other "
		  "voter" },
		{ "c", "{'members':['rho','bob'],'vip':['10.64.9.9'],'interface':'e'}",
		  "10.64.9.9 is within the pool of networks.home" },
		{ "d",
		  "{'members':['rho','bob'],'vip':['10.9.0.1'],'interface':'e','site':'nowhere'}",
		  "rho does not stand at site nowhere" },
		{ "e", "{'members':['rho','bob'],'vip':['10.9.0.9'],'interface':'e'}",
		  "10.9.0.9 is already that of ha-groups.first" },
	};
	struct lot *lot = lot_article();
	struct err err;

	(void)state;
	lot_put(lot, "ha-groups", "first",
		"{'members':['rho','bob'],'vip':['10.9.0.9'],'interface':'eth1'}");
	lot_change(lot);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		lot_put(lot, "ha-groups", cases[i].name, cases[i].spec);
		assert_true(lot_commit(lot, &err) < 0);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s: %s", cases[i].name, err.text);
	}
	lot_done(lot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_tells_each_voter_of_all),
		cmocka_unit_test(voters_change_one_by_one_and_only_when_all_have_the_last),
		cmocka_unit_test(in_a_bridge_segment_the_next_hop_is_the_groups),
		cmocka_unit_test(what_is_not_wholly_in_a_segment_does_not_lead_there),
		cmocka_unit_test(in_a_routed_segment_the_agents_are_told_whom_to_follow),
		cmocka_unit_test(a_group_that_cannot_agree_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
