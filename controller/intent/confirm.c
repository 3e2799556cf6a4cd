// What waits for confirmation: kept beside the revisions, undone when its time is over.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "intent/parts.h"

#define RETRY_MS 10000 // after an undoing that could not be written

void pending_free(struct pending *pending)
{
	if (!pending)
		return;
	free(pending->actor);
	json_decref(pending->restore);
	free(pending);
}
CLEAN_FUNC(struct pending, pending_free)

bool intent_confirmation(const struct intent *intent, struct intent_confirmation *ret)
{
	const struct pending *p = intent->pending;

	if (p)
		*ret = (struct intent_confirmation){ p->revision, p->actor, p->at_ms, p->due_ms };
	return p != NULL;
}

void intent_listen_confirmation(struct intent *intent, intent_news_fn *told, void *arg)
{
	intent->news = told;
	intent->news_arg = arg;
}

static void tell(const struct intent *intent, enum intent_news news, const char *actor,
		 const char *detail)
{
	struct intent_confirmation of;

	if (intent->news && intent_confirmation(intent, &of))
		intent->news(intent->news_arg, news, &of, actor, detail);
}

// ---- at the start ----

static int load_pending(const struct store_row *row, void *arg, struct err *err)
{
	struct intent *intent = arg;
	const char *actor = store_row_text(row, 1);
	CLEAN(pending_free_ptr) struct pending *p = calloc(1, sizeof *p);

	if (!p)
		return err_set(err, -ENOMEM, "out of memory");
	p->revision = store_row_int(row, 0);
	p->actor = strdup(actor ? actor : "");
	p->at_ms = store_row_int(row, 2);
	p->due_ms = store_row_int(row, 3);
	p->restore = json_array();
	if (!p->actor || !p->restore)
		return err_set(err, -ENOMEM, "out of memory");
	pending_free(intent->pending);
	intent->pending = take_ptr(&p);
	return 0;
}

static int load_change(const struct store_row *row, void *arg, struct err *err)
{
	const struct intent *intent = arg;
	struct store_change change;

	store_read_change(row, &change);
	return restore_add_change(intent->pending->restore, &change, false, err);
}

int pending_load(struct intent *intent, struct store_tx *tx, struct err *err)
{
	int rc = store_query(tx, SQL_CONFIRMATION_GET, STORE_NO_PARAMS, load_pending, intent, err);

	if (rc < 0 || !intent->pending)
		return rc;
	return store_query(tx, SQL_CHANGE_OF_REVISION,
			   STORE_PARAMS(store_int(intent->pending->revision)), load_change, intent,
			   err);
}

// A wall clock that was set back must not make it wait for longer than was asked for.
void pending_start(struct intent *intent)
{
	const struct pending *p = intent->pending;

	if (!p)
		return;
	int64_t left = p->due_ms - clock_wall_ms();
	int64_t whole = p->due_ms - p->at_ms;
	left = left > whole ? whole : left;
	(void)uv_timer_start(intent->due, pending_due, left > 0 ? (uint64_t)left : 0, 0);
}

// ---- when its time is over ----

static void undo_done(void *arg, const struct intent_answer *answer)
{
	struct intent *intent = arg;

	if (answer->status == INTENT_OK || !intent->pending)
		return;
	log_error("revision %lld was not confirmed and could not be undone: %s",
		  (long long)intent->pending->revision, answer->detail);
	if (!intent->pending->is_stuck)
		tell(intent, INTENT_STUCK, "controller", answer->detail);
	intent->pending->is_stuck = true;
	(void)uv_timer_start(intent->due, pending_due, RETRY_MS, 0);
}

void pending_due(uv_timer_t *timer)
{
	struct intent *intent = timer->data;
	int64_t revision = intent->pending ? intent->pending->revision : 0;
	json_auto_t *body = json_pack("{s:I}", "revision", (json_int_t)revision);
	const struct intent_request request = { .verb = INTENT_UNDO,
						.actor = "controller",
						.body = body,
						.expected_revision = INTENT_ANY_REVISION };

	if (intent->pending && intent_submit(intent, &request, undo_done, intent, NULL) < 0)
		(void)uv_timer_start(timer, pending_due, RETRY_MS, 0);
}

// ---- planning ----

static bool is_touched(const struct pending *p, const struct resource *r)
{
	size_t i;
	json_t *item;

	json_array_foreach(p->restore, i, item)
	{
		if (json_integer_value(json_object_get(item, "id")) == r->pub.id)
			return true;
	}
	return false;
}

// What could not be brought back as it was: their secrets stand nowhere in the history.
static bool has_secret(const struct resource *r)
{
	return r->kind == KIND_USERS || r->kind == KIND_TOKENS || r->kind == KIND_SECRETS ||
	       r->kind == KIND_ENROLMENT_KEYS;
}

static int check_secrets(struct transaction *t)
{
	for (size_t i = 0; i < t->edits.count; i++) {
		const struct edit *e = &t->edits.items[i];

		if (e->before && !e->is_none && has_secret(e->before))
			return outcome_set(
				&t->outcome, INTENT_CONFLICT,
				"a change of %s/%s cannot be undone, since its secret is "
				"not kept: apply it without confirm",
				e->before->pub.kind, e->before->name);
	}
	return 0;
}

int pending_check(struct transaction *t)
{
	const struct pending *p = t->intent->pending;
	const struct intent_request *request = &t->job->request;

	if (t->job->facts || request->verb >= INTENT_CONFIRM)
		return 0;
	if (request->confirm_ms && p)
		return outcome_set(
			&t->outcome, INTENT_CONFLICT,
			"revision %lld still waits for `weft confirm`: confirm or undo it "
			"first",
			(long long)p->revision);
	for (size_t i = 0; p && i < t->edits.count; i++) {
		const struct edit *e = &t->edits.items[i];
		const struct resource *r = e->before ? e->before : e->after;

		if (!e->is_none && is_touched(p, r))
			return outcome_set(&t->outcome, INTENT_CONFLICT,
					   "%s/%s was changed by revision %lld, which waits for "
					   "`weft confirm`: confirm or undo it first",
					   r->pub.kind, r->name, (long long)p->revision);
	}
	return request->confirm_ms ? check_secrets(t) : 0;
}

static int try_undo(struct intent *intent, struct edits *undo, struct outcome *why)
{
	CLEAN(free_ptr) struct fleet_edit *items = NULL;
	struct err err = { 0 };
	size_t count;

	if (edits_fleet(undo, &items, &count) < 0 || edits_apply(intent, undo) < 0)
		return outcome_set(why, INTENT_UNAVAILABLE, "out of memory");
	int rc = check_references(intent, undo, why);
	if (rc == 0)
		rc = accounts_check(intent, undo, why);
	if (rc == 0 && plan_check(intent->fleet, items, count, &why->problems) < 0)
		rc = outcome_set(why, INTENT_UNAVAILABLE, "out of memory");
	edits_revert(intent, undo);
	if (rc == 0 && problem_list_any(&why->problems)) {
		(void)problem_list_err(&why->problems, &err);
		rc = outcome_set(why, INTENT_CONFLICT, "%s", err.text);
	}
	return rc;
}

int pending_check_undo(struct transaction *t)
{
	struct intent *intent = t->intent;
	CLEAN(edits_done) struct edits undo = { .last_id = t->edits.last_id };
	struct outcome why = { 0 };

	if (!intent->pending || t->job->facts || t->job->request.verb >= INTENT_CONFIRM)
		return 0;
	int rc = restore_edits(intent, intent->pending->restore, &undo, &why);
	if (rc == 0)
		rc = edits_parse(intent, &undo, &why);
	if (rc == 0)
		rc = try_undo(intent, &undo, &why);
	problem_list_done(&why.problems);
	return rc == 0 ? 0
		       : outcome_set(&t->outcome, INTENT_CONFLICT,
				     "revision %lld waits for `weft confirm` and could not be "
				     "undone after this change (%.300s): confirm or undo it first",
				     (long long)intent->pending->revision, why.detail);
}

int pending_edits(struct intent *intent, const struct job *job, struct edits *edits,
		  struct outcome *outcome)
{
	const json_t *revision = json_object_get(job->body, "revision");
	const struct pending *p = intent->pending;

	if (!p && !revision)
		return outcome_set(outcome, INTENT_CONFLICT, "nothing waits for confirmation");
	if (!p || (revision && json_integer_value(revision) != p->revision))
		return outcome_set(outcome, INTENT_CONFLICT,
				   "revision %lld does not wait for confirmation",
				   (long long)json_integer_value(revision));
	return job->request.verb == INTENT_UNDO ? restore_edits(intent, p->restore, edits, outcome)
						: 0;
}

// ---- writing and publishing ----

static bool begins(const struct transaction *t)
{
	return t->is_changed && t->job->request.confirm_ms > 0;
}

static bool ends(const struct transaction *t)
{
	return !t->job->facts && t->job->request.verb >= INTENT_CONFIRM;
}

void pending_rows(struct transaction *t)
{
	if (begins(t))
		rows_add(&t->rows, SQL_CONFIRMATION_PUT, "itii", t->revision, t->job->actor,
			 t->at_ms, t->at_ms + t->job->request.confirm_ms);
	else if (ends(t))
		rows_add(&t->rows, SQL_CONFIRMATION_DELETE, "i", t->intent->pending->revision);
}

static void begin(struct transaction *t)
{
	struct intent *intent = t->intent;
	struct pending *p = calloc(1, sizeof *p);

	if (!p)
		abort(); // the store has it already: it must not be forgotten
	p->revision = t->revision;
	p->actor = strdup(t->job->actor);
	p->at_ms = t->at_ms;
	p->due_ms = t->at_ms + t->job->request.confirm_ms;
	p->restore = restore_of_edits(&t->edits);
	if (!p->actor || !p->restore)
		abort();
	intent->pending = p;
	uv_update_time(intent->settings.loop);
	(void)uv_timer_start(intent->due, pending_due, (uint64_t)t->job->request.confirm_ms, 0);
	tell(intent, INTENT_WAITS, p->actor, NULL);
}

void pending_publish(struct transaction *t)
{
	struct intent *intent = t->intent;

	if (begins(t)) {
		begin(t);
	} else if (ends(t)) {
		bool is_confirmed = t->job->request.verb == INTENT_CONFIRM;

		(void)uv_timer_stop(intent->due);
		tell(intent, is_confirmed ? INTENT_CONFIRMED : INTENT_UNDONE, t->job->actor, NULL);
		pending_free(take_ptr(&intent->pending));
	}
}
