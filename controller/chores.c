// Events to the store, and what is tidied once an hour.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "program.h"

#define HOUR_MS      (3600LL * 1000)
#define DAY_MS       (24 * HOUR_MS)
#define PENDING_DAYS 7

// An event copied for the store's thread.
struct stored_event {
	struct program *program;
	int64_t id;
	int64_t at_ms;
	char *node;
	char *severity;
	char *kind;
	char *entry;
	char *text;
};

static void stored_event_free(struct stored_event *event)
{
	free(event->node);
	free(event->severity);
	free(event->kind);
	free(event->entry);
	free(event->text);
	free(event);
}

// Store's thread.
static int insert_event(struct store_tx *tx, void *arg, struct err *err)
{
	const struct stored_event *event = arg;
	int r = store_exec(tx, SQL_EVENT_INSERT,
			   STORE_PARAMS(store_int(event->id), store_int(event->at_ms),
					store_text(event->node), store_text(event->severity),
					store_text(event->kind), store_text(event->entry),
					store_text(event->text)),
			   err);
	return r < 0 ? r : 0;
}

static void inserted(void *arg, enum store_result result, const struct err *err)
{
	struct stored_event *event = arg;
	if (result != STORE_OK)
		log_warn("store: an event was lost: %s", err->text);
	else if (event->program->webhooks && !event->program->is_stopping)
		webhooks_stored(event->program->webhooks, event->id);
	stored_event_free(event);
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void store_event(void *ctx, const struct live_event *event)
{
	struct program *program = ctx;
	struct stored_event *stored = calloc(1, sizeof(*stored));
	if (!stored)
		return;
	stored->program = program;
	stored->id = program->next_event_id++;
	stored->at_ms = event->at_ms;
	stored->node = copy(event->node);
	stored->severity = copy(event->severity);
	stored->kind = copy(event->kind);
	stored->entry = copy(event->entry);
	stored->text = copy(event->text);
	if (store_transact(program->store, NULL, insert_event, inserted, stored) < 0)
		stored_event_free(stored);
}

static void samples_want(void *ctx, int64_t node_id, int change)
{
	struct program *program = ctx;
	if (program->hub && !program->is_stopping)
		hub_samples_want(program->hub, node_id, change);
}

static bool is_link(void *ctx, const char *network, const char *a, const char *b)
{
	const struct program *program = ctx;
	return intent_is_linked(program->intent, network, a, b);
}

const struct live_ops program_live_ops = {
	.store_event = store_event,
	.samples_want = samples_want,
	.is_link = is_link,
};

static int see_event_id(const struct store_row *row, void *arg, struct err *err)
{
	(void)err;
	((struct program *)arg)->next_event_id = store_row_int(row, 0) + 1;
	return 0;
}

static int read_event_id(struct store_tx *tx, void *arg, struct err *err)
{
	int r = store_query(tx, SQL_EVENT_LAST_ID, STORE_NO_PARAMS, see_event_id, arg, err);
	return r < 0 ? r : 0;
}

int program_read_event_id(struct program *program, struct err *err)
{
	enum store_result result = store_read_sync(program->store, read_event_id, program, err);
	return result == STORE_OK ? 0 : -EIO;
}

// What is older than it may be; fixed before the store's thread begins.
struct prune {
	int64_t now_ms;
	int64_t events_before_ms;
	int64_t idle_before_ms;
};

// Store's thread.
static int prune_all(struct store_tx *tx, void *arg, struct err *err)
{
	const struct prune *prune = arg;
	const struct {
		enum store_sql sql;
		struct store_params params;
	} steps[] = {
		{ SQL_EVENT_PRUNE, STORE_PARAMS(store_int(prune->events_before_ms)) },
		{ SQL_SESSION_PRUNE,
		  STORE_PARAMS(store_int(prune->now_ms), store_int(prune->idle_before_ms)) },
		{ SQL_OPERATION_PRUNE, STORE_PARAMS(store_int(prune->now_ms - DAY_MS)) },
		{ SQL_PENDING_PRUNE,
		  STORE_PARAMS(store_int(prune->now_ms - PENDING_DAYS * DAY_MS)) },
		{ SQL_CERTIFICATE_PRUNE,
		  STORE_PARAMS(store_int(prune->now_ms / 1000 - PKI_GRACE_DAYS * DAY_MS / 1000)) },
	};
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int r = store_exec(tx, steps[i].sql, steps[i].params, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void pruned(void *arg, enum store_result result, const struct err *err)
{
	if (result != STORE_OK)
		log_warn("store: old rows were not removed: %s", err->text);
	free(arg);
}

void program_renew_certificate(struct program *program, bool is_asked)
{
	struct err err = { 0 };
	bool is_renewed = false;
	int r = pki_server_renew(program->pki,
				 (const char *const *)program->settings.advertise.items,
				 clock_wall_ms() / 1000, &is_renewed, &err);
	if (r < 0)
		log_error("tls: the controller's certificate was not renewed: %s", err.text);
	else if (is_renewed)
		log_info("tls: the controller's certificate was renewed");
	if (r < 0 || (!is_renewed && !is_asked))
		return;
	r = rest_reload_certificates(program->rest, &err);
	if (r >= 0)
		r = hub_reload_certificate(program->hub, pki_cert_path(program->pki),
					   pki_key_path(program->pki), &err);
	if (r < 0)
		log_error("tls: the certificates were not read again: %s", err.text);
	else
		log_info("tls: certificates read again");
}

void program_hourly(struct program *program)
{
	program_renew_certificate(program, false);
	lists_collect(program->lists);
	struct prune *prune = calloc(1, sizeof(*prune));
	if (!prune)
		return;
	prune->now_ms = clock_wall_ms();
	prune->events_before_ms = prune->now_ms - (int64_t)program->settings.events_days * DAY_MS;
	prune->idle_before_ms = prune->now_ms - (int64_t)program->settings.session_idle_ms;
	if (store_transact(program->store, NULL, prune_all, pruned, prune) < 0)
		free(prune);
}
