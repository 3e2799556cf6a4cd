// The state as JSON.

#include <string.h>

#include "live/inside.h"

static json_t *text_or_null(const char *s)
{
	return s ? json_string(s) : json_null();
}

static json_t *errors_json(const struct node *node)
{
	json_t *list = json_array();

	for (size_t i = 0; i < node->errors_count; i++) {
		const struct node_error *e = &node->errors[i];

		(void)json_array_append_new(list, json_pack("{s:s*, s:s*, s:o}", "entry", e->entry,
							    "text", e->text, "blocked_by",
							    text_or_null(e->blocked_by)));
	}
	return list;
}

static json_t *refused_json(const struct node *node)
{
	return node_refuses(node)
		       ? json_pack("{s:I, s:o}", "revision", (json_int_t)node->refused_revision,
				   "text", text_or_null(node->refused_text))
		       : json_null();
}

json_t *node_json(const struct node *node, int64_t now_ms)
{
	char reason[LIVE_REASON_SIZE];
	enum live_health health = node_health(node, now_ms, reason);
	int64_t lag = digest_equal(node->applied_digest, node->target_digest)
			      ? 0
			      : node->target_revision - node->applied_revision;
	json_t *json = json_pack(
		"{s:s, s:I, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "name", node->name, "id",
		(json_int_t)node->id, "drained", node->is_drained, "connected", node->is_connected,
		"since", (json_int_t)node->since_ms, "target", (json_int_t)node->target_revision,
		"applied", (json_int_t)node->applied_revision, "lag",
		(json_int_t)(lag > 0 ? lag : 0), "errors_total", (json_int_t)node->errors_total,
		"writes", (json_int_t)node->writes, "health", live_health_name(health));

	if (!json)
		return NULL;
	(void)json_object_set_new(json, "site", text_or_null(node->site));
	(void)json_object_set_new(json, "address", text_or_null(node->address));
	(void)json_object_set_new(json, "version", text_or_null(node->version));
	(void)json_object_set_new(json, "errors", errors_json(node));
	(void)json_object_set_new(json, "refused", refused_json(node));
	(void)json_object_set_new(json, "reason", json_string(reason));
	return json;
}

json_t *live_node_json(const struct live *live, int64_t node_id, int64_t now_ms)
{
	const struct node *node = node_find(live, node_id);

	return node ? node_json(node, now_ms) : NULL;
}

static int compare_names(const void *a, const void *b)
{
	const struct node *const *x = a;
	const struct node *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static json_t *counts_json(const struct live *live, int64_t now_ms)
{
	json_int_t healths[LIVE_HEALTH_NEVER + 1] = { 0 };
	json_int_t connected = 0;
	void *value = NULL;

	for (size_t at = 0; map_next(live->by_id, &at, NULL, &value);) {
		const struct node *node = value;

		healths[node_health(node, now_ms, NULL)]++;
		connected += node->is_connected ? 1 : 0;
	}
	struct link_counts links = topology_counts(live);
	json_t *json = json_pack("{s:I, s:I, s:I, s:I}", "nodes", (json_int_t)map_size(live->by_id),
				 "connected", connected, "links_up", (json_int_t)links.up,
				 "links_down", (json_int_t)links.down);
	for (size_t i = 0; json && i < ARRAY_LEN(healths); i++)
		(void)json_object_set_new(json, live_health_name((enum live_health)i),
					  json_integer(healths[i]));
	return json;
}

json_t *live_state_json(const struct live *live, int64_t now_ms)
{
	size_t count = 0;
	CLEAN(free_ptr) struct node **sorted = calloc(map_size(live->by_id) + 1, sizeof(*sorted));
	json_t *nodes = json_array();
	void *value = NULL;

	if (!sorted || !nodes) {
		json_decref(nodes);
		return NULL;
	}
	for (size_t at = 0; map_next(live->by_id, &at, NULL, &value);)
		sorted[count++] = value;
	if (count)
		qsort(sorted, count, sizeof(*sorted), compare_names);
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(nodes, node_json(sorted[i], now_ms));
	return json_pack("{s:o, s:o, s:o}", "nodes", nodes, "counts", counts_json(live, now_ms),
			 "ha_groups", groups_json(sorted, count));
}

static json_t *samples_of(const struct node *node)
{
	return node->samples ? json_pack("{s:I, s:O}", "at", (json_int_t)node->samples_ms, "values",
					 node->samples)
			     : json_null();
}

json_t *live_samples_json(const struct live *live, int64_t node_id)
{
	const struct node *node = node_find(live, node_id);

	return node ? json_pack("{s:o}", "samples", samples_of(node)) : NULL;
}

json_t *live_observed_json(const struct live *live, int64_t node_id)
{
	const struct node *node = node_find(live, node_id);
	struct entry_change e;

	if (!node)
		return NULL;
	json_t *entries = json_object();
	for (size_t at = 0; entry_set_next(node->entries, &at, &e);)
		(void)json_object_set_new(entries, e.key, json_loadb(e.body, e.body_len, 0, NULL));
	return json_pack("{s:o, s:o}", "entries", entries, "samples", samples_of(node));
}
