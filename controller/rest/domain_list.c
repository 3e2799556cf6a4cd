// GET /api/v1/domain-lists/{name}/status and POST .../refresh: where a list's names come from, and
// which nodes have them.
#include <string.h>

#include "base/text.h"
#include "model/net.h"
#include "wire/entries.h"

#include "intent/intent.h"
#include "lists/lists.h"
#include "live/live.h"
#include "rest/handlers.h"
#include "rest/server.h"

static const struct intent_resource *find(struct request *request)
{
	const struct intent_resource *list =
		intent_find(request->rest->services.intent, "domain-lists", request->params.name);
	if (!list)
		request_problem(request, MHD_HTTP_NOT_FOUND, "domain-lists/%s does not exist",
				request->params.name);
	return list;
}

// ---- the nodes that have it ----

struct gathering {
	const struct live *live;
	const char *key; // "names/LIST"
	json_t *nodes;
};

static bool gather(void *arg, const struct intent_resource *node)
{
	struct gathering *g = arg;
	const struct entry_set *entries = live_node_entries(g->live, node->id);
	size_t len = 0;
	const char *body = entries ? entry_set_get(entries, g->key, &len) : NULL;
	json_t *entry = body ? json_loadb(body, len, 0, NULL) : NULL;
	const json_t *rules = json_object_get(entry, "rules"), *bad = json_object_get(entry, "bad");
	json_t *hash = json_object_get(entry, "sha256"), *error = json_object_get(entry, "error");
	if (json_is_integer(rules) && json_is_integer(bad))
		(void)json_array_append_new(
			g->nodes,
			json_pack("{s:s, s:I, s:I, s:o, s:o}", "node", node->name, "rules",
				  json_integer_value(rules), "bad", json_integer_value(bad),
				  "sha256", json_is_string(hash) ? json_incref(hash) : json_null(),
				  "error",
				  json_is_string(error) ? json_incref(error) : json_null()));
	json_decref(entry);
	return true;
}

static json_t *nodes_of(const struct request *request, const char *name)
{
	const struct rest_services *s = &request->rest->services;
	CLEAN(free_ptr) char *key = text_format("names/%s", name);
	struct gathering g = { s->live, key, json_array() };
	if (key)
		intent_list(s->intent, "nodes", NULL, gather, &g);
	return g.nodes;
}

// ---- the content ----

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	return ms > 0 ? json_string(time_format(ms, text)) : json_null();
}

// Names that stand in the spec are as they are written: there is nothing to go wrong.
static void describe_written(const json_t *spec, struct list_status *ret)
{
	const json_t *names = json_object_get(spec, "names");
	if (names)
		ret->rules = (int64_t)json_array_size(names);
}

static void answer_status(struct request *request, unsigned code,
			  const struct intent_resource *list)
{
	struct list_status s = { 0 };
	(void)lists_status(request->rest->services.lists, list->id, &s);
	describe_written(list->spec, &s);
	json_t *status = json_pack(
		"{s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:o, s:b, s:o}", "source",
		text_or_null(s.source), "sha256", text_or_null(s.sha256), "size",
		(json_int_t)s.size, "rules", (json_int_t)s.rules, "bad", (json_int_t)s.bad,
		"first_bad", s.first_bad ? json_integer(s.first_bad) : json_null(), "fetched_at",
		time_or_null(s.fetched_ms), "checked_at", time_or_null(s.checked_ms), "next_at",
		time_or_null(s.next_ms), "failures", (json_int_t)s.failures, "error",
		text_or_null(s.error), "busy", s.is_busy, "nodes", nodes_of(request, list->name));
	if (status)
		request_answer_json(request, code, status);
	else
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
}

void list_status_get(struct request *request)
{
	const struct intent_resource *list = find(request);
	if (list)
		answer_status(request, MHD_HTTP_OK, list);
}

void list_refresh_post(struct request *request)
{
	const struct intent_resource *list = find(request);
	if (!list)
		return;
	if (!lists_refresh(request->rest->services.lists, list->id)) {
		request_problem(request, MHD_HTTP_CONFLICT,
				"domain-lists/%s is written down: there is nothing to fetch",
				list->name);
		return;
	}
	answer_status(request, MHD_HTTP_ACCEPTED, list);
}
