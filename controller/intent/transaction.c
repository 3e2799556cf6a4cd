// One change: planned without a lasting effect, and written down for the store.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "intent/parts.h"

void transaction_free(struct transaction *t)
{
	if (!t)
		return;
	plan_work_free(t->work);
	free(t->fleet_edits);
	edits_done(&t->edits);
	plan_deltas_done(&t->deltas);
	told_done(&t->told);
	rows_done(&t->rows);
	problem_list_done(&t->outcome.problems);
	json_decref(t->changes);
	json_decref(t->nodes);
	job_free(t->job);
	free(t);
}

// ---- planning ----

static int plan_applied(struct transaction *t)
{
	struct intent *intent = t->intent;
	struct outcome *outcome = &t->outcome;
	const struct fleet_edit *edits = t->fleet_edits;
	size_t count = t->fleet_edit_count;
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
	if (plan_begin(intent->fleet, edits, count, &t->work, &err) < 0)
		return outcome_set(outcome, INTENT_UNAVAILABLE, "%s", err.text);
	return pending_check_undo(t);
}

static int plan_shown(struct transaction *t)
{
	struct intent *intent = t->intent;

	if (edits_fleet(&t->edits, &t->fleet_edits, &t->fleet_edit_count) < 0 ||
	    edits_apply(intent, &t->edits) < 0)
		return outcome_set(&t->outcome, INTENT_UNAVAILABLE, "out of memory");
	int rc = plan_applied(t);
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
	return rc < 0 ? rc : transaction_plan_on(t);
}

static int plan_ended(struct transaction *t)
{
	struct intent *intent = t->intent;

	plan_take(t->work, &t->deltas);
	plan_work_free(take_ptr(&t->work));
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

int transaction_plan_on(struct transaction *t)
{
	struct err err = { 0 };
	int rc = plan_step(t->work, &err);

	if (rc > 0)
		return rc;
	if (rc == 0)
		rc = plan_ended(t);
	else
		rc = outcome_set(&t->outcome, INTENT_UNAVAILABLE, "%s", err.text);
	if (rc < 0)
		alloc_undo(fleet_alloc(t->intent->fleet));
	return rc;
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
bool transaction_deletes(const struct transaction *t, int64_t id)
{
	for (size_t i = 0; t->edits.has_deletion && i < t->edits.count; i++) {
		const struct edit *e = &t->edits.items[i];

		if (!e->after && e->before->pub.id == id)
			return true;
	}
	return false;
}

struct digest digest_after(const struct intent *intent, const struct plan_delta *d)
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

		if (transaction_deletes(t, d->node_id))
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
	return t->rows.failed ? -ENOMEM : told_init(&t->told, &t->deltas);
}
