#include "uplink/walk.h"

void walk_reset(struct walk *walk)
{
	*walk = (struct walk){ .backoff = { .first_ms = WALK_FIRST_MS, .max_ms = WALK_MAX_MS } };
}

uint32_t walk_fail(struct walk *walk, size_t count, uint32_t random)
{
	if (walk->at + 1 < count) {
		walk->at++;
		return 0;
	}
	walk->at = 0;
	return backoff_next_ms(&walk->backoff, random);
}
