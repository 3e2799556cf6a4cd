// The nodes that have a resolver, for the verbs that ask one or all of them.
#pragma once

#include <jansson.h>

#include "base/err.h"

#include "cli/client.h"

// [{"node", "resolver"}], ordered by node: all of them, or that of `node` (-ENOENT with a sentence
// when it has none). New reference.
int resolvers_list(struct client *c, const char *node, json_t **ret_places, struct err *err);

// GET /api/v1/nodes/NODE/dns/WHAT; `query` begins with "?" or is "".
int resolvers_ask(struct client *c, const char *node, const char *what, const char *query,
		  json_t **ret_answer, struct err *err);

// Adds "&name=value" or "?name=value" to a query, encoded; nothing when `value` is NULL. -ENOMEM.
struct text;
int resolvers_query(struct text *query, const char *name, const char *value, struct err *err);
