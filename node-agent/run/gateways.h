// Gateways and gateway-groups: hands what is desired and what is measured to who chooses among
// them, and tells the controller, the log and the hooks what comes of it.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "wire/entries.h"

#include "egress/egress.h"
#include "probe/prober.h"

struct agent;

int gateways_open(struct agent *agent, struct err *err);

// Around a reconciliation, within which the groups are chosen (a hook of reconcile); `is_whole`:
// it was gone through to its end.
void gateways_begin(struct agent *agent);
void gateways_choose(void *context, const struct reconcile_gateway_group *group);
void gateways_end(struct agent *agent, bool is_whole);

// Whether that is the key of a gateway's check: told as the gateway's state, not as a link's.
bool gateways_is_check(const char *link);

void gateways_check_changed(struct agent *agent, const struct prober_change *change);

// Whether this node's side of that wire has to be silent, because it is an exit whose uplink
// carries nothing: so the other end's gateway goes down with it.
bool gateways_silences(const struct agent *agent, const char *wire);

void gateways_observe(struct agent *agent, struct entry_set *observed);
void gateways_sample(struct agent *agent, json_t *values);

// New lists of all as they are observed, each with its key.
json_t *gateways_status(const struct agent *agent);
json_t *gateways_groups_status(const struct agent *agent);
