// The upstreams that are spoken to now, and how well they answer. One that does not is asked last,
// and probed until it does again. All on the loop thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/clean.h"

#include "dns/exchange.h"
#include "dns/rules.h"

struct dns_upstreams;

// Of clients' questions, not of probes.
struct dns_upstream_counts {
	uint64_t answers, waited_us; // and so long they took, all together
	uint64_t useless;            // of the answers: SERVFAIL, REFUSED, broken
	uint64_t failures;           // silence, and connections that did not come about
};

struct dns_upstream {
	struct exchange_place place;
	char text[UPSTREAM_TEXT_MAX + 1]; // as it was written
	bool is_down;
	unsigned failures; // since it answered last
	uint32_t rtt_us;   // smoothed; 0: not known
	struct dns_upstream_counts counts;
	// The pool's own.
	struct dns_upstreams *pool;
	struct dns_upstream *next;
	unsigned users;
	struct exchange probe;
	uint64_t probed_ms;
};

// `host` must outlive it. NULL when out of memory.
struct dns_upstreams *dns_upstreams_new(struct exchange_host *host);
// Every upstream must have been given back.
void dns_upstreams_free(struct dns_upstreams *pool);

// The upstream that is written so, asked by packets of that mark, for one user more; NULL when out
// of memory.
struct dns_upstream *dns_upstreams_get(struct dns_upstreams *pool, const struct dns_place *place,
				       uint32_t mark);
void dns_upstream_give_back(struct dns_upstream *upstream);

void dns_upstream_answered(struct dns_upstream *upstream, uint64_t us);
// What it answered last was of no use.
void dns_upstream_useless(struct dns_upstream *upstream);
void dns_upstream_failed(struct dns_upstream *upstream, int status);

// Whether every one of a group is down.
bool dns_upstreams_are_down(const struct dns_upstreams *pool, const struct dns_group *group,
			    uint32_t mark);

// The first one, then `->next`.
const struct dns_upstream *dns_upstreams_first(const struct dns_upstreams *pool);
