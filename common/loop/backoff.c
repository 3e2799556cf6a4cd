#include "loop/backoff.h"

uint32_t backoff_next_ms(struct backoff *b, uint32_t random)
{
	uint64_t wait = b->first_ms;
	for (uint32_t i = 0; i < b->failures && wait < b->max_ms; i++)
		wait *= 2;
	if (wait > b->max_ms)
		wait = b->max_ms;
	if (b->failures < UINT32_MAX)
		b->failures++;
	uint64_t half = wait / 2;
	return (uint32_t)(half + random % (wait - half + 1));
}

void backoff_reset(struct backoff *b)
{
	b->failures = 0;
}
