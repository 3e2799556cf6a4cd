// The HA groups: hands what is desired to who holds the leases, and tells the controller, the log,
// the hooks and the status what comes of it.
#pragma once

#include <jansson.h>

#include "wire/entries.h"

#include "ha/ha.h"

struct agent;

void groups_told(void *context, const struct ha_news *news); // a ha_news_fn

void groups_claimed(void *context, uint32_t group, uint64_t epoch,
		    int64_t until_us); // a ha_claim_fn

// After a reconciliation.
void groups_update(struct agent *agent);

// Adds an entry ha/GROUP for each.
void groups_observe(const struct agent *agent, struct entry_set *observed);

// A message of the controller, which votes too.
void groups_take(struct agent *agent, const char *message);

// A new list of all: what is observed, with the group's name.
json_t *groups_status(const struct agent *agent);
