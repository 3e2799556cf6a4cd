#include "plan/cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cell_set_done(struct cell_set *set)
{
	free(set->items);
	map_free(set->networks);
	map_free(set->touched);
	*set = (struct cell_set){ 0 };
}

static void cell_put(struct cell_set *set, struct cell cell)
{
	if (set->count == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 64;
		struct cell *items = reallocarray(set->items, cap, sizeof *items);

		if (!items) {
			set->failed = true;
			return;
		}
		set->items = items;
		set->cap = cap;
	}
	set->items[set->count++] = cell;
}

void cell_add(struct cell_set *set, enum cell_kind kind, int64_t node, int64_t scope, int64_t other)
{
	cell_put(set, (struct cell){ node, scope, other, kind, 0 });
}

// All links that a member has in a network.
static void cell_add_links(struct cell_set *set, const struct fleet_object *node,
			   const struct fleet_object *network, const struct net_member *member)
{
	size_t links = member->in_mesh || member->is_hub ? map_size(network->as.network.members)
							 : member->extra_count + 1;

	cell_put(set, (struct cell){ node->id, network->id, 0, CELL_LINK, (unsigned)links });
}

static int order(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int cell_compare(const void *x, const void *y)
{
	const struct cell *a = x, *b = y;
	int by = order(a->node, b->node);

	if (by == 0)
		by = (int)a->kind - (int)b->kind;
	if (by == 0)
		by = order(a->scope, b->scope);
	return by ? by : order(a->other, b->other);
}

// Whether the entries of `b`, which stands behind it, are among those of `a`.
static bool covers(const struct cell *a, const struct cell *b)
{
	return a->node == b->node && a->kind == b->kind && a->scope == b->scope &&
	       (a->other == b->other || (a->kind == CELL_LINK && a->other == 0));
}

void cell_set_settle(struct cell_set *set)
{
	size_t kept = 0;

	if (set->count == 0)
		return;
	qsort(set->items, set->count, sizeof *set->items, cell_compare);
	for (size_t i = 1; i < set->count; i++) {
		struct cell *last = &set->items[kept];

		if (!covers(last, &set->items[i]))
			set->items[++kept] = set->items[i];
		else if (last->links < set->items[i].links)
			last->links = set->items[i].links;
	}
	set->count = kept + 1;
}

static void note_network(struct cell_set *set, const struct fleet_object *network)
{
	char id[ID_TEXT_SIZE];

	(void)snprintf(id, sizeof id, "%lld", (long long)network->id);
	if (!set->networks)
		set->networks = map_new(NULL);
	if (!set->networks || map_set(set->networks, id, set) < 0)
		set->failed = true;
}

// ---- networks of which so much is touched that all of it is looked at ----

static bool is_whole(const struct cell_set *set, const struct fleet_object *network)
{
	char id[ID_TEXT_SIZE];

	(void)snprintf(id, sizeof id, "%lld", (long long)network->id);
	uintptr_t touched = set->touched ? (uintptr_t)map_get(set->touched, id) : 0;
	return touched * 2 > map_size(network->as.network.members);
}

static void count_members(struct cell_set *set, const struct fleet_object *network, size_t more)
{
	char id[ID_TEXT_SIZE];

	(void)snprintf(id, sizeof id, "%lld", (long long)network->id);
	uintptr_t touched = (uintptr_t)map_get(set->touched, id) + more;
	if (map_set(set->touched, id, (void *)touched) < 0) // the count is the value
		set->failed = true;
}

// ---- both directions of what two nodes share ----

struct pair_walk {
	struct cell_set *set;
	enum cell_kind kind;
	int64_t node;
	int64_t scope;
	bool one_way; // only the node's own cells
};

static int pair_touch(void *arg, struct fleet_object *peer)
{
	const struct pair_walk *walk = arg;

	cell_add(walk->set, walk->kind, walk->node, walk->scope, peer->id);
	if (!walk->one_way)
		cell_add(walk->set, walk->kind, peer->id, walk->scope, walk->node);
	return walk->set->failed;
}

static void touch_links(struct cell_set *set, const struct fleet *fleet,
			const struct fleet_object *network, const struct fleet_object *node)
{
	struct pair_walk walk = { set, CELL_LINK, node->id, network->id, false };

	if (!is_whole(set, network) &&
	    network_each_neighbour(fleet, network, node->name, pair_touch, &walk) < 0)
		set->failed = true;
}

static void touch_wires(struct cell_set *set, const struct fleet *fleet,
			const struct segment_view *view, const struct fleet_object *node,
			bool one_way)
{
	struct pair_walk walk = { set, CELL_WIRE, node->id, view->segment->id, one_way };

	if (network_each_neighbour(fleet, view->network, node->name, pair_touch, &walk) < 0)
		set->failed = true;
}

// ---- segments ----

// What the others hold about a node: its addresses and its site's LANs.
static void touch_owned(struct cell_set *set, const struct segment_view *view,
			const struct fleet_object *node)
{
	cell_add(set, CELL_NODE, node->id, 0, 0);
	cell_add(set, CELL_SEGMENT, node->id, view->segment->id, 0);
	for (size_t i = 0; i < view->count; i++)
		cell_add(set, CELL_OWNER, view->members[i].node->id, view->segment->id, node->id);
	cells_touch_paths(set, view, node);
}

static void touch_in_segment(struct cell_set *set, struct fleet *fleet,
			     const struct segment_view *view, const struct fleet_object *node)
{
	const char *site = node->as.node.site;

	touch_wires(set, fleet, view, node, false);
	touch_owned(set, view, node);
	cells_touch_paths_through(set, fleet, view, node);
	cells_touch_groups_of_site(set, fleet, site);
	for (size_t i = 0; i < view->count; i++) {
		const struct fleet_object *other = view->members[i].node;

		cell_add(set, CELL_OWNER, node->id, view->segment->id, other->id);
		// Another node of the site may begin or cease to speak for it.
		if (site && other->as.node.site && strcmp(site, other->as.node.site) == 0)
			touch_owned(set, view, other);
	}
}

static void touch_segment(struct cell_set *set, struct fleet *fleet, struct fleet_object *segment)
{
	const struct segment_view *view = fleet_segment(fleet, segment);

	if (!view)
		return;
	for (size_t i = 0; i < view->count; i++) {
		touch_in_segment(set, fleet, view, view->members[i].node);
		cell_add(set, CELL_MEMBER, view->members[i].node->id, view->network->id, 0);
	}
	note_network(set, view->network);
}

void cells_touch_mtu(struct cell_set *set, struct fleet *fleet, struct fleet_object *segment)
{
	const struct segment_view *view = fleet_segment(fleet, segment);

	for (size_t i = 0; view && i < view->count; i++) {
		cell_add(set, CELL_SEGMENT, view->members[i].node->id, segment->id, 0);
		touch_wires(set, fleet, view, view->members[i].node, true);
	}
}

typedef void segment_fn(struct cell_set *set, struct fleet *fleet, const struct segment_view *view,
			const struct fleet_object *node);

static void each_segment(struct cell_set *set, struct fleet *fleet,
			 const struct fleet_object *network, segment_fn *touch,
			 const struct fleet_object *node)
{
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_SEGMENT, &at, &o);) {
		const struct segment_view *view = strcmp(o->as.segment.network, network->name) == 0
							  ? fleet_segment(fleet, o)
							  : NULL;

		if (view)
			touch(set, fleet, view, node);
	}
}

// ---- per kind of resource ----

static void touch_in_network(struct cell_set *set, struct fleet *fleet,
			     const struct fleet_object *network, const struct fleet_object *node)
{
	cell_add(set, CELL_NODE, node->id, 0, 0);
	cell_add(set, CELL_MEMBER, node->id, network->id, 0);
	touch_links(set, fleet, network, node);
	each_segment(set, fleet, network, touch_in_segment, node);
	note_network(set, network);
}

// Facts change who is reached where, and what the links carry, nothing else.
static bool is_facts_only(const struct fleet_object *self, const struct fleet_object *other)
{
	return other && strcmp(self->name, other->name) == 0 && json_equal(self->spec, other->spec);
}

static void touch_speaker(struct cell_set *set, struct fleet *fleet,
			  const struct segment_view *view, const struct fleet_object *node)
{
	(void)fleet;
	touch_owned(set, view, node);
}

static void touch_node(struct cell_set *set, struct fleet *fleet, const struct fleet_object *self,
		       const struct fleet_object *other)
{
	bool is_light = is_facts_only(self, other);
	struct fleet_object *network;
	cell_add(set, CELL_NODE, self->id, 0, 0);
	if (!is_light)
		cells_touch_groups(set, fleet, self, NULL);
	// What its links carry is also what the wires of gateways do.
	if (!is_light || !json_equal(self->as.node.path_mtu, other->as.node.path_mtu))
		cells_touch_egress_node(set, fleet, self);
	for (size_t at = 0; fleet_next(fleet, FLEET_NETWORK, &at, &network);) {
		if (!network_member(network, self->name))
			continue;
		if (!is_light) {
			touch_in_network(set, fleet, network, self);
			continue;
		}
		touch_links(set, fleet, network, self);
		if (!json_equal(self->as.node.path_mtu, other->as.node.path_mtu))
			note_network(set, network);
		if (self->as.node.bridge_priorities != other->as.node.bridge_priorities)
			each_segment(set, fleet, network, touch_speaker, self);
	}
}

// Who speaks for a site where, and for what.
static void touch_lans(struct cell_set *set, struct fleet *fleet, const char *site)
{
	struct fleet_object *node, *network;

	cells_touch_groups_of_site(set, fleet, site);
	for (size_t at = 0; fleet_next(fleet, FLEET_NODE, &at, &node);) {
		if (!node->as.node.site || strcmp(node->as.node.site, site) != 0)
			continue;
		cells_touch_egress_node(set, fleet, node);
		for (size_t n = 0; fleet_next(fleet, FLEET_NETWORK, &n, &network);) {
			if (network_member(network, node->name))
				each_segment(set, fleet, network, touch_speaker, node);
		}
	}
}

static void touch_site(struct cell_set *set, struct fleet *fleet, const struct fleet_object *self,
		       const struct fleet_object *other)
{
	(void)other;
	touch_lans(set, fleet, self->name);
}

static void touch_ha_group(struct cell_set *set, struct fleet *fleet,
			   const struct fleet_object *self, const struct fleet_object *other)
{
	cells_touch_voters(set, fleet, self);
	if (self->as.ha.site && !is_facts_only(self, other))
		touch_lans(set, fleet, self->as.ha.site);
}

static bool is_same_member(const struct net_member *a, const struct net_member *b)
{
	if (!b || a->in_mesh != b->in_mesh || a->is_hub != b->is_hub ||
	    a->is_spoke != b->is_spoke || a->extra_count != b->extra_count)
		return false;
	for (size_t i = 0; i < a->extra_count; i++) {
		if (strcmp(a->extra[i], b->extra[i]) != 0)
			return false;
	}
	return true;
}

static bool is_same_network(const struct fleet_object *a, const struct fleet_object *b)
{
	const struct fleet_network *x = &a->as.network;

	if (!b)
		return false;
	const struct fleet_network *y = &b->as.network;
	return strcmp(a->name, b->name) == 0 && x->port == y->port &&
	       x->keepalive_s == y->keepalive_s &&
	       memcmp(&x->pools, &y->pools, sizeof x->pools) == 0;
}

static bool is_same_name(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_probed_alike(const struct fleet_network *a, const struct fleet_network *b)
{
	return a->probe.interval_ms == b->probe.interval_ms && a->probe.down == b->probe.down &&
	       a->probe.up == b->probe.up && a->probe.hold_down_ms == b->probe.hold_down_ms &&
	       is_same_name(a->sla, b->sla);
}

static void touch_paths_in(struct cell_set *set, struct fleet *fleet,
			   const struct segment_view *view, const struct fleet_object *node)
{
	(void)fleet;
	cells_touch_paths(set, view, node);
}

static void touch_all_links(struct cell_set *set, struct fleet *fleet,
			    const struct fleet_object *network)
{
	const char *name;
	void *member;

	for (size_t at = 0; map_next(network->as.network.members, &at, &name, &member);) {
		const struct fleet_object *node = fleet_find(fleet, FLEET_NODE, name);

		if (!node)
			continue;
		cell_add_links(set, node, network, member);
		each_segment(set, fleet, network, touch_paths_in, node);
	}
}

static void touch_network(struct cell_set *set, struct fleet *fleet,
			  const struct fleet_object *self, const struct fleet_object *other)
{
	bool is_all = !is_same_network(self, other);
	const char *name;
	void *value;

	for (size_t at = 0; map_next(self->as.network.members, &at, &name, &value);) {
		struct fleet_object *node = fleet_find(fleet, FLEET_NODE, name);

		if (node && (is_all || !is_same_member(value, network_member(other, name))))
			touch_in_network(set, fleet, self, node);
	}
	if (!is_all && !is_probed_alike(&self->as.network, &other->as.network))
		touch_all_links(set, fleet, self);
	cells_touch_groups(set, fleet, NULL, self);
	cells_touch_policies(set, fleet);
}

static void touch_ends(struct cell_set *set, struct fleet *fleet, const struct fleet_link *link,
		       const struct fleet_object *network)
{
	const struct fleet_object *a = fleet_find(fleet, FLEET_NODE, link->a);
	const struct fleet_object *b = fleet_find(fleet, FLEET_NODE, link->b);
	struct fleet_object *segment;

	if (!a || !b)
		return;
	cell_add(set, CELL_LINK, a->id, network->id, b->id);
	cell_add(set, CELL_LINK, b->id, network->id, a->id);
	for (size_t at = 0; fleet_next(fleet, FLEET_SEGMENT, &at, &segment);) {
		if (strcmp(segment->as.segment.network, link->network) != 0)
			continue;
		cell_add(set, CELL_WIRE, a->id, segment->id, b->id);
		cell_add(set, CELL_WIRE, b->id, segment->id, a->id);
		cells_touch_routed_link(set, fleet, segment, a, b);
	}
	note_network(set, network);
}

static void touch_link(struct cell_set *set, struct fleet *fleet, const struct fleet_object *self,
		       const struct fleet_object *other)
{
	const struct fleet_link *link = &self->as.link;
	const struct fleet_object *network =
		link->network ? fleet_find(fleet, FLEET_NETWORK, link->network) : NULL;

	(void)other;
	if (network)
		cells_touch_policies(set, fleet);
	if (network)
		touch_ends(set, fleet, link, network);
	else if (link->node)
		cells_touch_external(set, fleet, self);
}

static void touch_sla(struct cell_set *set, struct fleet *fleet, const struct fleet_object *self,
		      const struct fleet_object *other)
{
	struct fleet_object *o;

	(void)other;
	for (size_t at = 0; fleet_next(fleet, FLEET_NETWORK, &at, &o);) {
		if (is_same_name(o->as.network.sla, self->name))
			touch_all_links(set, fleet, o);
	}
	for (size_t at = 0; fleet_next(fleet, FLEET_LINK, &at, &o);) {
		if (is_same_name(o->as.link.sla, self->name))
			touch_link(set, fleet, o, NULL);
	}
	for (size_t at = 0; fleet_next(fleet, FLEET_GATEWAY, &at, &o);) {
		if (is_same_name(o->as.gateway.sla, self->name))
			cells_touch_gateway(set, fleet, o);
	}
}

// A segment's width decides its network's WireGuard MTU, on every member.
static void touch_segment_edit(struct cell_set *set, struct fleet *fleet,
			       const struct fleet_object *self, const struct fleet_object *other)
{
	struct fleet_object *segment = fleet_find_id(fleet, FLEET_SEGMENT, self->id);

	(void)other;
	if (segment)
		touch_segment(set, fleet, segment);
	cells_touch_policies(set, fleet);
}

typedef void touch_fn(struct cell_set *set, struct fleet *fleet, const struct fleet_object *self,
		      const struct fleet_object *other);

static touch_fn *const touchers[FLEET_KIND_COUNT] = {
	[FLEET_NODE] = touch_node,
	[FLEET_SITE] = touch_site,
	[FLEET_NETWORK] = touch_network,
	[FLEET_LINK] = touch_link,
	[FLEET_SEGMENT] = touch_segment_edit,
	[FLEET_SLA] = touch_sla,
	[FLEET_HA_GROUP] = touch_ha_group,
	[FLEET_GATEWAY] = cells_edit_gateway,
	[FLEET_GATEWAY_GROUP] = cells_edit_gateway_group,
	[FLEET_POLICY] = cells_edit_policy,
	[FLEET_DOMAIN_LIST] = cells_edit_list,
};

static size_t differing_members(const struct fleet_object *self, const struct fleet_object *other)
{
	size_t count = 0;
	const char *name;
	void *value;

	if (!is_same_network(self, other))
		return map_size(self->as.network.members);
	for (size_t at = 0; map_next(self->as.network.members, &at, &name, &value);)
		count += !is_same_member(value, network_member(other, name));
	return count;
}

static void count_touched(struct cell_set *set, const struct fleet *fleet,
			  const struct fleet_object *self, const struct fleet_object *other)
{
	struct fleet_object *network;

	if (self->kind == FLEET_NETWORK)
		count_members(set, self, differing_members(self, other));
	for (size_t at = 0;
	     self->kind == FLEET_NODE && fleet_next(fleet, FLEET_NETWORK, &at, &network);) {
		if (network_member(network, self->name))
			count_members(set, network, 1);
	}
}

static void touch_whole(struct cell_set *set, struct fleet *fleet)
{
	struct fleet_object *network;

	for (size_t at = 0; fleet_next(fleet, FLEET_NETWORK, &at, &network);) {
		if (is_whole(set, network))
			touch_all_links(set, fleet, network);
	}
}

void cells_touch(struct cell_set *set, struct fleet *fleet, const struct fleet_edit *edits,
		 size_t count, bool is_after)
{
	map_free(set->touched);
	set->touched = map_new(NULL);
	set->failed = set->failed || !set->touched;
	for (size_t i = 0; i < count && !set->failed; i++) {
		const struct fleet_object *self = is_after ? edits[i].after : edits[i].before;

		if (self)
			count_touched(set, fleet, self,
				      is_after ? edits[i].before : edits[i].after);
	}
	if (set->failed)
		return;
	touch_whole(set, fleet);
	for (size_t i = 0; i < count; i++) {
		const struct fleet_object *self = is_after ? edits[i].after : edits[i].before;

		const struct fleet_object *other = is_after ? edits[i].before : edits[i].after;

		if (self && touchers[self->kind])
			touchers[self->kind](set, fleet, self, other);
		if (self)
			cells_touch_dns(set, fleet, self, other);
	}
}

static void own_in_segment(struct cell_set *set, struct fleet *fleet,
			   const struct segment_view *view, const struct fleet_object *node)
{
	cell_add(set, CELL_SEGMENT, node->id, view->segment->id, 0);
	touch_wires(set, fleet, view, node, true);
	for (size_t i = 0; i < view->count; i++) {
		cell_add(set, CELL_OWNER, node->id, view->segment->id, view->members[i].node->id);
		cell_add(set, CELL_PATH, node->id, view->segment->id, view->members[i].node->id);
	}
}

void cells_of_node(struct cell_set *set, struct fleet *fleet, const struct fleet_object *node)
{
	struct fleet_object *network;

	cell_add(set, CELL_NODE, node->id, 0, 0);
	if (map_size(fleet->by_id[FLEET_POLICY]) > 0)
		cell_add(set, CELL_EGRESS, node->id, 0, 0);
	cells_own_groups(set, fleet, node);
	cells_own_dns(set, fleet, node);
	for (size_t at = 0; fleet_next(fleet, FLEET_NETWORK, &at, &network);) {
		const struct net_member *member = network_member(network, node->name);

		if (!member)
			continue;
		cell_add(set, CELL_MEMBER, node->id, network->id, 0);
		cell_add_links(set, node, network, member);
		each_segment(set, fleet, network, own_in_segment, node);
	}
	cells_own_external(set, fleet, node);
}
