#include "reconcile/endpoint.h"

#define SILENT_MS           20000  // WireGuard answers data within 10 s, a handshake at once
#define SILENT_WITH_NEWS_MS 5000   // a new address was told: less patience with the old one
#define TRY_MS              6000   // a handshake is repeated every 5 s
#define SESSION_MS          180000 // REJECT_AFTER_TIME
#define HANDSHAKE_BYTES     148
#define KEEPALIVE_BYTES     32

static uint64_t sum_of(const struct endpoint_facts *f)
{
	uint64_t sum = 0xcbf29ce484222325u;

	for (size_t i = 0; i < f->count; i++) {
		const struct kernel_endpoint *e = &f->candidates[i];

		for (size_t b = 0; b < sizeof e->ip.bytes; b++)
			sum = (sum ^ e->ip.bytes[b]) * 0x100000001b3u;
		sum = (sum ^ e->port ^ (uint64_t)e->ip.family << 32) * 0x100000001b3u;
	}
	return sum;
}

int64_t endpoint_handshake_age_ms(struct endpoint_track *track, const struct endpoint_facts *facts)
{
	if (track->handshake != facts->handshake) {
		const int64_t age_ms = facts->wall_ms - facts->handshake * 1000;

		track->handshake = facts->handshake;
		track->shaken_ms = facts->mono_ms - (age_ms > 0 ? age_ms : 0);
	}
	return facts->mono_ms - track->shaken_ms;
}

static void heard(struct endpoint_track *t, const struct endpoint_facts *f)
{
	t->rx_bytes = f->rx_bytes;
	t->tx_at_rx = f->tx_bytes;
	t->heard_ms = f->mono_ms;
	t->has_news = false;
}

static void look(struct endpoint_track *t, const struct endpoint_facts *f)
{
	const uint64_t sum = sum_of(f);

	(void)endpoint_handshake_age_ms(t, f);
	if (!t->is_known) {
		t->is_known = true;
		t->candidates_sum = sum;
		t->moved_ms = f->mono_ms;
		heard(t, f);
	} else if (f->rx_bytes != t->rx_bytes || f->tx_bytes < t->tx_at_rx) {
		t->good = f->current;
		heard(t, f);
	}
	if (sum != t->candidates_sum) {
		t->candidates_sum = sum;
		t->next = 0;
		t->has_news = true;
	}
}

// More was sent than keepalives, which nobody answers.
static bool is_unanswered(const struct endpoint_track *t, const struct endpoint_facts *f)
{
	const int64_t silent_ms = f->mono_ms - t->heard_ms;
	uint64_t unanswerable = 0;

	if (f->keepalive)
		unanswerable = KEEPALIVE_BYTES *
			       ((uint64_t)silent_ms / (1000u * (uint64_t)f->keepalive) + 1);
	return f->tx_bytes - t->tx_at_rx > unanswerable + HANDSHAKE_BYTES;
}

static bool is_stale(struct endpoint_track *t, const struct endpoint_facts *f)
{
	const int64_t patience = t->has_news ? SILENT_WITH_NEWS_MS : SILENT_MS;

	if (f->handshake == 0)
		return true;
	const int64_t age_ms = endpoint_handshake_age_ms(t, f);
	if (f->mono_ms - t->heard_ms <= patience)
		return false;
	if (f->keepalive && age_ms > SESSION_MS)
		return true; // keepalives would have renewed it
	return is_unanswered(t, f);
}

// The candidates and, behind them, where the peer was last heard; NULL at the end.
static const struct kernel_endpoint *choice_at(const struct endpoint_track *t,
					       const struct endpoint_facts *f, size_t at)
{
	if (at < f->count)
		return &f->candidates[at];
	return at == f->count && t->good.ip.family ? &t->good : NULL;
}

static bool choose(struct endpoint_track *t, const struct endpoint_facts *f,
		   struct kernel_endpoint *ret)
{
	for (size_t tries = 0; tries <= f->count + 1; tries++) {
		const struct kernel_endpoint *e = choice_at(t, f, t->next);

		t->next = e ? t->next + 1 : 0;
		if (!e || kernel_endpoint_equal(e, &f->current))
			continue;
		t->moved_ms = f->mono_ms;
		*ret = *e;
		return true;
	}
	return false;
}

bool endpoint_decide(struct endpoint_track *track, const struct endpoint_facts *facts,
		     struct kernel_endpoint *ret)
{
	look(track, facts);
	if (facts->count == 0)
		return false;
	if (!facts->current.ip.family)
		return choose(track, facts, ret);
	// A candidate just told need not wait for its turn; then each gets the time of a handshake.
	if (facts->mono_ms - track->moved_ms < TRY_MS && !(track->has_news && track->next == 0))
		return false;
	return is_stale(track, facts) && choose(track, facts, ret);
}
