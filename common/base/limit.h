// Token buckets in a fixed amount of memory: how often each of many names may try something. Pure:
// time is passed in.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clean.h"

struct limit;

// Each name may try `burst` times at once, and once more every `refill_ms`. NULL when out of
// memory.
struct limit *limit_new(unsigned burst, int64_t refill_ms);
void limit_free(struct limit *limit);
CLEAN_FUNC(struct limit, limit_free)

// Whether `name` may try now, and takes one try if so. Times are monotonic milliseconds.
bool limit_take(struct limit *limit, const char *name, int64_t now_ms);

// Gives a try back: it was a good one.
void limit_give(struct limit *limit, const char *name, int64_t now_ms);
