// Names that were said lately: weft-dns is told of each at most once a minute. Bounded: of two
// names that fall together the later one counts. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEEN_MAX = 4096, SEEN_MS = 60000 };

struct seen {
	struct {
		uint32_t hash;
		int64_t until_ms;
	} rows[SEEN_MAX];
};

// Whether it was not said within the last minute; from now on it was.
bool seen_is_new(struct seen *seen, const void *name, size_t len, int64_t now_ms);
