// Which HA group the LANs of a site follow: in a segment that all its members are in, the other
// sites reach them through whichever member is active. Only for the files of this module. Pure.
//
// In a bridge segment the group has addresses of its own there, which the active member alone
// answers for: they are the next hop of the others' routes. In a routed segment the active member
// says so in its probes, and the others' agents make the routes.
#pragma once

#include "plan/fleet_parts.h"

bool follow_is_member(const struct fleet_object *group, const struct fleet_object *node);

// Whether the group leads its site's LANs in a segment, or will once it has its address there.
bool follow_leads(const struct fleet *fleet, const struct fleet_object *segment,
		  const struct fleet_object *group);

// The group that leads a site's LANs there; NULL: one node always speaks for them.
const struct fleet_object *follow_group(const struct fleet *fleet,
					const struct fleet_object *segment, const char *site);

// The next hop in a bridge segment; false when the group leads nothing there.
bool follow_hop(const struct fleet *fleet, const struct fleet_object *segment,
		const struct fleet_object *group, int family, struct address *ret_address);
