// Inside of the store, shared by store.c (transactions) and queue.c (thread, completions).
#pragma once

#include <pthread.h>
#include <uv.h>

#include "store/backend.h"

struct store_job {
	struct store_job *next;
	bool is_write;
	char op_id[STORE_OPERATION_MAX + 1];
	store_fn *fn;
	store_done_fn *done;
	void *arg;
	uv_sem_t *waiter; // of a _sync call, which then owns the job; NULL otherwise
	enum store_result result;
	struct err err;
};

struct store_jobs {
	struct store_job *head;
	struct store_job **tail; // &head when empty
};

struct store {
	const struct store_backend *backend;
	void *db;
	char controller_id[33];
	unsigned writes; // since start: paces pruning; store's thread

	uv_loop_t *loop; // NULL: only _sync calls
	uv_async_t async;
	pthread_t thread;
	pthread_mutex_t mutex; // guards what follows
	pthread_cond_t wake;
	struct store_jobs todo;
	struct store_jobs finished; // waiting for the loop
	bool is_stopping;
};

struct store_tx {
	struct store *store;
	bool is_write;
	int broken; // errno of a failure that the transaction cannot survive
};

// Runs one job to its end on this thread and fills result and err.
void store_job_run(struct store *store, struct store_job *job);

int store_queue_start(struct store *store, struct err *err);
// Finishes what is queued and joins the thread; further jobs are refused.
void store_queue_stop(struct store *store);
// Calls the completions of finished jobs (loop thread).
void store_queue_deliver(struct store *store);
