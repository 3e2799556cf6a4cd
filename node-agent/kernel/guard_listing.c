#include "kernel/guard_listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernel/nft_listing.h"

static int counter_named(const char *name)
{
	for (int i = 0; i < KERNEL_COUNTERS; i++)
		if (strcmp(name, kernel_counter_names[i]) == 0)
			return i;
	return -1;
}

struct listing {
	struct kernel_guard *guard;
	int counter; // the one whose block is open, or -1
};

// True when the line is one of the rules, and not what a counter has counted.
static bool line_take(struct listing *l, const char *line)
{
	struct kernel_counter c;
	char name[64];

	if (sscanf(line, " packets %" SCNu64 " bytes %" SCNu64, &c.packets, &c.bytes) == 2) {
		if (l->counter >= 0)
			l->guard->counters[l->counter] = c;
		return false;
	}
	if (sscanf(line, " counter %63s {", name) == 1)
		l->counter = counter_named(name);
	// The table's own comment is the first one, before any chain or set.
	if (!l->guard->comment[0])
		(void)sscanf(line, " comment \"%128[^\"]\"", l->guard->comment);
	return true;
}

void guard_listing_parse(const char *text, struct kernel_guard *ret)
{
	struct kernel_guard guard = { .exists = true, .rules_sum = NFT_LISTING_SUM };
	struct listing l = { .guard = &guard, .counter = -1 };
	char line[1024];

	while (*text) {
		uint64_t sum = guard.rules_sum;

		text = nft_listing_next(text, line, sizeof line, &sum);
		if (line_take(&l, line))
			guard.rules_sum = sum;
	}
	*ret = guard;
}
