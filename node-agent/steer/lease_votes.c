#include "steer/lease_votes.h"

#include <stdlib.h>
#include <string.h>

static int64_t drift(const struct lease_config *c, int64_t span_us)
{
	return span_us * 2 * (int64_t)c->drift_ppm / 1000000 + 1;
}

int64_t lease_span_held(const struct lease_config *c, int64_t span_us)
{
	return span_us - drift(c, span_us) - c->margin_us;
}

int64_t lease_span_promised(const struct lease_config *c, int64_t held_us)
{
	int64_t span = held_us + c->margin_us;
	// The drift is that of the longer span, which is longer by the drift.
	return span + drift(c, span + drift(c, span) * 2) + 1;
}

size_t lease_rank(const struct lease_config *c, uint32_t node)
{
	size_t i = 0;
	while (i < c->n_voters && c->voters[i] != node)
		i++;
	return i;
}

void lease_peers_of(struct lease *l, const struct lease_config *config, size_t n_old)
{
	struct lease_peer old[LEASE_VOTERS_MAX];
	memcpy(old, l->peers, sizeof old);
	for (size_t i = 0; i < config->n_voters; i++) {
		l->peers[i] = (struct lease_peer){
			.id = config->voters[i],
			.until_us = INT64_MIN,
			.heard_us = INT64_MIN,
			.free_us = INT64_MIN,
		};
		for (size_t o = 0; o < n_old; o++) {
			if (old[o].id == config->voters[i])
				l->peers[i] = old[o];
		}
	}
}

bool lease_peer_is_heard(const struct lease *l, size_t at, int64_t now_us)
{
	if (at == l->rank)
		return true;
	int64_t heard = l->peers[at].heard_us;
	return heard != INT64_MIN && heard > now_us - 3 * l->config.trial_us;
}

void lease_asked(struct lease *l, int64_t now_us, int64_t span_us)
{
	size_t slot = (size_t)(++l->seq % LEASE_ASKED_MAX);
	int64_t held = now_us + lease_span_held(&l->config, span_us);
	l->asked[slot].seq = l->seq;
	l->asked[slot].at_us = now_us;
	l->asked[slot].span_us = span_us;
	for (size_t i = 0; i < l->config.n_voters; i++) {
		if (l->peers[i].until_us > held)
			l->peers[i].until_us = held;
	}
}

void lease_count(struct lease *l, struct lease_peer *p, const struct lease_message *grant)
{
	uint64_t seq = grant->seq;
	if (seq == 0 || seq > l->seq || l->seq - seq >= LEASE_ASKED_MAX)
		return;
	// A later request for less may have reached the voter too.
	int64_t until = INT64_MAX;
	for (uint64_t s = seq; s <= l->seq; s++) {
		size_t slot = (size_t)(s % LEASE_ASKED_MAX);
		int64_t held =
			l->asked[slot].at_us + lease_span_held(&l->config, l->asked[slot].span_us);
		until = held < until ? held : until;
	}
	if (until > p->until_us)
		p->until_us = until;
	if (grant->epoch > p->epoch)
		p->epoch = grant->epoch;
	if (p->first_epoch == 0 || grant->epoch < p->first_epoch)
		p->first_epoch = grant->epoch;
}

static int compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a;
	const int64_t y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int64_t lease_votes_until(const struct lease *l)
{
	int64_t untils[LEASE_VOTERS_MAX];
	size_t n = l->config.n_voters;
	for (size_t i = 0; i < n; i++)
		untils[i] = l->peers[i].until_us;
	qsort(untils, n, sizeof *untils, compare);
	return untils[n - l->needed];
}

uint64_t lease_votes_epoch(const struct lease *l)
{
	uint64_t best = 0;
	for (size_t i = 0; i < l->config.n_voters; i++) {
		uint64_t epoch = l->peers[i].epoch;
		size_t n_after = 0, n_before = 0;
		for (size_t o = 0; o < l->config.n_voters; o++) {
			const struct lease_peer *p = &l->peers[o];
			n_after += p->epoch >= epoch;
			n_before += p->epoch > 0 && p->first_epoch <= epoch;
		}
		if (n_after >= l->needed && n_before >= l->needed && epoch > best)
			best = epoch;
	}
	return best;
}

int64_t lease_votes_free(const struct lease *l, int64_t now_us)
{
	int64_t frees[LEASE_VOTERS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < l->config.n_voters; i++) {
		if (i == l->rank)
			frees[n++] = lease_grantor_free_us(&l->grantor, l->config.self);
		else if (lease_peer_is_heard(l, i, now_us))
			frees[n++] = l->peers[i].free_us;
	}
	if (n < l->needed)
		return INT64_MAX;
	qsort(frees, n, sizeof *frees, compare);
	return frees[l->needed - 1];
}

void lease_learn(struct lease_peer *p, int64_t now_us, const struct lease_message *m)
{
	bool is_refused = m->verdict == LEASE_HELD || m->verdict == LEASE_QUIET;
	p->holder = m->verdict == LEASE_QUIET ? LEASE_NOBODY : m->node;
	if (is_refused)
		p->free_us = now_us + m->span_us;
	else if (p->free_us > now_us)
		p->free_us = now_us;
}
