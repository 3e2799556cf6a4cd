// Publishing: a change that is on disk is made true in memory, and the listeners are told. A change
// of very many nodes is told in parts, so that others have their turn.
#include <errno.h>
#include <stdlib.h>

#include "intent/parts.h"

#define PART_ENTRIES 2000
#define PART_NODES   50

void told_done(struct told *told)
{
	free(told->deltas);
	free(told->set);
	free(told->drop);
	*told = (struct told){ 0 };
}

int told_init(struct told *told, const struct plan_deltas *deltas)
{
	size_t entries = 0;

	for (size_t i = 0; i < deltas->count; i++)
		entries += deltas->items[i].count;
	told->deltas = calloc(deltas->count + 1, sizeof *told->deltas);
	told->set = calloc(entries + 1, sizeof *told->set);
	told->drop = calloc(entries + 1, sizeof *told->drop);
	return told->deltas && told->set && told->drop ? 0 : -ENOMEM;
}

static void target_move(struct transaction *t, const struct plan_delta *d, struct intent_delta *ret)
{
	struct intent *intent = t->intent;
	char key[ID_KEY_SIZE];

	id_key(key, d->node_id);
	struct digest after = digest_after(intent, d);
	struct node_target *target = map_get(intent->targets, key);
	if (!target) {
		target = calloc(1, sizeof *target);
		if (!target || map_set(intent->targets, key, target) < 0)
			abort(); // the store has it already: memory may not say otherwise
	}
	digest_format(target->digest, ret->base_digest);
	digest_format(after, ret->digest);
	target->digest = after;
	target->revision = t->revision;
	ret->is_gone = transaction_deletes(t, d->node_id);
	if (ret->is_gone)
		(void)map_drop(intent->targets, key);
}

static const char *delta_node_name(const struct transaction *t, int64_t id)
{
	const struct resource *now = resource_find_id(t->intent, id);

	for (size_t i = 0; i < t->edits.count && !now; i++) {
		const struct resource *gone = t->edits.items[i].before;

		if (gone && gone->pub.id == id)
			return gone->name;
	}
	return now ? now->name : "";
}

static void delta_split(struct told *told, const struct plan_delta *d, struct intent_delta *ret)
{
	struct intent_entry *set = &told->set[told->entry_count];
	const char **drop = &told->drop[told->entry_count];

	for (size_t i = 0; i < d->count; i++) {
		if (d->entries[i].body)
			set[ret->set_count++] =
				(struct intent_entry){ d->entries[i].key, d->entries[i].body };
		else
			drop[ret->drop_count++] = d->entries[i].key;
	}
	ret->set = set;
	ret->drop = drop;
	told->entry_count += d->count;
}

static void prepare(struct transaction *t)
{
	for (size_t i = 0; i < t->deltas.count; i++) {
		const struct plan_delta *d = &t->deltas.items[i];
		struct intent_delta *to = &t->told.deltas[i];

		to->node_id = d->node_id;
		to->node = delta_node_name(t, d->node_id);
		to->is_whole = d->is_whole;
		target_move(t, d, to);
		delta_split(&t->told, d, to);
	}
}

static size_t part_end(const struct transaction *t)
{
	size_t end = t->told.at, entries = 0;

	while (end < t->deltas.count && entries < PART_ENTRIES && end - t->told.at < PART_NODES)
		entries += t->deltas.items[end++].count;
	return end;
}

bool transaction_publish_on(struct transaction *t)
{
	struct intent *intent = t->intent;
	size_t end = part_end(t);
	struct intent_commit commit = {
		.revision = t->revision,
		.at_ms = t->at_ms,
		.actor = t->job->actor,
		.changes = t->changes,
		.deltas = &t->told.deltas[t->told.at],
		.delta_count = end - t->told.at,
		.nodes_touched = t->deltas.count,
		.is_first = t->told.at == 0,
		.is_last = end == t->deltas.count,
	};

	for (size_t i = 0; i < intent->listener_count && t->is_changed; i++)
		intent->listeners[i].told(intent->listeners[i].arg, &commit);
	t->told.at = end;
	if (!commit.is_last)
		return true;
	pending_publish(t);
	return false;
}

bool transaction_publish(struct transaction *t)
{
	struct intent *intent = t->intent;

	alloc_replay(fleet_alloc(intent->fleet));
	alloc_commit(fleet_alloc(intent->fleet));
	if (edits_apply(intent, &t->edits) < 0)
		abort(); // it was applied once to be planned
	intent->revision = t->revision;
	intent->last_id = t->edits.last_id;
	prepare(t);
	return transaction_publish_on(t);
}
