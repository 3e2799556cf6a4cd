// Subscribers: each is a place in the rings, so that a slow one costs nothing and holds nobody up.

#include <errno.h>

#include "live/inside.h"

struct live_subscriber {
	struct live *live;
	struct live_subscriber *next;
	uint64_t cursor;
	bool has_samples;
	bool is_lost;   // the cursor was never ours, or is too old
	bool is_asleep; // has read everything and waits for wake
	void (*wake)(void *ctx);
	void *ctx;
};

struct live_subscriber *live_subscribe(struct live *live, uint64_t cursor, bool samples,
				       void (*wake)(void *ctx), void *ctx)
{
	struct live_subscriber *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct live_subscriber){ .live = live,
				       .next = live->subscribers,
				       .cursor = cursor ? cursor : live->sequence,
				       .has_samples = samples,
				       .wake = wake,
				       .ctx = ctx };
	// Sequences begin with the time of the start: those of an earlier run are below, never
	// ours.
	s->is_lost = cursor != 0 &&
		     (cursor < (uint64_t)live->config.now_ms * 1000 || cursor > live->sequence);
	live->subscribers = s;
	if (samples && live->ops.samples_want)
		live->ops.samples_want(live->ctx, 0, 1);
	return s;
}

void live_unsubscribe(struct live_subscriber *subscriber)
{
	if (!subscriber)
		return;
	struct live *live = subscriber->live;
	struct live_subscriber **at = &live->subscribers;

	while (*at != subscriber)
		at = &(*at)->next;
	*at = subscriber->next;
	if (subscriber->has_samples && live->ops.samples_want)
		live->ops.samples_want(live->ctx, 0, -1);
	free(subscriber);
}

int live_read(struct live_subscriber *subscriber, struct live_item *ret_item)
{
	struct live *live = subscriber->live;

	if (subscriber->is_lost || subscriber->cursor < live->items.lost) {
		subscriber->is_lost = false;
		subscriber->cursor = live->sequence;
		return -ESTALE;
	}
	const struct ring_item *item = ring_after(&live->items, subscriber->cursor);
	const struct ring_item *sample =
		subscriber->has_samples ? ring_after(&live->samples, subscriber->cursor) : NULL;
	if (sample && (!item || sample->sequence < item->sequence))
		item = sample;
	subscriber->is_asleep = !item;
	if (!item)
		return 0;
	subscriber->cursor = item->sequence;
	*ret_item = (struct live_item){ item->sequence, item->kind, item->data, item->len };
	return 1;
}

void stream_wake(struct live *live)
{
	for (struct live_subscriber *s = live->subscribers; s; s = s->next) {
		if (!s->is_asleep)
			continue;
		s->is_asleep = false;
		if (s->wake)
			s->wake(s->ctx);
	}
}

uint64_t live_cursor(const struct live *live)
{
	return live->sequence;
}
