#include <errno.h>
#include <string.h>

#include "plan/fleet_parts.h"
#include "plan/plan.h"

static bool is_extra(const struct net_member *member, const char *other)
{
	for (size_t i = 0; i < member->extra_count; i++) {
		if (strcmp(member->extra[i], other) == 0)
			return true;
	}
	return false;
}

bool network_has_link(const struct net_member *a, const struct net_member *b)
{
	if (a->in_mesh && b->in_mesh)
		return true;
	if ((a->is_hub && b->is_spoke) || (b->is_hub && a->is_spoke))
		return true;
	return is_extra(a, b->name);
}

static bool is_disabled(const struct fleet *fleet, const struct fleet_object *network,
			const char *a, const char *b)
{
	const struct fleet_link *link = fleet_override(fleet, network->name, a, b);

	return link && link->is_disabled;
}

bool network_is_linked(const struct fleet *fleet, const struct fleet_object *network, const char *a,
		       const char *b)
{
	const struct net_member *x = network_member(network, a), *y = network_member(network, b);

	return x && y && x != y && network_has_link(x, y) && !is_disabled(fleet, network, a, b);
}

bool fleet_is_linked(const struct fleet *fleet, const char *network, const char *a, const char *b)
{
	const struct fleet_object *found = fleet_find(fleet, FLEET_NETWORK, network);

	return found && network_is_linked(fleet, found, a, b);
}

struct walk {
	const struct fleet *fleet;
	const struct fleet_object *network;
	const struct net_member *self;
	network_neighbour_fn *each;
	void *arg;
};

static int walk_visit(const struct walk *walk, const char *other)
{
	struct fleet_object *peer = fleet_find(walk->fleet, FLEET_NODE, other);

	if (!peer || strcmp(other, walk->self->name) == 0 ||
	    is_disabled(walk->fleet, walk->network, walk->self->name, other))
		return 0;
	return walk->each(walk->arg, peer);
}

// The nodes that a mesh or a hub connects a node with.
static int walk_members(const struct walk *walk)
{
	size_t at = 0;
	void *value;
	int rc = 0;

	while (rc == 0 && map_next(walk->network->as.network.members, &at, NULL, &value)) {
		const struct net_member *other = value;
		bool is_linked = (walk->self->in_mesh && other->in_mesh) ||
				 (walk->self->is_hub && other->is_spoke) ||
				 (walk->self->is_spoke && other->is_hub);

		if (is_linked)
			rc = walk_visit(walk, other->name);
	}
	return rc;
}

int network_each_neighbour(const struct fleet *fleet, const struct fleet_object *network,
			   const char *node, network_neighbour_fn *each, void *arg)
{
	const struct net_member *self = network_member(network, node);
	struct walk walk = { fleet, network, self, each, arg };
	int rc = 0;

	if (!self)
		return 0;
	if (self->in_mesh || self->is_hub || self->is_spoke)
		rc = walk_members(&walk);
	for (size_t i = 0; i < self->extra_count && rc == 0; i++) {
		const struct net_member *other = network_member(network, self->extra[i]);
		bool is_seen = other && ((self->in_mesh && other->in_mesh) ||
					 (self->is_hub && other->is_spoke) ||
					 (self->is_spoke && other->is_hub));

		if (!is_seen)
			rc = walk_visit(&walk, self->extra[i]);
	}
	return rc;
}

// ---- every link ----

struct link_walk {
	const char *network;
	const char *self;
	plan_link_fn *each;
	void *arg;
};

static int visit_neighbour(void *arg, struct fleet_object *peer)
{
	const struct link_walk *walk = arg;

	// From the other end it is seen again.
	if (strcmp(walk->self, peer->name) > 0)
		return 0;
	return walk->each(walk->arg, walk->network, walk->self, peer->name);
}

static int each_link_of(const struct fleet *fleet, const struct fleet_object *network,
			struct link_walk *walk)
{
	void *value;
	int rc = 0;

	walk->network = network->name;
	for (size_t at = 0; rc == 0 && map_next(network->as.network.members, &at, NULL, &value);) {
		const struct net_member *member = value;

		walk->self = member->name;
		if (fleet_find(fleet, FLEET_NODE, member->name))
			rc = network_each_neighbour(fleet, network, member->name, visit_neighbour,
						    walk);
	}
	return rc;
}

int plan_each_link(const struct fleet *fleet, plan_link_fn *each, void *arg)
{
	struct link_walk walk = { .each = each, .arg = arg };
	struct fleet_object *network;
	int rc = 0;

	for (size_t at = 0; rc == 0 && fleet_next(fleet, FLEET_NETWORK, &at, &network);)
		rc = each_link_of(fleet, network, &walk);
	return rc;
}
