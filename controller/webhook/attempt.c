#include "webhook/attempt.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/clock.h"

#include "pki/vault.h"
#include "store/store.h"
#include "webhook/message.h"
#include "webhook/post.h"

#define EVENTS_AT_ONCE 200 // looked at in one reading

struct attempt {
	const struct attempt_place *place;
	struct attempt_question question;
	attempt_done_fn *done;
	void *arg;
	// what the reading found
	int64_t last;
	size_t count;
	bool is_found;
	struct webhook_message message;
	char *secret; // NULL: not signed
	char *url;    // of the secret, NULL: the target's
	// the posting
	uv_work_t work;
	int result;
	struct err err;
};

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

static void forget_findings(struct attempt *attempt)
{
	webhook_message_done(&attempt->message);
	wipe(&attempt->secret);
	wipe(&attempt->url);
	attempt->last = attempt->question.after;
	attempt->count = 0;
	attempt->is_found = false;
}

static void answer(struct attempt *attempt, const struct attempt_answer *a)
{
	attempt->done(attempt->arg, a);
	forget_findings(attempt);
	webhook_target_done(&attempt->question.target);
	free(attempt);
}

static void answer_failed(struct attempt *attempt, const struct err *why)
{
	const struct attempt_answer a = { .is_failed = true,
					  .event = attempt->question.after,
					  .why = why };
	answer(attempt, &a);
}

// ---- reading: store's thread ----

static int look_at(const struct store_row *row, void *arg, struct err *err)
{
	struct attempt *attempt = arg;
	struct store_event event;
	store_read_event(row, &event);
	attempt->count++;
	if (attempt->is_found)
		return 0;
	attempt->last = event.id;
	if (!webhook_target_wants(&attempt->question.target, &event))
		return 0;
	attempt->is_found = true;
	return webhook_message_make(&attempt->question.target, &event,
				    store_controller_id(attempt->place->store), &attempt->message,
				    err);
}

struct unsealing {
	const struct vault *vault;
	int64_t id;
	char **ret_secret;
};

static int unseal(const struct store_row *row, void *arg, struct err *err)
{
	const struct unsealing *u = arg;
	struct vault_output secret = { 0 };
	const struct vault_bytes sealed = { row->values[0].bytes, row->values[0].len };
	int r = vault_unseal(u->vault, u->id, sealed, &secret, err);
	if (r == 0)
		*u->ret_secret = (char *)secret.data;
	return r;
}

static int read_secret(struct store_tx *tx, const struct attempt *attempt, int64_t id,
		       char **ret_secret, struct err *err)
{
	struct unsealing u = { attempt->place->vault, id, ret_secret };
	if (id == 0)
		return 0;
	int r = store_query(tx, SQL_SECRET_GET, STORE_PARAMS(store_int(id)), unseal, &u, err);
	if (r == 0)
		return err_set(err, -ENOENT, "its secret has no value yet: `weft secret set`");
	return r < 0 ? r : 0;
}

static int look(struct store_tx *tx, void *arg, struct err *err)
{
	struct attempt *attempt = arg;
	forget_findings(attempt);
	int r = store_query(
		tx, SQL_EVENT_AFTER,
		STORE_PARAMS(store_int(attempt->question.after), store_int(EVENTS_AT_ONCE)),
		look_at, attempt, err);
	if (r < 0 || !attempt->is_found)
		return r < 0 ? r : 0;
	r = read_secret(tx, attempt, attempt->question.secret_id, &attempt->secret, err);
	if (r == 0)
		r = read_secret(tx, attempt, attempt->question.url_secret_id, &attempt->url, err);
	return r;
}

// ---- posting: a worker ----

static int post(struct attempt *attempt)
{
	char signature[WEBHOOK_SIGNATURE_SIZE];
	struct webhook_post request = { .url = attempt->url ? attempt->url
							    : attempt->question.target.url,
					.message = &attempt->message,
					.timestamp_s = clock_wall_ms() / 1000,
					.is_broken = attempt->place->is_broken };
	if (attempt->url)
		attempt->url[strcspn(attempt->url, "\r\n")] = '\0';
	if (!request.url)
		return err_set(&attempt->err, -EINVAL, "it has no address");
	if (attempt->secret) {
		int r = webhook_sign(&attempt->message, request.timestamp_s, attempt->secret,
				     signature, &attempt->err);
		if (r < 0)
			return r;
		request.signature = signature;
	}
	return webhook_post(&request, &attempt->err);
}

static void work(uv_work_t *request)
{
	struct attempt *attempt = request->data;
	attempt->result = post(attempt);
}

static void worked(uv_work_t *request, int status)
{
	struct attempt *attempt = request->data;
	const struct attempt_answer delivered = { .is_delivered = true, .event = attempt->last };
	if (status < 0)
		(void)err_set(&attempt->err, status, "the controller is stopping");
	if (status < 0 || attempt->result < 0)
		answer_failed(attempt, &attempt->err);
	else
		answer(attempt, &delivered);
}

// ---- the loop ----

static void looked(void *arg, enum store_result result, const struct err *err)
{
	struct attempt *attempt = arg;
	if (result != STORE_OK) {
		answer_failed(attempt, err);
		return;
	}
	if (!attempt->is_found) {
		// Rows that were pruned, or could not be stored, do not come.
		bool is_all = attempt->count < EVENTS_AT_ONCE;
		const struct attempt_answer none = { .event = is_all ? attempt->question.newest
								     : attempt->last };
		answer(attempt, &none);
		return;
	}
	attempt->work.data = attempt;
	int r = uv_queue_work(attempt->place->loop, &attempt->work, work, worked);
	if (r < 0) {
		(void)err_set(&attempt->err, r, "no worker: %s", uv_strerror(r));
		answer_failed(attempt, &attempt->err);
	}
}

int attempt_begin(const struct attempt_place *place, struct attempt_question *question,
		  attempt_done_fn *done, void *arg, struct err *err)
{
	struct attempt *attempt = calloc(1, sizeof *attempt);
	int r = attempt ? 0 : err_set(err, -ENOMEM, "out of memory");
	if (r == 0) {
		attempt->place = place;
		attempt->question = *question;
		attempt->done = done;
		attempt->arg = arg;
		r = store_read(place->store, look, looked, attempt);
		if (r < 0)
			(void)err_set(err, r, "the store's queue is full");
	}
	if (r < 0) {
		webhook_target_done(&question->target);
		free(attempt);
	}
	return r;
}
