#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clean.h"

#include "names/list.h"
#include "names/list_inside.h"

// Of four slots three are in use. A row of used slots longer than CLUSTER_MAX comes by chance once
// in very many tables; a list made to have one gets another seed.
enum { CLUSTER_MAX = 1024, SEEDS_MAX = 16 };

struct name_list_builder {
	uint8_t *entries;
	size_t size, cap, count;
};

// An image under construction.
struct table {
	struct list_header header;
	uint8_t *tags;
	uint32_t *offsets;
	uint8_t *entries;
};

struct name_list_builder *name_list_builder_new(void)
{
	return calloc(1, sizeof(struct name_list_builder));
}

void name_list_builder_free(struct name_list_builder *builder)
{
	if (builder)
		free(builder->entries);
	free(builder);
}

int name_list_add(struct name_list_builder *builder, const struct name_rule *rule, struct err *err)
{
	size_t need = LIST_ENTRY_HEAD + (size_t)rule->name.len;
	if (need > UINT32_MAX - builder->size)
		return err_set(err, -EFBIG, "the list has more than 4 GB of names");
	if (need > builder->cap - builder->size) {
		size_t cap = builder->cap + builder->cap / 2 + 4096;
		uint8_t *entries = realloc(builder->entries, cap + NAME_WIRE_BEHIND);
		if (!entries)
			return err_set(err, -ENOMEM, "out of memory for a list of %zu names",
				       builder->count);
		builder->entries = entries;
		builder->cap = cap;
	}
	uint8_t *entry = builder->entries + builder->size;
	entry[0] = (uint8_t)rule->how;
	entry[1] = rule->name.len;
	memcpy(entry + LIST_ENTRY_HEAD, rule->name.wire, rule->name.len);
	builder->size += need;
	builder->count++;
	return 0;
}

static uint64_t entry_hash(uint64_t seed, const uint8_t *entry, unsigned *ret_labels)
{
	const uint8_t *wire = entry + LIST_ENTRY_HEAD;
	uint8_t starts[NAME_LABELS_MAX];
	unsigned labels = 0;
	for (unsigned at = 0; wire[at] != 0; at += 1u + wire[at])
		starts[labels++] = (uint8_t)at;
	uint64_t hash = seed;
	for (unsigned i = labels; i-- > 0;)
		hash = list_hash(hash, wire + starts[i]);
	*ret_labels = labels;
	return hash;
}

// Where the entry is, or belongs; -EAGAIN when that is too far from where it should be.
static int find_slot(const struct table *table, uint64_t hash, const uint8_t *entry,
		     uint32_t *ret_slot)
{
	uint32_t slot = list_slot(hash, table->header.slots);
	for (unsigned tries = 0; tries < CLUSTER_MAX; tries++) {
		const uint8_t *other = table->entries + table->offsets[slot];
		bool is_same =
			table->tags[slot] == list_tag(hash) && other[1] == entry[1] &&
			memcmp(other + LIST_ENTRY_HEAD, entry + LIST_ENTRY_HEAD, entry[1]) == 0;
		if (is_same || table->tags[slot] == 0) {
			*ret_slot = slot;
			return 0;
		}
		slot = slot + 1 == table->header.slots ? 0 : slot + 1;
	}
	return -EAGAIN;
}

// Puts an entry of the builder's into the table, or its `how` to that of the same name.
static int put_entry(struct table *table, const uint8_t *entry)
{
	unsigned labels;
	uint32_t slot;
	uint64_t hash = entry_hash(table->header.seed, entry, &labels);
	int r = find_slot(table, hash, entry, &slot);
	if (r < 0)
		return r;
	if (table->tags[slot] != 0) {
		table->entries[table->offsets[slot]] |= entry[0];
		return 0;
	}
	size_t size = LIST_ENTRY_HEAD + (size_t)entry[1];
	table->tags[slot] = list_tag(hash);
	table->offsets[slot] = (uint32_t)table->header.entries_size;
	memcpy(table->entries + table->header.entries_size, entry, size);
	table->header.entries_size += size;
	table->header.names++;
	if (labels > table->header.deepest)
		table->header.deepest = labels;
	return 0;
}

static int fill(struct table *table, const struct name_list_builder *builder)
{
	int r = 0;
	memset(table->tags, 0, table->header.slots);
	memset(table->offsets, 0, table->header.slots * sizeof(uint32_t));
	table->header.entries_size = 0;
	table->header.names = 0;
	table->header.deepest = 0;
	if (getrandom(&table->header.seed, sizeof(table->header.seed), 0) < 0)
		return -errno;
	for (size_t at = 0; r == 0 && at < builder->size;
	     at += LIST_ENTRY_HEAD + (size_t)builder->entries[at + 1])
		r = put_entry(table, builder->entries + at);
	return r;
}

int name_list_image(struct name_list_builder *builder, void **ret_image, size_t *ret_size,
		    struct err *err)
{
	size_t slots = builder->count + builder->count / 3 + 8;
	if (slots > UINT32_MAX)
		return err_set(err, -EFBIG, "a list of %zu names is too long", builder->count);
	size_t head = sizeof(struct list_header) + ((slots + 7) & ~(size_t)7);
	size_t tables = head + slots * sizeof(uint32_t);
	CLEAN(free_ptr) uint8_t *image = calloc(1, tables + builder->size);
	if (!image)
		return err_set(err, -ENOMEM, "out of memory for a list of %zu names",
			       builder->count);
	struct table table = {
		.header = { .magic = LIST_MAGIC, .slots = (uint32_t)slots },
		.tags = image + sizeof(struct list_header),
		.offsets = (void *)(image + head),
		.entries = image + tables,
	};
	int r = -EAGAIN;
	for (unsigned i = 0; r == -EAGAIN && i < SEEDS_MAX; i++)
		r = fill(&table, builder);
	if (r < 0)
		return err_set(err, r, "the list's table could not be made");
	memcpy(image, &table.header, sizeof(table.header));
	*ret_image = take_ptr(&image);
	*ret_size = tables + (size_t)table.header.entries_size;
	return 0;
}
