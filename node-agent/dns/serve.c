#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/octets.h"

#include "dns/learn.h"
#include "dns/server.h"

enum {
	UDP_MAX = 1232,       // passes every path unfragmented
	STALE_WAIT_MS = 1800, // RFC 8767 §5: then clients would give up
	NS_PER_US = 1000,
	TYPE_META = 128, // RFC 6895 §3.1: from here to ANY nothing is a record
};

// A question while its answer is made.
struct asking {
	const struct dns_from *from;
	const struct dns_query *query;
	const uint8_t *wire;
	const struct name *name; // what is to be found: the question's, or where aliases lead
	bool is_alias;
	size_t limit; // of the answer
	uint64_t began_us;
	const char *rule;
	struct dns_decided decided;
	struct dns_waiter *waiter; // NULL: it can be answered at once
	bool is_held;              // the answer leaves later, with the waiter
};

uint64_t dns_serve_now_us(void)
{
	return uv_hrtime() / NS_PER_US;
}

static int64_t cache_now(const struct dns_server *server)
{
	return (int64_t)(uv_now(server->loop) / 1000);
}

static size_t limit_of(const struct dns_from *from, const struct dns_edns *edns)
{
	if (from->is_stream)
		return DNS_MESSAGE_MAX;
	return edns->udp_size < UDP_MAX ? edns->udp_size : UDP_MAX;
}

// Counts and notes what became of a question; returns `len`.
static size_t end(struct dns_server *server, const struct asking *asking, enum dns_outcome outcome,
		  const char *upstream, size_t len)
{
	uint64_t us = dns_serve_now_us() - asking->began_us;
	server->outcomes[outcome]++;
	server->by_stream += asking->from->is_stream;
	dns_latency_add(&server->latency, us, 1);
	if (!server->journal || (!server->logs_all && outcome != DNS_BLOCKED))
		return len;
	struct dns_note *note = dns_journal_add(server->journal);
	note->at_ms = clock_wall_ms();
	note->client = asking->from->client;
	note->name = asking->query->question.name;
	note->type = asking->query->question.type;
	note->outcome = outcome;
	note->us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	(void)snprintf(note->rule, sizeof(note->rule), "%s", asking->rule);
	(void)snprintf(note->upstream, sizeof(note->upstream), "%s", upstream);
	return len;
}

// An answer without records.
static size_t write_empty(const struct asking *asking, enum dns_rcode rcode, uint16_t flags,
			  uint8_t *ret)
{
	struct dns_writer writer;
	dns_write_reply(&writer, ret, asking->limit, asking->wire, asking->query, flags | DNS_RA);
	return dns_write_end(&writer, &asking->query->edns, rcode);
}

// ---- blocked names ----

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static size_t write_blocked(const struct asking *asking, const struct dns_block *block,
			    uint8_t *ret)
{
	static const uint8_t zeros[16];
	const struct dns_question *question = &asking->query->question;
	enum dns_block_answer answer = block ? block->answer : DNS_BLOCK_NXDOMAIN;
	uint32_t ttl_s = block ? block->ttl_s : 60;
	struct dns_writer writer;
	if (answer == DNS_BLOCK_REFUSED)
		return write_empty(asking, DNS_REFUSED, 0, ret);
	dns_write_reply(&writer, ret, asking->limit, asking->wire, asking->query, DNS_RA);
	if (answer == DNS_BLOCK_ZERO && (question->type == DNS_A || question->type == DNS_AAAA)) {
		const struct dns_record record = { .section = DNS_ANSWER,
						   .name = question->name,
						   .type = question->type,
						   .class = DNS_IN,
						   .ttl = ttl_s,
						   .data_len = question->type == DNS_A ? 4 : 16 };
		dns_write_record(&writer, &record, zeros);
	} else {
		dns_write_soa(&writer, DNS_AUTHORITY, &question->name, ttl_s);
	}
	return dns_write_end(&writer, &asking->query->edns,
			     answer == DNS_BLOCK_ZERO ? DNS_NOERROR : DNS_NXDOMAIN);
}

// The answer when `name` is blocked for the client, else 0.
static size_t block(struct dns_server *server, struct asking *asking, const struct name *name,
		    uint8_t *ret)
{
	struct dns_blocked blocked;
	char rule[DNS_RULE_SIZE] = "doh";
	if (!dns_rules_blocked(&server->config->rules, &asking->from->client, name, &blocked))
		return 0;
	*(blocked.is_doh ? &server->doh_hits : &blocked.list->hits) += 1;
	if (server->journal && !blocked.is_doh)
		(void)snprintf(rule, sizeof(rule), "%s/%s", blocked.block->name,
			       last_part(blocked.list->path));
	const char *former = asking->rule;
	asking->rule = rule;
	size_t len =
		end(server, asking, DNS_BLOCKED, "", write_blocked(asking, blocked.block, ret));
	asking->rule = former;
	return len;
}

// The same for every name that the aliases of an answer lead to.
static size_t block_aliases(struct dns_server *server, struct asking *asking,
			    const uint8_t *message, size_t len, uint8_t *ret)
{
	struct dns_reader reader;
	struct dns_record record;
	if (dns_reader_init(&reader, message, len) < 0)
		return 0;
	while (dns_reader_next(&reader, &record) > 0 && record.section == DNS_ANSWER) {
		struct name target;
		size_t at = record.data_at;
		if (record.type != DNS_CNAME || dns_read_name(message, len, &at, &target) < 0)
			continue;
		size_t blocked = block(server, asking, &target, ret);
		if (blocked > 0)
			return blocked;
	}
	return 0;
}

// ---- answers of upstreams, as the cache has them ----

// Makes the client's own answer of one in place: its id, its question with its case, its flags, and
// an OPT record when it sent one. There must be room.
static size_t address_to(const struct asking *asking, uint8_t *message, size_t len)
{
	static const uint8_t opt[DNS_OPT_SIZE] = { 0, 0, DNS_OPT, UDP_MAX >> 8, UDP_MAX & 0xff };
	const struct dns_query *query = asking->query;
	uint64_t rcode = octets_get(message + 2, 2) & DNS_RCODE;
	uint64_t own = query->header.flags & (DNS_RD | DNS_CD);
	octets_put(message, query->header.id, 2);
	octets_put(message + 2, DNS_QR | DNS_RA | own | rcode, 2);
	memcpy(message + DNS_HEADER_SIZE, asking->wire + DNS_HEADER_SIZE, query->question.len);
	if (!query->edns.is_there)
		return len;
	memcpy(message + len, opt, sizeof(opt));
	if (query->edns.wants_dnssec)
		message[len + 7] = 0x80;
	octets_put(message + 10, octets_get(message + 10, 2) + 1, 2);
	return len + sizeof(opt);
}

// The local aliases of the question's name, and behind them what the last one's target has.
static size_t write_behind_aliases(const struct dns_server *server, const struct asking *asking,
				   const uint8_t *message, size_t len, uint8_t *ret)
{
	static const struct dns_rewrite as_it_is = { .ttl_max = INT32_MAX };
	const struct dns_question *question = &asking->query->question;
	struct dns_writer writer;
	struct dns_reader reader;
	uint32_t ttl_s;
	dns_write_reply(&writer, ret, asking->limit, asking->wire, asking->query, DNS_RA);
	(void)dns_zones_answer(server->config->zones, &question->name, question->type, &writer,
			       NULL);
	if (dns_reader_init(&reader, message, len) < 0 ||
	    dns_rewrite(&reader, &as_it_is, &writer, &ttl_s) < 0)
		return write_empty(asking, DNS_SERVFAIL, 0, ret);
	return dns_write_end(&writer, &asking->query->edns, reader.header.flags & DNS_RCODE);
}

// Writes the client's answer from `message`, which may be `ret` itself when it is no alias.
static size_t tell(struct dns_server *server, struct asking *asking, uint8_t *message, size_t len,
		   uint8_t *ret)
{
	size_t opt = asking->query->edns.is_there ? DNS_OPT_SIZE : 0;
	if (asking->is_alias)
		return write_behind_aliases(server, asking, message, len, ret);
	if (len + opt > asking->limit)
		return write_empty(asking, message[3] & DNS_RCODE, DNS_TC, ret);
	if (message != ret)
		memcpy(ret, message, len);
	return address_to(asking, ret, len);
}

// ---- answers that wait for what they teach ----

static struct dns_waiter *new_waiter(struct dns_server *server, const struct asking *asking,
				     bool may_be_stale)
{
	struct dns_waiter *waiter = calloc(1, sizeof(*waiter));
	if (!waiter)
		return NULL;
	waiter->from = *asking->from;
	waiter->query = *asking->query;
	memcpy(waiter->wire, asking->wire, DNS_HEADER_SIZE + asking->query->question.len);
	waiter->is_alias = asking->is_alias;
	if (asking->is_alias)
		waiter->target = *asking->name;
	waiter->may_be_stale = may_be_stale;
	waiter->stale_ms = (int64_t)uv_now(server->loop) + STALE_WAIT_MS;
	waiter->began_us = asking->began_us;
	(void)snprintf(waiter->rule, sizeof(waiter->rule), "%s", asking->rule);
	return waiter;
}

// An answer as the cache has it, and what becomes of the question by it.
struct leaving {
	uint8_t *message;
	size_t len;
	enum dns_outcome outcome;
	const char *upstream;
	uint64_t *note; // of the cache, NULL: none
};

// Whether the sets have to be changed first.
static bool must_wait(struct dns_server *server, const struct asking *asking,
		      const struct leaving *leaving)
{
	// The cache notes what the name itself was answered with, not an alias of it.
	uint64_t *note = asking->is_alias ? NULL : leaving->note;
	if (!dns_learn_is_on(server->learn) ||
	    (note && *note == dns_learn_generation(server->learn)))
		return false;
	bool waits = dns_learn_answer(server->learn, &asking->query->question.name,
				      &asking->decided.lists, leaving->message, leaving->len);
	if (note && !waits)
		*note = dns_learn_generation(server->learn);
	return waits && asking->decided.policy;
}

static bool hold(struct dns_server *server, struct asking *asking, const struct leaving *leaving,
		 const uint8_t *answer, size_t len)
{
	struct dns_held *held = malloc(sizeof(*held) + len);
	struct dns_waiter *waiter =
		asking->waiter ? asking->waiter : new_waiter(server, asking, false);
	if (held && waiter) {
		held->waiter = waiter;
		held->outcome = leaving->outcome;
		held->is_covered = !decide_set_is_empty(&asking->decided.lists);
		(void)snprintf(held->upstream, sizeof(held->upstream), "%s", leaving->upstream);
		memcpy(held->answer, answer, len);
		held->len = len;
		asking->is_held =
			dns_learn_hold(server->learn, held, leaving->message, leaving->len);
	}
	if (!asking->is_held) {
		free(held);
		if (waiter != asking->waiter)
			free(waiter);
	} else if (!asking->waiter) {
		waiter->from.door->hold(&waiter->from);
	}
	return asking->is_held;
}

// Holds an answer until the sets have what it teaches, and returns 0; else the length of a failure.
static size_t hold_back(struct dns_server *server, struct asking *asking,
			const struct leaving *leaving, uint8_t *ret, size_t len)
{
	if (hold(server, asking, leaving, ret, len))
		return 0;
	return end(server, asking, DNS_FAILED, leaving->upstream,
		   write_empty(asking, DNS_SERVFAIL, 0, ret));
}

// The answer as it leaves; 0: it is held, and leaves by its door.
static size_t leave(struct dns_server *server, struct asking *asking, const struct leaving *leaving,
		    uint8_t *ret)
{
	static uint8_t copy[DNS_MESSAGE_MAX]; // of the loop thread
	struct leaving kept = *leaving;
	bool waits = must_wait(server, asking, leaving);
	if (waits) { // telling may write over it
		memcpy(copy, leaving->message, leaving->len);
		kept.message = copy;
	}
	size_t made = tell(server, asking, leaving->message, leaving->len, ret);
	if (!waits)
		return end(server, asking, leaving->outcome, leaving->upstream, made);
	return hold_back(server, asking, &kept, ret, made);
}

// ---- out of the cache ----

static struct dns_key key_of(const struct asking *asking, uint32_t space)
{
	return (struct dns_key){ .name = asking->name,
				 .type = asking->query->question.type,
				 .class = DNS_IN,
				 .view = space,
				 .wants_dnssec = asking->query->edns.wants_dnssec };
}

// What the cache has for a question.
struct kept {
	enum dns_found found;
	struct dns_hit hit;
};

// The answer out of the cache when what is found is `wanted`; else 0, or when it is held.
static size_t from_cache(struct dns_server *server, struct asking *asking, uint32_t space,
			 enum dns_found wanted, struct kept *ret_kept, uint8_t *ret)
{
	const struct dns_key key = key_of(asking, space);
	static uint8_t scratch[DNS_MESSAGE_MAX]; // of the loop thread
	uint8_t *into = asking->is_alias ? scratch : ret;
	struct dns_hit *hit = &ret_kept->hit;
	ret_kept->found =
		dns_cache_get(server->cache, &key, cache_now(server), into, DNS_MESSAGE_MAX, hit);
	if (ret_kept->found != wanted)
		return 0;
	size_t blocked = hit->has_alias ? block_aliases(server, asking, into, hit->len, ret) : 0;
	if (blocked > 0)
		return blocked;
	const struct leaving leaving = { .message = into,
					 .len = hit->len,
					 .outcome = wanted == DNS_FRESH ? DNS_BY_CACHE : DNS_BY_OLD,
					 .upstream = "",
					 .note = wanted == DNS_FRESH ? hit->note : NULL };
	return leave(server, asking, &leaving, ret);
}

// ---- those who wait ----

static struct asking asking_of(const struct dns_server *server, struct dns_waiter *waiter)
{
	return (struct asking){
		.from = &waiter->from,
		.query = &waiter->query,
		.wire = waiter->wire,
		.name = waiter->is_alias ? &waiter->target : &waiter->query.question.name,
		.is_alias = waiter->is_alias,
		.limit = limit_of(&waiter->from, &waiter->query.edns),
		.began_us = waiter->began_us,
		.rule = waiter->rule,
		.decided = dns_rules_decide(&server->config->rules, &waiter->from.client,
					    &waiter->query.question.name),
		.waiter = waiter,
	};
}

static struct dns_way way_of(const struct dns_server *server, const struct asking *asking)
{
	return dns_rules_way(&server->config->rules, &asking->from->client, asking->name,
			     asking->decided.mark);
}

void dns_serve_waiter(struct dns_server *server, struct dns_waiter *waiter, const uint8_t *message,
		      size_t len, const char *upstream)
{
	uint8_t ret[DNS_MESSAGE_MAX], copy[DNS_MESSAGE_MAX];
	struct asking asking = asking_of(server, waiter);
	const struct leaving leaving = { copy, len, DNS_BY_UPSTREAM, upstream, NULL };
	size_t made = 0;
	if (len > 0) {
		memcpy(copy, message, len);
		made = block_aliases(server, &asking, copy, len, ret);
		if (made == 0)
			made = leave(server, &asking, &leaving, ret);
	} else if (waiter->may_be_stale) {
		struct kept kept;
		made = from_cache(server, &asking, way_of(server, &asking).space, DNS_STALE, &kept,
				  ret);
	}
	if (asking.is_held)
		return;
	if (made == 0)
		made = end(server, &asking, DNS_FAILED, upstream,
			   write_empty(&asking, DNS_SERVFAIL, 0, ret));
	waiter->from.door->answer(&waiter->from, ret, made);
	free(waiter);
}

void dns_serve_held(struct dns_server *server, struct dns_held *held, bool is_good)
{
	struct dns_waiter *waiter = held->waiter;
	struct asking asking = asking_of(server, waiter);
	uint8_t failure[DNS_UDP_MIN];
	if (is_good) {
		size_t len = end(server, &asking, held->outcome, held->upstream, held->len);
		waiter->from.door->answer(&waiter->from, held->answer, len);
	} else {
		asking.limit = sizeof(failure);
		size_t len = end(server, &asking, DNS_FAILED, held->upstream,
				 write_empty(&asking, DNS_SERVFAIL, 0, failure));
		waiter->from.door->answer(&waiter->from, failure, len);
	}
	free(waiter);
}

// ---- the question's way ----

static size_t ask(struct dns_server *server, struct asking *asking, uint8_t *ret)
{
	struct kept kept;
	const struct dns_way way = way_of(server, asking);
	const struct dns_wanted wanted = { .name = asking->name,
					   .type = asking->query->question.type,
					   .wants_dnssec = asking->query->edns.wants_dnssec,
					   .way = &way };
	if (way.forward && !asking->rule[0])
		asking->rule = way.forward->name;
	size_t len = from_cache(server, asking, way.space, DNS_FRESH, &kept, ret);
	server->looked_up[kept.found]++;
	if (len == 0 && kept.found == DNS_STALE &&
	    dns_upstreams_are_down(server->upstreams, way.group, way.mark))
		len = from_cache(server, asking, way.space, DNS_STALE, &kept, ret);
	if (len > 0 || asking->is_held) {
		if ((kept.hit.wants_renewal || kept.found == DNS_STALE) &&
		    dns_ask(server, &wanted, NULL) == 0)
			server->renewals += kept.hit.wants_renewal;
		return len;
	}
	struct dns_waiter *waiter =
		way.group->len > 0 ? new_waiter(server, asking, kept.found == DNS_STALE) : NULL;
	if (waiter && dns_ask(server, &wanted, waiter) == 0) {
		waiter->from.door->hold(&waiter->from);
		return 0;
	}
	free(waiter);
	return end(server, asking, DNS_FAILED, "", write_empty(asking, DNS_SERVFAIL, 0, ret));
}

// What the client's policy says of the name: by which way it is asked for, or (the answer then)
// that it is not there.
static size_t decide(struct dns_server *server, struct asking *asking, char rule[DNS_RULE_SIZE],
		     uint8_t *ret)
{
	struct dns_decided *decided = &asking->decided;
	*decided = dns_rules_decide(&server->config->rules, &asking->from->client,
				    &asking->query->question.name);
	if (!decided->rule)
		return 0;
	dns_rules_count(&server->config->rules, decided);
	if (server->journal) {
		(void)snprintf(rule, DNS_RULE_SIZE, "%s/%u", decided->policy->name,
			       decided->rule->number);
		asking->rule = rule;
	}
	if (!decided->rule->is_nxdomain)
		return 0;
	return end(server, asking, DNS_BLOCKED, "", write_blocked(asking, NULL, ret));
}

// A zone's answer, which teaches what an upstream's does.
static size_t leave_zone(struct dns_server *server, struct asking *asking, uint8_t *ret, size_t len)
{
	const struct leaving leaving = { ret, len, DNS_BY_ZONE, "", NULL };
	if (dns_learn_is_on(server->learn)) {
		asking->decided = dns_rules_decide(&server->config->rules, &asking->from->client,
						   &asking->query->question.name);
		if (must_wait(server, asking, &leaving))
			return hold_back(server, asking, &leaving, ret, len);
	}
	return end(server, asking, DNS_BY_ZONE, "", len);
}

static size_t answer_locally(struct dns_server *server, struct asking *asking, bool *ret_goes_on,
			     struct name *ret_target, uint8_t *ret)
{
	const struct dns_question *question = &asking->query->question;
	const struct dns_zones *zones = server->config->zones;
	struct dns_writer writer;
	enum dns_zone_answer known =
		dns_zones_answer(zones, &question->name, question->type, NULL, ret_target);
	*ret_goes_on = known == DNS_ZONE_NONE || known == DNS_ZONE_ELSEWHERE;
	asking->is_alias = known == DNS_ZONE_ELSEWHERE;
	if (asking->is_alias)
		asking->name = ret_target;
	if (*ret_goes_on)
		return 0;
	dns_write_reply(&writer, ret, asking->limit, asking->wire, asking->query, DNS_AA | DNS_RA);
	(void)dns_zones_answer(zones, &question->name, question->type, &writer, NULL);
	return leave_zone(server, asking, ret,
			  dns_write_end(&writer, &asking->query->edns,
					known == DNS_ZONE_NO_NAME ? DNS_NXDOMAIN : DNS_NOERROR));
}

// What no resolver is asked for: other classes, transfers and other types that are no records.
static bool is_refused(const struct dns_question *question)
{
	return question->class != DNS_IN || question->type == 0 || question->type == DNS_OPT ||
	       (question->type >= TYPE_META && question->type < DNS_ANY);
}

void dns_serve_read(struct dns_asked *ret, const uint8_t *wire, size_t len, uint64_t now_us)
{
	ret->wire = wire;
	ret->came_us = now_us;
	ret->said = dns_query_read(wire, len, &ret->query);
}

void dns_serve_prepare(const struct dns_server *server, const struct dns_asked *asked, size_t len)
{
	const struct dns_rules *rules = &server->config->rules;
	for (int of_entries = 0; of_entries <= 1; of_entries++)
		for (size_t i = 0; i < len; i++)
			if (asked[i].said == 0)
				dns_rules_fetch(rules, &asked[i].query.question.name, of_entries);
}

size_t dns_serve(struct dns_server *server, const struct dns_from *from,
		 const struct dns_asked *asked, uint8_t ret[DNS_MESSAGE_MAX])
{
	const struct dns_query *query = &asked->query;
	struct name target;
	char rule[DNS_RULE_SIZE];
	bool goes_on;
	struct asking asking = { .from = from,
				 .query = query,
				 .wire = asked->wire,
				 .name = &query->question.name,
				 .began_us = asked->came_us,
				 .rule = "" };
	if (asked->said < 0)
		return 0;
	asking.limit = limit_of(from, &query->edns);
	if (server->rate &&
	    !dns_rate_take(server->rate, &from->client, (int64_t)uv_now(server->loop)))
		return end(server, &asking, DNS_LIMITED, "",
			   from->is_stream ? write_empty(&asking, DNS_REFUSED, 0, ret) : 0);
	if (asked->said > 0)
		return end(server, &asking, DNS_REFUSED_IT, "",
			   write_empty(&asking, (enum dns_rcode)asked->said, 0, ret));
	if (dns_prefixes_match(&server->config->rules.clients, &from->client) < 0 ||
	    is_refused(&query->question))
		return end(server, &asking, DNS_REFUSED_IT, "",
			   write_empty(&asking, DNS_REFUSED, 0, ret));
	size_t made = answer_locally(server, &asking, &goes_on, &target, ret);
	if (!goes_on)
		return made;
	made = block(server, &asking, &query->question.name, ret);
	if (made == 0 && asking.is_alias)
		made = block(server, &asking, asking.name, ret);
	if (made == 0)
		made = decide(server, &asking, rule, ret);
	return made > 0 ? made : ask(server, &asking, ret);
}
