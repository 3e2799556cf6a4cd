// An enrolment key that was made for one node ends with that node: it neither keeps the node from
// being deleted nor lets a host in under its name afterwards.
#include <errno.h>
#include <string.h>

#include "intent/parts.h"

static int search_node(const struct kind_reference_at *at, void *data)
{
	const struct resource *node = data;

	return at->to == KIND_NODES && at->name && strcmp(at->name, node->name) == 0;
}

static int follow_node(const struct intent *intent, const struct resource *node,
		       struct edits *edits)
{
	void *value;
	int rc = 0;

	for (size_t at = 0;
	     rc == 0 && map_next(intent->by_name[KIND_ENROLMENT_KEYS], &at, NULL, &value);) {
		struct resource *key = value;

		if (kind_walk_references(&kinds[key->kind], key->spec, search_node, (void *)node) >
			    0 &&
		    !edits_hold(edits, key))
			rc = edits_add(edits, key, NULL);
	}
	return rc;
}

int enrolment_follow(const struct intent *intent, struct edits *edits, struct outcome *outcome)
{
	size_t count = edits->count; // what follows has nothing that follows from it

	for (size_t i = 0; i < count; i++) {
		const struct edit e = edits->items[i];

		if (e.after || e.before->kind != KIND_NODES)
			continue;
		if (follow_node(intent, e.before, edits) < 0)
			return outcome_set(outcome, INTENT_UNAVAILABLE, "out of memory");
	}
	return 0;
}
