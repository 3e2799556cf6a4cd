// Waiting times between attempts: doubling, bounded, spread at random so that a fleet does not
// return at once. Pure.
#pragma once

#include <stdint.h>

struct backoff {
	uint32_t first_ms; // wait after the first failure
	uint32_t max_ms;
	uint32_t failures; // since the last success
};

// The time to wait after one more failure, in milliseconds: between half and all of min(first_ms *
// 2^failures, max_ms). `random` is any 32 random bits.
uint32_t backoff_next_ms(struct backoff *b, uint32_t random);

// After a success.
void backoff_reset(struct backoff *b);
