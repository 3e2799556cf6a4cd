// Who votes in an HA group, now and next, and through which network; only for the files of this
// module. Pure.
//
// The list of voters in force is kept as an allocation. What the operator writes is approached one
// voter at a time, each step a generation of its own and none before all voters have the one before
// (node-agent/steer/lease.h says why).
#pragma once

#include "model/problem.h"

#include "plan/fleet_parts.h"

#define POOL_HA_VOTERS "ha-voters"
#define HA_CONTROLLER  0xffffffffLL // its number among the voters; those of nodes are their ids

struct ha_voters {
	int64_t generation; // 0: none yet
	int64_t ids[HA_VOTERS_MAX];
	size_t count;
};

// In force.
void ha_voters_now(const struct fleet *fleet, const struct fleet_object *group,
		   struct ha_voters *ret);
bool ha_is_voter(const struct ha_voters *list, int64_t id);

// Whether the list in force is the one that is written.
bool ha_is_settled(const struct fleet *fleet, const struct fleet_object *group);

// The network that they talk through; NULL when there is none.
const struct fleet_object *ha_network(const struct fleet *fleet, const struct fleet_object *group);

// The list that the edit leads to, as an allocation. -ENOMEM.
int ha_allocate(struct fleet *fleet, const struct fleet_object *group, struct err *err);

// Adds what is wrong with a group in the fleet as it is.
typedef void ha_refuse_fn(void *arg, const struct fleet_object *group, const char *field,
			  const char *text);
void ha_check(const struct fleet *fleet, const struct fleet_object *group, ha_refuse_fn *refuse,
	      void *arg);
