// Whatever is changed in whatever order: the deltas lead to what a whole plan says.
// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "lot.h"

#define NODES 8
#define STEPS 200

static unsigned seed;

static unsigned pick(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 16) % n;
}

static const char *const node_names[NODES] = { "a", "b", "c", "d", "e", "f", "g", "h" };

static bool node_exists(const struct lot *lot, unsigned i)
{
	return fleet_find(lot->fleet, FLEET_NODE, node_names[i]) != NULL;
}

// A random topology over the nodes that are there.
static char *network_spec(const struct lot *lot)
{
	CLEAN(text_free) struct text t = { 0 };
	bool is_first = true;
	unsigned kind = node_exists(lot, 0) ? pick(3) : 1;

	text_add(&t, kind ? "{'mesh':[" : "{'hub':'a','spokes':[");
	for (unsigned i = kind ? 0 : 1; i < NODES; i++) {
		if (!node_exists(lot, i) || pick(3) == 0)
			continue;
		text_addf(&t, "%s'%s'", is_first ? "" : ",", node_names[i]);
		is_first = false;
	}
	unsigned x = pick(NODES), y = pick(NODES);
	text_add(&t, "]");
	if (x != y && node_exists(lot, x) && node_exists(lot, y))
		text_addf(&t, ",'links':[['%s','%s']]", node_names[x], node_names[y]);
	if (pick(4) == 0)
		text_addf(&t, ",'pool':['10.%u.0.0/24']", 200 + pick(3));
	if (pick(4) == 0)
		text_addf(&t, ",'keepalive':'%us'", pick(3));
	if (pick(6) == 0)
		text_addf(&t, ",'port':%u", 4000 + pick(3));
	if (pick(4) == 0)
		text_addf(&t, ",'probe':{'interval':'%ums'}", 20 + pick(3));
	if (pick(3) == 0)
		text_add(&t, ",'sla':'voice'");
	text_add(&t, "}");
	return text_take(&t);
}

static void edit_node(struct lot *lot)
{
	unsigned i = pick(NODES);
	char spec[160] = "{}";

	if (pick(2))
		(void)snprintf(spec, sizeof spec,
			       "{'site':'s%u','drain':%s,'uplinks':{'u%u':{'interface':'eth0'}},"
			       "'tags':['t%u']}",
			       pick(2), pick(3) ? "false" : "true", pick(2), pick(2));
	else if (pick(2))
		(void)snprintf(spec, sizeof spec, "{'address':'192.0.2.%u'}", pick(3));
	lot_put(lot, "nodes", node_names[i], spec);
}

static void edit_facts(struct lot *lot)
{
	unsigned i = pick(NODES);
	char facts[256];

	if (!node_exists(lot, i))
		return;
	(void)snprintf(facts, sizeof facts,
		       "{'public_key':'K%u','seen_address':'198.51.100.%u','local_addresses':['198."
		       "51.100.1/24'],"
		       "'path_mtu':{'n0/%s':%u},'endpoints':{'n1':'203.0.113.1:%u'}}",
		       pick(2), pick(3), node_names[pick(NODES)], 1300 + pick(4) * 100,
		       1000 + pick(2));
	lot_facts(lot, node_names[i], facts);
}

static void edit_site(struct lot *lot)
{
	unsigned i = pick(2);
	char name[8], spec[96];

	(void)snprintf(name, sizeof name, "s%u", i);
	(void)snprintf(spec, sizeof spec, "{'lan':['10.%u.%u.0/24','fd00:%u::/48']}", i + 1,
		       pick(3), i + 1);
	lot_put(lot, "sites", name, pick(3) ? spec : "{}");
}

static void edit_resolver(struct lot *lot)
{
	char spec[160];
	unsigned i = pick(NODES);

	if (pick(2))
		(void)snprintf(spec, sizeof spec,
			       "{'site':'s%u','upstreams':['9.9.9.9'],'rate':%u}", pick(2),
			       pick(2));
	else
		(void)snprintf(spec, sizeof spec,
			       "{'nodes':['%s'],'upstreams':['9.9.9.9'],'intercept':true%s}",
			       node_names[i], pick(2) ? ",'blocklists':['b0']" : "");
	lot_put(lot, "resolvers", pick(2) ? "r0" : "r1", pick(4) ? spec : NULL);
}

static void edit_names(struct lot *lot)
{
	static const struct {
		const char *kind, *name, *spec; // with a # for a digit
	} edits[] = {
		{ "domain-lists", "l0", "{'names':['x#.example']}" },
		{ "domain-lists", "l1", "{'url':'http://#.example'}" },
		{ "blocklists", "b0", "{'lists':['l0'],'except':['y#.example']}" },
		{ "blocklists", "b1", "{'lists':['l#']}" },
		{ "dns-zones", "z",
		  "{'zone':'z.example','records':[{'name':'a','a':'10.0.0.#'}]}" },
		{ "dns-forwards", "f", "{'names':['corp.example'],'to':['10.0.0.1#']}" },
	};
	char spec[160];
	unsigned i = pick(ARRAY_LEN(edits));

	(void)snprintf(spec, sizeof spec, "%s", edits[i].spec);
	*strchr(spec, '#') = (char)('0' + pick(3));
	lot_put(lot, edits[i].kind, edits[i].name, pick(4) ? spec : NULL);
}

static void edit_network(struct lot *lot)
{
	char *spec = network_spec(lot);

	lot_put(lot, "networks", pick(2) ? "n0" : "n1", spec);
	free(spec);
}

static void edit_segment(struct lot *lot)
{
	char name[8], network[8], spec[96];

	(void)snprintf(name, sizeof name, "g%u", pick(3));
	(void)snprintf(network, sizeof network, "n%u", pick(2));
	(void)snprintf(spec, sizeof spec, "{'network':'%s','mtu':%u%s}", network,
		       1400 + pick(3) * 100, pick(2) ? ",'mode':'routed'" : "");
	if (!fleet_find(lot->fleet, FLEET_NETWORK, network))
		return;
	if (pick(3) == 0 && !fleet_find(lot->fleet, FLEET_SEGMENT, name))
		return;
	lot_put(lot, "segments", name, pick(3) ? spec : NULL);
}

static void edit_link(struct lot *lot)
{
	unsigned x = pick(NODES), y = pick(NODES);
	char name[32], spec[160];

	if (x >= y || !node_exists(lot, x) || !node_exists(lot, y))
		return;
	(void)snprintf(name, sizeof name, "n0.%s.%s", node_names[x], node_names[y]);
	(void)snprintf(spec, sizeof spec,
		       "{'network':'n0','ends':['%s','%s'],'disabled':%s,'cost':%u,'role':'%s',"
		       "'drain':%s%s}",
		       node_names[x], node_names[y], pick(2) ? "true" : "false", 1 + pick(3),
		       pick(2) ? "active" : "standby", pick(3) ? "false" : "true",
		       pick(2)   ? ",'sla':'voice'"
		       : pick(2) ? ",'probe':{'down':7}"
				 : "");
	bool is_there = fleet_find(lot->fleet, FLEET_LINK, name) != NULL;
	lot_put(lot, "links", name, is_there && pick(2) ? NULL : spec);
}

static void edit_external_link(struct lot *lot)
{
	unsigned x = pick(NODES);
	char name[8], spec[256];

	(void)snprintf(name, sizeof name, "e%u", pick(3));
	(void)snprintf(spec, sizeof spec,
		       "{'node':'%s','interface':'tun%u','target':'10.9.0.%u'%s%s%s%s}",
		       node_names[x], pick(2), pick(2) + 1, pick(3) ? "" : ",'disabled':true",
		       pick(2) ? ",'sla':'voice'" : "",
		       pick(3)   ? ",'routes':['10.20.0.0/16']"
		       : pick(2) ? ",'routes':['10.20.0.0/16','fd20::/48']"
				 : "",
		       pick(3) ? "" : ",'drain':true");
	if (!node_exists(lot, x))
		return;
	lot_put(lot, "links", name,
		fleet_find(lot->fleet, FLEET_LINK, name) && pick(3) == 0 ? NULL : spec);
}

// References to it stand although it may not: the planner does not mind.
static void edit_sla(struct lot *lot)
{
	char spec[64];

	(void)snprintf(spec, sizeof spec, "{'latency':'%ums','loss':'2x'}", 100 + pick(3));
	lot_put(lot, "slas", "voice", pick(4) ? spec : NULL);
}

// Two nodes of a site, if they are there; and the site's LANs follow whichever is active.
static void edit_group(struct lot *lot)
{
	const char *members[2], *site = pick(2) ? "s0" : "s1";
	char spec[160], name[8];
	size_t count = 0;

	(void)snprintf(name, sizeof name, "v%u", pick(3));
	if (fleet_find(lot->fleet, FLEET_HA_GROUP, name) && pick(2)) {
		lot_put(lot, "ha-groups", name, NULL);
		return;
	}
	for (unsigned i = 0; i < NODES && count < 2; i++) {
		const struct fleet_object *node = fleet_find(lot->fleet, FLEET_NODE, node_names[i]);
		const char *at =
			node ? json_string_value(json_object_get(fleet_object_spec(node), "site"))
			     : NULL;

		if (at && strcmp(at, site) == 0)
			members[count++] = node_names[i];
	}
	if (count < 2)
		return;
	const bool follows = pick(4) > 0;
	(void)snprintf(spec, sizeof spec,
		       "{'members':['%s','%s'],'vip':['192.0.2.%s'],'interface':'eth1'%s%s%s}",
		       members[0], members[1], name + 1, follows ? ",'site':'" : "",
		       follows ? site : "", follows ? "'" : "");
	lot_put(lot, "ha-groups", name, spec);
}

static void edit_gateway(struct lot *lot)
{
	unsigned x = pick(NODES);
	char name[8], spec[128];

	(void)snprintf(name, sizeof name, "w%u", pick(3));
	if (pick(2))
		(void)snprintf(spec, sizeof spec, "{'node':'%s'}", node_names[x]);
	else
		(void)snprintf(spec, sizeof spec,
			       "{'uplink':'%s/u%u','check':['192.0.2.1'],'sla':'voice'}",
			       node_names[x], pick(2));
	if (node_exists(lot, x))
		lot_put(lot, "gateways", name, spec);
}

static void edit_gateway_group(struct lot *lot)
{
	char name[8], spec[96];

	(void)snprintf(name, sizeof name, "x%u", pick(2));
	(void)snprintf(spec, sizeof spec, "{'try':['w%u','w%u'],'hold_down':'%us'}", pick(2),
		       pick(3), pick(3));
	lot_put(lot, "gateway-groups", name, spec);
}

static void edit_policy(struct lot *lot)
{
	static const char *const sources[] = { "site/s0", "site/s1", "tag/t0", "tag/t1",
					       "10.1.0.0/25" };
	static const char *const destinations[] = { "203.0.113.0/24", "list/l0", "list/l1" };
	char name[8], spec[256];

	(void)snprintf(name, sizeof name, "p%u", pick(2));
	(void)snprintf(spec, sizeof spec,
		       "{'from':['%s','%s'],'rules':[{'to':['%s'],'ports':['tcp/443'],"
		       "'via':'x%u','otherwise':'%s'},{'to':['%s'],%s}]}",
		       sources[pick(5)], sources[pick(5)], destinations[pick(3)], pick(2),
		       pick(2) ? "block" : "direct", pick(3) ? "any" : destinations[pick(3)],
		       pick(2) ? "'via':'x0'" : "'block':'drop'");
	const bool is_there = fleet_find(lot->fleet, FLEET_POLICY, name) != NULL;
	lot_put(lot, "policies", name, is_there && pick(3) == 0 ? NULL : spec);
}

static void edit_something(struct lot *lot)
{
	static void (*const editors[])(struct lot *) = {
		edit_node,     edit_facts,  edit_facts, edit_site,          edit_network,
		edit_segment,  edit_link,   edit_sla,   edit_external_link, edit_group,
		edit_resolver, edit_names,  edit_names, edit_gateway,       edit_gateway_group,
		edit_policy,   edit_policy,
	};

	editors[pick(ARRAY_LEN(editors))](lot);
	// Deleting what is not there is no edit.
	if (lot->edit_count > 0) {
		struct fleet_edit *e = &lot->edits[lot->edit_count - 1];

		if (!e->before && !e->after)
			lot->edit_count--;
	}
}

static void deltas_lead_to_the_whole_plan(void **state)
{
	static struct lot lot;
	size_t done = 0, refused = 0;

	(void)state;
	for (unsigned round = 1; round <= 5; round++) {
		lot_init(&lot);
		seed = round;
		for (int step = 0; step < STEPS; step++) {
			struct err err;

			edit_something(&lot);
			if (lot_commit(&lot, &err) == 0)
				done++;
			else
				refused++;
			lot_check_whole(&lot);
		}
		lot_done(&lot);
	}
	print_message("%zu changes, %zu refused\n", done, refused);
	assert_true(done > refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(deltas_lead_to_the_whole_plan) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
