#include "dns/control_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clean.h"
#include "base/text.h"

#include "dns/control_cache.h"
#include "dns/control_learned.h"
#include "dns/learn.h"
#include "service/service.h"

enum { ROWS_MAX = 1000, US_PER_S = 1000000 };

static const char *text_of(const json_t *request, const char *field)
{
	return json_string_value(json_object_get(request, field));
}

// ---- types of records ----

static const struct {
	const char *name;
	uint16_t type;
} types[] = {
	{ "A", DNS_A },     { "AAAA", DNS_AAAA }, { "CNAME", DNS_CNAME }, { "NS", DNS_NS },
	{ "SOA", DNS_SOA }, { "PTR", DNS_PTR },   { "MX", DNS_MX },       { "TXT", DNS_TXT },
	{ "SRV", DNS_SRV }, { "SVCB", DNS_SVCB }, { "HTTPS", DNS_HTTPS }, { "ANY", DNS_ANY }
};

void dns_control_type_text(uint16_t type, char ret[16])
{
	(void)snprintf(ret, 16, "TYPE%u", type);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			(void)snprintf(ret, 16, "%s", types[i].name);
}

static int type_parse(const char *text, uint16_t *ret, struct err *err)
{
	const char *rest;
	*ret = DNS_A;
	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcasecmp(types[i].name, text) == 0) {
			*ret = types[i].type;
			return 0;
		}
	}
	char *end = NULL;
	unsigned long number = text_starts(text, "TYPE", &rest) ? strtoul(rest, &end, 10) : 0;
	if (!end || *end != '\0' || number == 0 || number > UINT16_MAX)
		return err_set(err, -EINVAL, "type: %.20s is no type of a record", text);
	*ret = (uint16_t)number;
	return 0;
}

// ---- status ----

struct count {
	const char *name;
	uint64_t count;
};

static void add_counts(json_t *to, const struct count *counts, size_t len)
{
	for (size_t i = 0; i < len; i++)
		(void)json_object_set_new(to, counts[i].name,
					  json_integer((json_int_t)counts[i].count));
}

static json_t *upstream_list(const struct dns_server *server)
{
	json_t *list = json_array();
	const struct dns_upstream *at = dns_upstreams_first(server->upstreams);
	for (; list && at; at = at->next) {
		const struct count counts[] = {
			{ "mark", at->place.mark },        { "rtt_us", at->rtt_us },
			{ "answers", at->counts.answers }, { "waited_us", at->counts.waited_us },
			{ "useless", at->counts.useless }, { "failures", at->counts.failures }
		};
		json_t *one = json_pack("{s:s, s:s}", "name", at->text, "state",
					at->is_down ? "down" : "up");
		add_counts(one, counts, ARRAY_LEN(counts));
		(void)json_array_append_new(list, one);
	}
	return list;
}

// The lists by which policies decide.
static json_t *policy_lists(const struct dns_rules *rules)
{
	json_t *list = json_array();
	for (size_t i = 0; rules->decide && i < rules->decide->n_lists; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:I}", "list",
							    rules->decide->lists[i].name, "hits",
							    (json_int_t)rules->hits[i]));
	return list;
}

static json_t *block_list(const struct dns_server *server)
{
	const struct dns_rules *rules = &server->config->rules;
	json_t *list = json_array();
	for (size_t i = 0; list && i < rules->n_blocks; i++) {
		const struct dns_block *block = &rules->blocks[i];
		for (size_t j = 0; j < block->n_lists; j++)
			(void)json_array_append_new(
				list, json_pack("{s:s, s:s, s:I, s:I}", "block", block->name,
						"list", block->lists[j].path, "names",
						(json_int_t)block->lists[j].file.list.names, "hits",
						(json_int_t)block->lists[j].hits));
	}
	return list;
}

static void count_learned(const struct dns_server *server, json_t *all)
{
	const struct dns_learn_counts learn = dns_learn_counts(server->learn);
	const struct count rows[] = { { "learned", learn.table.addresses },
				      { "shared", learn.table.shared },
				      { "writes", learn.writes },
				      { "write_failures", learn.failures } };
	add_counts(all, rows, ARRAY_LEN(rows));
}

static json_t *counts(const struct dns_server *server)
{
	json_t *all = json_object();
	uint64_t queries = 0;
	for (unsigned i = 0; all && i < DNS_OUTCOMES; i++) {
		queries += server->outcomes[i];
		(void)json_object_set_new(all, dns_outcome_name(i),
					  json_integer((json_int_t)server->outcomes[i]));
	}
	const struct count rows[] = { { "queries", queries },
				      { "udp", queries - server->by_stream },
				      { "tcp", server->by_stream },
				      { "doh", server->doh_hits } };
	add_counts(all, rows, ARRAY_LEN(rows));
	if (dns_learn_is_on(server->learn))
		count_learned(server, all);
	return all;
}

static json_t *status(struct dns_server *server, const json_t *request, struct err *err)
{
	const struct dns_cache_counts cache = dns_cache_counts(server->cache);
	const struct count rows[] = { { "since_ms", (uint64_t)server->since_ms },
				      { "entries", cache.entries },
				      { "bytes", cache.bytes },
				      { "hits", server->looked_up[DNS_FRESH] },
				      { "misses", server->looked_up[DNS_MISS] },
				      { "expired", server->looked_up[DNS_STALE] },
				      { "evicted", cache.evicted },
				      { "renewals", server->renewals },
				      { "p50_us", dns_latency_get(&server->latency, 500) },
				      { "p99_us", dns_latency_get(&server->latency, 990) } };
	(void)request;
	(void)err;
	json_t *all = service_status(&server->reread);
	json_t *own = json_pack("{s:o, s:o, s:o, s:o}", "counts", counts(server), "upstreams",
				upstream_list(server), "blocks", block_list(server), "lists",
				policy_lists(&server->config->rules));
	(void)json_object_update(all, own);
	json_decref(own);
	add_counts(all, rows, ARRAY_LEN(rows));
	if (dns_learn_is_on(server->learn))
		(void)json_object_set_new(all, "sets",
					  json_string(dns_learn_counts(server->learn).is_connected
							      ? "connected"
							      : "away"));
	return all;
}

// ---- log ----

static json_t *row_of(const struct dns_note *note)
{
	char client[ADDRESS_TEXT_SIZE], name[NAME_TEXT_SIZE], type[16];
	name_text(&note->name, name);
	dns_control_type_text(note->type, type);
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "at", (json_int_t)note->at_ms,
			 "client", address_format(&note->client, client), "name", name, "type",
			 type, "outcome", dns_outcome_name(note->outcome), "rule", note->rule,
			 "upstream", note->upstream, "us", (json_int_t)note->us);
}

// The newest first.
static json_t *log_rows(struct dns_server *server, const json_t *request, struct err *err)
{
	const char *from = text_of(request, "client");
	json_int_t since_ms = json_integer_value(json_object_get(request, "since"));
	json_int_t limit = json_integer_value(json_object_get(request, "limit"));
	struct prefix client;
	const struct dns_note *note;
	if (from && prefix_parse_host(from, &client, err) < 0)
		return NULL;
	if (!server->journal) {
		(void)err_set(err, -ENOENT, "no questions are kept: the resolver's log is off");
		return NULL;
	}
	if (limit <= 0 || limit > ROWS_MAX)
		limit = ROWS_MAX;
	json_t *rows = json_array();
	for (uint32_t n = 0; rows && limit > 0; n++) {
		note = dns_journal_get(server->journal, n);
		if (!note || note->at_ms < since_ms)
			break;
		if (from && !prefix_contains(&client, &note->client))
			continue;
		(void)json_array_append_new(rows, row_of(note));
		limit--;
	}
	return json_pack("{s:o}", "rows", rows);
}

// ---- lookup: what would happen, in words ----

static json_t *in_words(const char *outcome, const char *rule, const char *list, char *words)
{
	CLEAN(free_ptr) char *owned = words;
	return words ? json_pack("{s:s, s:s, s:s, s:s, s:i}", "outcome", outcome, "rule", rule,
				 "list", list, "sentence", words, "view", 0)
		     : NULL;
}

static json_t *explain_block(const char *text, const struct dns_blocked *blocked)
{
	if (blocked->is_doh)
		return in_words("blocked", "doh", "",
				text_format("%s leads to a resolver elsewhere: such names are "
					    "blocked here",
					    text));
	return in_words(
		"blocked", blocked->block->name, blocked->list->path,
		text_format("%s is in a list of the blocklist %s", text, blocked->block->name));
}

static json_t *explain_policy(const char *text, const struct dns_decided *decided)
{
	char rule[DNS_RULE_SIZE];
	(void)snprintf(rule, sizeof(rule), "%s/%u", decided->policy->name, decided->rule->number);
	return in_words("blocked", rule, "",
			text_format("%s does not exist by rule %u of the policy %s", text,
				    decided->rule->number, decided->policy->name));
}

static json_t *explain_way(const char *text, const struct dns_decided *decided,
			   const struct dns_way *way)
{
	CLEAN(text_free) struct text to = { 0 }, words = { 0 };
	for (size_t i = 0; i < way->group->len; i++)
		text_addf(&to, "%s%s", i > 0 ? ", " : "", way->group->items[i].text);
	if (way->group->len == 0)
		return in_words("failed", "", "",
				text_format("%s is not known here, and no upstream is", text));
	text_addf(&words, "%s goes to %s", text, to.data);
	if (way->forward)
		text_addf(&words, ", as the forward %s says", way->forward->name);
	if (decided->mark)
		text_addf(&words, ", by the way of rule %u of the policy %s", decided->rule->number,
			  decided->policy->name);
	json_t *said = in_words("forwarded", way->forward ? way->forward->name : "", "",
				words.failed ? NULL : strdup(words.data));
	(void)json_object_set_new(said, "upstream", json_string(to.data));
	return said;
}

static json_t *explain(const struct dns_server *server, const struct address *client,
		       const struct name *name, uint16_t type)
{
	const struct dns_rules *rules = &server->config->rules;
	struct dns_blocked blocked;
	struct name target = *name;
	char text[NAME_TEXT_SIZE], from[ADDRESS_TEXT_SIZE];
	name_text(name, text);
	if (dns_prefixes_match(&rules->clients, client) < 0)
		return in_words("refused", "", "",
				text_format("%s is no client of this resolver",
					    address_format(client, from)));
	enum dns_zone_answer known =
		dns_zones_answer(server->config->zones, name, type, NULL, &target);
	if (known == DNS_ZONE_DONE || known == DNS_ZONE_NO_NAME)
		return in_words(
			"local", "", "",
			text_format("%s is answered from a zone of Weft's own%s", text,
				    known == DNS_ZONE_NO_NAME ? ", which has no such name" : ""));
	if (dns_rules_blocked(rules, client, name, &blocked) ||
	    (known == DNS_ZONE_ELSEWHERE && dns_rules_blocked(rules, client, &target, &blocked)))
		return explain_block(text, &blocked);
	const struct dns_decided decided = dns_rules_decide(rules, client, name);
	if (decided.rule && decided.rule->is_nxdomain)
		return explain_policy(text, &decided);
	const struct dns_way way = dns_rules_way(rules, client, &target, decided.mark);
	return explain_way(text, &decided, &way);
}

static json_t *lookup(struct dns_server *server, const json_t *request, struct err *err)
{
	struct address client;
	struct name name;
	uint16_t type;
	if (dns_control_subject(request, &client, &name, err) < 0 ||
	    type_parse(text_of(request, "type"), &type, err) < 0)
		return NULL;
	json_t *answer = explain(server, &client, &name, type);
	dns_control_decide(server, &client, &name, answer);
	return answer;
}

static json_t *reload(struct dns_server *server, const json_t *request, struct err *err)
{
	(void)request;
	(void)err;
	service_reread(&server->reread);
	return json_pack("{s:b}", "reloading", true);
}

json_t *dns_control_answer(struct dns_server *server, const json_t *request, bool is_owner)
{
	static const struct {
		const char *name;
		json_t *(*answer)(struct dns_server *server, const json_t *request,
				  struct err *err);
		bool is_for_all;
	} verbs[] = {
		{ "status", status, false },           { "log", log_rows, false },
		{ "cache", dns_control_cache, false }, { "flush", dns_control_flush, false },
		{ "lookup", lookup, false },           { "learned", dns_control_learned, true },
		{ "saw", dns_control_saw, true },      { "reload", reload, false }
	};
	const char *wanted = text_of(request, "do");
	struct err err = { 0 };
	for (size_t i = 0; wanted && i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, wanted) != 0)
			continue;
		if (!is_owner && !verbs[i].is_for_all) {
			(void)err_set(&err, -EPERM, "%s is not for this user", wanted);
			return service_refusal(&err);
		}
		json_t *answer = verbs[i].answer(server, request, &err);
		return answer || err.code == 0 ? answer : service_refusal(&err);
	}
	(void)err_set(&err, -EINVAL, "%.40s is nothing that can be asked here",
		      wanted ? wanted : "this");
	return service_refusal(&err);
}
