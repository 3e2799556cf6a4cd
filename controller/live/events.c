// Events: stored and streamed, at a bounded rate for each node, so that none can fill the disk.

#include "live/inside.h"

static bool is_within_rate(const struct live *live, struct node *node, int64_t now_ms)
{
	int64_t most = (int64_t)live->config.events_burst * 1000;
	int64_t passed = now_ms - node->event_allowance_ms;

	if (node->event_allowance_ms == 0 || passed > 3600000 || passed < 0)
		node->event_allowance = most;
	else
		node->event_allowance += passed * (int64_t)live->config.events_per_hour / 3600;
	node->event_allowance = node->event_allowance > most ? most : node->event_allowance;
	node->event_allowance_ms = now_ms;
	if (node->event_allowance < 1000)
		return false;
	node->event_allowance -= 1000;
	return true;
}

void live_event_own(struct live *live, const struct live_event *event)
{
	struct text data = { 0 };

	if (live->ops.store_event)
		live->ops.store_event(live->ctx, event);
	text_add(&data, "{\"node\":");
	add_string(&data, event->node);
	text_addf(&data, ",\"at\":%lld,\"severity\":\"%s\",\"kind\":", (long long)event->at_ms,
		  event->severity);
	add_string(&data, event->kind);
	text_add(&data, ",\"entry\":");
	add_string(&data, event->entry);
	text_add(&data, ",\"text\":");
	add_string(&data, event->text);
	text_add(&data, "}");
	item_send(live, &live->items, "event", &data);
}

void live_event(struct live *live, int64_t node_id, const struct msg_event *event, int64_t now_ms)
{
	struct node *node = node_find(live, node_id);

	if (!node)
		return;
	if (!is_within_rate(live, node, now_ms)) {
		node->events_suppressed++;
		return;
	}
	// Node clocks may be wrong; the order of the log is ours.
	const struct live_event known = { .node_id = node_id,
					  .node = node->name,
					  .at_ms = now_ms,
					  .severity = event->severity,
					  .kind = event->kind,
					  .entry = event->entry,
					  .text = event->text };
	live_event_own(live, &known);
}
