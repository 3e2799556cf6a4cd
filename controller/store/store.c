#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

#include "store/engine.h"
#include "store/migrate.h"

#define ATTEMPTS          3   // of a transaction whose begin or commit found the database busy
#define PRUNE_EVERY       256 // write transactions
#define OPERATION_KEEP_MS (24LL * 3600 * 1000)

static void random_hex(char *ret, size_t bytes)
{
	unsigned char raw[32];
	if (getrandom(raw, bytes, 0) != (ssize_t)bytes)
		abort(); // up to 256 bytes never fail on a booted Linux; ids must not repeat
	for (size_t i = 0; i < bytes; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", raw[i]);
}

void store_operation_make(char *ret_id)
{
	random_hex(ret_id, 16);
}

const char *store_controller_id(const struct store *store)
{
	return store->controller_id;
}

// ---- steps ----

// Remembers a failure after which the transaction must not commit, whatever its function says.
static int note(struct store_tx *tx, int r)
{
	if (r < 0 && r != -EEXIST)
		tx->broken = r;
	return r;
}

int store_exec(struct store_tx *tx, enum store_sql sql, struct store_params params, struct err *err)
{
	if (!tx->is_write)
		return note(tx, err_set(err, -EROFS, "a read transaction cannot write"));
	const struct store *store = tx->store;
	return note(tx, store->backend->exec(store->db, store_statement(sql), params, err));
}

int store_exec_guarded(struct store_tx *tx, enum store_sql sql, struct store_params params,
		       struct err *err)
{
	int r = store_exec(tx, sql, params, err);
	if (r < 0 || r == 1)
		return r;
	return err_set(err, -EAGAIN, "somebody else changed this at the same time, try again");
}

// What a row function returned is its own affair; only the engine's failures break the transaction.
struct row_call {
	store_row_fn *row;
	void *arg;
	int refused;
};

static int call_row(const struct store_row *row, void *arg, struct err *err)
{
	struct row_call *call = arg;
	int r = call->row ? call->row(row, call->arg, err) : 0;
	call->refused = r < 0 ? r : 0;
	return r;
}

int store_query(struct store_tx *tx, enum store_sql sql, struct store_params params,
		store_row_fn *row, void *arg, struct err *err)
{
	const struct store *store = tx->store;
	struct row_call call = { .row = row, .arg = arg };
	int r = store->backend->query(store->db, store_statement(sql), params, call_row, &call,
				      err);
	return call.refused ? r : note(tx, r);
}

// ---- one transaction ----

static enum store_result result_of(int r)
{
	switch (r) {
	case 0:
		return STORE_OK;
	case -EEXIST:
	case -EALREADY:
		return STORE_CONSTRAINT;
	case -EAGAIN:
		return STORE_RETRY;
	case -EINPROGRESS:
		return STORE_UNKNOWN;
	default:
		return STORE_FAILED;
	}
}

static int record_operation(struct store_tx *tx, const char *op_id, struct err *err)
{
	int64_t now = clock_wall_ms();
	int r = store_exec(tx, SQL_OPERATION_INSERT,
			   STORE_PARAMS(store_text(op_id), store_int(now)), err);
	if (r == -EEXIST)
		return err_set(err, -EALREADY, "this operation was done already");
	if (r < 0 || tx->store->writes++ % PRUNE_EVERY != 0)
		return r < 0 ? r : 0;
	r = store_exec(tx, SQL_OPERATION_PRUNE, STORE_PARAMS(store_int(now - OPERATION_KEEP_MS)),
		       err);
	return r < 0 ? r : 0;
}

// The steps between begin and end.
static int run_body(struct store_tx *tx, const struct store_job *job, struct err *err)
{
	int r = tx->is_write ? record_operation(tx, job->op_id, err) : 0;
	if (r == 0)
		r = job->fn(tx, job->arg, err);
	if (r >= 0 && tx->broken)
		r = err && err->code == tx->broken
			    ? tx->broken
			    : err_set(err, tx->broken, "a step of the transaction failed: %s",
				      strerror(-tx->broken));
	return r < 0 ? r : 0;
}

// *ret_is_engine tells a busy database (worth another attempt) from a refusal by the function.
static int run_once(struct store *store, const struct store_job *job, bool *ret_is_engine,
		    struct err *err)
{
	const struct store_backend *backend = store->backend;
	struct store_tx tx = { .store = store, .is_write = job->is_write };
	*ret_is_engine = true;
	int r = backend->begin(store->db, job->is_write, err);
	if (r < 0)
		return r;
	r = run_body(&tx, job, err);
	if (r < 0) {
		*ret_is_engine = false;
		(void)backend->end(store->db, false, NULL);
		return r;
	}
	return backend->end(store->db, true, err);
}

void store_job_run(struct store *store, struct store_job *job)
{
	bool is_engine = true;
	int r = -EAGAIN;
	for (int i = 0; i < ATTEMPTS && r == -EAGAIN && is_engine; i++) {
		job->err = (struct err){ 0 };
		r = run_once(store, job, &is_engine, &job->err);
	}
	if (r == 0)
		job->err = (struct err){ 0 };
	else if (job->err.code == 0)
		(void)err_set(&job->err, r, "the transaction failed: %s", strerror(-r));
	job->result = result_of(r);
}

// ---- looking an operation up ----

struct lookup {
	char op_id[STORE_OPERATION_MAX + 1];
	store_operation_fn *done;
	void *arg;
	bool is_done;
};

static int lookup_read(struct store_tx *tx, void *arg, struct err *err)
{
	struct lookup *lookup = arg;
	int r = store_query(tx, SQL_OPERATION_GET, STORE_PARAMS(store_text(lookup->op_id)), NULL,
			    NULL, err);
	if (r >= 0)
		lookup->is_done = r > 0;
	return r < 0 ? r : 0;
}

static void lookup_done(void *arg, enum store_result result, const struct err *err)
{
	(void)err;
	struct lookup *lookup = arg;
	lookup->done(lookup->arg, result, result == STORE_OK && lookup->is_done);
	free(lookup);
}

int store_operation_done(struct store *store, const char *op_id, store_operation_fn *done,
			 void *arg)
{
	if (strlen(op_id) > STORE_OPERATION_MAX)
		return -EINVAL;
	struct lookup *lookup = calloc(1, sizeof *lookup);
	if (!lookup)
		return -ENOMEM;
	(void)snprintf(lookup->op_id, sizeof lookup->op_id, "%s", op_id);
	lookup->done = done;
	lookup->arg = arg;
	int r = store_read(store, lookup_read, lookup_done, lookup);
	if (r < 0)
		free(lookup);
	return r;
}

// ---- open and close ----

static int copy_id(const struct store_row *row, void *arg, struct err *err)
{
	(void)err;
	struct store *store = arg;
	const char *id = store_row_text(row, 0);
	(void)snprintf(store->controller_id, sizeof store->controller_id, "%s", id ? id : "");
	return 0;
}

static int load_identity(struct store_tx *tx, void *arg, struct err *err)
{
	struct store *store = arg;
	int r = store_query(tx, SQL_META_GET, STORE_PARAMS(store_text("controller_id")), copy_id,
			    store, err);
	if (r != 0)
		return r < 0 ? r : 0;
	random_hex(store->controller_id, 8);
	r = store_exec(tx, SQL_META_PUT,
		       STORE_PARAMS(store_text("controller_id"), store_text(store->controller_id)),
		       err);
	return r < 0 ? r : 0;
}

static int prepare(struct store *store, struct err *err)
{
	int r = migrate(store->backend, store->db, migrations, migration_count, err);
	if (r < 0)
		return r;
	struct store_job job = { .is_write = true, .fn = load_identity, .arg = store };
	store_operation_make(job.op_id);
	store_job_run(store, &job);
	if (job.result != STORE_OK) {
		if (err)
			*err = job.err;
		return job.err.code;
	}
	return store_queue_start(store, err);
}

int store_open_on(const struct store_backend *backend, struct uv_loop_s *loop, const char *path,
		  struct store **ret_store, struct err *err)
{
	struct store *store = calloc(1, sizeof *store);
	if (!store)
		return err_set(err, -ENOMEM, "out of memory");
	store->backend = backend;
	store->loop = loop;
	int r = backend->open(path, &store->db, err);
	if (r < 0) {
		free(store);
		return r;
	}
	r = prepare(store, err);
	if (r < 0) {
		backend->close(store->db);
		free(store);
		return r;
	}
	*ret_store = store;
	return 0;
}

int store_open(struct uv_loop_s *loop, const char *path, struct store **ret_store, struct err *err)
{
	return store_open_on(&store_backend_sqlite, loop, path, ret_store, err);
}

static void release(struct store *store)
{
	(void)pthread_cond_destroy(&store->wake);
	(void)pthread_mutex_destroy(&store->mutex);
	free(store);
}

static void on_closed(uv_handle_t *handle)
{
	release(handle->data);
}

void store_free(struct store *store)
{
	if (!store)
		return;
	store_queue_stop(store);
	store_queue_deliver(store);
	store->backend->close(store->db);
	if (store->loop)
		uv_close((uv_handle_t *)&store->async, on_closed);
	else
		release(store);
}
