#include "proxy/seen.h"

enum { MINUTE_MS = 60000 };

static uint32_t hash_of(const struct name *name)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < name->len; i++)
		hash = (hash ^ name->wire[i]) * 16777619u;
	return hash;
}

bool seen_is_new(struct seen *seen, const struct name *name, int64_t now_ms)
{
	const uint32_t hash = hash_of(name), minute = (uint32_t)(now_ms / MINUTE_MS) + 1;
	const size_t at = hash % SEEN_MAX;
	const bool is_new = seen->rows[at].hash != hash || seen->rows[at].minute != minute;
	seen->rows[at].hash = hash;
	seen->rows[at].minute = minute;
	return is_new;
}
