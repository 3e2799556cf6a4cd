#include "names/list.h"

#include <errno.h>
#include <string.h>

#include "names/list_inside.h"

static size_t aligned(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

int name_list_view(const void *image, size_t size, struct name_list *ret, struct err *err)
{
	struct list_header header;
	if (size < sizeof(header))
		return err_set(err, -EINVAL, "it is no list of names: too short");
	memcpy(&header, image, sizeof(header));
	if (header.magic != LIST_MAGIC)
		return err_set(err, -EINVAL,
			       "it is no list of names of this version and kind of machine");
	size_t tags = aligned(header.slots);
	size_t need = sizeof(header) + tags + (size_t)header.slots * sizeof(uint32_t);
	if (header.slots == 0 || size < need || header.entries_size != size - need)
		return err_set(err, -EINVAL, "the list of names is cut short");
	const uint8_t *bytes = image;
	*ret = (struct name_list){
		.tags = bytes + sizeof(header),
		.offsets = (const void *)(bytes + sizeof(header) + tags),
		.entries = bytes + need,
		.entries_size = (size_t)header.entries_size,
		.slots = header.slots,
		.names = header.names,
		.seed = header.seed,
		.deepest = header.deepest,
	};
	return 0;
}

// The `how` of the entry that is `wire`, 0 when there is none.
static unsigned find_suffix(const struct name_list *list, uint64_t hash, const uint8_t *wire,
			    size_t len)
{
	uint32_t slot = list_slot(hash, list->slots);
	uint8_t tag = list_tag(hash);
	for (uint32_t tries = 0; tries < list->slots && list->tags[slot] != 0; tries++) {
		size_t at = list->offsets[slot];
		if (list->tags[slot] == tag && at < list->entries_size &&
		    list->entries_size - at >= LIST_ENTRY_HEAD + len) {
			const uint8_t *entry = list->entries + at;
			if (entry[1] == len && memcmp(entry + LIST_ENTRY_HEAD, wire, len) == 0)
				return entry[0];
		}
		slot = slot + 1 == list->slots ? 0 : slot + 1;
	}
	return 0;
}

struct name_hit name_list_find(const struct name_list *list, const struct name *name)
{
	struct name_hit hit = { 0 };
	uint64_t hash = list->seed;
	unsigned labels = name->n_labels;
	for (unsigned depth = 1; depth <= labels && depth <= list->deepest; depth++) {
		unsigned start = name->starts[labels - depth];
		hash = list_hash(hash, name->wire + start);
		unsigned how = find_suffix(list, hash, name->wire + start, name->len - start);
		if (how & (depth == labels ? NAME_EXACT : NAME_BELOW))
			hit = (struct name_hit){ how, depth };
	}
	return hit;
}

void name_list_fetch_tables(const struct name_list *list, const struct name *name)
{
	uint64_t hash = list->seed;
	const unsigned labels = name->n_labels;
	for (unsigned depth = 1; depth <= labels && depth <= list->deepest; depth++) {
		hash = list_hash(hash, name->wire + name->starts[labels - depth]);
		const uint32_t slot = list_slot(hash, list->slots);
		__builtin_prefetch(list->tags + slot);
		__builtin_prefetch(list->offsets + slot);
	}
}

// The first slot that may be a name's; else a free one, or the last.
static uint32_t likely_slot(const struct name_list *list, uint64_t hash)
{
	const uint8_t tag = list_tag(hash);
	uint32_t slot = list_slot(hash, list->slots);
	while (slot + 1 < list->slots && list->tags[slot] != tag && list->tags[slot] != 0)
		slot++;
	return slot;
}

void name_list_fetch_entries(const struct name_list *list, const struct name *name)
{
	uint64_t hash = list->seed;
	const unsigned labels = name->n_labels;
	for (unsigned depth = 1; depth <= labels && depth <= list->deepest; depth++) {
		hash = list_hash(hash, name->wire + name->starts[labels - depth]);
		const uint32_t slot = likely_slot(list, hash);
		if (list->tags[slot] == list_tag(hash) && list->offsets[slot] < list->entries_size)
			__builtin_prefetch(list->entries + list->offsets[slot]);
	}
}
