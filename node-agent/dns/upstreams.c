#include "dns/upstreams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum {
	TICK_MS = 1000,
	PROBE_EVERY_MS = 2000,
	FAILURES_MAX = 3, // in a row, then it is down
	RTT_SHARE = 8,    // of a new time in the smoothed one
	US_PER_MS = 1000,
};

struct dns_upstreams {
	struct exchange_host *host;
	struct dns_upstream *first;
	uv_timer_t timer;
};

static void came_back(struct dns_upstream *upstream, uint64_t us)
{
	if (upstream->is_down)
		log_info("upstream %s: it answers again", upstream->text);
	upstream->is_down = false;
	upstream->failures = 0;
	uint64_t rtt_us =
		upstream->rtt_us == 0 ? us : (upstream->rtt_us * (RTT_SHARE - 1u) + us) / RTT_SHARE;
	upstream->rtt_us = rtt_us > UINT32_MAX ? UINT32_MAX : (uint32_t)rtt_us;
}

static void on_probed(struct exchange *exchange, int status, const uint8_t *message, size_t len)
{
	struct dns_upstream *upstream = exchange->owner;
	(void)message;
	(void)len;
	uint64_t us = (uv_now(upstream->pool->host->loop) - upstream->probed_ms) * US_PER_MS;
	if (status == 0)
		came_back(upstream, us);
}

// Asks for the root's servers, which every resolver knows.
static void probe(struct dns_upstream *upstream, uint64_t now_ms)
{
	const struct name root = { .len = 1 };
	if (now_ms - upstream->probed_ms < PROBE_EVERY_MS)
		return;
	exchange_time_out(&upstream->probe);
	upstream->probed_ms = now_ms;
	upstream->probe.place = &upstream->place;
	upstream->probe.owner = upstream;
	upstream->probe.done = on_probed;
	exchange_ask(&upstream->probe, &root, DNS_NS, false);
	(void)exchange_start(&upstream->probe); // the next one comes
}

static void on_tick(uv_timer_t *timer)
{
	struct dns_upstreams *pool = timer->data;
	for (struct dns_upstream *at = pool->first, *next; at; at = next) {
		at->users++; // the end of what waits on it may be the end of the last one
		exchange_place_tidy(&at->place, false);
		if (at->is_down)
			probe(at, uv_now(timer->loop));
		next = at->next;
		dns_upstream_give_back(at);
	}
}

struct dns_upstreams *dns_upstreams_new(struct exchange_host *host)
{
	struct dns_upstreams *pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;
	pool->host = host;
	if (uv_timer_init(host->loop, &pool->timer) < 0) {
		free(pool);
		return NULL;
	}
	pool->timer.data = pool;
	(void)uv_timer_start(&pool->timer, on_tick, TICK_MS, TICK_MS);
	return pool;
}

static void free_pool(uv_handle_t *handle)
{
	free(handle->data);
}

void dns_upstreams_free(struct dns_upstreams *pool)
{
	if (pool)
		uv_close((uv_handle_t *)&pool->timer, free_pool);
}

static struct dns_upstream *find(const struct dns_upstreams *pool, const char *text, uint32_t mark)
{
	struct dns_upstream *at = pool->first;
	while (at && (at->place.mark != mark || strcmp(at->text, text) != 0))
		at = at->next;
	return at;
}

struct dns_upstream *dns_upstreams_get(struct dns_upstreams *pool, const struct dns_place *place,
				       uint32_t mark)
{
	struct dns_upstream *upstream = find(pool, place->text, mark);
	if (!upstream) {
		upstream = calloc(1, sizeof(*upstream));
		if (!upstream)
			return NULL;
		upstream->place = (struct exchange_place){ .host = pool->host,
							   .at = place->at,
							   .mark = mark };
		memcpy(upstream->text, place->text, sizeof(upstream->text));
		upstream->pool = pool;
		upstream->next = pool->first;
		pool->first = upstream;
	}
	upstream->users++;
	return upstream;
}

// Counts do not go back: what one has counted is gone on with by another that is written so.
static void hand_on(const struct dns_upstream *gone)
{
	struct dns_upstream *at = gone->pool->first;
	while (at && strcmp(at->text, gone->text) != 0)
		at = at->next;
	if (!at)
		return;
	at->counts.answers += gone->counts.answers;
	at->counts.waited_us += gone->counts.waited_us;
	at->counts.useless += gone->counts.useless;
	at->counts.failures += gone->counts.failures;
}

void dns_upstream_give_back(struct dns_upstream *upstream)
{
	if (!upstream || --upstream->users > 0)
		return;
	struct dns_upstream **at = &upstream->pool->first;
	while (*at != upstream)
		at = &(*at)->next;
	*at = upstream->next;
	hand_on(upstream);
	exchange_stop(&upstream->probe);
	exchange_place_tidy(&upstream->place, true);
	free(upstream);
}

void dns_upstream_answered(struct dns_upstream *upstream, uint64_t us)
{
	upstream->counts.answers++;
	upstream->counts.waited_us += us;
	came_back(upstream, us);
}

void dns_upstream_useless(struct dns_upstream *upstream)
{
	upstream->counts.useless++;
}

void dns_upstream_failed(struct dns_upstream *upstream, int status)
{
	upstream->counts.failures++;
	if (++upstream->failures < FAILURES_MAX || upstream->is_down)
		return;
	upstream->is_down = true;
	upstream->probed_ms = uv_now(upstream->pool->host->loop);
	log_warn("upstream %s: it does not answer: %s", upstream->text, strerror(-status));
}

bool dns_upstreams_are_down(const struct dns_upstreams *pool, const struct dns_group *group,
			    uint32_t mark)
{
	for (size_t i = 0; i < group->len; i++) {
		const struct dns_upstream *upstream = find(pool, group->items[i].text, mark);
		if (!upstream || !upstream->is_down)
			return false;
	}
	return true;
}

const struct dns_upstream *dns_upstreams_first(const struct dns_upstreams *pool)
{
	return pool->first;
}
