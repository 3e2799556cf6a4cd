// GET /api/v1/nodes/{name}/dns/log, lookup and cache, POST .../dns/flush: what a node's resolver
// was asked and would answer, and what it keeps.
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/net.h"

#include "intent/intent.h"
#include "names/name.h"
#include "rest/handlers.h"
#include "rest/question.h"
#include "rest/server.h"

enum { ASK_MS = 10000, ROWS_MAX = 1000, ROWS_DEFAULT = 100 };

struct dns_ask {
	struct question question;
	json_t *args;
	int64_t since_ms;
	// What the document promises of the node's answer; NULL when that is malformed.
	json_t *(*report)(const struct request *request, const json_t *result);
};

static void ask_free(void *state)
{
	struct dns_ask *ask = state;
	json_decref(ask->args);
	free(ask);
}

static struct dns_ask *ask_new(struct request *request, const struct intent_resource *node)
{
	struct dns_ask *ask = calloc(1, sizeof(*ask));
	if (!ask) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return NULL;
	}
	ask->question = (struct question){ .node_id = node->id, .timeout_ms = ASK_MS };
	request->state = ask;
	request->state_free = ask_free;
	return ask;
}

static void answered(void *ctx, const json_t *result, const char *error)
{
	struct request *request = ctx;
	struct dns_ask *ask = request->state;
	if (question_failed(request, &ask->question, result, error))
		return;
	json_t *report = result ? ask->report(request, result) : NULL;
	if (report)
		request_answer_json(request, MHD_HTTP_OK, report);
	else
		request_problem(request, MHD_HTTP_CONFLICT, "nodes/%s: %s", request->params.name,
				error ? error : "its answer is malformed");
}

// ---- what a node tells: it may lie ----

// Copies the fields that are texts.
static void copy_texts(json_t *to, const json_t *from, const char *const *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_t *value = json_object_get(from, fields[i]);
		if (json_is_string(value))
			(void)json_object_set(to, fields[i], value);
	}
}

static bool has_all(const json_t *object, const char *const *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!json_object_get(object, fields[i]))
			return false;
	return true;
}

static bool is_count(const json_t *number)
{
	return json_is_integer(number) && json_integer_value(number) >= 0;
}

static json_t *row_of(const json_t *told)
{
	static const char *const needed[] = { "client", "name", "type", "outcome" };
	static const char *const others[] = { "list", "rule", "upstream" };
	const json_t *at = json_object_get(told, "at"), *us = json_object_get(told, "us");
	char text[TIME_TEXT_SIZE];
	json_auto_t *row = json_object();
	copy_texts(row, told, needed, ARRAY_LEN(needed));
	if (!is_count(at) || !has_all(row, needed, ARRAY_LEN(needed)))
		return NULL;
	copy_texts(row, told, others, ARRAY_LEN(others));
	(void)json_object_set_new(row, "at",
				  json_string(time_format(json_integer_value(at), text)));
	if (is_count(us))
		(void)json_object_set(row, "us", (json_t *)(uintptr_t)us);
	return json_incref(row);
}

static json_t *log_report(const struct request *request, const json_t *result)
{
	const struct dns_ask *ask = request->state;
	const json_t *told = json_object_get(result, "rows");
	json_auto_t *rows = json_array();
	if (!json_is_array(told) || json_array_size(told) > ROWS_MAX)
		return NULL;
	// The node tells the newest first.
	for (size_t i = json_array_size(told); i-- > 0;) {
		const json_t *one = json_array_get(told, i);
		json_t *row = row_of(one);
		if (!row)
			return NULL;
		if (json_integer_value(json_object_get(one, "at")) > ask->since_ms)
			(void)json_array_append_new(rows, row);
		else
			json_decref(row);
	}
	return json_pack("{s:s, s:O}", "node", request->params.name, "rows", rows);
}

static void copy_counts(json_t *to, const json_t *from, const char *const *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_t *value = json_object_get(from, fields[i]);
		if (is_count(value))
			(void)json_object_set(to, fields[i], value);
	}
}

// Copies the fields that are lists of texts.
static void copy_lists(json_t *to, const json_t *from, const char *const *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_t *list = json_object_get(from, fields[i]), *one;
		size_t k, texts = 0;
		json_array_foreach(list, k, one) texts += json_is_string(one);
		if (json_is_array(list) && texts == json_array_size(list))
			(void)json_object_set(to, fields[i], list);
	}
}

static json_t *kept_of(const json_t *told)
{
	static const char *const texts[] = { "name", "type", "outcome" };
	static const char *const counts[] = { "view", "left_s" };
	static const char *const lists[] = { "addresses" };
	json_auto_t *row = json_object();
	copy_texts(row, told, texts, ARRAY_LEN(texts));
	copy_counts(row, told, counts, ARRAY_LEN(counts));
	copy_lists(row, told, lists, ARRAY_LEN(lists));
	return has_all(row, texts, ARRAY_LEN(texts)) && has_all(row, counts, ARRAY_LEN(counts)) &&
			       has_all(row, lists, ARRAY_LEN(lists))
		       ? json_incref(row)
		       : NULL;
}

static json_t *cache_report(const struct request *request, const json_t *result)
{
	const json_t *told = json_object_get(result, "rows"), *one;
	const json_t *total = json_object_get(result, "total");
	json_auto_t *rows = json_array();
	size_t i;
	if (!json_is_array(told) || json_array_size(told) > ROWS_MAX || !is_count(total))
		return NULL;
	json_array_foreach(told, i, one)
	{
		json_t *row = kept_of(one);
		if (!row)
			return NULL;
		(void)json_array_append_new(rows, row);
	}
	return json_pack("{s:s, s:O, s:O}", "node", request->params.name, "total", total, "rows",
			 rows);
}

static json_t *flush_report(const struct request *request, const json_t *result)
{
	const json_t *dropped = json_object_get(result, "dropped");
	if (!is_count(dropped))
		return NULL;
	return json_pack("{s:s, s:O}", "node", request->params.name, "dropped", dropped);
}

static json_t *lookup_report(const struct request *request, const json_t *result)
{
	static const char *const asked[] = { "client", "name", "type" };
	static const char *const needed[] = { "outcome", "sentence" };
	static const char *const others[] = { "rule", "list", "upstream", "policy" };
	static const char *const counts[] = { "view", "policy_rule" };
	static const char *const lists[] = { "lists", "upstreams", "addresses" };
	const struct dns_ask *ask = request->state;
	json_auto_t *report = json_pack("{s:s}", "node", request->params.name);
	copy_texts(report, ask->args, asked, ARRAY_LEN(asked));
	copy_texts(report, result, needed, ARRAY_LEN(needed));
	if (!has_all(report, needed, ARRAY_LEN(needed)))
		return NULL;
	copy_texts(report, result, others, ARRAY_LEN(others));
	copy_counts(report, result, counts, ARRAY_LEN(counts));
	copy_lists(report, result, lists, ARRAY_LEN(lists));
	return json_incref(report);
}

// ---- what is asked ----

// False after having answered 400.
static bool check_client(struct request *request, const char *field, const char *text)
{
	struct address address;
	struct err err = { 0 };
	if (!text || address_parse(text, &address, &err) == 0)
		return true;
	request_problem(request, MHD_HTTP_BAD_REQUEST, "%s: %s", field, err.text);
	return false;
}

void dns_log_get(struct request *request)
{
	const char *client = request_query(request, "client");
	const char *since = request_query(request, "since");
	int64_t limit = ROWS_DEFAULT, since_ms = -1;
	struct err err = { 0 };
	const struct intent_resource *node = question_node(request);
	if (!node || !check_client(request, "client", client) ||
	    request_query_number(request, "limit", 1, ROWS_MAX, &limit) < 0)
		return;
	if (since && time_parse(since, &since_ms, &err) < 0) {
		request_problem(request, MHD_HTTP_BAD_REQUEST, "since: %s", err.text);
		return;
	}
	struct dns_ask *ask = ask_new(request, node);
	if (!ask)
		return;
	ask->report = log_report;
	ask->since_ms = since_ms;
	ask->args = json_pack("{s:I}", "limit", (json_int_t)limit);
	if (client)
		(void)json_object_set_new(ask->args, "client", json_string(client));
	if (since)
		(void)json_object_set_new(ask->args, "since", json_integer(since_ms));
	question_ask(request, &ask->question, "dns-log", ask->args, answered);
}

void dns_cache_get(struct request *request)
{
	const char *text = request_query(request, "name");
	int64_t limit = ROWS_DEFAULT;
	bool below = false;
	struct name name;
	struct err err = { 0 };
	const struct intent_resource *node = question_node(request);
	if (!node || request_query_number(request, "limit", 1, ROWS_MAX, &limit) < 0 ||
	    request_query_bool(request, "below", &below) < 0)
		return;
	if (text && name_parse(text, strlen(text), &name, &err) < 0) {
		request_problem(request, MHD_HTTP_BAD_REQUEST, "name: %s", err.text);
		return;
	}
	struct dns_ask *ask = ask_new(request, node);
	if (!ask)
		return;
	ask->report = cache_report;
	ask->args = json_pack("{s:I, s:b}", "limit", (json_int_t)limit, "below", below);
	if (text)
		(void)json_object_set_new(ask->args, "name", json_string(text));
	question_ask(request, &ask->question, "dns-cache", ask->args, answered);
}

void dns_flush_post(struct request *request)
{
	json_auto_t *body = NULL;
	const struct intent_resource *node = question_node(request);
	if (!node || request_json(request, "application/json", &body) < 0 ||
	    request_check(request, "DnsFlushRequest", body) < 0)
		return;
	struct dns_ask *ask = ask_new(request, node);
	if (!ask)
		return;
	ask->report = flush_report;
	ask->args = json_incref(body);
	question_ask(request, &ask->question, "dns-flush", ask->args, answered);
}

static bool is_type(const char *text)
{
	size_t len = strlen(text);
	return len > 0 && len <= 10 &&
	       text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] == '\0';
}

void dns_lookup_get(struct request *request)
{
	const char *client = request_query(request, "from");
	const char *name = request_query(request, "name");
	const char *type = request_query(request, "type");
	struct name parsed;
	struct err err = { 0 };
	const struct intent_resource *node = question_node(request);
	if (!node || !check_client(request, "from", client))
		return;
	if (!name || name_parse(name, strlen(name), &parsed, &err) < 0) {
		request_problem(request, MHD_HTTP_BAD_REQUEST, "name: %s",
				name ? err.text : "whose is missing");
		return;
	}
	if (type && !is_type(type)) {
		request_problem(request, MHD_HTTP_BAD_REQUEST,
				"type: no type of a record, such as A or TYPE65");
		return;
	}
	struct dns_ask *ask = ask_new(request, node);
	if (!ask)
		return;
	ask->report = lookup_report;
	ask->args = json_pack("{s:s, s:s, s:s}", "client", client ? client : "127.0.0.1", "name",
			      name, "type", type ? type : "A");
	question_ask(request, &ask->question, "dns-lookup", ask->args, answered);
}
