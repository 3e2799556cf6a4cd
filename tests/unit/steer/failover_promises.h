// The promises of a fleet that fails over, and what is true of its paths whatever the nodes
// believe.
#pragma once

#include "failover.h"

// The first promise broken is kept, with the time.
void fleet_broken(struct fleet *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// A judge has spoken; it has called the path down, of all things; the traffic of `node` to `peer`
// has been moved.
void promise_look_at(struct fleet *f, unsigned a, unsigned b, uint8_t path);
void promise_no_false_down(struct fleet *f, unsigned node, unsigned peer, uint8_t path);
void promise_switched(struct fleet *f, unsigned node, unsigned peer);

// After every event of the simulation.
void promise_check(void *fleet);
