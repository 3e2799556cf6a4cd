// The queue of requests: one is planned and at the store, the others wait.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "intent/parts.h"

#define PIECE_MS   1   // between two pieces of a plan: everybody else's turn
#define LOOK_UP_MS 500 // until an outcome that is not known is asked for again

void job_free(struct job *job)
{
	if (!job)
		return;
	free(job->actor);
	free(job->kind);
	free(job->name);
	free(job->op_id);
	json_decref(job->body);
	json_decref(job->restore);
	map_free(job->facts);
	free(job);
}

int queue_add(struct intent *intent, struct job *job)
{
	if (intent->last)
		intent->last->next = job;
	else
		intent->first = job;
	intent->last = job;
	intent->queued++;
	return uv_timer_start(intent->pump, queue_pump, 0, 0);
}

static char *copy_text(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;

	*failed = *failed || (text && !copy);
	return copy;
}

int intent_submit(struct intent *intent, const struct intent_request *request, intent_done_fn *done,
		  void *arg, struct err *err)
{
	CLEAN(job_free_ptr) struct job *job = calloc(1, sizeof *job);
	bool failed = false;

	if (intent->queued >= QUEUE_MAX)
		return err_set(err, -EBUSY, "too many changes are waiting; try again later");
	if (!job)
		return err_set(err, -ENOMEM, "out of memory");
	job->request = *request;
	job->actor = copy_text(request->actor ? request->actor : "controller", &failed);
	job->kind = copy_text(request->kind, &failed);
	job->name = copy_text(request->name, &failed);
	job->op_id = copy_text(request->op_id, &failed);
	job->body = request->body ? json_deep_copy(request->body) : NULL;
	if (failed || (request->body && !job->body))
		return err_set(err, -ENOMEM, "out of memory");
	job->done = done;
	job->done_arg = arg;
	if (request->verb != INTENT_ROLLBACK)
		return queue_add(intent, take_ptr(&job));
	if (rollback_read(intent, job) < 0)
		return err_set(err, -EBUSY, "the database takes no question now");
	job = NULL;
	return 0;
}

// ---- answers ----

static json_t *answer_resource(const struct transaction *t)
{
	const struct resource *r = NULL;

	if (t->resource_id == 0 || t->outcome.status != INTENT_OK || t->edits.count == 0)
		return NULL;
	r = t->edits.items[0].after;
	return r ? intent_resource_json(t->intent, &r->pub, false) : NULL;
}

static void answer(struct transaction *t)
{
	json_auto_t *resource = answer_resource(t);
	bool is_ok = t->outcome.status == INTENT_OK;
	struct intent_answer a = {
		.status = t->outcome.status,
		.detail = is_ok ? NULL : t->outcome.detail,
		.problems = problem_list_any(&t->outcome.problems) ? &t->outcome.problems : NULL,
		.revision = is_ok && !job_is_dry(t->job) ? t->revision : t->intent->revision,
		.is_changed = is_ok && t->is_changed,
		.is_created = is_ok && t->is_created,
		.changes = t->changes,
		.nodes = t->nodes,
		.resource = resource,
	};

	if (t->job->done)
		t->job->done(t->job->done_arg, &a);
	else if (t->outcome.status != INTENT_OK)
		log_warn("facts: not stored: %s", t->outcome.detail);
	if (t->job->facts)
		facts_settled(t->intent, t->job, is_ok);
}

// ---- at the store ----

static int commit_run(struct store_tx *tx, void *arg, struct err *err)
{
	const struct transaction *t = arg;
	const struct intent_request *request = &t->job->request;
	int rc = 0;

	if (t->is_changed)
		rc = store_revision_advance(tx, t->revision - 1, t->revision, err);
	if (rc >= 0)
		rc = rows_run(&t->rows, tx, err);
	if (rc >= 0 && request->hook)
		rc = request->hook(request->hook_arg, tx, t->resource_id, err);
	return rc < 0 ? rc : 0;
}

static void flight_end(struct transaction *at)
{
	CLEAN(transaction_free_ptr) struct transaction *t = at;
	struct intent *intent = t->intent;

	intent->in_flight = NULL;
	answer(t);
	if (intent->first)
		(void)uv_timer_start(intent->pump, queue_pump, 0, 0);
}

// Not at once: a timer without time would keep the loop from everything else.
static void flight_goes_on(struct transaction *t)
{
	t->intent->in_flight = t;
	(void)uv_timer_start(t->intent->pump, queue_pump, PIECE_MS, 0);
}

static void commit_told(struct transaction *t, bool is_there_more)
{
	t->is_stored = is_there_more;
	if (is_there_more)
		flight_goes_on(t);
	else
		flight_end(t);
}

static void commit_end(struct transaction *t, bool is_stored)
{
	if (is_stored) {
		commit_told(t, transaction_publish(t));
		return;
	}
	alloc_undo(fleet_alloc(t->intent->fleet));
	flight_end(t);
}

// An outcome that is not known is asked for until it is: what was taken as not stored, and is,
// would be done twice, and memory would say something else than the database. No other change is
// begun meanwhile.
static void commit_look_up(struct transaction *t);

static void commit_looked_up(void *arg, enum store_result result, bool is_done)
{
	struct transaction *t = arg;

	t->is_looked_up = false;
	if (result != STORE_OK) {
		(void)uv_timer_start(t->intent->pump, queue_pump, LOOK_UP_MS, 0);
		return;
	}
	t->is_unknown = false;
	if (!is_done)
		(void)outcome_set(&t->outcome, INTENT_UNAVAILABLE,
				  "the database could not write the change; nothing was changed");
	commit_end(t, is_done);
}

static void commit_look_up(struct transaction *t)
{
	if (t->is_looked_up)
		return;
	t->is_looked_up = true;
	if (store_operation_done(t->intent->settings.store, t->op_id, commit_looked_up, t) < 0)
		commit_looked_up(t, STORE_FAILED, false);
}

static void commit_done(void *arg, enum store_result result, const struct err *err)
{
	struct transaction *t = arg;

	if (result == STORE_UNKNOWN) {
		log_warn("revision %lld: whether it was written is not known (%s); the database is "
			 "asked until it says so",
			 (long long)t->revision, err->text);
		t->is_unknown = true;
		commit_look_up(t);
		return;
	}
	if (result != STORE_OK)
		(void)outcome_set(&t->outcome,
				  result == STORE_CONSTRAINT ? INTENT_CONFLICT : INTENT_UNAVAILABLE,
				  "%s", err->text);
	commit_end(t, result == STORE_OK);
}

// True when the store has it now; else the outcome says why not.
static bool commit_begin(struct transaction *t)
{
	if (t->job->op_id)
		(void)snprintf(t->op_id, sizeof t->op_id, "%s", t->job->op_id);
	else
		store_operation_make(t->op_id);
	if (transaction_rows(t) < 0 ||
	    store_transact(t->intent->settings.store, t->op_id, commit_run, commit_done, t) < 0) {
		(void)outcome_set(&t->outcome, INTENT_UNAVAILABLE,
				  "the database takes no change now");
		return false;
	}
	t->intent->in_flight = t;
	return true;
}

static bool is_to_write(const struct transaction *t)
{
	if (job_is_dry(t->job))
		return false;
	return t->is_changed || t->job->request.hook || t->job->op_id ||
	       (t->job->facts && t->edits.count > 0) || t->job->request.verb >= INTENT_CONFIRM;
}

// After a piece of planning that ended with `rc`.
static void job_planned(struct transaction *t, int rc)
{
	if (rc > 0) {
		flight_goes_on(t);
		return;
	}
	if (rc == 0 && is_to_write(t) && commit_begin(t))
		return;
	if (rc == 0)
		alloc_undo(fleet_alloc(t->intent->fleet));
	flight_end(t);
}

static void job_start(struct intent *intent, struct job *job)
{
	struct transaction *t = calloc(1, sizeof *t);

	if (!t) {
		log_error("intent: out of memory");
		abort();
	}
	t->intent = intent;
	t->job = job;
	t->revision = intent->revision;
	job_planned(t, transaction_plan(t));
}

static void flight_go_on(struct transaction *t)
{
	if (t->is_unknown)
		commit_look_up(t);
	else if (t->work)
		job_planned(t, transaction_plan_on(t));
	else if (t->is_stored)
		commit_told(t, transaction_publish_on(t));
}

void queue_pump(uv_timer_t *timer)
{
	struct intent *intent = timer->data;

	if (intent->in_flight)
		flight_go_on(intent->in_flight);
	while (!intent->in_flight && intent->first) {
		struct job *job = intent->first;

		intent->first = job->next;
		if (!intent->first)
			intent->last = NULL;
		intent->queued--;
		// What came between the reading and now would be taken back unseen.
		if (job->restore && job->read_revision != intent->revision &&
		    rollback_read(intent, job) == 0)
			continue;
		job_start(intent, job);
	}
}

// What is still in flight now is half planned or half told, or nobody knows what became of it.
static void flight_close(struct intent *intent)
{
	CLEAN(transaction_free_ptr) struct transaction *t = take_ptr(&intent->in_flight);

	if (!t)
		return;
	if (!t->is_stored)
		(void)outcome_set(
			&t->outcome, INTENT_UNAVAILABLE,
			t->is_unknown ? "the controller is stopping, and the database could not "
					"say whether the change was written"
				      : "the controller is stopping");
	if (t->job->done)
		answer(t);
}

void queue_close(struct intent *intent)
{
	flight_close(intent);
	while (intent->first) {
		CLEAN(transaction_free_ptr) struct transaction *t = calloc(1, sizeof *t);

		if (!t)
			return;
		t->intent = intent;
		t->job = intent->first;
		t->revision = intent->revision;
		intent->first = t->job->next;
		(void)outcome_set(&t->outcome, INTENT_UNAVAILABLE, "the controller is stopping");
		if (t->job->done)
			answer(t);
	}
	intent->last = NULL;
}
