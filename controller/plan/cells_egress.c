// What of gateways and policies an edit touches: each node that has to do with them has one cell.
#include <string.h>

#include "plan/cells.h"
#include "plan/egress.h"

static void touch(struct cell_set *set, const struct fleet_object *node)
{
	if (!node)
		return;
	cell_add(set, CELL_NODE, node->id, 0, 0); // whether it forwards
	cell_add(set, CELL_EGRESS, node->id, 0, 0);
}

// The exits that the clients of a policy may come to.
static void touch_exits(struct cell_set *set, const struct fleet *fleet,
			const struct fleet_object *policy)
{
	struct fleet_object *gateway;

	for (size_t at = 0; fleet_next(fleet, FLEET_GATEWAY, &at, &gateway);) {
		if (egress_leads_to(fleet, policy, gateway))
			touch(set, egress_exit(fleet, gateway));
	}
}

// The lists that its rules name.
static void touch_lists(struct cell_set *set, const struct fleet *fleet,
			const struct fleet_object *policy, const struct fleet_object *node)
{
	struct fleet_object *list;

	for (size_t at = 0; fleet_next(fleet, FLEET_DOMAIN_LIST, &at, &list);) {
		if (egress_names(policy, list))
			cell_add(set, CELL_NAMES, node->id, list->id, 0);
	}
}

static void touch_policy(struct cell_set *set, const struct fleet *fleet,
			 const struct fleet_object *policy)
{
	struct fleet_object *node;
	struct clients clients;

	for (size_t at = 0; fleet_next(fleet, FLEET_NODE, &at, &node);) {
		egress_clients(fleet, policy, node, &clients);
		if (clients.count == 0)
			continue;
		touch(set, node);
		touch_lists(set, fleet, policy, node);
	}
	touch_exits(set, fleet, policy);
}

void cells_touch_policies(struct cell_set *set, const struct fleet *fleet)
{
	struct fleet_object *policy;

	for (size_t at = 0; fleet_next(fleet, FLEET_POLICY, &at, &policy);)
		touch_policy(set, fleet, policy);
}

void cells_touch_gateway(struct cell_set *set, const struct fleet *fleet,
			 const struct fleet_object *gateway)
{
	struct fleet_object *policy;

	for (size_t at = 0; fleet_next(fleet, FLEET_POLICY, &at, &policy);) {
		if (egress_leads_to(fleet, policy, gateway))
			touch_policy(set, fleet, policy);
	}
}

// As an ingress its exits have to know of it; as an exit all of its ingresses.
void cells_touch_egress_node(struct cell_set *set, const struct fleet *fleet,
			     const struct fleet_object *node)
{
	struct fleet_object *policy, *gateway;
	struct clients clients;

	if (map_size(fleet->by_id[FLEET_POLICY]) == 0)
		return;
	touch(set, node);
	for (size_t at = 0; fleet_next(fleet, FLEET_POLICY, &at, &policy);) {
		egress_clients(fleet, policy, node, &clients);
		if (clients.count == 0)
			continue;
		touch_lists(set, fleet, policy, node);
		touch_exits(set, fleet, policy);
	}
	for (size_t at = 0; fleet_next(fleet, FLEET_GATEWAY, &at, &gateway);) {
		if (strcmp(gateway->as.gateway.node, node->name) == 0)
			cells_touch_gateway(set, fleet, gateway);
	}
}

// ---- the edits themselves: self is there before or after, other is the other state of it ----

void cells_edit_gateway(struct cell_set *set, struct fleet *fleet, const struct fleet_object *self,
			const struct fleet_object *other)
{
	(void)other;
	cells_touch_gateway(set, fleet, self);
}

void cells_edit_gateway_group(struct cell_set *set, struct fleet *fleet,
			      const struct fleet_object *self, const struct fleet_object *other)
{
	struct fleet_object *policy;

	(void)other;
	for (size_t at = 0; fleet_next(fleet, FLEET_POLICY, &at, &policy);) {
		if (egress_leads_to_group(fleet, policy, self))
			touch_policy(set, fleet, policy);
	}
}

// Where names begin or end to decide, all exits of the clients' nodes let these themselves ask.
static void touch_named(struct cell_set *set, const struct fleet *fleet,
			const struct fleet_object *policy)
{
	struct fleet_object *node;
	struct clients clients;

	for (size_t at = 0; fleet_next(fleet, FLEET_NODE, &at, &node);) {
		egress_clients(fleet, policy, node, &clients);
		if (clients.count > 0)
			cells_touch_egress_node(set, fleet, node);
	}
}

void cells_edit_policy(struct cell_set *set, struct fleet *fleet, const struct fleet_object *self,
		       const struct fleet_object *other)
{
	touch_policy(set, fleet, self);
	if (self->as.policy.has_lists && (!other || !other->as.policy.has_lists ||
					  !json_equal(json_object_get(self->spec, "from"),
						      json_object_get(other->spec, "from"))))
		touch_named(set, fleet, self);
}

// Its contents are an entry of their own.
void cells_edit_list(struct cell_set *set, struct fleet *fleet, const struct fleet_object *self,
		     const struct fleet_object *other)
{
	struct fleet_object *policy;

	if (other)
		return;
	for (size_t at = 0; fleet_next(fleet, FLEET_POLICY, &at, &policy);) {
		if (egress_names(policy, self))
			touch_policy(set, fleet, policy);
	}
}
