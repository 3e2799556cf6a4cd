#include <errno.h>

#include "live/inside.h"

int ring_init(struct ring *ring, size_t items, size_t bytes)
{
	*ring = (struct ring){ .items = calloc(items, sizeof(struct ring_item)),
			       .cap = items,
			       .bytes_max = bytes };
	return ring->items ? 0 : -ENOMEM;
}

static void forget_oldest(struct ring *ring)
{
	struct ring_item *oldest = &ring->items[ring->first];

	ring->lost = oldest->sequence;
	ring->bytes -= oldest->len;
	free(oldest->data);
	ring->first = (ring->first + 1) % ring->cap;
	ring->count--;
}

void ring_done(struct ring *ring)
{
	while (ring->count)
		forget_oldest(ring);
	free(ring->items);
}

void ring_add(struct ring *ring, const struct ring_item *item)
{
	while (ring->count &&
	       (ring->count == ring->cap || ring->bytes + item->len > ring->bytes_max))
		forget_oldest(ring);
	ring->items[(ring->first + ring->count++) % ring->cap] = *item;
	ring->bytes += item->len;
}

const struct ring_item *ring_after(const struct ring *ring, uint64_t sequence)
{
	size_t low = 0;
	size_t high = ring->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ring->items[(ring->first + middle) % ring->cap].sequence <= sequence)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ring->count ? &ring->items[(ring->first + low) % ring->cap] : NULL;
}
