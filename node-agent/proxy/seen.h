// Names that were said lately: weft-dns is told of each at most once a minute. Bounded: of two
// names that fall together the later one counts. Pure.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "names/name.h"

enum { SEEN_MAX = 4096 };

struct seen {
	struct {
		uint32_t hash, minute;
	} rows[SEEN_MAX];
};

// Whether it was not said in this minute yet; from now on it was.
bool seen_is_new(struct seen *seen, const struct name *name, int64_t now_ms);
