#include "plan/egress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/kinds.h"

#include "plan/numbers.h"

// ---- clients ----

static bool has_tag(const struct fleet_object *object, const char *tag)
{
	const json_t *tags = json_object_get(object->spec, "tags"), *item;
	size_t i;

	json_array_foreach((json_t *)tags, i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), tag) == 0)
			return true;
	}
	return false;
}

static bool is_all_of_it(const struct source *source, const struct fleet_object *node,
			 const struct fleet_object *site)
{
	switch (source->kind) {
	case SOURCE_SITE:
		return strcmp(source->name, site->name) == 0;
	case SOURCE_NODE:
		return strcmp(source->name, node->name) == 0;
	case SOURCE_TAG:
		return has_tag(node, source->name) || has_tag(site, source->name);
	case SOURCE_PREFIX:
		break;
	}
	return false;
}

// What is within another is left out.
static void add_client(struct clients *list, const struct prefix *prefix)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (prefix_covers(&list->items[i], prefix))
			return;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (!prefix_covers(prefix, &list->items[i]))
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
	if (list->count < CLIENTS_MAX)
		list->items[list->count++] = *prefix;
}

static void add_source(const struct source *source, const struct fleet_object *node,
		       const struct fleet_object *site, struct clients *ret)
{
	const bool is_all = is_all_of_it(source, node, site);

	for (size_t i = 0; i < site->as.site.lan_count; i++) {
		const struct prefix *lan = &site->as.site.lan[i];

		if (is_all)
			add_client(ret, lan);
		else if (source->kind == SOURCE_PREFIX && prefix_covers(lan, &source->prefix))
			add_client(ret, &source->prefix);
	}
}

static const struct fleet_object *site_of(const struct fleet *fleet,
					  const struct fleet_object *node)
{
	return node->as.node.site ? fleet_find(fleet, FLEET_SITE, node->as.node.site) : NULL;
}

void egress_clients(const struct fleet *fleet, const struct fleet_object *policy,
		    const struct fleet_object *node, struct clients *ret)
{
	const struct fleet_object *site = site_of(fleet, node);
	const struct fleet_policy *p = &policy->as.policy;

	ret->count = 0;
	for (size_t i = 0; site && i < p->n_sources; i++)
		add_source(&p->sources[i], node, site, ret);
}

// ---- names ----

bool egress_is_split(const struct fleet_object *policy)
{
	const json_t *split = json_object_get(policy->spec, "split");

	return policy->as.policy.has_lists && (!split || json_array_size(split) > 0);
}

static bool rule_names(const json_t *rule, const struct fleet_object *list)
{
	const json_t *to = json_object_get(rule, "to"), *item;
	size_t i;

	json_array_foreach((json_t *)to, i, item)
	{
		struct destination d;

		if (destination_parse(json_string_value(item), &d, NULL) == 0 &&
		    d.kind == DESTINATION_LIST && strcmp(d.name, list->name) == 0)
			return true;
	}
	return false;
}

bool egress_names(const struct fleet_object *policy, const struct fleet_object *list)
{
	const json_t *rule;
	size_t i;

	if (!policy->as.policy.has_lists)
		return false;
	json_array_foreach((json_t *)policy->as.policy.rules, i, rule)
	{
		if (kind_rule_has_list(rule) && rule_names(rule, list))
			return true;
	}
	return false;
}

bool egress_is_named(const struct fleet *fleet, const struct fleet_object *node)
{
	struct fleet_object *policy;
	struct clients clients;

	for (size_t at = 0; fleet_next(fleet, FLEET_POLICY, &at, &policy);) {
		if (!policy->as.policy.has_lists)
			continue;
		egress_clients(fleet, policy, node, &clients);
		if (clients.count > 0)
			return true;
	}
	return false;
}

// ---- what rules lead to ----

bool egress_rule(const struct fleet *fleet, const json_t *rule, struct egress_use *ret)
{
	const char *via = json_string_value(json_object_get(rule, "via"));
	const char *otherwise = json_string_value(json_object_get(rule, "otherwise"));

	via = via ? kind_reference_name(KIND_GATEWAY_GROUPS, via, NULL) : NULL;
	ret->group = via ? fleet_find(fleet, FLEET_GATEWAY_GROUP, via) : NULL;
	ret->is_direct = otherwise && strcmp(otherwise, "direct") == 0;
	return ret->group != NULL;
}

bool egress_leads_so(const struct fleet *fleet, const struct fleet_object *policy,
		     const struct egress_use *use)
{
	struct egress_use other;
	const json_t *rule;
	size_t i;

	json_array_foreach((json_t *)policy->as.policy.rules, i, rule)
	{
		if (egress_rule(fleet, rule, &other) && other.group == use->group &&
		    other.is_direct == use->is_direct)
			return true;
	}
	return false;
}

bool egress_leads_to_group(const struct fleet *fleet, const struct fleet_object *policy,
			   const struct fleet_object *group)
{
	return egress_leads_so(fleet, policy, &(struct egress_use){ group, false }) ||
	       egress_leads_so(fleet, policy, &(struct egress_use){ group, true });
}

static bool tries(const struct fleet_object *group, const struct fleet_object *gateway)
{
	const struct fleet_gateway_group *g = &group->as.gateway_group;

	for (size_t i = 0; i < g->n_gateways; i++) {
		if (strcmp(g->gateways[i], gateway->name) == 0)
			return true;
	}
	return false;
}

bool egress_leads_to(const struct fleet *fleet, const struct fleet_object *policy,
		     const struct fleet_object *gateway)
{
	struct fleet_object *group;

	for (size_t at = 0; fleet_next(fleet, FLEET_GATEWAY_GROUP, &at, &group);) {
		if (tries(group, gateway) && egress_leads_to_group(fleet, policy, group))
			return true;
	}
	return false;
}

bool egress_uses(const struct fleet *fleet, const struct fleet_object *node,
		 const struct fleet_object *gateway)
{
	struct fleet_object *policy;
	struct clients clients;

	for (size_t at = 0; fleet_next(fleet, FLEET_POLICY, &at, &policy);) {
		egress_clients(fleet, policy, node, &clients);
		if (clients.count > 0 && egress_leads_to(fleet, policy, gateway))
			return true;
	}
	return false;
}

const struct fleet_object *egress_exit(const struct fleet *fleet,
				       const struct fleet_object *gateway)
{
	return fleet_find(fleet, FLEET_NODE, gateway->as.gateway.node);
}

const struct fleet_object *egress_network(const struct fleet *fleet, const struct fleet_object *a,
					  const struct fleet_object *b)
{
	const struct fleet_object *best = NULL;
	struct fleet_object *network;

	for (size_t at = 0; fleet_next(fleet, FLEET_NETWORK, &at, &network);) {
		if ((!best || network->id < best->id) &&
		    network_is_linked(fleet, network, a->name, b->name))
			best = network;
	}
	return best;
}

static bool is_exit_of_others(const struct fleet *fleet, const struct fleet_object *node)
{
	struct fleet_object *gateway, *other;

	for (size_t at = 0; fleet_next(fleet, FLEET_GATEWAY, &at, &gateway);) {
		if (strcmp(gateway->as.gateway.node, node->name) != 0)
			continue;
		for (size_t n = 0; fleet_next(fleet, FLEET_NODE, &n, &other);) {
			if (other != node && other->as.node.site &&
			    egress_uses(fleet, other, gateway))
				return true;
		}
	}
	return false;
}

bool egress_forwards(const struct fleet *fleet, const struct fleet_object *node, int family)
{
	struct fleet_object *policy;
	struct clients clients;

	for (size_t at = 0; fleet_next(fleet, FLEET_POLICY, &at, &policy);) {
		egress_clients(fleet, policy, node, &clients);
		for (size_t i = 0; i < clients.count; i++) {
			if (clients.items[i].address.family == family)
				return true;
		}
	}
	return is_exit_of_others(fleet, node);
}

// ---- numbers ----

#define POOL_GATEWAY "gateway-number"
#define POOL_GROUP   "gateway-group-number"
#define POOL_WIRE    "gateway-wire"

static void ways_pool(char text[OWNER_TEXT_SIZE], int64_t exit_id)
{
	(void)snprintf(text, OWNER_TEXT_SIZE, "nodes/%lld/return", (long long)exit_id);
}

static void wire_owner(char text[OWNER_TEXT_SIZE], int64_t gateway_id, int64_t ingress_id)
{
	(void)snprintf(text, OWNER_TEXT_SIZE, "gateways/%lld/%lld", (long long)gateway_id,
		       (long long)ingress_id);
}

int64_t egress_number(const struct fleet *fleet, const struct fleet_object *object)
{
	char owner[OWNER_TEXT_SIZE];

	owner_text(owner, fleet_kind_name(object->kind), object->id);
	return alloc_number(fleet->alloc, object->kind == FLEET_GATEWAY ? POOL_GATEWAY : POOL_GROUP,
			    owner);
}

struct egress_wire egress_wire(const struct fleet *fleet, const struct fleet_object *gateway,
			       const struct fleet_object *ingress)
{
	const struct fleet_object *exit = egress_exit(fleet, gateway);
	char owner[OWNER_TEXT_SIZE], ways[OWNER_TEXT_SIZE];

	if (!exit)
		return (struct egress_wire){ 0 };
	wire_owner(owner, gateway->id, ingress->id);
	ways_pool(ways, exit->id);
	return (struct egress_wire){ alloc_number(fleet->alloc, POOL_WIRE, owner),
				     alloc_number(fleet->alloc, ways, owner) };
}

struct allocation {
	struct fleet *fleet;
	int64_t revision;
	struct err *err;
};

static int take(const struct allocation *a, const char *pool, const char *owner, int64_t last)
{
	const struct alloc_range range = { .first = 1, .last = last };
	int64_t number;

	return alloc_take(a->fleet->alloc, pool, owner, &range, &number);
}

static int settle_number(const struct allocation *a, const struct fleet_edit *edit)
{
	const struct fleet_object *o = edit->after ? edit->after : edit->before;
	const bool is_gateway = o->kind == FLEET_GATEWAY;
	const char *pool = is_gateway ? POOL_GATEWAY : POOL_GROUP;
	char owner[OWNER_TEXT_SIZE];

	if (!is_gateway && o->kind != FLEET_GATEWAY_GROUP)
		return 0;
	owner_text(owner, fleet_kind_name(o->kind), o->id);
	if (!edit->after)
		return alloc_release(a->fleet->alloc, pool, owner, a->revision);
	const int rc = take(a, pool, owner, is_gateway ? GATEWAYS_IN_ALL : GATEWAY_GROUPS_IN_ALL);
	if (rc == -ENOSPC)
		return err_set(a->err, rc, "%s.%s: all %d that can be are there",
			       fleet_kind_name(o->kind), o->name,
			       is_gateway ? GATEWAYS_IN_ALL : GATEWAY_GROUPS_IN_ALL);
	return rc;
}

// A gateway that moved to another node or is gone has no ways back at the former.
static int leave_exit(const struct allocation *a, const struct fleet_edit *edit)
{
	const struct fleet_object *before = edit->before, *after = edit->after;
	char pool[OWNER_TEXT_SIZE], prefix[OWNER_TEXT_SIZE];
	const char *owner;
	int rc = 0;

	if (!before || before->kind != FLEET_GATEWAY ||
	    (after && strcmp(before->as.gateway.node, after->as.gateway.node) == 0))
		return 0;
	const struct fleet_object *exit = egress_exit(a->fleet, before);
	if (!exit)
		return 0;
	ways_pool(pool, exit->id);
	(void)snprintf(prefix, sizeof prefix, "gateways/%lld/", (long long)before->id);
	for (size_t at = 0; rc == 0 && alloc_next(a->fleet->alloc, pool, &at, &owner, NULL);) {
		CLEAN(free_ptr) char *copy = strdup(owner);

		if (!copy)
			return -ENOMEM;
		if (strncmp(copy, prefix, strlen(prefix)) == 0)
			rc = alloc_release(a->fleet->alloc, pool, copy, a->revision);
	}
	return rc;
}

static int take_wire(const struct allocation *a, const struct fleet_object *gateway,
		     const struct fleet_object *exit, const struct fleet_object *ingress)
{
	char owner[OWNER_TEXT_SIZE], ways[OWNER_TEXT_SIZE];

	wire_owner(owner, gateway->id, ingress->id);
	ways_pool(ways, exit->id);
	int rc = take(a, POOL_WIRE, owner, GATEWAY_WIRES_IN_ALL);
	if (rc == 0)
		rc = take(a, ways, owner, RETURN_WAYS_MAX);
	if (rc == -ENOSPC)
		return err_set(a->err, rc,
			       "gateways.%s: %s cannot serve more than %d wires of gateways",
			       gateway->name, exit->name, RETURN_WAYS_MAX);
	return rc;
}

static bool is_wire_wanted(const struct fleet *fleet, const struct fleet_object *gateway,
			   const struct fleet_object *ingress)
{
	const struct fleet_object *exit = gateway ? egress_exit(fleet, gateway) : NULL;

	return exit && ingress && ingress != exit && egress_network(fleet, ingress, exit) &&
	       egress_uses(fleet, ingress, gateway);
}

static int take_wires(const struct allocation *a)
{
	struct fleet_object *gateway, *node;
	int rc = 0;

	for (size_t at = 0; fleet_next(a->fleet, FLEET_GATEWAY, &at, &gateway);) {
		for (size_t n = 0; rc == 0 && fleet_next(a->fleet, FLEET_NODE, &n, &node);) {
			if (node->as.node.site && is_wire_wanted(a->fleet, gateway, node))
				rc = take_wire(a, gateway, egress_exit(a->fleet, gateway), node);
		}
	}
	return rc;
}

static int release_wires(const struct allocation *a)
{
	struct alloc *alloc = a->fleet->alloc;
	char ways[OWNER_TEXT_SIZE];
	const char *owner;
	int rc = 0;

	for (size_t at = 0; rc == 0 && alloc_next(alloc, POOL_WIRE, &at, &owner, NULL);) {
		CLEAN(free_ptr) char *copy = strdup(owner);
		char *end = NULL;

		if (!copy)
			return -ENOMEM;
		const int64_t gateway_id = strtoll(copy + strlen("gateways/"), &end, 10);
		const struct fleet_object *gateway =
			fleet_find_id(a->fleet, FLEET_GATEWAY, gateway_id);
		const struct fleet_object *ingress =
			fleet_find_id(a->fleet, FLEET_NODE, strtoll(end + 1, NULL, 10));
		if (is_wire_wanted(a->fleet, gateway, ingress))
			continue;
		rc = alloc_release(alloc, POOL_WIRE, copy, a->revision);
		const struct fleet_object *exit = gateway ? egress_exit(a->fleet, gateway) : NULL;
		if (rc < 0 || !exit)
			continue;
		ways_pool(ways, exit->id);
		rc = alloc_release(alloc, ways, copy, a->revision);
	}
	return rc;
}

int egress_allocate(struct fleet *fleet, const struct fleet_edit *edits, size_t count,
		    int64_t revision, struct err *err)
{
	const struct allocation a = { fleet, revision, err };
	bool is_touched = false;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		is_touched = is_touched || egress_is_touched(&edits[i]);
		rc = settle_number(&a, &edits[i]);
		if (rc == 0)
			rc = leave_exit(&a, &edits[i]);
	}
	if (rc == 0 && is_touched)
		rc = release_wires(&a);
	if (rc == 0 && is_touched)
		rc = take_wires(&a);
	return rc == -ENOMEM ? err_set(err, rc, "out of memory") : rc;
}

bool egress_is_touched(const struct fleet_edit *edit)
{
	const struct fleet_object *o = edit->after ? edit->after : edit->before;

	if (o->kind == FLEET_SEGMENT || o->kind == FLEET_SLA || o->kind == FLEET_HA_GROUP)
		return false;
	// What a node found out about itself changes where it is, not whom it serves.
	return o->kind != FLEET_NODE || !edit->before || !edit->after ||
	       strcmp(edit->before->name, edit->after->name) != 0 ||
	       !json_equal(edit->before->spec, edit->after->spec);
}
