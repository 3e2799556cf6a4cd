#include "base/map.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

// Open addressing over indexes into an insertion-ordered array; dropped items leave a hole (key
// NULL) until a rebuild.
struct item {
	char *key;
	void *value;
	uint64_t hash;
};

enum { SLOT_EMPTY = 0, SLOT_MIN = 16 };

struct map {
	struct item *items;
	size_t used; // items in use or holes
	size_t cap;
	size_t live;
	uint32_t *slots; // 1 + index into items, SLOT_EMPTY when free
	size_t slot_count;
	void (*free_value)(void *);
};

static uint64_t hash_of(const char *key)
{
	// FNV-1a, 64 bits.
	uint64_t h = 0xcbf29ce484222325U;
	for (; *key; key++)
		h = (h ^ (uint8_t)*key) * 0x100000001b3U;
	return h ^ (h >> 32);
}

struct map *map_new(void (*free_value)(void *))
{
	struct map *m = calloc(1, sizeof *m);
	if (m)
		m->free_value = free_value;
	return m;
}

static void value_done(const struct map *m, void *value)
{
	if (m->free_value)
		m->free_value(value);
}

void map_free(struct map *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->used; i++) {
		if (m->items[i].key) {
			value_done(m, m->items[i].value);
			free(m->items[i].key);
		}
	}
	free(m->items);
	free(m->slots);
	free(m);
}

static struct item *item_find(const struct map *m, const char *key, uint64_t hash)
{
	if (!m->slot_count)
		return NULL;
	for (size_t s = hash & (m->slot_count - 1); m->slots[s] != SLOT_EMPTY;
	     s = (s + 1) & (m->slot_count - 1)) {
		struct item *item = &m->items[m->slots[s] - 1];
		if (item->key && item->hash == hash && strcmp(item->key, key) == 0)
			return item;
	}
	return NULL;
}

static void slot_put(struct map *m, uint32_t index)
{
	size_t s = m->items[index].hash & (m->slot_count - 1);
	while (m->slots[s] != SLOT_EMPTY)
		s = (s + 1) & (m->slot_count - 1);
	m->slots[s] = index + 1;
}

// Makes room for one more: closes the holes and doubles the slots when more than half are taken.
static int map_rebuild(struct map *m)
{
	size_t slot_count = SLOT_MIN;
	while (slot_count < (m->live + 1) * 4)
		slot_count *= 2;
	size_t cap = slot_count / 2;
	struct item *items = calloc(cap, sizeof *items);
	uint32_t *slots = calloc(slot_count, sizeof *slots);
	if (!items || !slots) {
		free(items);
		free(slots);
		return -ENOMEM;
	}
	size_t used = 0;
	for (size_t i = 0; i < m->used; i++) {
		if (m->items[i].key)
			items[used++] = m->items[i];
	}
	free(m->items);
	free(m->slots);
	m->items = items;
	m->slots = slots;
	m->used = used;
	m->cap = cap;
	m->slot_count = slot_count;
	for (size_t i = 0; i < used; i++)
		slot_put(m, (uint32_t)i);
	return 0;
}

int map_set(struct map *m, const char *key, void *value)
{
	uint64_t hash = hash_of(key);
	struct item *item = item_find(m, key, hash);
	if (item) {
		if (item->value != value)
			value_done(m, item->value);
		item->value = value;
		return 0;
	}
	CLEAN(free_ptr) char *copy = strdup(key);
	if (!copy || (m->used == m->cap && map_rebuild(m) < 0))
		return -ENOMEM;
	m->items[m->used] = (struct item){ .key = take_ptr(&copy), .value = value, .hash = hash };
	slot_put(m, (uint32_t)m->used);
	m->used++;
	m->live++;
	return 0;
}

void *map_get(const struct map *m, const char *key)
{
	struct item *item = item_find(m, key, hash_of(key));
	return item ? item->value : NULL;
}

bool map_drop(struct map *m, const char *key)
{
	struct item *item = item_find(m, key, hash_of(key));
	if (!item)
		return false;
	char *old_key = item->key;
	void *value = item->value;
	item->key = NULL;
	item->value = NULL;
	m->live--;
	value_done(m, value);
	free(old_key);
	return true;
}

size_t map_size(const struct map *m)
{
	return m->live;
}

bool map_next(const struct map *m, size_t *at, const char **ret_key, void **ret_value)
{
	while (*at < m->used) {
		const struct item *item = &m->items[(*at)++];
		if (!item->key)
			continue;
		if (ret_key)
			*ret_key = item->key;
		if (ret_value)
			*ret_value = item->value;
		return true;
	}
	return false;
}
