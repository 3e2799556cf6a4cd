#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/octets.h"

#include "dns/learn.h"
#include "dns/server.h"

enum {
	SLOTS = 1024,
	ASKS_MAX = 2048,
	WAITERS_MAX = 16384,
	TICK_MS = 25,
	DEADLINE_MS = 4500, // SERVFAIL then: clients wait for 5 s
	TRY_MS = 700,
	TRY_STREAM_MS = 1500, // a connection comes before it
	NEGATIVE_MAX_S = 10800,
	TTL_MAX_S = 86400,
};

struct ask {
	struct ask *next;
	struct dns_server *server;
	struct name name;
	uint16_t type;
	bool wants_dnssec;
	uint32_t space;
	struct dns_upstream *group[DNS_GROUP_MAX];
	size_t n_group;
	unsigned tried; // of the group, a bit each
	unsigned at;    // who is being asked
	struct exchange exchange;
	uint64_t end_ms, try_end_ms, sent_us;
	struct dns_waiter *waiters;
	int status; // of the last try
};

struct dns_asks {
	struct dns_server *server;
	uv_timer_t timer;
	size_t n_asks, n_waiters;
	struct ask *slots[SLOTS];
};

static void on_tick(uv_timer_t *timer);

struct dns_asks *dns_asks_new(struct dns_server *server)
{
	struct dns_asks *asks = calloc(1, sizeof(*asks));
	if (!asks)
		return NULL;
	asks->server = server;
	if (uv_timer_init(server->loop, &asks->timer) < 0) {
		free(asks);
		return NULL;
	}
	asks->timer.data = asks;
	return asks;
}

static struct ask **slot_of(struct dns_asks *asks, const struct name *name, uint16_t type)
{
	uint64_t hash = type;
	for (size_t i = 0; i < name->len; i++)
		hash = (hash ^ name->wire[i]) * UINT64_C(0x100000001b3);
	return &asks->slots[(hash ^ hash >> 32) % SLOTS];
}

// What nobody waits for: the renewal of an answer, or a name that weft-proxy saw.
static void learn(const struct ask *ask, const uint8_t *message, size_t len)
{
	const struct decide_set lists = dns_rules_lists(&ask->server->config->rules, &ask->name);
	if (dns_learn_is_on(ask->server->learn))
		(void)dns_learn_answer(ask->server->learn, &ask->name, &lists, message, len);
}

// Takes it out of the table and answers who waits.
static void end_ask(struct ask *ask, const uint8_t *message, size_t len)
{
	struct dns_asks *asks = ask->server->asks;
	struct ask **at = slot_of(asks, &ask->name, ask->type);
	const char *upstream = ask->group[ask->at]->text;
	while (*at != ask)
		at = &(*at)->next;
	*at = ask->next;
	asks->n_asks--;
	exchange_stop(&ask->exchange);
	if (!ask->waiters && len > 0)
		learn(ask, message, len);
	for (struct dns_waiter *waiter = ask->waiters, *next; waiter; waiter = next) {
		next = waiter->next;
		asks->n_waiters--;
		dns_serve_waiter(ask->server, waiter, message, len, upstream);
	}
	for (size_t i = 0; i < ask->n_group; i++)
		dns_upstream_give_back(ask->group[i]);
	free(ask);
}

static void free_asks(uv_handle_t *handle)
{
	free(handle->data);
}

void dns_asks_free(struct dns_asks *asks)
{
	if (!asks)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		while (asks->slots[i])
			end_ask(asks->slots[i], NULL, 0);
	(void)uv_timer_stop(&asks->timer);
	uv_close((uv_handle_t *)&asks->timer, free_asks);
}

// ---- what an upstream said ----

// RFC 2308 §5: an answer that says there is nothing lives as long as its SOA says.
static uint32_t negative_ttl(const uint8_t *message, size_t len)
{
	struct dns_reader reader;
	struct dns_record record;
	(void)dns_reader_init(&reader, message, len);
	while (dns_reader_next(&reader, &record) > 0) {
		if (record.section != DNS_AUTHORITY || record.type != DNS_SOA ||
		    record.data_len < 4)
			continue;
		uint64_t least = octets_get(message + record.data_at + record.data_len - 4u, 4);
		if (least > record.ttl)
			least = record.ttl;
		return least < NEGATIVE_MAX_S ? (uint32_t)least : NEGATIVE_MAX_S;
	}
	return 0;
}

// Whether there is a record of what was asked for, at the end of whatever chain.
static bool has_what_was_asked(const struct ask *ask, const uint8_t *message, size_t len)
{
	struct dns_reader reader;
	struct dns_record record;
	(void)dns_reader_init(&reader, message, len);
	while (dns_reader_next(&reader, &record) > 0 && record.section == DNS_ANSWER)
		if (record.type == ask->type || ask->type == DNS_ANY)
			return true;
	return false;
}

// Makes the answer anew in `ret`, keeps it, and returns its length; 0: it is broken.
static size_t take_answer(struct ask *ask, const uint8_t *message, size_t len,
			  uint8_t ret[DNS_MESSAGE_MAX])
{
	const struct decide_set lists = dns_rules_lists(&ask->server->config->rules, &ask->name);
	// A flow whose hello is encrypted says to nobody where it goes.
	const struct dns_rewrite how = { .drops_ech = !decide_set_is_empty(&lists),
					 .ttl_max = TTL_MAX_S };
	static const struct dns_edns no_edns = { 0 };
	struct dns_server *server = ask->server;
	struct dns_reader reader;
	struct dns_writer writer;
	struct dns_query query = { 0 };
	uint32_t ttl_s;
	if (dns_reader_init(&reader, message, len) < 0)
		return 0;
	query.question = reader.question;
	dns_write_reply(&writer, ret, DNS_MESSAGE_MAX, ask->exchange.wire, &query, DNS_RA);
	if (dns_rewrite(&reader, &how, &writer, &ttl_s) < 0 || writer.is_full)
		return 0;
	size_t made = dns_write_end(&writer, &no_edns, reader.header.flags & DNS_RCODE);
	if (!has_what_was_asked(ask, ret, made)) {
		uint32_t negative_s = negative_ttl(ret, made);
		ttl_s = negative_s < ttl_s ? negative_s : ttl_s;
	}
	const struct dns_key key = { .name = &ask->name,
				     .type = ask->type,
				     .class = DNS_IN,
				     .view = ask->space,
				     .wants_dnssec = ask->wants_dnssec };
	if (ttl_s > 0 && ttl_s <= TTL_MAX_S)
		(void)dns_cache_put(server->cache, &key, ret, made, ttl_s,
				    (int64_t)(uv_now(server->loop) / 1000));
	return made;
}

// ---- trying ----

// The first that was not tried and answers; else one that was not tried; -1: all were.
static int choose(const struct ask *ask)
{
	int other = -1;
	for (unsigned i = 0; i < ask->n_group; i++) {
		if (ask->tried >> i & 1)
			continue;
		if (!ask->group[i]->is_down)
			return (int)i;
		if (other < 0)
			other = (int)i;
	}
	return other;
}

static void on_done(struct exchange *exchange, int status, const uint8_t *message, size_t len);

// Puts the question to the next upstream, again from the first when all were tried, until the time
// is over. Returns false when nobody is asked.
static bool try_next(struct ask *ask)
{
	uint64_t now_ms = uv_now(ask->server->loop);
	for (unsigned round = 0; round <= ask->n_group && now_ms < ask->end_ms; round++) {
		int chosen = choose(ask);
		if (chosen < 0) {
			// Who refuses at once is not asked over and over.
			if (ask->status != -ETIMEDOUT)
				return false;
			ask->tried = 0;
			continue;
		}
		ask->at = (unsigned)chosen;
		ask->tried |= 1u << chosen;
		struct dns_upstream *upstream = ask->group[chosen];
		ask->exchange.place = &upstream->place;
		exchange_ask(&ask->exchange, &ask->name, ask->type, ask->wants_dnssec);
		ask->sent_us = dns_serve_now_us();
		ask->try_end_ms =
			now_ms +
			(upstream->place.at.kind == UPSTREAM_PLAIN ? TRY_MS : TRY_STREAM_MS);
		ask->status = exchange_start(&ask->exchange);
		if (ask->status == 0)
			return true;
		dns_upstream_failed(upstream, ask->status);
	}
	return false;
}

static void on_done(struct exchange *exchange, int status, const uint8_t *message, size_t len)
{
	struct ask *ask = exchange->owner;
	struct dns_upstream *upstream = ask->group[ask->at];
	uint8_t answer[DNS_MESSAGE_MAX];
	ask->status = status;
	if (status == 0) {
		uint64_t rcode = octets_get(message + 2, 2) & DNS_RCODE;
		dns_upstream_answered(upstream, dns_serve_now_us() - ask->sent_us);
		size_t made = rcode == DNS_NOERROR || rcode == DNS_NXDOMAIN
				      ? take_answer(ask, message, len, answer)
				      : 0;
		if (made > 0) {
			end_ask(ask, answer, made);
			return;
		}
		dns_upstream_useless(upstream);
		ask->status = -EPROTO;
	} else if (status != -ECANCELED) {
		dns_upstream_failed(upstream, status);
	}
	if (!try_next(ask))
		end_ask(ask, NULL, 0);
}

// ---- time ----

static void tell_old(struct ask *ask, int64_t now_ms)
{
	struct dns_waiter **at = &ask->waiters;
	while (*at) {
		struct dns_waiter *waiter = *at;
		if (!waiter->may_be_stale || now_ms < waiter->stale_ms) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		ask->server->asks->n_waiters--;
		dns_serve_waiter(ask->server, waiter, NULL, 0, "");
	}
}

static void check_time(struct ask *ask, uint64_t now_ms)
{
	tell_old(ask, (int64_t)now_ms);
	if (now_ms < ask->try_end_ms && now_ms < ask->end_ms)
		return;
	// Not tried at all yet is not overdue either: nothing was sent.
	if (exchange_is_under_way(&ask->exchange)) {
		exchange_time_out(&ask->exchange);
		ask->status = -ETIMEDOUT;
		dns_upstream_failed(ask->group[ask->at], -ETIMEDOUT);
	}
	if (!try_next(ask))
		end_ask(ask, NULL, 0);
}

static void on_tick(uv_timer_t *timer)
{
	struct dns_asks *asks = timer->data;
	uint64_t now_ms = uv_now(timer->loop);
	for (size_t i = 0; i < SLOTS; i++) {
		for (struct ask *ask = asks->slots[i], *next; ask; ask = next) {
			next = ask->next;
			check_time(ask, now_ms);
		}
	}
	if (asks->n_asks == 0)
		(void)uv_timer_stop(&asks->timer);
}

// ---- asking ----

static struct ask *find_ask(struct dns_asks *asks, const struct dns_wanted *wanted)
{
	struct ask *ask = *slot_of(asks, wanted->name, wanted->type);
	while (ask &&
	       (ask->type != wanted->type || ask->space != wanted->way->space ||
		ask->wants_dnssec != wanted->wants_dnssec || ask->name.len != wanted->name->len ||
		memcmp(ask->name.wire, wanted->name->wire, ask->name.len) != 0))
		ask = ask->next;
	return ask;
}

static struct ask *new_ask(struct dns_server *server, const struct dns_wanted *wanted)
{
	struct ask *ask = calloc(1, sizeof(*ask));
	if (!ask)
		return NULL;
	ask->server = server;
	ask->name = *wanted->name;
	ask->type = wanted->type;
	ask->wants_dnssec = wanted->wants_dnssec;
	ask->space = wanted->way->space;
	ask->exchange.done = on_done;
	ask->exchange.owner = ask;
	ask->end_ms = uv_now(server->loop) + DEADLINE_MS;
	const struct dns_group *group = wanted->way->group;
	for (; ask->n_group < group->len; ask->n_group++) {
		struct dns_upstream *upstream = dns_upstreams_get(
			server->upstreams, &group->items[ask->n_group], wanted->way->mark);
		if (!upstream)
			break;
		ask->group[ask->n_group] = upstream;
	}
	if (ask->n_group == 0) {
		free(ask);
		return NULL;
	}
	struct ask **slot = slot_of(server->asks, &ask->name, ask->type);
	ask->next = *slot;
	*slot = ask;
	server->asks->n_asks++;
	return ask;
}

int dns_ask(struct dns_server *server, const struct dns_wanted *wanted, struct dns_waiter *waiter)
{
	struct dns_asks *asks = server->asks;
	struct ask *ask = find_ask(asks, wanted);
	if (waiter && asks->n_waiters >= WAITERS_MAX)
		return -EBUSY;
	if (!ask) {
		if (asks->n_asks >= ASKS_MAX)
			return -EBUSY;
		ask = new_ask(server, wanted);
		if (!ask)
			return -ENOMEM;
		if (asks->n_asks == 1)
			(void)uv_timer_start(&asks->timer, on_tick, TICK_MS, TICK_MS);
		// When it cannot be sent now, the next tick tries again or gives up.
		(void)try_next(ask);
	}
	if (waiter) {
		waiter->next = ask->waiters;
		ask->waiters = waiter;
		asks->n_waiters++;
	}
	return 0;
}
