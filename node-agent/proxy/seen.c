#include "proxy/seen.h"

static uint32_t hash_of(const uint8_t *bytes, size_t len)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash;
}

bool seen_is_new(struct seen *seen, const void *name, size_t len, int64_t now_ms)
{
	const uint32_t hash = hash_of(name, len);
	const size_t at = hash % SEEN_MAX;
	if (seen->rows[at].hash == hash && now_ms < seen->rows[at].until_ms)
		return false;
	seen->rows[at].hash = hash;
	seen->rows[at].until_ms = now_ms + SEEN_MS;
	return true;
}
