// What of policies and gateways cannot work.
#include <stdio.h>
#include <string.h>

#include "model/kinds.h"

#include "plan/dns.h"
#include "plan/egress.h"

struct checking {
	const struct fleet *fleet;
	egress_refuse_fn *refuse;
	void *arg;
};

// ---- gateways ----

static void check_gateway(const struct checking *c, const struct fleet_object *gateway)
{
	const struct fleet_object *exit = egress_exit(c->fleet, gateway);
	const char *uplink = gateway->as.gateway.uplink;
	char text[256];

	if (!exit || !uplink || json_object_get(json_object_get(exit->spec, "uplinks"), uplink))
		return;
	(void)snprintf(text, sizeof text, "node %s has no uplink %s", exit->name, uplink);
	c->refuse(c->arg, gateway, "uplink", text);
}

// ---- sources ----

static bool is_lan_of_some(const struct fleet *fleet, const struct prefix *prefix)
{
	struct fleet_object *site;

	for (size_t at = 0; fleet_next(fleet, FLEET_SITE, &at, &site);) {
		for (size_t i = 0; i < site->as.site.lan_count; i++) {
			if (prefix_covers(&site->as.site.lan[i], prefix))
				return true;
		}
	}
	return false;
}

// A site's own LANs; of a node those of its site. NULL: it has none.
static const struct fleet_site *lans_of(const struct fleet *fleet, const struct source *source)
{
	const char *site = source->name;

	if (source->kind == SOURCE_NODE) {
		const struct fleet_object *node = fleet_find(fleet, FLEET_NODE, source->name);

		site = node ? node->as.node.site : NULL;
	}
	const struct fleet_object *o = site ? fleet_find(fleet, FLEET_SITE, site) : NULL;
	return o && o->as.site.lan_count > 0 ? &o->as.site : NULL;
}

static void check_source(const struct checking *c, const struct fleet_object *policy, size_t at)
{
	const struct source *source = &policy->as.policy.sources[at];
	char field[32], text[192], prefix[PREFIX_TEXT_SIZE];

	(void)snprintf(field, sizeof field, "from[%zu]", at);
	if (source->kind == SOURCE_PREFIX && !is_lan_of_some(c->fleet, &source->prefix))
		(void)snprintf(text, sizeof text,
			       "%s is within no site's lan: no node knows where these clients are",
			       prefix_format(&source->prefix, prefix));
	else if ((source->kind == SOURCE_SITE || source->kind == SOURCE_NODE) &&
		 !lans_of(c->fleet, source))
		(void)snprintf(text, sizeof text, "%s has no lan: there are no clients behind it",
			       source->name);
	else
		return;
	c->refuse(c->arg, policy, field, text);
}

// ---- rules ----

// Some ingress has to reach some gateway of the group.
static bool is_reached(const struct fleet *fleet, const struct fleet_object *policy,
		       const struct fleet_object *group)
{
	const struct fleet_gateway_group *g = &group->as.gateway_group;
	struct fleet_object *node;
	struct clients clients;
	bool has_ingress = false;

	for (size_t at = 0; fleet_next(fleet, FLEET_NODE, &at, &node);) {
		egress_clients(fleet, policy, node, &clients);
		if (clients.count == 0)
			continue;
		has_ingress = true;
		for (size_t i = 0; i < g->n_gateways; i++) {
			const struct fleet_object *gateway =
				fleet_find(fleet, FLEET_GATEWAY, g->gateways[i]);
			const struct fleet_object *exit =
				gateway ? egress_exit(fleet, gateway) : NULL;

			if (exit && (exit == node || egress_network(fleet, node, exit)))
				return true;
		}
	}
	return !has_ingress; // whoever comes there later may
}

static void check_rules(const struct checking *c, const struct fleet_object *policy)
{
	const json_t *rule;
	char field[32], text[256];
	size_t i;

	json_array_foreach((json_t *)policy->as.policy.rules, i, rule)
	{
		struct egress_use use;

		if (!egress_rule(c->fleet, rule, &use) || is_reached(c->fleet, policy, use.group))
			continue;
		(void)snprintf(field, sizeof field, "rules[%zu].via", i);
		(void)snprintf(text, sizeof text,
			       "no node that has these clients is linked with a gateway of %s",
			       use.group->name);
		c->refuse(c->arg, policy, field, text);
	}
}

// ---- names ----

// The addresses of names are learned by who resolves them.
static void check_resolvers(const struct checking *c, const struct fleet_object *policy)
{
	struct fleet_object *node;
	struct clients clients;
	char text[256];

	for (size_t at = 0; fleet_next(c->fleet, FLEET_NODE, &at, &node);) {
		egress_clients(c->fleet, policy, node, &clients);
		if (clients.count == 0 || dns_resolver(c->fleet, node))
			continue;
		(void)snprintf(text, sizeof text,
			       "rules by name need a resolver on %s, where these clients are",
			       node->name);
		c->refuse(c->arg, policy, "rules", text);
		return;
	}
}

static bool has_clients(const struct fleet *fleet, const struct fleet_object *policy,
			const struct fleet_object *node)
{
	struct clients clients;

	egress_clients(fleet, policy, node, &clients);
	return clients.count > 0;
}

// How many lists the policies of a node speak of; *ret_policy is the newest of these.
static size_t count_lists(const struct fleet *fleet, const struct fleet_object *node,
			  const struct fleet_object **ret_policy)
{
	struct fleet_object *list, *policy;
	size_t count = 0;

	*ret_policy = NULL;
	for (size_t l = 0; fleet_next(fleet, FLEET_DOMAIN_LIST, &l, &list);) {
		bool is_named = false;

		for (size_t p = 0; fleet_next(fleet, FLEET_POLICY, &p, &policy);) {
			if (!egress_names(policy, list) || !has_clients(fleet, policy, node))
				continue;
			is_named = true;
			if (!*ret_policy || (*ret_policy)->id < policy->id)
				*ret_policy = policy;
		}
		count += is_named;
	}
	return count;
}

static void check_lists(const struct checking *c)
{
	const struct fleet_object *policy;
	struct fleet_object *node, *list;
	char text[256];
	size_t lists = 0;

	for (size_t at = 0; fleet_next(c->fleet, FLEET_DOMAIN_LIST, &at, &list);)
		lists++;
	if (lists <= KIND_LISTS_MAX)
		return;
	for (size_t at = 0; fleet_next(c->fleet, FLEET_NODE, &at, &node);) {
		lists = count_lists(c->fleet, node, &policy);
		if (lists <= KIND_LISTS_MAX)
			continue;
		(void)snprintf(text, sizeof text,
			       "the policies of %s speak of %zu domain lists, and a node takes %d: "
			       "a list may hold many services",
			       node->name, lists, KIND_LISTS_MAX);
		c->refuse(c->arg, policy, "rules", text);
		return;
	}
}

// ---- two policies for one client ----

static const struct prefix *same_client(const struct clients *a, const struct clients *b)
{
	for (size_t i = 0; i < a->count; i++) {
		for (size_t k = 0; k < b->count; k++) {
			if (prefix_equal(&a->items[i], &b->items[k]))
				return &a->items[i];
		}
	}
	return NULL;
}

static void check_others(const struct checking *c, const struct fleet_object *policy)
{
	struct fleet_object *node, *other;
	struct clients own, theirs;
	char text[256], prefix[PREFIX_TEXT_SIZE];

	for (size_t n = 0; fleet_next(c->fleet, FLEET_NODE, &n, &node);) {
		egress_clients(c->fleet, policy, node, &own);
		if (own.count == 0)
			continue;
		for (size_t at = 0; fleet_next(c->fleet, FLEET_POLICY, &at, &other);) {
			if (other->id >= policy->id)
				continue;
			egress_clients(c->fleet, other, node, &theirs);
			const struct prefix *same = same_client(&own, &theirs);
			if (!same)
				continue;
			(void)snprintf(text, sizeof text,
				       "%s is already from of policies.%s: of two policies the one "
				       "with the longer prefix holds, and these are equal",
				       prefix_format(same, prefix), other->name);
			c->refuse(c->arg, policy, "from", text);
			return;
		}
	}
}

void egress_check(const struct fleet *fleet, egress_refuse_fn *refuse, void *arg)
{
	const struct checking c = { fleet, refuse, arg };
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_GATEWAY, &at, &o);)
		check_gateway(&c, o);
	for (size_t at = 0; fleet_next(fleet, FLEET_POLICY, &at, &o);) {
		for (size_t i = 0; i < o->as.policy.n_sources; i++)
			check_source(&c, o, i);
		check_rules(&c, o);
		if (o->as.policy.has_lists)
			check_resolvers(&c, o);
		check_others(&c, o);
	}
	check_lists(&c);
}
