// The arithmetic of votes inside the lease machine: spans, what was asked, and what voters said.
#pragma once

#include "steer/lease.h"

enum { LEASE_LONG_AGO_US = -1000000000 };

// How long a member may count on a promise of `span_us`, and the promise that covers `held_us`.
int64_t lease_span_held(const struct lease_config *c, int64_t span_us);
int64_t lease_span_promised(const struct lease_config *c, int64_t held_us);

// The index of `node` among the voters, n_voters when it is none.
size_t lease_rank(const struct lease_config *c, uint32_t node);

// Makes the peers of `config` from what is known about those of the config before (n_old of them).
void lease_peers_of(struct lease *l, const struct lease_config *config, size_t n_old);

bool lease_peer_is_heard(const struct lease *l, size_t at, int64_t now_us);

// Notes that a request with the next seq leaves now. Promises that outlast it count no longer.
void lease_asked(struct lease *l, int64_t now_us, int64_t span_us);
// A voter granted a request: its promise counts.
void lease_count(struct lease *l, struct lease_peer *p, const struct lease_message *grant);

// Until when a majority's promises hold.
int64_t lease_votes_until(const struct lease *l);
// The epoch that this node holds, 0: none yet. Whoever follows has a higher one, since a majority
// promised it or one above; whoever was before had a lower one, since a majority's promises of this
// tenure began no later.
uint64_t lease_votes_epoch(const struct lease *l);
// When a majority of the voters heard lately is free; INT64_MAX when too few are heard.
int64_t lease_votes_free(const struct lease *l, int64_t now_us);

// A voter's answer to a trial, or its refusal.
void lease_learn(struct lease_peer *p, int64_t now_us, const struct lease_message *m);
