// The policy DNS of this node: writes what weft-dns reads, has its lists made, starts it in a
// service or session of its own, finds it again, and tells what it does.
//
// Loop thread. weft-dns goes on without the agent.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "wire/entries.h"

#include "service/service.h"

struct agent;
struct agent_settings;
struct resolver;

// NULL when out of memory.
struct resolver *resolver_new(struct agent *agent);
void resolver_close(struct resolver *resolver); // weft-dns stays

// After a reconciliation.
void resolver_update(struct resolver *resolver);

// Adds dns/RESOLVER and names/LIST.
void resolver_observe(const struct resolver *resolver, struct entry_set *observed);
void resolver_sample(const struct resolver *resolver, json_t *values);
json_t *resolver_status(const struct resolver *resolver); // a new list

bool resolver_runs(const struct resolver *resolver); // or is to

// Asks weft-dns: "log", "cache", "flush", "lookup" or "learned" with its fields in `args`. NULL
// when out of memory.
struct service_question *resolver_ask(const struct resolver *resolver, const char *what,
				      const json_t *args, service_answer_fn done, void *context);

// Ends weft-dns and deletes everything that is its own, also while no agent runs.
int resolver_remove(const struct agent_settings *settings, struct err *err);
