// Wires have probes of their own: a link may be up whose wire forwards nothing, because a VNI is
// filtered or a device misconfigured. Loop thread only.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "wire/entries.h"

#include "probe/prober.h"

struct agent;

// Each wire over one of these links as a target; the strings live as long as the desired state.
typedef void (*wires_target_fn)(void *context, const struct prober_target *target);
void wires_each_target(const struct agent *agent, const struct prober_target *links, size_t count,
		       wires_target_fn each, void *context);

// Whether what changed is a wire, not a link.
bool wires_is_wire(const char *key);

// A wire was judged anew: tells who has to know.
void wires_changed(struct agent *agent, const struct prober_change *change);

// Puts state, since and cause into the entries wire/SEGMENT/NODE of a set that has those of the
// links, and tells of those that are dead or no longer so.
void wires_observe(struct agent *agent, struct entry_set *observed);

// A new list of all: key, state, since, cause.
json_t *wires_status(const struct agent *agent);

// Whether the wire ("wire/internet/bob") forwards nothing although its link is up.
bool wires_is_dead(const struct agent *agent, const char *key);
