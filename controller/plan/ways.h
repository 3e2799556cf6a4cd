// The ways between two nodes of a routed segment: the direct one, and those through one other node;
// only for the files of this module. Pure.
//
// At most WAYS_THROUGH others, those with the lowest indexes among all that have links to both:
// the same at both ends, found without looking at the whole network, and a node that comes later
// changes nothing for pairs that have enough. Both ends know a way by the same number: 0 is the
// direct one.
#pragma once

#include "plan/fleet_parts.h"

enum { WAYS_THROUGH = 3, WAYS_MAX = WAYS_THROUGH + 1 };

struct way {
	int number;
	const struct segment_member *by; // NULL: nobody
	bool is_standby;                 // a link of it is
	bool is_drained;                 // a link of it is, or the node that it leads through
};

struct ways {
	struct way items[WAYS_MAX];
	size_t count;
};

void ways_between(const struct fleet *fleet, const struct segment_view *view,
		  const struct segment_member *a, const struct segment_member *b,
		  struct ways *ret_ways);

bool ways_lead_by(const struct ways *ways, const struct segment_member *by);
