// The prefixes of a fleet: site LANs, pools and what nodes report; and which of them overlap. Pure.
#pragma once

#include "model/problem.h"

#include "plan/fleet_parts.h"

struct prefix_use {
	struct prefix prefix;
	const struct fleet_object *owner;
	int index; // position in `lan` or `pool`; -1: allocated or reported
};

struct prefix_list {
	struct prefix_use *items;
	size_t count, cap;
};

void prefix_list_done(struct prefix_list *list);

// Site LANs and pools, written and allocated; with `with_reported` also the prefixes on nodes'
// interfaces. -ENOMEM.
int prefix_list_of_fleet(const struct fleet *fleet, struct prefix_list *list, bool with_reported);

// Adds a problem for every two that overlap, if one of them belongs to an object of `edited` (keys
// "networks/5"). Sorts.
void prefix_list_check(struct prefix_list *list, struct map *edited, struct problem_list *problems);
