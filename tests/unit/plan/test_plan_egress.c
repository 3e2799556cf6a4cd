// Policies and gateways: who is told what, which numbers hold, and what is refused.
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
#include "model/kinds.h"

#include "lot.h"
#include "plan/numbers.h"

// The article's fleet, with a LAN behind rho and epsilon, which stand at one site, and two uplinks
// at rho. bob is linked with both, pi0 with rho only.
static struct lot *lot_with_clients(void)
{
	struct lot *lot = lot_article();

	lot_put(lot, "sites", "paris", "{'lan':['10.1.0.0/16','fd00:1::/48'],'tags':['eu']}");
	lot_put(lot, "sites", "lyon", "{'lan':['10.2.0.0/16']}");
	lot_put(lot, "nodes", "rho",
		"{'address':'rho.example.net','site':'paris','uplinks':{'fibre':{'interface':"
		"'eth0'},'lte':{'interface':'wwan0','via':['192.0.2.1']}}}");
	lot_put(lot, "nodes", "epsilon", "{'address':'epsilon.example.net','site':'paris'}");
	lot_put(lot, "nodes", "pi0", "{'site':'lyon'}");
	lot_put(lot, "gateways", "fibre", "{'uplink':'rho/fibre','check':['9.9.9.9']}");
	lot_put(lot, "gateways", "lte", "{'uplink':'rho/lte'}");
	lot_put(lot, "gateways", "bob", "{'node':'bob'}");
	lot_put(lot, "gateway-groups", "tv", "{'try':['fibre','bob']}");
	lot_put(lot, "gateway-groups", "last", "{'try':['lte'],'choose':'latency'}");
	lot_change(lot);
	return lot;
}

// A field of an entry as text, its own copy.
static char *said(const struct lot *lot, const char *node, const char *key, const char *field)
{
	json_t *body = lot_entry(lot, node, key);

	assert_non_null(body);
	char *text = strdup(lot_field(body, field));
	json_decref(body);
	return text;
}

// The rules of the policy `home` as the node has them, but for what tells them apart.
static char *rules_said(const struct lot *lot, const char *node)
{
	json_t *policy = lot_entry(lot, node, "policy/home"), *rule;
	size_t i;

	json_array_foreach(json_object_get(policy, "rules"), i, rule)
	{
		assert_int_equal(json_object_del(rule, "id"), 0);
		assert_int_equal(json_object_del(rule, "slot"), 0);
	}
	char *text = json_dumps(json_object_get(policy, "rules"), JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(policy);
	return text;
}

#define HOME                                                                                       \
	"{'from':['site/paris'],'rules':[{'to':['203.0.113.0/24','198.51.100.7'],'ports':["        \
	"'tcp/443'],'via':'tv','otherwise':'direct'},{'to':['192.0.2.0/24'],'block':'drop'},"      \
	"{'to':['any'],'via':'tv'}]}"

static void nothing_is_made_before_a_policy(void **state)
{
	struct lot *lot = lot_with_clients();

	(void)state;
	assert_false(lot_has(lot, "rho", "uplink/fibre"));
	assert_false(lot_has(lot, "bob", "exit/bob.rho"));
	lot_done(lot);
}

static void an_ingress_has_policy_groups_and_gateways(void **state)
{
	struct lot *lot = lot_with_clients();

	(void)state;
	lot_put(lot, "policies", "home", HOME);
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 3); // rho and epsilon behind whom the clients are, bob
	lot_says(lot, "epsilon", "policy/home", "from", "[\"10.1.0.0/16\",\"fd00:1::/48\"]");
	CLEAN(free_ptr) char *text = rules_said(lot, "rho");
	assert_string_equal(
		text, "[{\"mark\":16973824,\"number\":1,\"ports\":[{\"first\":443,\"last\":443,"
		      "\"proto\":\"tcp\"}],\"to\":[\"203.0.113.0/24\",\"198.51.100.7/32\"],"
		      "\"verdict\":\"mark\"},{\"block\":\"drop\",\"number\":2,\"ports\":[],\"to\":["
		      "\"192.0.2.0/24\"],\"verdict\":\"block\"},{\"mark\":16908288,\"number\":3,"
		      "\"ports\":[],\"to\":[],\"verdict\":\"mark\"}]");
	lot_says(lot, "rho", "gateway-group/tv.block", "try",
		 "[\"gateway/fibre\",\"gateway/bob\"]");
	lot_says(lot, "rho", "gateway-group/tv.direct", "otherwise", "direct");
	lot_says(lot, "rho", "gateway-group/tv.block", "table", "22502");
	lot_says(lot, "rho", "rule/gateway-group/tv.block-v6", "mark", "16908288");
	lot_says(lot, "rho", "rule/gateway-group/tv.block-local-v4", "suppress", "0");
	lot_says(lot, "rho", "rule/policy/10.1.0.0/16", "table", "22502");
	lot_says(lot, "rho", "rule/policy/10.1.0.0/16-local", "table", "254");
	lot_says(lot, "rho", "rule/policy/10.1.0.0/16-end", "action", "unreachable");
	lot_says(lot, "rho", "rule/policy/10.1.0.0/16-end", "priority", "22499");
	lot_says(lot, "rho", "sysctl/net.ipv4.ip_forward", "value", "1");
	lot_says(lot, "bob", "sysctl/net.ipv6.conf.all.forwarding", "value", "1");
	// Its own uplink; the other's by a wire.
	lot_says(lot, "rho", "gateway/fibre", "uplink", "uplink/fibre");
	lot_says(lot, "rho", "uplink/fibre", "device", "eth0");
	lot_says(lot, "rho", "echo/gateway:fibre-v4", "target", "9.9.9.9");
	lot_says(lot, "epsilon", "gateway/fibre", "wire", "wire/gateway:fibre/rho");
	lot_says(lot, "epsilon", "gateway/fibre", "via", "fe80::1");
	assert_false(lot_has(lot, "epsilon", "uplink/fibre"));
	// Two gateways of one uplink have its setting once.
	lot_put(lot, "gateways", "again", "{'uplink':'rho/fibre'}");
	lot_put(lot, "gateway-groups", "tv", "{'try':['fibre','again','bob']}");
	lot_change(lot);
	lot_says(lot, "rho", "sysctl/net/ipv4/conf/eth0/rp_filter", "value", "2");
	// lte is in no group that a rule names.
	assert_false(lot_has(lot, "rho", "gateway/lte"));
	lot_done(lot);
}

static void an_exit_lets_its_ingresses_out_and_answers_back(void **state)
{
	struct lot *lot = lot_with_clients();

	(void)state;
	lot_put(lot, "policies", "home", HOME);
	lot_change(lot);
	lot_says(lot, "bob", "exit/bob.rho", "from", "[\"10.1.0.0/16\",\"fd00:1::/48\"]");
	lot_says(lot, "bob", "exit/bob.rho", "uplink", "uplink/bob");
	json_t *uplink = lot_entry(lot, "bob", "uplink/bob");
	assert_null(json_object_get(uplink, "device")); // its own way, whichever that is
	json_decref(uplink);
	// Both ends of a wire agree; two wires at one exit differ in all.
	json_t *here = lot_entry(lot, "bob", "wire/gateway:bob/rho");
	json_t *there = lot_entry(lot, "rho", "wire/gateway:bob/bob");
	json_t *other = lot_entry(lot, "bob", "wire/gateway:bob/epsilon");
	assert_true(json_equal(json_object_get(here, "vni"), json_object_get(there, "vni")));
	assert_true(json_equal(json_object_get(here, "device"), json_object_get(there, "device")));
	assert_false(json_equal(json_object_get(here, "vni"), json_object_get(other, "vni")));
	assert_true(json_is_true(json_object_get(here, "gateway")));
	assert_true(json_integer_value(json_object_get(here, "vni")) > 0x800000);
	json_decref(here);
	json_decref(there);
	json_decref(other);
	lot_says(lot, "bob", "address/gateway:bob/fe80::1@rho", "address", "fe80::1/64");
	lot_says(lot, "rho", "address/gateway:bob/fe80::2@bob", "address", "fe80::2/64");
	lot_says(lot, "bob", "route/exit:bob.rho/return-v4", "via", "fe80::2");
	lot_says(lot, "rho", "rule/exit:fibre.epsilon/arrival-v4", "table", "24601");
	lot_done(lot);
}

static int64_t vni_of(const struct lot *lot, const char *node, const char *key)
{
	json_t *body = lot_entry(lot, node, key);
	const int64_t vni = json_integer_value(json_object_get(body, "vni"));

	json_decref(body);
	return vni;
}

// Each as far from its first one as it is by itself.
static void numbers_are_counted_from_the_settings(void **state)
{
	const struct host_numbers numbers = { 0x3ffc, 51234, 12341, 100000 };
	struct lot *lot = lot_with_clients();

	(void)state;
	lot_put(lot, "policies", "home", HOME);
	lot_change(lot);
	lot_says(lot, "rho", "policy/home", "mask", "268369920");
	lot_says(lot, "rho", "policy/home", "priority", "22350");
	lot_says(lot, "bob", "exit/bob.rho", "mask", "268369920");
	const int64_t vni = vni_of(lot, "bob", "wire/gateway:bob/rho");
	lot_done(lot);
	lot_number(&numbers);
	lot = lot_with_clients();
	lot_number(NULL);
	lot_put(lot, "policies", "home", HOME);
	lot_change(lot);
	lot_says(lot, "rho", "policy/home", "mask", "16380");
	lot_says(lot, "rho", "policy/home", "priority", "12350");
	lot_says(lot, "bob", "exit/bob.rho", "mask", "16380");
	lot_says(lot, "rho", "gateway-group/tv.block", "table", "51394");
	lot_says(lot, "rho", "rule/gateway-group/tv.block-v6", "mark", "1032");
	lot_says(lot, "rho", "rule/gateway-group/tv.block-v6", "mask", "16380");
	lot_says(lot, "rho", "rule/policy/10.1.0.0/16-end", "priority", "12499");
	lot_says(lot, "rho", "rule/policy/direct-v4", "mark", "16380");
	lot_says(lot, "rho", "rule/exit:fibre.epsilon/arrival-v4", "table", "53493");
	assert_int_equal(vni_of(lot, "bob", "wire/gateway:bob/rho"), vni + numbers.vni_base);
	lot_done(lot);
}

// Those of segments end before the others' begin, and go on behind them.
static void no_two_tables_are_one(void **state)
{
	struct lot *lot = lot_with_clients();
	const struct fleet *fleet = lot->fleet;

	(void)state;
	assert_int_equal(fleet_passing_table(fleet, 1), 22344);
	assert_int_equal(fleet_passing_table(fleet, 155), 22498);
	assert_true(fleet_passing_table(fleet, 156) >
		    fleet_table(fleet, TABLE_RETURNS + RETURN_WAYS_MAX));
	assert_int_equal(fleet_passing_table(fleet, 157), fleet_passing_table(fleet, 156) + 1);
	assert_true(fleet_table(fleet, TABLE_GROUPS + 2 * GATEWAY_GROUPS_IN_ALL + 1) <
		    fleet_table(fleet, TABLE_UPLINKS));
	assert_true(fleet_table(fleet, TABLE_UPLINKS + GATEWAYS_IN_ALL) <
		    fleet_table(fleet, TABLE_RETURNS));
	assert_true(VNI_BASE_MAX + GATEWAY_VNI_BASE + GATEWAY_WIRES_IN_ALL < 1 << 24);
	assert_true((SEGMENTS_MAX + 1) * SEGMENT_VNI_BLOCK <= GATEWAY_VNI_BASE);
	lot_done(lot);
}

static void what_is_no_longer_needed_goes(void **state)
{
	struct lot *lot = lot_with_clients();

	(void)state;
	lot_put(lot, "policies", "home", HOME);
	lot_change(lot);
	const size_t entries = lot_entry_count(lot, "bob");
	// epsilon leaves the site: only its wires go.
	lot_put(lot, "nodes", "epsilon", "{'address':'epsilon.example.net'}");
	lot_change(lot);
	assert_false(lot_has(lot, "bob", "exit/bob.epsilon"));
	assert_true(lot_has(lot, "bob", "exit/bob.rho"));
	assert_false(lot_has(lot, "epsilon", "policy/home"));
	lot_put(lot, "nodes", "epsilon", "{'address':'epsilon.example.net','site':'paris'}");
	lot_change(lot);
	assert_int_equal(lot_entry_count(lot, "bob"), entries);
	// The gateway moves to another node, and comes back to the numbers it had.
	CLEAN(free_ptr) char *mark = said(lot, "bob", "exit/bob.rho", "mark");
	lot_put(lot, "gateways", "bob", "{'node':'vorke'}");
	lot_change(lot);
	assert_false(lot_has(lot, "bob", "uplink/bob"));
	assert_true(lot_has(lot, "vorke", "exit/bob.rho"));
	lot_put(lot, "gateways", "bob", "{'node':'bob'}");
	lot_change(lot);
	lot_says(lot, "bob", "exit/bob.rho", "mark", mark);
	lot_put(lot, "policies", "home", NULL);
	lot_change(lot);
	assert_false(lot_has(lot, "rho", "uplink/fibre"));
	assert_false(lot_has(lot, "bob", "wire/gateway:bob/rho"));
	assert_false(lot_has(lot, "rho", "sysctl/net/ipv4/conf/eth0/rp_filter"));
	assert_false(lot_has(lot, "bob", "sysctl/net.ipv4.ip_forward"));
	lot_done(lot);
}

static void who_reaches_no_exit_has_no_gateway(void **state)
{
	struct lot *lot = lot_with_clients();

	(void)state;
	// pi0 is linked with rho, not with bob.
	lot_put(lot, "policies", "lyon",
		"{'from':['tag/all'],'rules':[{'to':['any'],'via':'tv'}]}");
	lot_put(lot, "sites", "lyon", "{'lan':['10.2.0.0/16'],'tags':['all']}");
	lot_change(lot);
	lot_says(lot, "pi0", "gateway-group/tv.block", "try", "[\"gateway/fibre\"]");
	assert_false(lot_has(lot, "pi0", "gateway/bob"));
	assert_false(lot_has(lot, "bob", "exit/bob.pi0"));
	lot_done(lot);
}

static void the_longer_prefix_stands_before(void **state)
{
	struct lot *lot = lot_with_clients();

	(void)state;
	lot_put(lot, "policies", "home", HOME);
	lot_put(lot, "policies", "kids",
		"{'from':['10.1.7.0/24'],'rules':[{'to':['any'],'block':'reject'}]}");
	lot_change(lot);
	lot_says(lot, "rho", "policy/kids", "from", "[\"10.1.7.0/24\"]");
	lot_says(lot, "rho", "rule/policy/10.1.7.0/24", "action", "unreachable");
	CLEAN(free_ptr) char *first = said(lot, "rho", "rule/policy/10.1.7.0/24", "priority");
	CLEAN(free_ptr) char *second = said(lot, "rho", "rule/policy/10.1.0.0/16", "priority");
	assert_true(strcmp(first, second) < 0);
	// Who is in the midst of others, and none of whose rules is for everything, goes the own
	// way.
	lot_put(lot, "policies", "kids",
		"{'from':['10.1.7.0/24'],'rules':[{'to':['192.0.2.0/24'],'block':'reject'}]}");
	lot_change(lot);
	lot_says(lot, "rho", "rule/policy/10.1.7.0/24", "table", "254");
	lot_says(lot, "rho", "rule/policy/10.1.7.0/24", "priority", "22474");
	lot_done(lot);
}

// However many clients have policies of their own.
static void clients_around_many_others_stand_too(void **state)
{
	struct lot *lot = lot_with_clients();
	char name[] = "few-0";

	(void)state;
	lot_put(lot, "policies", "home", HOME);
	for (; name[4] < '3'; name[4]++) {
		CLEAN(text_free) struct text spec = { 0 };
		text_addf(&spec, "{'from':['10.1.%c.0'", name[4]);
		for (int i = 1; i < 44; i++)
			text_addf(&spec, ",'10.1.%c.%d'", name[4], i);
		text_add(&spec, "],'rules':[{'to':['any'],'block':'drop'}]}");
		lot_put(lot, "policies", name, spec.data);
	}
	lot_change(lot);
	assert_true(lot_has(lot, "rho", "rule/policy/10.1.0.0/16-end"));
	lot_done(lot);
}

#define BY_NAME                                                                                    \
	"{'from':['site/paris'],'rules':[{'to':['list/tv','203.0.113.0/24'],'via':'tv','unknown':" \
	"true},{'to':['list/ads'],'block':'nxdomain'},{'to':['any','list/tv'],'via':'last'}]}"

static void names_are_told_with_their_lists(void **state)
{
	struct lot *lot = lot_with_clients();
	char wanted[1024];

	(void)state;
	lot_put(lot, "domain-lists", "tv", "{'names':['tv.example']}");
	lot_put(lot, "domain-lists", "ads", "{'names':['ads.example']}");
	lot_put(lot, "domain-lists", "none", "{'names':['none.example']}");
	lot_put(lot, "resolvers", "paris", "{'site':'paris','upstreams':['9.9.9.9']}");
	lot_put(lot, "gateways", "bob", "{'node':'bob','resolvers':['192.0.2.53']}");
	lot_change(lot);
	assert_false(lot_has(lot, "rho", "names/tv"));
	lot_put(lot, "policies", "home", BY_NAME);
	lot_change(lot);
	CLEAN(free_ptr) char *rules = rules_said(lot, "rho");
	(void)snprintf(
		wanted, sizeof wanted,
		"[{\"lists\":[{\"id\":%lld,\"name\":\"tv\"}],\"mark\":16908288,\"number\":1,"
		"\"ports\":[],\"to\":[\"203.0.113.0/24\"],\"unknown\":true,\"verdict\":\"mark\"},"
		"{\"block\":\"reject\",\"lists\":[{\"id\":%lld,\"name\":\"ads\"}],\"number\":2,"
		"\"nxdomain\":true,\"ports\":[],\"to\":[],\"verdict\":\"block\"},"
		"{\"mark\":17039360,\"number\":3,\"ports\":[],\"to\":[],\"verdict\":\"mark\"}]",
		(long long)lot_id(lot, "domain-lists", "tv"),
		(long long)lot_id(lot, "domain-lists", "ads"));
	assert_string_equal(rules, wanted);
	lot_says(lot, "rho", "policy/home", "split",
		 "[{\"first\":80,\"last\":80,\"proto\":\"tcp\"},{\"first\":443,\"last\":443,"
		 "\"proto\":\"tcp\"},{\"first\":443,\"last\":443,\"proto\":\"udp\"}]");
	lot_says(lot, "rho", "names/tv", "rules", "[\"tv.example\"]");
	lot_says(lot, "epsilon", "names/ads", "rules", "[\"ads.example\"]");
	assert_false(lot_has(lot, "rho", "names/none"));
	lot_says(lot, "rho", "splitter/weft", "port", "22380");
	lot_says(lot, "rho", "route/splitter/v6", "type", "local");
	lot_says(lot, "rho", "rule/splitter/v4", "mark", "267386880");
	lot_says(lot, "rho", "rule/splitter/sent-v6", "from_device", "lo");
	lot_says(lot, "rho", "gateway/bob", "resolvers", "[\"192.0.2.53\"]");
	// What the ingress itself asks may leave by the exit, too.
	lot_says(lot, "bob", "exit/bob.rho", "from",
		 "[\"10.1.0.0/16\",\"fd00:1::/48\",\"10.64.0.1/32\",\"fd01:203:405:1::1/128\"]");
	assert_false(lot_has(lot, "bob", "splitter/weft"));
	// Another policy's names do the same.
	lot_put(lot, "policies", "kids",
		"{'from':['10.1.7.0/24'],'rules':[{'to':['list/tv'],'via':'last'}]}");
	lot_put(lot, "policies", "home", HOME);
	lot_change(lot);
	lot_says(lot, "bob", "exit/bob.rho", "from",
		 "[\"10.1.0.0/16\",\"fd00:1::/48\",\"10.64.0.1/32\",\"fd01:203:405:1::1/128\"]");
	lot_put(lot, "policies", "kids", NULL);
	lot_change(lot);
	lot_says(lot, "bob", "exit/bob.rho", "from", "[\"10.1.0.0/16\",\"fd00:1::/48\"]");
	lot_done(lot);
}

// Its clients come by another's edit; the lists of their policy come with them.
#define FILMS "{'to':['list/tv'],'via':'tv'}"
#define ADS   "{'to':['list/ads'],'block':'reject'}"

// One of the fields that tell rules apart.
static json_int_t rule_field(const struct lot *lot, size_t place, const char *field)
{
	json_t *policy = lot_entry(lot, "rho", "policy/home");
	json_t *rule = json_array_get(json_object_get(policy, "rules"), place);
	const json_int_t value = json_integer_value(json_object_get(rule, field));

	assert_int_equal(json_integer_value(json_object_get(rule, "number")), place + 1);
	assert_true(value >= 1);
	json_decref(policy);
	return value;
}

static void put_rules(struct lot *lot, const char *rules)
{
	CLEAN(text_free) struct text spec = { 0 };

	text_addf(&spec, "{'from':['site/paris'],'rules':[%s]}", rules);
	lot_put(lot, "policies", "home", spec.data);
	lot_change(lot);
}

static void what_tells_a_rule_apart_stays_its_own(void **state)
{
	static const char *const fields[] = { "id", "slot" };
	struct lot *lot = lot_with_clients();
	json_int_t films[2], ads[2];

	(void)state;
	lot_put(lot, "domain-lists", "tv", "{'names':['tv.example']}");
	lot_put(lot, "domain-lists", "ads", "{'names':['ads.example']}");
	lot_put(lot, "resolvers", "paris", "{'site':'paris','upstreams':['9.9.9.9']}");
	put_rules(lot, FILMS "," ADS);
	for (size_t i = 0; i < 2; i++) {
		films[i] = rule_field(lot, 0, fields[i]);
		ads[i] = rule_field(lot, 1, fields[i]);
		assert_true(films[i] != ads[i]);
	}
	// They change places, one is put before them, a list gets another name.
	put_rules(lot, ADS "," FILMS);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(rule_field(lot, 0, fields[i]), ads[i]);
		assert_int_equal(rule_field(lot, 1, fields[i]), films[i]);
	}
	lot_rename(lot, "domain-lists", "tv", "movies");
	put_rules(lot, "{'to':['192.0.2.0/24'],'block':'drop'}," ADS
		       ",{'to':['list/movies'],'via':'tv'}");
	assert_int_equal(rule_field(lot, 1, "id"), ads[0]);
	assert_int_equal(rule_field(lot, 2, "id"), films[0]);
	// What says something else is another rule; two that say the same are two.
	put_rules(lot, "{'to':['list/ads'],'block':'drop'}," ADS "," ADS);
	assert_int_equal(rule_field(lot, 1, "id"), ads[0]);
	assert_int_equal(rule_field(lot, 2, "id"), ads[0] + 1);
	assert_true(rule_field(lot, 0, "id") != ads[0]);
	assert_true(rule_field(lot, 1, "slot") != rule_field(lot, 2, "slot"));
	lot_done(lot);
}

// However many of their ids meet.
static void slots_are_each_of_one_rule(void **state)
{
	struct lot *lot = lot_with_clients();
	CLEAN(text_free) struct text rules = { 0 };
	bool is_taken[256] = { false };

	(void)state;
	for (int i = 0; i < 255; i++)
		text_addf(&rules, "%s{'to':['192.0.2.%d'],'block':'drop'}", i ? "," : "", i);
	put_rules(lot, rules.data);
	json_t *policy = lot_entry(lot, "rho", "policy/home"), *rule;
	size_t i;
	json_array_foreach(json_object_get(policy, "rules"), i, rule)
	{
		const json_int_t slot = json_integer_value(json_object_get(rule, "slot"));

		assert_in_range(slot, 1, 255);
		assert_false(is_taken[slot]);
		is_taken[slot] = true;
	}
	assert_int_equal(i, 255);
	json_decref(policy);
	lot_done(lot);
}

static void new_clients_bring_their_lists(void **state)
{
	struct lot *lot = lot_with_clients();

	(void)state;
	lot_put(lot, "domain-lists", "tv", "{'names':['tv.example']}");
	lot_put(lot, "sites", "paris", "{'lan':['10.1.0.0/16']}");
	lot_put(lot, "sites", "lyon", "{'lan':['10.2.0.0/16'],'tags':['fr']}");
	lot_put(lot, "resolvers", "paris", "{'site':'paris','upstreams':['9.9.9.9']}");
	lot_put(lot, "resolvers", "lyon", "{'site':'lyon','upstreams':['9.9.9.9']}");
	lot_put(lot, "policies", "home",
		"{'from':['tag/fr'],'rules':[{'to':['list/tv'],'block':'nxdomain'}]}");
	lot_change(lot);
	assert_true(lot_has(lot, "pi0", "names/tv"));
	assert_false(lot_has(lot, "rho", "names/tv"));
	lot_put(lot, "sites", "paris", "{'lan':['10.1.0.0/16'],'tags':['fr']}");
	lot_change(lot);
	assert_true(lot_has(lot, "rho", "policy/home"));
	lot_says(lot, "rho", "names/tv", "rules", "[\"tv.example\"]");
	lot_put(lot, "sites", "paris", "{'lan':['10.1.0.0/16']}");
	lot_change(lot);
	assert_false(lot_has(lot, "rho", "names/tv"));
	lot_done(lot);
}

static void what_is_not_looked_into_needs_no_splitter(void **state)
{
	struct lot *lot = lot_with_clients();

	(void)state;
	lot_put(lot, "domain-lists", "tv", "{'names':['tv.example']}");
	lot_put(lot, "resolvers", "paris", "{'site':'paris','upstreams':['9.9.9.9']}");
	lot_put(lot, "policies", "home",
		"{'from':['site/paris'],'rules':[{'to':['list/tv'],'via':'tv'}],'split':[]}");
	lot_change(lot);
	assert_true(lot_has(lot, "rho", "names/tv"));
	assert_false(lot_has(lot, "rho", "splitter/weft"));
	lot_put(lot, "policies", "home", HOME);
	lot_change(lot);
	assert_false(lot_has(lot, "rho", "names/tv"));
	json_t *policy = lot_entry(lot, "rho", "policy/home");
	assert_null(json_object_get(policy, "split"));
	json_decref(policy);
	lot_done(lot);
}

static void what_cannot_work_is_refused(void **state)
{
	static const struct {
		const char *kind, *name, *spec, *why;
	} cases[] = {
		{ "gateways", "g", "{'uplink':'rho/dsl'}",
		  "gateways.g.uplink: node rho has no uplink dsl" },
		{ "policies", "p", "{'from':['10.9.0.0/24'],'rules':[{'to':['any']}]}",
		  "policies.p.from[0]: 10.9.0.0/24 is within no site's lan" },
		{ "policies", "p", "{'from':['node/bob'],'rules':[{'to':['any']}]}",
		  "policies.p.from[0]: bob has no lan" },
		{ "policies", "p", "{'from':['10.1.0.0/16'],'rules':[{'to':['any']}]}",
		  "policies.p.from: 10.1.0.0/16 is already from of policies.home" },
		{ "nodes", "rho", "{'address':'rho.example.net','site':'paris'}",
		  "gateways.fibre.uplink: node rho has no uplink fibre" },
		{ "sites", "paris", "{'lan':[]}", "policies.home.from[0]: paris has no lan" },
		{ "policies", "p",
		  "{'from':['site/lyon'],'rules':[{'to':['10.0.0.1']},{'to':['any'],'via':'far'}]}",
		  "policies.p.rules[1].via: no node that has these clients is linked with a "
		  "gateway of far" },
		{ "policies", "home",
		  "{'from':['site/paris'],'rules':[{'to':['list/tv'],'via':'tv'}]}",
		  "policies.home.rules: rules by name need a resolver on " },
	};
	struct lot *lot = lot_with_clients();
	struct err err;

	(void)state;
	lot_put(lot, "policies", "home", HOME);
	lot_put(lot, "gateways", "far", "{'node':'vorke'}");
	lot_put(lot, "domain-lists", "tv", "{'names':['tv.example']}");
	lot_put(lot, "gateway-groups", "far", "{'try':['far']}");
	lot_change(lot);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		lot_put(lot, cases[i].kind, cases[i].name, cases[i].spec);
		assert_true(lot_commit(lot, &err) < 0);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s", err.text);
	}
	lot_done(lot);
}

// A node keeps a bit for each list, and there are so many.
static void more_lists_than_a_node_takes_are_refused(void **state)
{
	struct lot *lot = lot_with_clients();
	CLEAN(text_free) struct text rules = { 0 };
	struct err err;
	char name[16];

	(void)state;
	lot_put(lot, "resolvers", "paris", "{'site':'paris','upstreams':['9.9.9.9']}");
	text_add(&rules, "{'from':['site/paris'],'rules':[{'to':['list/l0'");
	for (int i = 0; i <= KIND_LISTS_MAX; i++) {
		(void)snprintf(name, sizeof name, "l%d", i);
		lot_put(lot, "domain-lists", name, "{'names':['tv.example']}");
		if (i > 0 && i < KIND_LISTS_MAX)
			text_addf(&rules, ",'list/%s'", name);
	}
	text_add(&rules, "],'via':'tv'}]}");
	lot_put(lot, "policies", "home", rules.data);
	lot_change(lot);
	lot_put(lot, "policies", "more",
		"{'from':['10.1.9.0/24'],'rules':[{'to':['list/l256'],'via':'tv'}]}");
	assert_true(lot_commit(lot, &err) < 0);
	if (!strstr(err.text, "policies.more.rules: the policies of rho speak of 257 domain lists"))
		fail_msg("%s", err.text);
	lot_done(lot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_made_before_a_policy),
		cmocka_unit_test(an_ingress_has_policy_groups_and_gateways),
		cmocka_unit_test(an_exit_lets_its_ingresses_out_and_answers_back),
		cmocka_unit_test(numbers_are_counted_from_the_settings),
		cmocka_unit_test(no_two_tables_are_one),
		cmocka_unit_test(what_is_no_longer_needed_goes),
		cmocka_unit_test(who_reaches_no_exit_has_no_gateway),
		cmocka_unit_test(the_longer_prefix_stands_before),
		cmocka_unit_test(clients_around_many_others_stand_too),
		cmocka_unit_test(names_are_told_with_their_lists),
		cmocka_unit_test(what_tells_a_rule_apart_stays_its_own),
		cmocka_unit_test(slots_are_each_of_one_rule),
		cmocka_unit_test(new_clients_bring_their_lists),
		cmocka_unit_test(what_is_not_looked_into_needs_no_splitter),
		cmocka_unit_test(what_cannot_work_is_refused),
		cmocka_unit_test(more_lists_than_a_node_takes_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
