// One change: planned without a lasting effect, written down for the store, made true once it is on
// disk.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "intent/parts.h"

void transaction_free(struct transaction *t)
{
	if (!t)
		return;
	edits_done(&t->edits);
	plan_deltas_done(&t->deltas);
	rows_done(&t->rows);
	problem_list_done(&t->outcome.problems);
	json_decref(t->changes);
	json_decref(t->nodes);
	job_free(t->job);
	free(t);
}

// ---- planning ----

static int plan_applied(struct transaction *t, const struct fleet_edit *edits, size_t count)
{
	struct intent *intent = t->intent;
	struct outcome *outcome = &t->outcome;
	struct err err = { 0 };

	if (check_references(intent, &t->edits, outcome) < 0 ||
	    accounts_check(intent, &t->edits, outcome) < 0)
		return -EINVAL;
	if (plan_check(intent->fleet, edits, count, &outcome->problems) < 0)
		return outcome_set(outcome, INTENT_UNAVAILABLE, "out of memory");
	if (problem_list_any(&outcome->problems)) {
		(void)problem_list_err(&outcome->problems, &err);
		return outcome_set(outcome, INTENT_CONFLICT, "%s", err.text);
	}
	if (plan_allocate(intent->fleet, edits, count, t->intent->revision + 1, &err) < 0)
		return outcome_set(outcome,
				   err.code == -ENOSPC ? INTENT_CONFLICT : INTENT_UNAVAILABLE, "%s",
				   err.text);
	if (plan_change(intent->fleet, edits, count, &t->deltas, &err) < 0)
		return outcome_set(outcome, INTENT_UNAVAILABLE, "%s", err.text);
	return pending_check_undo(t);
}

static int plan_shown(struct transaction *t)
{
	CLEAN(free_ptr) struct fleet_edit *edits = NULL;
	struct intent *intent = t->intent;
	size_t count;

	if (edits_fleet(&t->edits, &edits, &count) < 0 || edits_apply(intent, &t->edits) < 0)
		return outcome_set(&t->outcome, INTENT_UNAVAILABLE, "out of memory");
	int rc = plan_applied(t, edits, count);
	edits_revert(intent, &t->edits);
	if (rc < 0)
		alloc_undo(fleet_alloc(intent->fleet));
	else
		alloc_rewind(fleet_alloc(intent->fleet));
	return rc;
}

static void stamp(struct transaction *t)
{
	for (size_t i = 0; i < t->edits.count; i++) {
		const struct edit *e = &t->edits.items[i];

		if (e->is_none || !e->after || t->job->facts)
			continue;
		e->after->pub.revision = t->revision;
		e->after->pub.updated_ms = t->at_ms;
		if (!e->before)
			e->after->pub.created_ms = t->at_ms;
	}
}

// The resource that a request is about is always the first edit.
static void note_resource(struct transaction *t)
{
	const struct edit *e = t->edits.count > 0 ? &t->edits.items[0] : NULL;

	if (t->job->facts || t->job->request.verb >= INTENT_APPLY || !e)
		return;
	t->resource_id = e->after ? e->after->pub.id : e->before->pub.id;
	t->is_created = !e->before;
}

int transaction_plan(struct transaction *t)
{
	struct intent *intent = t->intent;
	int rc;

	t->edits.last_id = intent->last_id;
	rc = t->job->facts ? facts_edits(intent, t->job, &t->edits, &t->outcome)
			   : request_edits(intent, t->job, &t->edits, &t->outcome);
	if (rc == 0 && !t->job->facts)
		rc = accounts_follow(intent, &t->edits, &t->outcome);
	if (rc == 0 && !t->job->facts)
		rc = enrolment_follow(intent, &t->edits, &t->outcome);
	if (rc == 0)
		rc = pending_check(t);
	if (rc == 0)
		rc = edits_parse(intent, &t->edits, &t->outcome);
	if (rc == 0)
		rc = plan_shown(t);
	if (rc < 0)
		return rc;
	t->is_changed = t->job->facts ? t->deltas.count > 0 : !edits_are_empty(&t->edits);
	t->revision = intent->revision + (t->is_changed ? 1 : 0);
	t->at_ms = clock_wall_ms();
	t->changes = changes_json(&t->edits);
	// Nobody waits for the answer to a change of facts, which may touch every node.
	t->nodes = t->job->facts ? json_array() : deltas_json(intent, &t->edits, &t->deltas);
	stamp(t);
	note_resource(t);
	if (!t->changes || !t->nodes)
		return outcome_set(&t->outcome, INTENT_UNAVAILABLE, "out of memory");
	return 0;
}

// ---- rows ----

static void rows_of_resources(struct transaction *t)
{
	const struct edits *edits = &t->edits;

	for (size_t i = 0; i < edits->count; i++) {
		if (!edits->items[i].after)
			rows_add(&t->rows, SQL_RESOURCE_DELETE, "i",
				 edits->items[i].before->pub.id);
	}
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *e = &edits->items[i];
		const struct resource *r = e->after;

		if (!r || e->is_none)
			continue;
		if (!e->before) {
			rows_add(&t->rows, SQL_RESOURCE_INSERT, "ittjtii", r->pub.id, r->pub.kind,
				 r->name, r->spec, r->set, t->revision, t->at_ms);
			continue;
		}
		if (strcmp(e->before->name, r->name) != 0)
			rows_add(&t->rows, SQL_RESOURCE_RENAME, "itii", r->pub.id, r->name,
				 t->revision, t->at_ms);
		rows_add(&t->rows, SQL_RESOURCE_UPDATE, "ijtii", r->pub.id, r->spec, r->set,
			 t->revision, t->at_ms);
	}
}

static void rows_of_facts(struct transaction *t)
{
	for (size_t i = 0; i < t->edits.count; i++) {
		const struct resource *after = t->edits.items[i].after;
		const struct resource *before = t->edits.items[i].before;
		const char *name;
		json_t *value;

		json_object_foreach(after->facts, name, value) rows_add(
			&t->rows, SQL_FACT_PUT, "itji", after->pub.id, name, value, t->at_ms);
		json_object_foreach(before->facts, name, value)
		{
			if (!json_object_get(after->facts, name))
				rows_add(&t->rows, SQL_FACT_DELETE, "it", after->pub.id, name);
		}
	}
}

static void rows_of_change(struct transaction *t, const struct edit *e, int64_t seq)
{
	const struct resource *r = e->after ? e->after : e->before;
	bool is_facts = t->job->facts != NULL;
	CLEAN(free_ptr) char *node = is_facts ? text_format("node/%s", r->name) : NULL;
	json_auto_t *before = NULL, *after = NULL;

	// Specs carry no secret: what may only be written never enters them.
	if (e->before)
		before = is_facts ? json_pack("{s:O*}", "facts", e->before->facts)
				  : json_incref(e->before->spec);
	if (e->after)
		after = is_facts ? json_pack("{s:O*}", "facts", e->after->facts)
				 : json_incref(e->after->spec);
	rows_add(&t->rows, SQL_CHANGE_INSERT, "iiittttjjitt", t->revision, seq, t->at_ms,
		 node ? node : t->job->actor, r->pub.kind, r->name, edit_action(e), before, after,
		 r->pub.id, e->before ? e->before->name : NULL, e->before ? e->before->set : NULL);
}

static void rows_of_allocations(struct transaction *t)
{
	const struct alloc *alloc = fleet_alloc(t->intent->fleet);

	for (size_t i = 0; i < alloc_log_count(alloc); i++) {
		struct alloc_row row = alloc_log_at(alloc, i);

		if (!row.value)
			rows_add(&t->rows, SQL_ALLOCATION_DELETE, "tt", row.pool, row.owner);
		else if (row.freed_revision == ALLOC_IN_USE)
			rows_add(&t->rows, SQL_ALLOCATION_PUT, "tttit", row.pool, row.owner,
				 row.value, INT64_C(1), NULL);
		else
			rows_add(&t->rows, SQL_ALLOCATION_PUT, "tttii", row.pool, row.owner,
				 row.value, INT64_C(1), row.freed_revision);
	}
}

// Asked for every touched node; when thousands report at once, none of their edits deletes.
static bool is_deleted(const struct transaction *t, int64_t id)
{
	for (size_t i = 0; t->edits.has_deletion && i < t->edits.count; i++) {
		const struct edit *e = &t->edits.items[i];

		if (!e->after && e->before->pub.id == id)
			return true;
	}
	return false;
}

static struct digest digest_after(const struct intent *intent, const struct plan_delta *d)
{
	struct digest digest = { 0 };
	char key[ID_KEY_SIZE];

	id_key(key, d->node_id);
	const struct node_target *target = map_get(intent->targets, key);
	if (target)
		digest = target->digest;
	digest_sub(&digest, d->removed);
	digest_add(&digest, d->added);
	return digest;
}

static void rows_of_targets(struct transaction *t)
{
	for (size_t i = 0; i < t->deltas.count; i++) {
		const struct plan_delta *d = &t->deltas.items[i];
		char text[DIGEST_TEXT_SIZE];

		if (is_deleted(t, d->node_id))
			continue;
		digest_format(digest_after(t->intent, d), text);
		rows_add(&t->rows, SQL_TARGET_PUT, "iit", d->node_id, t->revision, text);
	}
}

int transaction_rows(struct transaction *t)
{
	char last_id[ID_KEY_SIZE];
	int64_t seq = 0;

	if (t->job->facts)
		rows_of_facts(t);
	else
		rows_of_resources(t);
	for (size_t i = 0; i < t->edits.count && t->is_changed; i++) {
		if (!t->edits.items[i].is_none)
			rows_of_change(t, &t->edits.items[i], seq++);
	}
	rows_of_allocations(t);
	rows_of_targets(t);
	pending_rows(t);
	id_key(last_id, t->edits.last_id);
	if (t->edits.last_id != t->intent->last_id)
		rows_add(&t->rows, SQL_META_PUT, "tt", "last_id", last_id);
	return t->rows.failed ? -ENOMEM : 0;
}

// ---- publishing ----

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
	ret->is_gone = is_deleted(t, d->node_id);
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

// `set` and `drop` have room for the delta's entries.
static void delta_split(const struct plan_delta *d, struct intent_entry *set, const char **drop,
			struct intent_delta *ret)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->entries[i].body)
			set[ret->set_count++] =
				(struct intent_entry){ d->entries[i].key, d->entries[i].body };
		else
			drop[ret->drop_count++] = d->entries[i].key;
	}
	ret->set = set;
	ret->drop = drop;
}

static size_t entries_count(const struct plan_deltas *deltas)
{
	size_t count = 0;

	for (size_t i = 0; i < deltas->count; i++)
		count += deltas->items[i].count;
	return count;
}

static void tell(struct transaction *t)
{
	struct intent *intent = t->intent;
	size_t count = entries_count(&t->deltas), at = 0;
	CLEAN(free_ptr) struct intent_delta *deltas = calloc(t->deltas.count + 1, sizeof *deltas);
	CLEAN(free_ptr) struct intent_entry *set = calloc(count + 1, sizeof *set);
	CLEAN(free_ptr) const char **drop = calloc(count + 1, sizeof *drop);
	struct intent_commit commit = {
		.revision = t->revision,
		.at_ms = t->at_ms,
		.actor = t->job->actor,
		.changes = t->changes,
		.deltas = deltas,
		.delta_count = t->deltas.count,
	};

	if (!deltas || !set || !drop)
		abort(); // the store has it already: nobody may miss it
	for (size_t i = 0; i < t->deltas.count; i++) {
		const struct plan_delta *d = &t->deltas.items[i];

		deltas[i].node_id = d->node_id;
		deltas[i].node = delta_node_name(t, d->node_id);
		deltas[i].is_whole = d->is_whole;
		target_move(t, d, &deltas[i]);
		delta_split(d, &set[at], &drop[at], &deltas[i]);
		at += d->count;
	}
	for (size_t i = 0; i < intent->listener_count && t->is_changed; i++)
		intent->listeners[i].told(intent->listeners[i].arg, &commit);
}

void transaction_publish(struct transaction *t)
{
	struct intent *intent = t->intent;

	alloc_replay(fleet_alloc(intent->fleet));
	alloc_commit(fleet_alloc(intent->fleet));
	if (edits_apply(intent, &t->edits) < 0)
		abort(); // it was applied once to be planned
	intent->revision = t->revision;
	intent->last_id = t->edits.last_id;
	tell(t);
	pending_publish(t);
}
