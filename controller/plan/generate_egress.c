// Entries of a node as an ingress: the policies of the clients behind it, the gateway-groups that
// these lead to, their gateways.
//
// A flow is decided once, in nft, and marked; a rule leads the mark to the table of its group,
// where the agent keeps the default routes. What is reached without a default route is nobody's
// business here. Rules by the clients' prefixes stand behind those by marks, for the time when
// nothing marks: what may leave by a gateway only does not leave by another way then.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/kinds.h"

#include "plan/egress.h"
#include "plan/generate.h"
#include "plan/numbers.h"

// ---- groups ----

static int64_t use_offset(const struct fleet *fleet, const struct egress_use *use)
{
	return 2 * egress_number(fleet, use->group) + use->is_direct;
}

static int64_t use_mark(const struct fleet *fleet, const struct egress_use *use)
{
	return fleet_mark(fleet, MARK_GROUPS + use_offset(fleet, use));
}

static int64_t use_table(const struct fleet *fleet, const struct egress_use *use)
{
	return fleet_table(fleet, TABLE_GROUPS + use_offset(fleet, use));
}

static const char *use_word(const struct egress_use *use)
{
	return use->is_direct ? "direct" : "block";
}

// ---- rules of routing ----

static json_t *rule_json(const struct generation *g, int family, int64_t table, int priority)
{
	return json_pack("{s:i, s:I, s:I, s:[]}", "family", family, "table", (json_int_t)table,
			 "priority", (json_int_t)fleet_priority(g->fleet, priority), "needs");
}

static json_t *nowhere_json(const struct generation *g, int family, int priority)
{
	return json_pack("{s:i, s:s, s:I, s:[]}", "family", family, "action", "unreachable",
			 "priority", (json_int_t)fleet_priority(g->fleet, priority), "needs");
}

static void add_marked(struct generation *g, int64_t mark, int64_t table, int priority,
		       const char *name)
{
	for (int family = 4; family <= 6; family += 2) {
		json_t *body = rule_json(g, family, table, priority);

		(void)json_object_set_new(body, "mark", json_integer(mark));
		(void)json_object_set_new(body, "mask", json_integer(fleet_mark_mask(g->fleet)));
		if (priority == PRIORITY_MARKED_LOCAL)
			(void)json_object_set_new(body, "suppress", json_integer(0));
		generate_add(g, body, "rule/%s-v%d", name, family);
	}
}

// Whether a gateway can be reached from this node; some other ingress may have a link that this one
// has not.
static bool is_here(const struct generation *g, const struct fleet_object *gateway)
{
	const struct fleet_object *exit = gateway ? egress_exit(g->fleet, gateway) : NULL;

	return exit && (exit == g->node || egress_wire(g->fleet, gateway, g->node).number > 0);
}

static void add_group(struct generation *g, const struct egress_use *use)
{
	const struct fleet_gateway_group *group = &use->group->as.gateway_group;
	json_t *try = json_array();
	const int64_t mark = use_mark(g->fleet, use), table = use_table(g->fleet, use);
	char name[160], local[168];

	for (size_t i = 0; i < group->n_gateways; i++) {
		const char *gateway = group->gateways[i];

		if (is_here(g, fleet_find(g->fleet, FLEET_GATEWAY, gateway)))
			(void)json_array_append_new(try, json_sprintf("gateway/%s", gateway));
	}
	(void)snprintf(name, sizeof name, "gateway-group/%s.%s", use->group->name, use_word(use));
	(void)snprintf(local, sizeof local, "%s-local", name);
	generate_add(g,
		     json_pack("{s:I, s:o, s:s, s:i, s:s, s:[]}", "table", (json_int_t)table, "try",
			       try, "choose", group->is_by_latency ? "latency" : "order",
			       "hold_down_ms", group->hold_down_ms, "otherwise", use_word(use),
			       "needs"),
		     "%s", name);
	add_marked(g, mark, TABLE_MAIN, PRIORITY_MARKED_LOCAL, local);
	add_marked(g, mark, table, PRIORITY_MARKED, name);
}

// ---- gateways ----

// Takes the body.
static void add_described(struct generation *g, const struct fleet_object *gateway, json_t *body)
{
	const json_t *resolvers = json_object_get(gateway->spec, "resolvers");

	if (body && resolvers)
		(void)json_object_set_new(body, "resolvers", json_deep_copy(resolvers));
	generate_add(g, body, "gateway/%s", gateway->name);
}

static void add_wire_gateway(struct generation *g, const struct fleet_object *gateway,
			     const struct fleet_object *exit)
{
	char device[DEVICE_NAME_SIZE], owner[96], wire[192];

	name_gateway_wire(device, gateway->id, g->node->id);
	(void)snprintf(owner, sizeof owner, "gateway:%s", gateway->name);
	(void)snprintf(wire, sizeof wire, "wire/%s/%s", owner, exit->name);
	if (!generate_gateway_wire(g, gateway, g->node, exit))
		return;
	add_described(g, gateway,
		      json_pack("{s:s, s:s, s:s, s:b, s:o}", "wire", wire, "device", device, "via",
				GATEWAY_EXIT_ADDRESS, "drained",
				gateway->as.gateway.is_drained || exit->as.node.is_drained, "needs",
				json_needs(wire, NULL)));
}

static void add_gateway(struct generation *g, const struct fleet_object *gateway)
{
	const struct fleet_object *exit = egress_exit(g->fleet, gateway);
	char uplink[96];

	if (!exit)
		return;
	if (exit != g->node) {
		add_wire_gateway(g, gateway, exit);
		return;
	}
	(void)snprintf(uplink, sizeof uplink, "uplink/%s", gateway->name);
	add_described(g, gateway,
		      json_pack("{s:s, s:o, s:b, s:o}", "uplink", uplink, "check",
				generate_checks(gateway), "drained", gateway->as.gateway.is_drained,
				"needs", json_needs(uplink, NULL)));
}

static void add_gateways(struct generation *g)
{
	struct fleet_object *gateway;

	for (size_t at = 0; fleet_next(g->fleet, FLEET_GATEWAY, &at, &gateway);) {
		if (egress_uses(g->fleet, g->node, gateway))
			add_gateway(g, gateway);
	}
}

// ---- policies ----

static json_t *destinations_json(const json_t *rule)
{
	const json_t *to = json_object_get(rule, "to"), *item;
	json_t *list = json_array();
	size_t i;

	json_array_foreach((json_t *)to, i, item)
	{
		struct destination d;

		if (destination_parse(json_string_value(item), &d, NULL) < 0)
			continue;
		if (d.kind == DESTINATION_ANY) {
			(void)json_array_clear(list);
			break;
		}
		if (d.kind == DESTINATION_PREFIX)
			(void)json_array_append_new(list, json_prefix(&d.prefix));
	}
	return list;
}

static json_t *policy_rule_json(const struct generation *g, const json_t *rule, size_t number)
{
	const char *block = json_string_value(json_object_get(rule, "block"));
	struct egress_use use;
	json_t *body = json_pack("{s:I, s:o, s:o}", "number", (json_int_t)number, "to",
				 destinations_json(rule), "ports",
				 generate_ports(json_object_get(rule, "ports")));

	generate_names_of_rule(g, rule, body);
	if (block) {
		(void)json_object_set_new(body, "verdict", json_string("block"));
		(void)json_object_set_new(
			body, "block", json_string(strcmp(block, "drop") == 0 ? block : "reject"));
		return body;
	}
	const bool has_group = egress_rule(g->fleet, rule, &use);
	(void)json_object_set_new(body, "verdict", json_string(has_group ? "mark" : "direct"));
	(void)json_object_set_new(body, "mark",
				  json_integer(has_group ? use_mark(g->fleet, &use)
							 : fleet_mark(g->fleet, MARK_DIRECT)));
	return body;
}

static void add_policy(struct generation *g, const struct fleet_object *policy,
		       const struct clients *clients)
{
	json_t *from = json_array(), *rules = json_array();
	const json_t *rule;
	size_t i;

	for (i = 0; i < clients->count; i++)
		(void)json_array_append_new(from, json_prefix(&clients->items[i]));
	json_array_foreach((json_t *)policy->as.policy.rules, i, rule)
	{
		(void)json_array_append_new(rules, policy_rule_json(g, rule, i + 1));
	}
	g->out->failed = !generate_rule_ids(rules) || g->out->failed;
	json_t *body = json_pack(
		"{s:I, s:o, s:o, s:I, s:I, s:[]}", "id", (json_int_t)policy->id, "from", from,
		"rules", rules, "mask", (json_int_t)fleet_mark_mask(g->fleet), "priority",
		(json_int_t)fleet_priority(g->fleet, PRIORITY_MARKED_LOCAL), "needs");
	if (body && policy->as.policy.has_lists)
		(void)json_object_set_new(body, "split", generate_split(policy));
	generate_add(g, body, "policy/%s", policy->name);
}

// ---- without marks ----

struct client {
	struct prefix prefix;
	const struct fleet_object *policy;
};

struct client_list {
	struct client *items;
	size_t count;
	bool failed;
};

static void client_list_done(struct client_list *list)
{
	free(list->items);
}

static void note_clients(struct client_list *list, const struct fleet_object *policy,
			 const struct clients *clients)
{
	struct client *items =
		reallocarray(list->items, list->count + clients->count, sizeof *items);

	if (!items) {
		list->failed = true;
		return;
	}
	list->items = items;
	for (size_t i = 0; i < clients->count; i++)
		items[list->count++] = (struct client){ clients->items[i], policy };
}

// The longer prefix first, as it is the closer one. No address is within two of one length.
static int client_priority(const struct client *client)
{
	return PRIORITY_CLIENT - (int)client->prefix.length;
}

// What a policy does with all that no rule before has taken: its last rule when that is for
// everything. Else the host's own way is open, and nothing has to stand.
static const json_t *rule_for_all(const struct fleet_object *policy)
{
	const json_t *rules = policy->as.policy.rules;
	const json_t *last = json_array_get(rules, json_array_size(rules) - 1);

	return kind_rule_fits_all(last) ? last : NULL;
}

static bool has_backstop(const struct client *client)
{
	const json_t *rule = rule_for_all(client->policy);

	return rule && (json_object_get(rule, "block") || json_object_get(rule, "via"));
}

// Whether the rule of clients around these would take them.
static bool is_within_backstop(const struct client_list *list, const struct client *client)
{
	for (size_t i = 0; i < list->count; i++)
		if (&list->items[i] != client && has_backstop(&list->items[i]) &&
		    prefix_covers(&list->items[i].prefix, &client->prefix))
			return true;
	return false;
}

// The host's own way.
static void add_own_way(struct generation *g, const struct client *client)
{
	char prefix[PREFIX_TEXT_SIZE];
	json_t *body =
		rule_json(g, client->prefix.address.family, TABLE_MAIN, client_priority(client));

	(void)prefix_format(&client->prefix, prefix);
	(void)json_object_set_new(body, "from", json_string(prefix));
	generate_add(g, body, "rule/policy/%s", prefix);
}

static void add_backstop(struct generation *g, const struct client *client)
{
	const json_t *rule = rule_for_all(client->policy);
	const int family = client->prefix.address.family, priority = client_priority(client);
	char prefix[PREFIX_TEXT_SIZE];
	struct egress_use use;

	(void)prefix_format(&client->prefix, prefix);
	json_t *body = rule_json(g, family, TABLE_MAIN, PRIORITY_CLIENT_LOCAL);
	(void)json_object_set_new(body, "from", json_string(prefix));
	(void)json_object_set_new(body, "suppress", json_integer(0));
	generate_add(g, body, "rule/policy/%s-local", prefix);
	const bool leads_nowhere = !egress_rule(g->fleet, rule, &use);
	body = leads_nowhere ? nowhere_json(g, family, priority)
			     : rule_json(g, family, use_table(g->fleet, &use), priority);
	(void)json_object_set_new(body, "from", json_string(prefix));
	generate_add(g, body, "rule/policy/%s", prefix);
	if (leads_nowhere || use.is_direct)
		return;
	// After a boot these rules stand before the agent has filled the table.
	body = nowhere_json(g, family, PRIORITY_CLIENT_END);
	(void)json_object_set_new(body, "from", json_string(prefix));
	generate_add(g, body, "rule/policy/%s-end", prefix);
}

static void add_backstops(struct generation *g, const struct client_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (has_backstop(&list->items[i]))
			add_backstop(g, &list->items[i]);
		else if (is_within_backstop(list, &list->items[i]))
			add_own_way(g, &list->items[i]);
	}
}

// ---- the node ----

static void add_groups(struct generation *g, bool is_direct)
{
	struct fleet_object *group, *policy;
	struct clients clients;

	for (size_t at = 0; fleet_next(g->fleet, FLEET_GATEWAY_GROUP, &at, &group);) {
		const struct egress_use use = { group, is_direct };
		bool is_used = false;

		for (size_t p = 0; fleet_next(g->fleet, FLEET_POLICY, &p, &policy) && !is_used;) {
			egress_clients(g->fleet, policy, g->node, &clients);
			is_used = clients.count > 0 && egress_leads_so(g->fleet, policy, &use);
		}
		if (is_used)
			add_group(g, &use);
	}
}

void generate_egress(struct generation *g)
{
	CLEAN(client_list_done) struct client_list list = { 0 };
	struct fleet_object *policy;
	struct clients clients;
	bool is_split = false;

	generate_exit(g);
	for (size_t at = 0; fleet_next(g->fleet, FLEET_POLICY, &at, &policy);) {
		egress_clients(g->fleet, policy, g->node, &clients);
		if (clients.count == 0)
			continue;
		add_policy(g, policy, &clients);
		note_clients(&list, policy, &clients);
		is_split = is_split || egress_is_split(policy);
	}
	if (is_split)
		generate_splitter(g);
	g->out->failed = g->out->failed || list.failed;
	if (list.count == 0)
		return;
	add_marked(g, fleet_mark(g->fleet, MARK_DIRECT), TABLE_MAIN, PRIORITY_DIRECT,
		   "policy/direct");
	add_groups(g, false);
	add_groups(g, true);
	add_gateways(g);
	add_backstops(g, &list);
}
