// Where policies apply and what they lead to: clients, ingresses, gateways; only for the files of
// this module.
#pragma once

#include "plan/fleet_parts.h"

// A node is an ingress of a policy when clients of it are in the LANs behind the node.
enum { CLIENTS_MAX = 128 };

struct clients {
	struct prefix items[CLIENTS_MAX]; // none within another
	size_t count;
};

void egress_clients(const struct fleet *fleet, const struct fleet_object *policy,
		    const struct fleet_object *node, struct clients *ret);

// What a rule leads to.
struct egress_use {
	const struct fleet_object *group;
	bool is_direct; // when none of its gateways is well, the host's own way is taken
};
// False: to no group.
bool egress_rule(const struct fleet *fleet, const json_t *rule, struct egress_use *ret);

// Whether some rule of the policy leads to the group; so; by a group that tries it, to the gateway.
bool egress_leads_to_group(const struct fleet *fleet, const struct fleet_object *policy,
			   const struct fleet_object *group);
bool egress_leads_so(const struct fleet *fleet, const struct fleet_object *policy,
		     const struct egress_use *use);
bool egress_leads_to(const struct fleet *fleet, const struct fleet_object *policy,
		     const struct fleet_object *gateway);

// Whether flows of a policy's clients are looked into for their names.
bool egress_is_split(const struct fleet_object *policy);

// Whether some rule of the policy is for the names of the list.
bool egress_names(const struct fleet_object *policy, const struct fleet_object *list);

// Whether names decide for some clients behind the node: then the node itself asks for the names of
// all of them by the gateways that their flows will take.
bool egress_is_named(const struct fleet *fleet, const struct fleet_object *node);

// Whether a node is an ingress whose clients may leave by the gateway.
bool egress_uses(const struct fleet *fleet, const struct fleet_object *node,
		 const struct fleet_object *gateway);

// The node of a gateway; NULL when it is not there.
const struct fleet_object *egress_exit(const struct fleet *fleet,
				       const struct fleet_object *gateway);

// The network whose link carries a gateway's wire between two nodes: the oldest that has one. NULL:
// none.
const struct fleet_object *egress_network(const struct fleet *fleet, const struct fleet_object *a,
					  const struct fleet_object *b);

// Whether packets of that family (4, 6) pass through a node for a policy: from clients, or as an
// exit.
bool egress_forwards(const struct fleet *fleet, const struct fleet_object *node, int family);

// Numbers that were allocated; 0: none.
struct egress_wire {
	int64_t number; // unique in the fleet: its VNI
	int64_t way;    // unique at the exit: mark and table of what returns
};
int64_t egress_number(const struct fleet *fleet, const struct fleet_object *object);
struct egress_wire egress_wire(const struct fleet *fleet, const struct fleet_object *gateway,
			       const struct fleet_object *ingress);

// Gives gateways, groups and wires the numbers they lack and frees the others'. One sentence when
// something is exhausted.
int egress_allocate(struct fleet *fleet, const struct fleet_edit *edits, size_t count,
		    int64_t revision, struct err *err);

// Refuses what cannot work: `field` is of the object. Looks at all policies and gateways.
typedef void egress_refuse_fn(void *arg, const struct fleet_object *object, const char *field,
			      const char *text);
void egress_check(const struct fleet *fleet, egress_refuse_fn *refuse, void *arg);

// Whether an edit bears on any of this at all.
bool egress_is_touched(const struct fleet_edit *edit);
