#include "base/limit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SETS 1024
#define WAYS 4

// Names are kept as a keyed hash. A set that is full loses the bucket that is nearest to full
// again, so that flooding with fresh names frees first what was hardly limited.
struct bucket {
	uint64_t name;    // 0: free
	int64_t spent_ms; // milliseconds of refill still owed
	int64_t at_ms;
};

struct limit {
	int64_t refill_ms;
	int64_t full_ms; // burst * refill_ms: what an empty bucket owes
	uint64_t key;
	struct bucket buckets[SETS][WAYS];
};

struct limit *limit_new(unsigned burst, int64_t refill_ms)
{
	struct limit *limit = calloc(1, sizeof *limit);
	if (!limit)
		return NULL;
	limit->refill_ms = refill_ms;
	limit->full_ms = burst * refill_ms;
	if (getrandom(&limit->key, sizeof limit->key, 0) != (ssize_t)sizeof limit->key)
		limit->key = (uint64_t)(uintptr_t)limit;
	return limit;
}

void limit_free(struct limit *limit)
{
	free(limit);
}

// FNV-1a from a random start, with a final mix: nobody outside can aim at a set.
static uint64_t hash_of(const struct limit *limit, const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ limit->key;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ULL;
	h = (h ^ (h >> 32)) * (limit->key | 1);
	return (h ^ (h >> 29)) | 1;
}

static void refill(struct bucket *b, int64_t now_ms)
{
	int64_t gone = now_ms - b->at_ms;
	if (gone > 0)
		b->spent_ms = gone < b->spent_ms ? b->spent_ms - gone : 0;
	b->at_ms = now_ms;
}

static struct bucket *bucket_of(struct limit *limit, const char *name, int64_t now_ms)
{
	uint64_t hash = hash_of(limit, name);
	struct bucket *set = limit->buckets[(hash >> 8) % SETS];
	struct bucket *victim = &set[0];
	for (size_t i = 0; i < WAYS; i++) {
		refill(&set[i], now_ms);
		if (set[i].name == hash)
			return &set[i];
		if (set[i].spent_ms < victim->spent_ms)
			victim = &set[i];
	}
	*victim = (struct bucket){ .name = hash, .at_ms = now_ms };
	return victim;
}

bool limit_take(struct limit *limit, const char *name, int64_t now_ms)
{
	struct bucket *b = bucket_of(limit, name, now_ms);
	if (b->spent_ms + limit->refill_ms > limit->full_ms)
		return false;
	b->spent_ms += limit->refill_ms;
	return true;
}

void limit_give(struct limit *limit, const char *name, int64_t now_ms)
{
	struct bucket *b = bucket_of(limit, name, now_ms);
	b->spent_ms = b->spent_ms > limit->refill_ms ? b->spent_ms - limit->refill_ms : 0;
}
