// Which controller of an ordered list to try next, and when. Pure.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "loop/backoff.h"

enum { WALK_FIRST_MS = 1000, WALK_MAX_MS = 60000 };

struct walk {
	size_t at;              // the controller to try now
	struct backoff backoff; // counts the walks through the whole list that failed
};

void walk_reset(struct walk *walk); // also to begin: the first of the list, the shortest wait

// Notes a failure of the controller at walk->at out of `count` (>= 1). Returns the wait in ms: 0
// while the list has another one in this round, else as loop/backoff.h has it, 1 s to 60 s.
// `random` is any 32 random bits.
uint32_t walk_fail(struct walk *walk, size_t count, uint32_t random);
