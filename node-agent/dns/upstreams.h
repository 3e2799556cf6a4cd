// The upstreams that are spoken to now, and how well they answer. One that does not is asked last,
// and probed until it does again. All on the loop thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/clean.h"

#include "dns/exchange.h"
#include "dns/rules.h"

struct upstreams;

struct upstream {
	struct exchange_place place;
	bool is_down;
	unsigned failures; // since it answered last
	uint32_t rtt_us;   // smoothed; 0: not known
	// The pool's own.
	struct upstreams *pool;
	struct upstream *next;
	unsigned users;
	struct exchange probe;
	uint64_t probed_ms;
};

// `host` must outlive it. NULL when out of memory.
struct upstreams *upstreams_new(struct exchange_host *host);
// Every upstream must have been given back.
void upstreams_free(struct upstreams *pool);

// The upstream of this text, for one user more; NULL when out of memory.
struct upstream *upstreams_get(struct upstreams *pool, const struct upstream_text *text);
void upstream_give_back(struct upstream *upstream);

void upstream_answered(struct upstream *upstream, uint64_t us);
void upstream_failed(struct upstream *upstream, int status);

// Whether every one of a group is down.
bool upstreams_are_down(const struct upstreams *pool, const struct dns_group *group);

// The first one, then `->next`.
const struct upstream *upstreams_first(const struct upstreams *pool);
