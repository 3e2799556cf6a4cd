// Which entries of resolvers an edit touches.
#include <stdlib.h>
#include <string.h>

#include "model/kinds.h"

#include "plan/cells.h"
#include "plan/dns.h"

// ---- all nodes that have a resolver ----

struct places {
	const struct fleet_object **nodes;
	size_t count;
};

static void places_done(struct places *places)
{
	free(places->nodes);
}

static void places_find(struct cell_set *set, const struct fleet *fleet, struct places *ret)
{
	struct fleet_object *node;

	*ret = (struct places){ calloc(map_size(fleet->by_id[FLEET_NODE]) + 1, sizeof(*ret->nodes)),
				0 };
	set->failed = set->failed || !ret->nodes;
	for (size_t at = 0; ret->nodes && fleet_next(fleet, FLEET_NODE, &at, &node);) {
		if (dns_resolver(fleet, node))
			ret->nodes[ret->count++] = node;
	}
}

static void touch_places(struct cell_set *set, const struct places *places, enum cell_kind kind,
			 int64_t scope)
{
	for (size_t i = 0; i < places->count; i++)
		cell_add(set, kind, places->nodes[i]->id, scope, 0);
}

static void touch_everywhere(struct cell_set *set, const struct fleet *fleet, enum cell_kind kind,
			     int64_t scope)
{
	CLEAN(places_done) struct places places = { 0 };

	places_find(set, fleet, &places);
	touch_places(set, &places, kind, scope);
}

// ---- one node's ----

static void own_each(struct cell_set *set, const struct fleet *fleet, int64_t node,
		     enum fleet_kind of, enum cell_kind kind)
{
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, of, &at, &o);)
		cell_add(set, kind, node, o->id, 0);
}

static void own_blocking(struct cell_set *set, const struct fleet *fleet, int64_t node)
{
	own_each(set, fleet, node, FLEET_BLOCKLIST, CELL_DNS_BLOCK);
	own_each(set, fleet, node, FLEET_DOMAIN_LIST, CELL_NAMES);
}

static void own_all(struct cell_set *set, const struct fleet *fleet,
		    const struct fleet_object *resolver, int64_t node)
{
	cell_add(set, CELL_DNS, node, resolver->id, 0);
	own_each(set, fleet, node, FLEET_DNS_ZONE, CELL_DNS_ZONE);
	own_each(set, fleet, node, FLEET_NODE, CELL_DNS_NODE);
	own_each(set, fleet, node, FLEET_SITE, CELL_DNS_SITE);
	own_each(set, fleet, node, FLEET_DNS_FORWARD, CELL_DNS_FORWARD);
	own_blocking(set, fleet, node);
}

void cells_own_dns(struct cell_set *set, const struct fleet *fleet, const struct fleet_object *node)
{
	const struct fleet_object *resolver = dns_resolver(fleet, node);

	if (resolver)
		own_all(set, fleet, resolver, node->id);
}

// ---- names and addresses of nodes and sites ----

static void touch_site_name(struct cell_set *set, const struct fleet *fleet,
			    const struct places *places, const char *name)
{
	const struct fleet_object *site = name ? fleet_find(fleet, FLEET_SITE, name) : NULL;

	if (site)
		touch_places(set, places, CELL_DNS_SITE, site->id);
}

// A node's addresses stand under its own name and its site's, and its resolver listens there.
static void touch_addresses(struct cell_set *set, const struct fleet *fleet,
			    const struct places *places, const struct fleet_object *node)
{
	const struct fleet_object *resolver = dns_resolver(fleet, node);

	if (resolver)
		cell_add(set, CELL_DNS, node->id, resolver->id, 0);
	touch_places(set, places, CELL_DNS_NODE, node->id);
	touch_site_name(set, fleet, places, node->as.node.site);
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void touch_node(struct cell_set *set, const struct fleet *fleet,
		       const struct fleet_object *self, const struct fleet_object *other)
{
	CLEAN(places_done) struct places places = { 0 };

	if (other && strcmp(self->name, other->name) == 0 &&
	    is_same_text(self->as.node.site, other->as.node.site))
		return;
	cells_own_dns(set, fleet, self);
	places_find(set, fleet, &places);
	touch_addresses(set, fleet, &places, self);
	// A site of the node's name is shadowed by it.
	touch_site_name(set, fleet, &places, self->name);
}

static void touch_site(struct cell_set *set, const struct fleet *fleet,
		       const struct fleet_object *self)
{
	struct fleet_object *node;

	for (size_t at = 0; fleet_next(fleet, FLEET_NODE, &at, &node);) {
		const struct fleet_object *resolver = is_same_text(node->as.node.site, self->name)
							      ? dns_resolver(fleet, node)
							      : NULL;
		if (resolver)
			cell_add(set, CELL_DNS, node->id, resolver->id, 0);
	}
	touch_everywhere(set, fleet, CELL_DNS_SITE, self->id);
}

// Members that another state of the network (NULL: none) has likewise are left out.
static void touch_members(struct cell_set *set, const struct fleet *fleet,
			  const struct fleet_object *network, const struct fleet_object *but)
{
	CLEAN(places_done) struct places places = { 0 };
	const char *name;

	places_find(set, fleet, &places);
	for (size_t at = 0; map_next(network->as.network.members, &at, &name, NULL);) {
		const struct fleet_object *node = fleet_find(fleet, FLEET_NODE, name);

		if (node && (!but || !network_member(but, name)))
			touch_addresses(set, fleet, &places, node);
	}
}

static bool is_numbered_alike(const struct fleet_pools *a, const struct fleet_pools *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void touch_network(struct cell_set *set, const struct fleet *fleet,
			  const struct fleet_object *self, const struct fleet_object *other)
{
	const bool is_same =
		other && is_numbered_alike(&self->as.network.pools, &other->as.network.pools);

	touch_members(set, fleet, self, is_same ? other : NULL);
}

static void touch_segment(struct cell_set *set, const struct fleet *fleet,
			  const struct fleet_object *self, const struct fleet_object *other)
{
	const struct fleet_segment *a = &self->as.segment;
	const struct fleet_segment *b = other ? &other->as.segment : NULL;
	const struct fleet_object *network = fleet_find(fleet, FLEET_NETWORK, a->network);
	const bool is_same = b && strcmp(a->network, b->network) == 0 &&
			     a->is_routed == b->is_routed &&
			     is_numbered_alike(&a->pools, &b->pools);

	if (network && !is_same)
		touch_members(set, fleet, network, NULL);
}

static void touch_group(struct cell_set *set, const struct fleet *fleet,
			const struct fleet_object *self)
{
	CLEAN(places_done) struct places places = { 0 };

	for (size_t i = 0; i < self->as.ha.n_members; i++) {
		const struct fleet_object *node =
			fleet_find(fleet, FLEET_NODE, self->as.ha.members[i]);
		const struct fleet_object *resolver = node ? dns_resolver(fleet, node) : NULL;

		if (resolver)
			cell_add(set, CELL_DNS, node->id, resolver->id, 0);
	}
	places_find(set, fleet, &places);
	touch_site_name(set, fleet, &places, dns_group_site(fleet, self));
}

// ---- what is written for resolvers ----

static void touch_resolver(struct cell_set *set, const struct fleet *fleet,
			   const struct fleet_object *self, const struct fleet_object *other)
{
	const bool is_blocking_alike =
		other && json_equal(json_object_get(self->spec, "blocklists"),
				    json_object_get(other->spec, "blocklists"));
	struct fleet_object *node;

	for (size_t at = 0; fleet_next(fleet, FLEET_NODE, &at, &node);) {
		if (!dns_runs_on(self, node))
			continue;
		if (!other || !dns_runs_on(other, node))
			own_all(set, fleet, self, node->id);
		cell_add(set, CELL_DNS, node->id, self->id, 0);
		if (!is_blocking_alike)
			own_blocking(set, fleet, node->id);
	}
}

static void touch_blocklist(struct cell_set *set, const struct fleet *fleet,
			    const struct fleet_object *self)
{
	const json_t *lists = json_object_get(self->spec, "lists"), *item;
	CLEAN(places_done) struct places places = { 0 };
	size_t i;

	places_find(set, fleet, &places);
	touch_places(set, &places, CELL_DNS_BLOCK, self->id);
	json_array_foreach((json_t *)lists, i, item)
	{
		const char *name =
			kind_reference_name(KIND_DOMAIN_LISTS, json_string_value(item), NULL);
		const struct fleet_object *list =
			name ? fleet_find(fleet, FLEET_DOMAIN_LIST, name) : NULL;

		if (list)
			touch_places(set, &places, CELL_NAMES, list->id);
	}
}

void cells_touch_dns(struct cell_set *set, const struct fleet *fleet,
		     const struct fleet_object *self, const struct fleet_object *other)
{
	if (map_size(fleet->by_id[FLEET_RESOLVER]) == 0)
		return;
	if (self->kind == FLEET_NODE)
		touch_node(set, fleet, self, other);
	else if (self->kind == FLEET_SITE)
		touch_site(set, fleet, self);
	else if (self->kind == FLEET_NETWORK)
		touch_network(set, fleet, self, other);
	else if (self->kind == FLEET_SEGMENT)
		touch_segment(set, fleet, self, other);
	else if (self->kind == FLEET_HA_GROUP)
		touch_group(set, fleet, self);
	else if (self->kind == FLEET_RESOLVER)
		touch_resolver(set, fleet, self, other);
	else if (self->kind == FLEET_BLOCKLIST)
		touch_blocklist(set, fleet, self);
	else if (self->kind == FLEET_DOMAIN_LIST)
		touch_everywhere(set, fleet, CELL_NAMES, self->id);
	else if (self->kind == FLEET_DNS_ZONE)
		touch_everywhere(set, fleet, CELL_DNS_ZONE, self->id);
	else if (self->kind == FLEET_DNS_FORWARD)
		touch_everywhere(set, fleet, CELL_DNS_FORWARD, self->id);
}
