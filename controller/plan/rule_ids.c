// By what nodes tell the rules of a policy apart, whatever order they stand in.
//
// An id is made of what the rule says, so that it is the rule's own through every edit of others.
// Of a connection's mark there are too few bits for it: slots are handed out in the order of the
// ids, so that these do not depend on the rules' order either, and shift only where two rules meet.
#include <stdlib.h>

#include "base/clean.h"

#include "plan/generate.h"

// Connections' marks have room for so many of a policy (decide/marks.h of the agent).
enum { SLOTS = 255 };

struct identity {
	uint32_t id;
	json_t *rule;
};

// FNV-1a; never 0.
static uint32_t hash_of(const char *text)
{
	uint64_t h = 0xcbf29ce484222325U;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3U;
	return (uint32_t)(h % INT32_MAX) + 1;
}

// Neither its place nor what its lists are called now.
static uint32_t id_of(const json_t *rule)
{
	json_t *said = json_deep_copy(rule), *list;
	size_t i;

	(void)json_object_del(said, "number");
	json_array_foreach(json_object_get(said, "lists"), i, list)(void)
		json_object_del(list, "name");
	CLEAN(free_ptr) char *text = json_dumps(said, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(said);
	return text ? hash_of(text) : 0;
}

static int compare(const void *x, const void *y)
{
	const struct identity *a = x, *b = y;

	return (a->id > b->id) - (a->id < b->id);
}

// Ids in rising order. Rules that say the same are told apart by their order only.
static void put_ids(struct identity *rules, size_t count, bool *taken, size_t slots)
{
	uint32_t last = 0;

	for (size_t i = 0; i < count; i++) {
		const uint32_t id = rules[i].id > last ? rules[i].id : last + 1;
		size_t slot = id % slots;

		while (taken[slot])
			slot = (slot + 1) % slots;
		taken[slot] = true;
		last = id;
		(void)json_object_set_new(rules[i].rule, "id", json_integer(id));
		(void)json_object_set_new(rules[i].rule, "slot",
					  json_integer((json_int_t)slot + 1));
	}
}

bool generate_rule_ids(json_t *rules)
{
	const size_t count = json_array_size(rules), slots = count > SLOTS ? count : SLOTS;
	CLEAN(free_ptr) struct identity *identities = calloc(count + 1, sizeof *identities);
	CLEAN(free_ptr) bool *taken = calloc(slots, sizeof *taken);
	json_t *rule;
	size_t i;

	if (!identities || !taken)
		return false;
	json_array_foreach(rules, i, rule)
	{
		identities[i] = (struct identity){ id_of(rule), rule };
		if (identities[i].id == 0)
			return false;
	}
	qsort(identities, count, sizeof *identities, compare);
	put_ids(identities, count, taken, slots);
	return true;
}
