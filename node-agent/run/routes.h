// The paths to other nodes, and the links that lead outside: hands what is desired to who chooses
// among them and to the prober, and tells the controller, the log and the hooks what comes of it.
#pragma once

#include <jansson.h>

#include "wire/entries.h"

#include "path/paths.h"
#include "run/links.h"

struct agent;

// Names that targets borrow, until the prober has them.
struct routes_names {
	char **items;
	size_t len;
};
void routes_names_done(struct routes_names *names);

// After a reconciliation: takes over the destinations, and adds their ways to the targets. Of the
// external links in `unjudged` it has to be told how they are found.
void routes_update(struct agent *agent, struct links_targets *targets, struct routes_names *names,
		   struct routes_names *unjudged);

void routes_changed(void *context, const struct paths_change *change); // a paths_change_fn

// Adds an entry path/SEGMENT/NODE or outside/PREFIX for each.
void routes_observe(struct agent *agent, struct entry_set *observed);

// A new list of all as they are observed, each with its key.
json_t *routes_status(const struct agent *agent);

// Adds the samples of each.
void routes_sample(struct agent *agent, json_t *values);
