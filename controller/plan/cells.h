// Cells: the units that desired state is made of, and which of them an edit touches; only for the
// files of this module.
#pragma once

#include "plan/fleet_parts.h"

enum cell_kind {
	CELL_NODE,    // node: sysctls
	CELL_MEMBER,  // node in network `scope`: WireGuard device, overlay addresses, pool routes
	CELL_LINK,    // node in network `scope` towards `other` (0: whoever it is linked to): peer
	CELL_SEGMENT, // node in segment `scope`: bridge, its addresses
	CELL_WIRE,    // node in segment `scope` towards `other`: wire, port
	CELL_OWNER,   // node in segment `scope` about `other`: what it may send, routes to its site
	CELL_EXTERNAL, // node with the external link `scope`
	CELL_OUTSIDE,  // node: the prefixes that are reached by its external links
	CELL_HA,       // node as a voter of HA group `scope`
	CELL_EGRESS,   // node with its policies and gateways, as an ingress and as an exit
	CELL_PATH,     // node in routed segment `scope` towards `other`: the paths there
	CELL_DNS,      // node with resolver `scope`
	CELL_DNS_ZONE, // node with a resolver that knows zone `scope`
	CELL_DNS_NODE, // likewise, node `scope` by its name
	CELL_DNS_SITE, // likewise, site `scope`
	CELL_DNS_FORWARD,
	CELL_DNS_BLOCK,
	CELL_NAMES, // node with a resolver that needs domain list `scope`
	CELL_KIND_COUNT,
};

struct cell {
	int64_t node; // whose entries these are
	int64_t scope;
	int64_t other;
	enum cell_kind kind;
	unsigned links; // of a CELL_LINK to all: about how many there are
};

// Zero-initialise. A failed allocation sets `failed`.
struct cell_set {
	struct cell *items;
	size_t count, cap;
	struct map *networks; // ids of the networks whose links were touched
	struct map *touched;  // id of a network -> how many of its members were, while touching
	bool failed;
};

void cell_set_done(struct cell_set *set);

// Sorts by node and removes what is there twice, or among all links of a node.
void cell_set_settle(struct cell_set *set);

// Adds what the edits touch in the state that the fleet is in: the one after them, or before.
void cells_touch(struct cell_set *set, struct fleet *fleet, const struct fleet_edit *edits,
		 size_t count, bool is_after);

// Adds the bridge and wires of all members: for a change of the segment's MTU.
void cells_touch_mtu(struct cell_set *set, struct fleet *fleet, struct fleet_object *segment);

// Adds all cells of one node.
void cells_of_node(struct cell_set *set, struct fleet *fleet, const struct fleet_object *node);

// ---- for cells_*.c ----

void cell_add(struct cell_set *set, enum cell_kind kind, int64_t node, int64_t scope,
	      int64_t other);

// What a node has because of an external link; before or after an edit it may be none of its.
void cells_touch_external(struct cell_set *set, const struct fleet *fleet,
			  const struct fleet_object *link);
// What a node has because of all of its external links.
void cells_own_external(struct cell_set *set, const struct fleet *fleet,
			const struct fleet_object *node);

// The paths from a node of a routed segment and to it; of other modes nothing.
void cells_touch_paths(struct cell_set *set, const struct segment_view *view,
		       const struct fleet_object *node);
// The paths of others that lead through a node.
void cells_touch_paths_through(struct cell_set *set, const struct fleet *fleet,
			       const struct segment_view *view, const struct fleet_object *node);
// What the voters of an HA group know of it.
void cells_touch_voters(struct cell_set *set, const struct fleet *fleet,
			const struct fleet_object *group);
// The groups that a node votes in, or (NULL) all that talk through a network: names and addresses
// stand in the entries of every voter.
void cells_touch_groups(struct cell_set *set, const struct fleet *fleet,
			const struct fleet_object *node, const struct fleet_object *network);
// Those that the LANs of a site (NULL: none) may follow.
void cells_touch_groups_of_site(struct cell_set *set, const struct fleet *fleet, const char *site);
void cells_own_groups(struct cell_set *set, const struct fleet *fleet,
		      const struct fleet_object *node);

// In a routed segment a link is a direct route, and part of the paths of both its ends.
void cells_touch_routed_link(struct cell_set *set, struct fleet *fleet,
			     struct fleet_object *segment, const struct fleet_object *a,
			     const struct fleet_object *b);

// What resolvers know, of an edit of any kind; `other`: what stands in its place in the other
// state.
void cells_touch_dns(struct cell_set *set, const struct fleet *fleet,
		     const struct fleet_object *self, const struct fleet_object *other);
void cells_own_dns(struct cell_set *set, const struct fleet *fleet,
		   const struct fleet_object *node);

// cells_egress.c: whoever has to do with all policies, a gateway, a node as an ingress or an exit.
void cells_touch_policies(struct cell_set *set, const struct fleet *fleet);
void cells_touch_gateway(struct cell_set *set, const struct fleet *fleet,
			 const struct fleet_object *gateway);
void cells_touch_egress_node(struct cell_set *set, const struct fleet *fleet,
			     const struct fleet_object *node);
// Likewise of edits: `self` in the state that the fleet is in, `other` in the other one.
void cells_edit_gateway(struct cell_set *set, struct fleet *fleet, const struct fleet_object *self,
			const struct fleet_object *other);
void cells_edit_gateway_group(struct cell_set *set, struct fleet *fleet,
			      const struct fleet_object *self, const struct fleet_object *other);
void cells_edit_policy(struct cell_set *set, struct fleet *fleet, const struct fleet_object *self,
		       const struct fleet_object *other);
void cells_edit_list(struct cell_set *set, struct fleet *fleet, const struct fleet_object *self,
		     const struct fleet_object *other);
