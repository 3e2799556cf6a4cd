#include "live/live.h"

#include <string.h>

#include "base/log.h"

#include "live/inside.h"

#define SAMPLES_PER_ENTRY 4 // numbers that one node may have told of one moment, on average

struct live *live_new(const struct live_config *config, const struct live_ops *ops, void *ctx)
{
	CLEAN(live_free_ptr) struct live *live = calloc(1, sizeof(*live));

	if (!live)
		return NULL;
	struct live_config *c = &live->config;
	*c = *config;
	c->node_entries = c->node_entries ? c->node_entries : 16384;
	c->count_at_once = c->count_at_once ? c->count_at_once : 50000;
	c->node_bytes = c->node_bytes ? c->node_bytes : (size_t)8 << 20;
	c->ring_items = c->ring_items ? c->ring_items : 8192;
	c->ring_bytes = c->ring_bytes ? c->ring_bytes : (size_t)16 << 20;
	c->events_burst = c->events_burst ? c->events_burst : 50;
	c->events_per_hour = c->events_per_hour ? c->events_per_hour : 720;
	if (ops)
		live->ops = *ops;
	live->ctx = ctx;
	live->sequence = (uint64_t)config->now_ms * 1000;
	live->by_id = map_new(node_free);
	live->by_name = map_new(NULL);
	if (!live->by_id || !live->by_name ||
	    ring_init(&live->items, c->ring_items, c->ring_bytes) < 0 ||
	    ring_init(&live->samples, c->ring_items / 4 + 1, c->ring_bytes / 4) < 0)
		return NULL;
	return take_ptr(&live);
}

void live_free(struct live *live)
{
	if (!live)
		return;
	while (live->subscribers)
		live_unsubscribe(live->subscribers);
	map_free(live->by_name);
	map_free(live->by_id);
	ring_done(&live->items);
	ring_done(&live->samples);
	free(live);
}

void add_json(struct text *out, const json_t *json)
{
	CLEAN(free_ptr) char *dump = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	if (!dump)
		out->failed = true;
	else
		text_add(out, dump);
}

void add_string(struct text *out, const char *s)
{
	json_t *json = s ? json_string(s) : json_null();

	add_json(out, json);
	json_decref(json);
}

// Takes the text. An item lost to a full memory is like one lost by the ring: subscribers are told
// to start anew.
void item_send(struct live *live, struct ring *ring, const char *kind, struct text *data)
{
	struct ring_item item = { .sequence = ++live->sequence, .kind = kind, .len = data->len };

	item.data = text_take(data);
	if (!item.data) {
		log_warn("live: out of memory");
		ring->lost = item.sequence;
		return;
	}
	ring_add(ring, &item);
	stream_wake(live);
}

void item_node(struct live *live, struct node *node, int64_t now_ms)
{
	struct text data = { 0 };
	json_t *json = node_json(node, now_ms);

	node->told = node_health(node, now_ms, NULL);
	add_json(&data, json);
	json_decref(json);
	item_send(live, &live->items, "node", &data);
}

void live_revision(struct live *live, int64_t revision, const json_t *what)
{
	struct text data = { 0 };
	json_t *json = json_object();

	(void)json_object_update(json, (json_t *)(uintptr_t)what);
	(void)json_object_set_new(json, "revision", json_integer(revision));
	add_json(&data, json);
	json_decref(json);
	item_send(live, &live->items, "revision", &data);
}

// Numbers among the samples of one message.
static size_t count_numbers(const json_t *values)
{
	const char *key;
	json_t *fields;
	size_t count = 0;

	json_object_foreach((json_t *)(uintptr_t)values, key, fields) count +=
		json_object_size(fields);
	return count;
}

void live_samples(struct live *live, int64_t node_id, const struct msg_samples *samples,
		  int64_t now_ms)
{
	struct node *node = node_find(live, node_id);
	struct text data = { 0 };

	if (!node)
		return;
	if (node->samples && samples->at_ms == node->samples_ms) {
		// Another part of the same moment.
		(void)json_object_update(node->samples, (json_t *)(uintptr_t)samples->values);
	} else {
		json_decref(node->samples);
		node->samples = json_deep_copy(samples->values);
		node->samples_numbers = 0;
	}
	// Parts of one moment may go on and on: what a node may hold is bounded.
	node->samples_numbers += count_numbers(samples->values);
	if (json_object_size(node->samples) > live->config.node_entries ||
	    node->samples_numbers > SAMPLES_PER_ENTRY * live->config.node_entries)
		(void)json_object_clear(node->samples);
	node->samples_ms = samples->at_ms;
	node->samples_seen_ms = now_ms;
	text_add(&data, "{\"node\":");
	add_string(&data, node->name);
	text_addf(&data, ",\"at\":%lld,\"values\":", (long long)samples->at_ms);
	add_json(&data, samples->values);
	text_add(&data, "}");
	item_send(live, &live->samples, "sample", &data);
}

void live_tick(struct live *live, int64_t now_ms)
{
	void *value = NULL;

	away_tick(live, now_ms);
	for (size_t at = 0; map_next(live->by_id, &at, NULL, &value);) {
		struct node *node = value;

		if (node_health(node, now_ms, NULL) != node->told)
			item_node(live, node, now_ms);
		if (node->events_suppressed && now_ms - node->event_allowance_ms > 60000) {
			const struct msg_event event = { .at_ms = now_ms,
							 .severity = "warning",
							 .kind = "events_suppressed",
							 .text = "more events came than are kept" };
			node->events_suppressed = 0;
			live_event(live, node->id, &event, now_ms);
		}
	}
}
