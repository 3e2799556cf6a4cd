// Checks JSON values against the component schemas of api/openapi.yaml and says everything that is
// wrong with them.
//
// Understood: $ref (local, chains resolved), type (a name or a list of them), enum, pattern (POSIX
// extended), minimum, maximum, minLength, maxLength (in characters), items, minItems, maxItems,
// uniqueItems, properties, required, additionalProperties, dependentRequired, not {required},
// allOf, anyOf, format, x-minimum, x-maximum and x-step (durations). A keyword that restricts and
// is not among these makes schema_load fail, so that nothing is silently unchecked.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/clean.h"
#include "base/err.h"
#include "model/problem.h"

// Immutable after loading; may be shared between threads.
struct schema;

// Takes the parsed openapi document (settings/yaml.h makes json_t of the embedded bytes) and keeps
// a reference to it. -EINVAL with the schema's path when it holds something that is not understood.
int schema_load(json_t *openapi, struct schema **ret_schema, struct err *err);
void schema_free(struct schema *s);
CLEAN_FUNC(struct schema, schema_free)

// The schema object itself, for docs and completion; NULL when there is no such component.
// Borrowed.
const json_t *schema_get(const struct schema *s, const char *name);

// Adds to `problems` every field of `value` that breaks component schema `name` ("NodeSpec"). Paths
// begin with `prefix` ("nodes.rho"; "" for none). An unknown `name` is a problem too.
void schema_check(const struct schema *s, const char *name, const json_t *value, const char *prefix,
		  struct problem_list *problems);

// Sets every absent property of `value` that has a default. Only for a value that was checked.
// Returns -ENOMEM.
int schema_fill_defaults(const struct schema *s, const char *name, json_t *value, struct err *err);
