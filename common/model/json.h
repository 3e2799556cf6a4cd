// JSON values as Weft compares, stores and shows them: canonical bytes, merge patch, differences by
// field. For ownership by scope jansson's own json_auto_t serves.
#pragma once

#include <jansson.h>
#include <stdbool.h>

// Canonical bytes: no white space, keys sorted, UTF-8 unescaped; numbers as they are. Caller frees;
// NULL when out of memory. These bytes are what is stored and hashed.
char *json_canonical(const json_t *value);

// RFC 7396: the result of `patch` applied to `target` (may be NULL). New reference that shares
// nothing with either; NULL when out of memory.
json_t *json_merge_patch(const json_t *target, const json_t *patch);

// One field that differs. `before` or `after` is NULL where the field is absent. All borrowed for
// the call.
typedef void (*json_diff_fn)(const char *path, const json_t *before, const json_t *after,
			     void *data);

// Calls `fn` for each field that differs, in the order of sorted names. Objects are entered; arrays
// of the same length are compared item by item, others as a whole, as are values of different
// types. Paths are "a.b[2].c", "" the root. `before` or `after` may be NULL: then every field of
// the other one differs. Returns -ENOMEM or 0.
int json_diff(const json_t *before, const json_t *after, json_diff_fn fn, void *data);

// The same as a JSON array of {"path":…,"before":…,"after":…} (absent sides left out), as in
// FieldChange. New reference that shares the values; NULL when out of memory.
json_t *json_diff_list(const json_t *before, const json_t *after);
