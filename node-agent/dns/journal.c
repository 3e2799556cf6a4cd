#include "dns/journal.h"

#include <stdlib.h>

struct dns_journal {
	uint32_t rows, used, next;
	struct dns_note notes[];
};

const char *dns_outcome_name(enum dns_outcome outcome)
{
	static const char *const names[DNS_OUTCOMES] = {
		[DNS_BY_ZONE] = "local",         [DNS_BY_CACHE] = "cached", [DNS_BY_OLD] = "stale",
		[DNS_BY_UPSTREAM] = "forwarded", [DNS_BLOCKED] = "blocked", [DNS_FAILED] = "failed",
		[DNS_REFUSED_IT] = "refused",    [DNS_LIMITED] = "limited",
	};
	return names[outcome];
}

struct dns_journal *dns_journal_new(uint32_t rows)
{
	struct dns_journal *journal = calloc(1, sizeof(*journal) + rows * sizeof(struct dns_note));
	if (journal)
		journal->rows = rows;
	return journal;
}

void dns_journal_free(struct dns_journal *journal)
{
	free(journal);
}

struct dns_note *dns_journal_add(struct dns_journal *journal)
{
	struct dns_note *note = &journal->notes[journal->next];
	journal->next = (journal->next + 1) % journal->rows;
	if (journal->used < journal->rows)
		journal->used++;
	note->rule[0] = note->upstream[0] = '\0';
	return note;
}

const struct dns_note *dns_journal_get(const struct dns_journal *journal, uint32_t n)
{
	if (n >= journal->used)
		return NULL;
	return &journal->notes[(journal->next + journal->rows - 1 - n) % journal->rows];
}

enum { STEPS = 4, STEP_BITS = 2 };

// 0..3 have their own, then four buckets from each power of two to the next.
static unsigned bucket_of(uint64_t us)
{
	if (us < STEPS)
		return (unsigned)us;
	unsigned top = 63u - (unsigned)__builtin_clzll(us);
	unsigned step = (unsigned)(us >> (top - STEP_BITS)) & (STEPS - 1);
	unsigned bucket = (top - 1) * STEPS + step;
	return bucket < DNS_LATENCY_BUCKETS ? bucket : DNS_LATENCY_BUCKETS - 1;
}

// The upper end of a bucket.
static uint64_t end_of(unsigned bucket)
{
	if (bucket < STEPS)
		return bucket;
	unsigned top = bucket / STEPS + 1, step = bucket % STEPS;
	return ((uint64_t)(STEPS + step + 1) << (top - STEP_BITS)) - 1;
}

void dns_latency_add(struct dns_latency *latency, uint64_t us, uint64_t answers)
{
	latency->counts[bucket_of(us)] += answers;
}

uint64_t dns_latency_get(const struct dns_latency *latency, unsigned permille)
{
	uint64_t all = 0, seen = 0;
	for (unsigned i = 0; i < DNS_LATENCY_BUCKETS; i++)
		all += latency->counts[i];
	for (unsigned i = 0; i < DNS_LATENCY_BUCKETS && all > 0; i++) {
		seen += latency->counts[i];
		if (seen * 1000 >= all * permille)
			return end_of(i);
	}
	return 0;
}
