// What weft-proxy counts: each thread its own, added up by who asks.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum proxy_count {
	COUNT_CONNECTIONS,
	COUNT_ACTIVE, // now
	COUNT_NAMED,  // decided by the name that was said
	COUNT_UNKNOWN,
	COUNT_FOREIGN, // neither TLS nor HTTP nor QUIC
	COUNT_REFUSED, // by a rule
	// Not taken by the server, cut short in its first words, or nobody could say what its
	// address is for.
	COUNT_FAILED,
	COUNT_FULL, // had to wait because there were as many as there may be
	COUNT_BYTES_UP,
	COUNT_BYTES_DOWN,
	COUNT_QUIC,        // flows
	COUNT_QUIC_ACTIVE, // not decided yet, or decided lately
	COUNT_QUIC_LOST,   // forgotten: too many at once, or without memory
	COUNTS,
};

extern const char *const count_names[COUNTS];

struct counts {
	_Atomic uint64_t of[COUNTS];
};

// By the thread that owns it: nobody else writes.
static inline void count_add(struct counts *counts, enum proxy_count which, uint64_t n)
{
	const uint64_t now = atomic_load_explicit(&counts->of[which], memory_order_relaxed);
	atomic_store_explicit(&counts->of[which], now + n, memory_order_relaxed);
}

static inline void count_set(struct counts *counts, enum proxy_count which, uint64_t n)
{
	atomic_store_explicit(&counts->of[which], n, memory_order_relaxed);
}

// By any.
static inline uint64_t count_get(const struct counts *counts, enum proxy_count which)
{
	return atomic_load_explicit(&counts->of[which], memory_order_relaxed);
}
