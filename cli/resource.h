// Resources of the controller, as verbs use them: read one, make the YAML of several, write one.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "model/kinds.h"

#include "cli/client.h"

// GET of one resource with its ETag. `ret` must be zeroed or done. -ENOENT when there is none.
int resource_get(struct client *c, const struct kind *kind, const char *name, bool is_effective,
		 struct client_reply *ret, struct err *err);

// Any request to /api/v1/KIND/NAME, with `/action` behind it when not NULL.
int resource_call(struct client *c, const struct kind *kind, const char *name, const char *action,
		  struct client_request request, struct client_reply *ret, struct err *err);

// {kind: {name: spec}} of an array of resources: what a fleet file holds. Effective specs instead,
// if there are any and `is_effective`. New reference; NULL when out of memory.
json_t *resource_fleet(const json_t *resources, bool is_effective);
