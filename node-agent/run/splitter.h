// The splitter of this node: writes what weft-proxy reads, has it run, and tells what it does.
//
// Loop thread. weft-proxy goes on without the agent.
#pragma once

#include <jansson.h>

#include "wire/entries.h"

struct agent;
struct splitter;

// NULL when out of memory.
struct splitter *splitter_new(struct agent *agent);
void splitter_close(struct splitter *splitter); // weft-proxy stays; NULL is fine

// After a reconciliation, and after resolver_update().
void splitter_update(struct splitter *splitter);
void splitter_reload(struct splitter *splitter); // a list has other contents

// Adds splitter/weft.
void splitter_observe(const struct splitter *splitter, struct entry_set *observed);
void splitter_sample(const struct splitter *splitter, json_t *values);
json_t *splitter_status(const struct splitter *splitter); // a new list of one or none
