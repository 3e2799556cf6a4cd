// Inside of the fleet: its maps, and the segment views derived from them; only for the files of
// this module.
#pragma once

#include "plan/object.h"

#define ID_TEXT_SIZE  24
#define LINK_KEY_SIZE 200

struct segment_view;

struct fleet {
	struct fleet_settings settings;
	struct alloc *alloc;
	struct map *by_name[FLEET_KIND_COUNT]; // borrowed from by_id
	struct map *by_id[FLEET_KIND_COUNT];
	struct map *overrides; // "network/a/b" (sorted ends) -> link, borrowed
	struct map *
		views; // segment id -> struct segment_view, made on demand, dropped with every edit
	struct map *links; // peers made for nodes that have many; likewise
};

bool fleet_next(const struct fleet *fleet, enum fleet_kind kind, size_t *at,
		struct fleet_object **ret_object);

// All of a kind by id, where their order shows: fleet_next() goes by a hash, which an edit changes.
// The caller frees the list, which ends with NULL; NULL: out of memory.
struct fleet_object **fleet_all(const struct fleet *fleet, enum fleet_kind kind);

// The override of the link between two nodes, NULL when there is none.
const struct fleet_link *fleet_override(const struct fleet *fleet, const char *network,
					const char *a, const char *b);

// ---- topology: the links that a network's members have ----

static inline struct net_member *network_member(const struct fleet_object *network,
						const char *node)
{
	return map_get(network->as.network.members, node);
}

// Whether the topology has a link between two members, built or disabled.
bool network_has_link(const struct net_member *a, const struct net_member *b);

// Whether it is to be built.
bool network_is_linked(const struct fleet *fleet, const struct fleet_object *network, const char *a,
		       const char *b);

// Calls `each` once for every node linked to `node`. -ENOMEM, or what `each` returned if not 0.
typedef int network_neighbour_fn(void *arg, struct fleet_object *peer);
int network_each_neighbour(const struct fleet *fleet, const struct fleet_object *network,
			   const char *node, network_neighbour_fn *each, void *arg);

// How the link between two nodes is probed, and what it must keep (NULL: nothing).
const struct fleet_probe *link_probe(const struct fleet *fleet, const struct fleet_object *network,
				     const char *a, const char *b);
const struct fleet_sla *link_sla(const struct fleet *fleet, const struct fleet_object *network,
				 const char *a, const char *b);

// ---- allocated values ----

// The prefix that overlay or segment addresses come from; false when there is none yet. `family` 4
// or 6.
bool fleet_pool(const struct fleet *fleet, const struct fleet_object *owner, int family,
		struct prefix *ret_pool);
int64_t fleet_number(const struct fleet *fleet, const struct fleet_object *owner);

// Index of a node in a network or segment, 1...; 0 when it has none.
int64_t fleet_index(const struct fleet *fleet, const struct fleet_object *scope,
		    const struct fleet_object *node);

// The node's address in a network or segment; false when there is none.
bool fleet_address(const struct fleet *fleet, const struct fleet_object *scope,
		   const struct fleet_object *node, int family, struct address *ret_address);

// The UDP port that WireGuard uses in a network, and the one a node listens on.
int fleet_network_port(const struct fleet *fleet, const struct fleet_object *network);
int fleet_listen_port(const struct fleet *fleet, const struct fleet_object *network,
		      const struct fleet_object *node);

// ---- segments ----

struct segment_member {
	struct fleet_object *node;
	int64_t index;
	const struct fleet_site *lan; // the site's prefixes, if it may send from them; else NULL
	const struct fleet_object *group; // whose active member speaks for the site; NULL: this one
	bool speaks; // the others' routes to the site's prefixes come with this node
};

// What a segment is with everything resolved. Valid until the fleet's next edit.
struct segment_view {
	struct fleet_object *segment;
	struct fleet_object *network;
	int mtu; // after clamping to what its links carry
	int64_t number;
	struct segment_member *members; // by index
	size_t count;
};

// NULL when out of memory, or when its network is not there.
const struct segment_view *fleet_segment(struct fleet *fleet, struct fleet_object *segment);
const struct segment_member *segment_member_find(const struct segment_view *view,
						 const struct fleet_object *node);
void fleet_views_drop(struct fleet *fleet);

// MTU of a network's WireGuard devices: room for the widest frame of its segments.
int network_mtu(const struct fleet *fleet, const struct fleet_object *network);

// What a wire between two nodes of a network can carry by what was written and found out of their
// link, at most `mtu`.
int link_wire_mtu(const struct fleet *fleet, const struct fleet_object *network,
		  const struct fleet_object *a, const struct fleet_object *b, int mtu);

int64_t segment_vni(const struct fleet *fleet, const struct segment_view *view,
		    const struct segment_member *a, const struct segment_member *b);
