// Answers kept until their time is over, each for one view: what the resolver of one gateway said
// is never told to a client of another. Pure: time is passed in (seconds of any clock that only
// goes on).
//
// Memory is bounded; what was not asked for longest goes first. One cache belongs to one thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/message.h"

struct dns_cache;

struct dns_cache_config {
	size_t bytes;     // all of it, with the tables
	uint32_t stale_s; // so long an answer may be told after its time when no new one can be
			  // had; 0: never
};

struct dns_key {
	const struct name *name;
	uint16_t type, class;
	uint32_t view;
	bool wants_dnssec; // answers with signatures and those without are kept apart
};

enum dns_found {
	DNS_MISS,
	DNS_FRESH,
	DNS_STALE, // only to be told when asking anew fails
};

struct dns_hit {
	size_t len;         // of the message
	bool has_alias;     // a CNAME is among its records
	bool wants_renewal; // asked for again in the last tenth of its time: ask anew beside
			    // answering; told once
	uint64_t *note;     // a number of the asker's that stays with the answer, 0 at first; lives
			    // until the cache is next called
};

// NULL when out of memory.
struct dns_cache *dns_cache_new(const struct dns_cache_config *config);
void dns_cache_free(struct dns_cache *cache);

// Keeps an answer without OPT for ttl_s. Not kept: what is larger than a fourth of the cache, or
// broken. -ENOMEM, -EFBIG, -EBADMSG; the answer before is gone then.
int dns_cache_put(struct dns_cache *cache, const struct dns_key *key, const uint8_t *message,
		  size_t len, uint32_t ttl_s, int64_t now_s);

// Copies the answer to `ret`, its TTLs less the time passed (1 s each for one that is stale), and
// everything of the header but id and RD, CD, which with the question's case are the asker's to
// set. An answer longer than `cap` is DNS_FRESH or DNS_STALE with its `len`, and nothing copied.
enum dns_found dns_cache_get(struct dns_cache *cache, const struct dns_key *key, int64_t now_s,
			     uint8_t *ret, size_t cap, struct dns_hit *ret_hit);

// The answer as it is now if its time is not over, for who only looks: nothing is counted, and it
// gets no younger. Returns its length, 0 for none or one longer than `cap`.
size_t dns_cache_peek(struct dns_cache *cache, const struct dns_key *key, int64_t now_s,
		      uint8_t *ret, size_t cap);

// An answer that is kept, as it was put; the message and its name live until the cache is next
// called.
struct dns_kept {
	struct dns_key key;
	int64_t left_s;
	const uint8_t *message;
	size_t len;
};
// Calls `fn` for the answers about `name` (as dns_cache_forget() means it) whose time is not over,
// what was asked for last first, until it returns false; for who only looks.
typedef bool dns_kept_fn(void *context, const struct dns_kept *kept);
void dns_cache_each(struct dns_cache *cache, const struct name *name, bool below, int64_t now_s,
		    dns_kept_fn *fn, void *context);

// Forgets the answers about `name` and, with `below`, about everything below it; NULL: all. Returns
// how many.
size_t dns_cache_forget(struct dns_cache *cache, const struct name *name, bool below);
// The same of all answers to questions for one type of records.
size_t dns_cache_forget_type(struct dns_cache *cache, uint16_t type);

struct dns_cache_counts {
	uint64_t hits, misses, stale, evicted;
	size_t entries, bytes;
};

struct dns_cache_counts dns_cache_counts(const struct dns_cache *cache);
