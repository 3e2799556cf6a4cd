// The prefixes that are reached by the external links of a node; only for the files of this module.
// Pure.
#pragma once

#include "plan/fleet_parts.h"

enum { OUTSIDE_LINKS_MAX = 16 }; // that have one prefix

// The external links of a node that are built and have routes, in a new list that the caller frees.
// SIZE_MAX: out of memory.
size_t outside_links(const struct fleet *fleet, const char *node,
		     const struct fleet_object ***ret_links);

bool outside_has(const struct fleet_object *link, const struct prefix *prefix);

// Calls for each route of an external link that its node cannot have, with the field at fault.
typedef void outside_refuse_fn(void *arg, const struct fleet_object *link, const char *field,
			       const char *text);
void outside_check(const struct fleet *fleet, const struct fleet_object *link,
		   outside_refuse_fn *refuse, void *arg);
