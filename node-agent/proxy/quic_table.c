#include "proxy/quic_table.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 };

struct queue {
	struct quic_entry *first, *last;
};

struct quic_table {
	struct quic_entry *buckets[BUCKETS];
	struct queue queues[QUIC_WAITS];
	size_t size, n_heard, n_bytes;
	uint32_t last_serial;
};

struct quic_table *quic_table_new(void)
{
	return calloc(1, sizeof(struct quic_table));
}

static uint32_t add_place(uint32_t hash, const struct place *place)
{
	for (size_t i = 0; i < sizeof(place->address.bytes); i++)
		hash = (hash ^ place->address.bytes[i]) * 16777619u;
	return (hash ^ place->port) * 16777619u;
}

static struct quic_entry **bucket_of(struct quic_table *table, const struct place *client,
				     const struct place *to)
{
	uint32_t hash = add_place(add_place(2166136261u, client), to);
	return &table->buckets[(hash ^ hash >> 16) % BUCKETS];
}

static bool is_same(const struct place *a, const struct place *b)
{
	return a->port == b->port && address_equal(&a->address, &b->address);
}

struct quic_entry *quic_table_find(struct quic_table *table, const struct place *client,
				   const struct place *to)
{
	struct quic_entry *entry = *bucket_of(table, client, to);
	while (entry && !(is_same(&entry->client, client) && is_same(&entry->to, to)))
		entry = entry->chain;
	return entry;
}

static void leave_queue(struct quic_table *table, struct quic_entry *entry)
{
	struct queue *queue = &table->queues[entry->wait];
	*(entry->prev ? &entry->prev->next : &queue->first) = entry->next;
	*(entry->next ? &entry->next->prev : &queue->last) = entry->prev;
	table->n_heard -= entry->wait == QUIC_HEARD;
}

static void join_queue(struct quic_table *table, struct quic_entry *entry, enum quic_wait wait,
		       int64_t now_ms)
{
	struct queue *queue = &table->queues[wait];
	entry->wait = wait;
	entry->since_ms = now_ms;
	entry->next = NULL;
	entry->prev = queue->last;
	*(queue->last ? &queue->last->next : &queue->first) = entry;
	queue->last = entry;
	table->n_heard += wait == QUIC_HEARD;
}

void quic_table_wait(struct quic_table *table, struct quic_entry *entry, enum quic_wait wait,
		     int64_t now_ms)
{
	leave_queue(table, entry);
	join_queue(table, entry, wait, now_ms);
}

// Decided ones are only remembered, so they go first.
static unsigned make_room(struct quic_table *table)
{
	unsigned lost = 0;
	while (table->n_heard >= QUIC_HEARD_MAX) {
		quic_table_drop(table, table->queues[QUIC_HEARD].first);
		lost++;
	}
	while (table->size >= QUIC_FLOWS_MAX) {
		struct quic_entry *oldest = table->queues[QUIC_DECIDED].first;
		for (unsigned wait = 0; !oldest; wait++) {
			oldest = table->queues[wait].first;
			lost += oldest != NULL;
		}
		quic_table_drop(table, oldest);
	}
	return lost;
}

struct quic_entry *quic_table_add(struct quic_table *table, const struct place *client,
				  const struct place *to, int64_t now_ms, unsigned *ret_lost)
{
	*ret_lost = make_room(table);
	struct quic_entry *entry = calloc(1, sizeof(*entry));
	if (entry)
		entry->flow = quic_flow_new();
	if (!entry || !entry->flow) {
		free(entry);
		return NULL;
	}
	entry->client = *client;
	entry->to = *to;
	entry->serial = ++table->last_serial;
	entry->last = &entry->first;
	struct quic_entry **bucket = bucket_of(table, client, to);
	entry->chain = *bucket;
	*bucket = entry;
	join_queue(table, entry, QUIC_HEARD, now_ms);
	table->size++;
	return entry;
}

void quic_table_drop(struct quic_table *table, struct quic_entry *entry)
{
	struct quic_entry **at = bucket_of(table, &entry->client, &entry->to);
	struct quic_held *held;
	while (*at != entry)
		at = &(*at)->chain;
	*at = entry->chain;
	leave_queue(table, entry);
	table->size--;
	while ((held = quic_table_take(table, entry)))
		free(held);
	quic_flow_free(entry->flow);
	free(entry);
}

struct quic_entry *quic_table_oldest(struct quic_table *table, enum quic_wait wait)
{
	return table->queues[wait].first;
}

struct quic_entry *quic_table_of_serial(struct quic_table *table, enum quic_wait wait,
					uint32_t serial)
{
	struct quic_entry *entry = table->queues[wait].first;
	while (entry && entry->serial != serial)
		entry = entry->next;
	return entry;
}

size_t quic_table_size(const struct quic_table *table)
{
	return table->size;
}

bool quic_table_hold(struct quic_table *table, struct quic_entry *entry, const uint8_t *bytes,
		     size_t len)
{
	struct quic_held *held;
	if (entry->n_held >= QUIC_HELD_MAX || table->n_bytes + len > QUIC_HELD_BYTES)
		return false;
	held = malloc(sizeof(*held) + len);
	if (!held)
		return false;
	held->next = NULL;
	held->len = len;
	memcpy(held->bytes, bytes, len);
	*entry->last = held;
	entry->last = &held->next;
	entry->n_held++;
	table->n_bytes += len;
	return true;
}

struct quic_held *quic_table_take(struct quic_table *table, struct quic_entry *entry)
{
	struct quic_held *held = entry->first;
	if (!held)
		return NULL;
	entry->first = held->next;
	if (!entry->first)
		entry->last = &entry->first;
	entry->n_held--;
	table->n_bytes -= held->len;
	return held;
}

void quic_table_free(struct quic_table *table)
{
	if (!table)
		return;
	for (unsigned wait = 0; wait < QUIC_WAITS; wait++)
		while (table->queues[wait].first)
			quic_table_drop(table, table->queues[wait].first);
	free(table);
}
