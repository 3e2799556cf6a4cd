// Generators: the entries of one cell, from the fleet as it is; only for the files of this module.
#pragma once

#include "wire/digest.h"

#include "plan/cells.h"
#include "plan/names.h"

struct made_entry {
	char *key;
	char *body;
	int64_t node;
	struct digest digest; // of key and body
};

// Zero-initialise. A failed allocation sets `failed`.
struct entry_list {
	struct made_entry *items;
	size_t count, cap;
	bool failed;
};

void entry_list_done(struct entry_list *list);

// By node, then key.
void entry_list_sort(struct entry_list *list);

// Peers as they were made for one node: in a mesh most others have the very same.
// "network/peer/..."
// -> struct made_entry; valid as long as the fleet shows the same state.
struct map *made_links_new(void);

struct generation {
	struct fleet *fleet;
	const struct fleet_object *node; // whose entries are made
	struct entry_list *out;
	struct map *links; // made_links_new(), NULL: nothing is kept
};

// Adds an entry; takes the reference to `body` (NULL: out of memory).
void generate_add(struct generation *g, json_t *body, const char *key, ...)
	__attribute__((format(printf, 3, 4)));

// Adds a copy of an entry that was made for another node.
void generate_copy(struct generation *g, const struct made_entry *made);

// Keeps a copy of the entry added last; without memory it is only made again.
void generate_keep(struct generation *g, const char *name);

// Adds the entries of a cell, none if what it is about is not there. `links` may be NULL.
void generate_cell(struct fleet *fleet, const struct cell *cell, struct map *links,
		   struct entry_list *out);

// One per kind of cell. `other` is the node across, where the kind has one.
struct network_cell {
	const struct fleet_object *network;
	const struct fleet_object *peer;
};
struct segment_cell {
	const struct segment_view *view;
	const struct segment_member *self;
	const struct segment_member *other;
};
void generate_node(struct generation *g);
void generate_member(struct generation *g, const struct network_cell *cell);
void generate_link(struct generation *g, const struct network_cell *cell);
void generate_probe(struct generation *g, const struct network_cell *cell);
void generate_external(struct generation *g, const struct fleet_object *link);
void generate_outside(struct generation *g);
void generate_segment(struct generation *g, const struct segment_cell *cell);
void generate_wire(struct generation *g, const struct segment_cell *cell);
void generate_ha(struct generation *g, const struct fleet_object *group);
void generate_owner(struct generation *g, const struct segment_cell *cell);
void generate_dns(struct generation *g, const struct cell *cell);

// A key of 64 hexadecimal digits for what `info` names, derived from the controller's secret.
// False: out of memory.
enum { SECRET_TEXT_SIZE = 65 };
bool generate_secret(const struct generation *g, const char *info, char ret_text[SECRET_TEXT_SIZE]);
// The same cells of a segment whose mode is routed, and one more: what it takes to reach the other
// node, directly or not.
void generate_routed_segment(struct generation *g, const struct segment_cell *cell);
void generate_routed_wire(struct generation *g, const struct segment_cell *cell);
void generate_routed_owner(struct generation *g, const struct segment_cell *cell);
void generate_path(struct generation *g, const struct segment_cell *cell);
void generate_routed_node(struct generation *g); // of the node as such

// The wire of a segment to the other node, and its rails.
bool generate_wire_device(struct generation *g, const struct segment_cell *cell,
			  const char *device);

// Any wire: entries wire/<owner>/<peer> and guard/wire/<owner>/<peer>. False, and none: one of the
// two has no overlay address.
struct wire_made {
	const struct fleet_object *network, *peer;
	const char *owner; // the segment's name, or "gateway:<name>"
	const char *device;
	int64_t vni;
	int mtu;
	const char *flag; // "routed", "gateway"; NULL: a bridge's port
};
bool generate_any_wire(struct generation *g, const struct wire_made *wire);

// Policies and gateways of a node: as an ingress, and as an exit.
void generate_egress(struct generation *g);
void generate_exit(struct generation *g);
void generate_splitter(struct generation *g);

// This end of a gateway's wire, with its address; false: there is none.
#define GATEWAY_EXIT_ADDRESS    "fe80::1"
#define GATEWAY_INGRESS_ADDRESS "fe80::2"
#define GATEWAY_MTU             1500
bool generate_gateway_wire(struct generation *g, const struct fleet_object *gateway,
			   const struct fleet_object *ingress, const struct fleet_object *exit);
// The keys of the echoes that tell whether a gateway's uplink leads anywhere. New reference.
json_t *generate_checks(const struct fleet_object *gateway);

// Adds to a rule's body which lists' names it is for, and what follows.
void generate_names_of_rule(const struct generation *g, const json_t *rule, json_t *body);
// Gives the bodies of a policy's rules what nodes tell them apart by, wherever they stand: "id",
// and "slot" of a connection's mark. False: no memory.
bool generate_rule_ids(json_t *rules);
// Ports as bodies have them: from texts, and those of a policy's flows that are looked into.
json_t *generate_ports(const json_t *texts);
json_t *generate_split(const struct fleet_object *policy);

// How a pair's packets are authenticated: the key of `kind` between two nodes in a network or
// segment.
bool generate_key(struct generation *g, const char *kind, const struct fleet_object *scope,
		  const struct fleet_object *peer);

// NULL when there is none of that name, or no name.
const struct fleet_sla *sla_find(const struct fleet *fleet, const char *name);

// Adds what probe and sla ask for to a body.
void json_add_probe(json_t *body, const struct fleet_probe *probe, const struct fleet_sla *sla);

// ---- texts and arrays that several bodies share ----

// A JSON string "10.64.0.1", or "10.64.0.1/32" with a length that is not negative. New reference.
json_t *json_address(const struct address *address, int length);
json_t *json_prefix(const struct prefix *prefix);

// A list of the node's addresses in a network or segment.
json_t *json_addresses(const struct fleet *fleet, const struct fleet_object *scope,
		       const struct fleet_object *node);

// The prefixes that a member may send from: its addresses on the segment and the LANs it speaks
// for.
json_t *json_owned(const struct generation *g, const struct segment_cell *cell,
		   const struct segment_member *member);

// "needs": the keys, NULL at the end.
json_t *json_needs(const char *first, ...) __attribute__((sentinel));
