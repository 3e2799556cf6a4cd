// The last questions: who asked what, and what became of it. A ring of a fixed size. Pure.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clean.h"
#include "model/net.h"

#include "dns/message.h"

enum dns_outcome {
	DNS_BY_ZONE, // known here
	DNS_BY_CACHE,
	DNS_BY_OLD, // from the cache after its time
	DNS_BY_UPSTREAM,
	DNS_BLOCKED,
	DNS_FAILED,     // no upstream answered
	DNS_REFUSED_IT, // not a client, or nothing that is answered
	DNS_LIMITED,    // one too many in this second
	DNS_OUTCOMES,
};

const char *dns_outcome_name(enum dns_outcome outcome);

enum { DNS_RULE_SIZE = 96 };

struct dns_note {
	int64_t at_ms; // since 1970
	struct address client;
	struct name name;
	uint16_t type;
	enum dns_outcome outcome;
	uint32_t us;                  // it took
	char rule[DNS_RULE_SIZE];     // block or forward, "" for none
	char upstream[DNS_RULE_SIZE]; // "" for none
};

struct dns_journal;

// NULL when out of memory.
struct dns_journal *dns_journal_new(uint32_t rows);
void dns_journal_free(struct dns_journal *journal);

// The place of the next note, its rule and upstream empty, the rest to be filled in: the oldest one
// goes.
struct dns_note *dns_journal_add(struct dns_journal *journal);

// The n-th last note, 0 the newest; NULL: there are no more.
const struct dns_note *dns_journal_get(const struct dns_journal *journal, uint32_t n);

// ---- how long answers took ----

enum { DNS_LATENCY_BUCKETS = 96 };

// Counts by time, four to a doubling.
struct dns_latency {
	uint64_t counts[DNS_LATENCY_BUCKETS];
};

void dns_latency_add(struct dns_latency *latency, uint64_t us, uint64_t answers);
// Within which time `permille` of them came, in microseconds; 0 when there were none.
uint64_t dns_latency_get(const struct dns_latency *latency, unsigned permille);
