#include "kernel/guard_listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// FNV-1a: enough to notice that somebody edited a rule.
static uint64_t sum_add(uint64_t sum, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (uint8_t)bytes[i]) * 0x100000001b3u;
	return sum;
}

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

static void line_take(struct listing *l, const char *line)
{
	struct kernel_counter c;
	char name[64];

	if (sscanf(line, " packets %" SCNu64 " bytes %" SCNu64, &c.packets, &c.bytes) == 2) {
		if (l->counter >= 0)
			l->guard->counters[l->counter] = c;
		return;
	}
	if (sscanf(line, " counter %63s {", name) == 1)
		l->counter = counter_named(name);
	// The table's own comment is the first one, before any chain or set.
	if (!l->guard->comment[0])
		(void)sscanf(line, " comment \"%128[^\"]\"", l->guard->comment);
	l->guard->rules_sum = sum_add(l->guard->rules_sum, line, strlen(line));
}

void guard_listing_parse(const char *text, struct kernel_guard *ret)
{
	struct kernel_guard guard = { .exists = true, .rules_sum = 0xcbf29ce484222325u };
	struct listing l = { .guard = &guard, .counter = -1 };
	char line[1024];

	while (*text) {
		size_t len = strcspn(text, "\n");
		size_t take = len < sizeof line ? len : sizeof line - 1;

		memcpy(line, text, take);
		line[take] = '\0';
		line_take(&l, line);
		guard.rules_sum = sum_add(guard.rules_sum, text + take, len - take);
		text += len + (text[len] == '\n');
	}
	*ret = guard;
}
