// A hash map from strings to pointers, iterable in insertion order.
//
// The keys are copied. The values belong to the caller, or to the map when it was given a free
// function. Removing the entry under the cursor while iterating is allowed; adding is not.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clean.h"

struct map;

// `free_value` (may be NULL) is called for replaced, removed and remaining values. NULL when out of
// memory.
struct map *map_new(void (*free_value)(void *));
void map_free(struct map *m);
CLEAN_FUNC(struct map, map_free)

// Returns 0, or -ENOMEM and leaves the map as it was (the value stays the caller's).
int map_set(struct map *m, const char *key, void *value);

// NULL when absent.
void *map_get(const struct map *m, const char *key);

// False when absent.
bool map_drop(struct map *m, const char *key);

size_t map_size(const struct map *m);

// Walks: `for (size_t at = 0; map_next(m, &at, &key, &value);)`. `ret_key` and `ret_value` may be
// NULL.
bool map_next(const struct map *m, size_t *at, const char **ret_key, void **ret_value);
