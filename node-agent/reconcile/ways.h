// Where the kernel sends what goes to a destination, whose routes are no entry's; only for the
// files of this module.
#pragma once

#include "reconcile/kind.h"

// Fills `in_use` and `stands`: the way by which all its prefixes go, and whether each way stands to
// be probed where there is somebody to be asked.
void ways_look(const struct reconcile *r, struct reconcile_destination *d);

struct kernel_prefix ways_host(const struct kernel_ip *ip);

// Whether a destination wants this route, which is no entry's.
bool path_wants_route(const struct reconcile *r, const struct kernel_route *seen);
bool outside_wants_route(const struct reconcile *r, const struct kernel_route *seen);

// The parts of reconcile_each_destination.
void path_each_destination(const struct reconcile *r, reconcile_destination_fn *each,
			   void *context);
void outside_each_destination(const struct reconcile *r, reconcile_destination_fn *each,
			      void *context);
