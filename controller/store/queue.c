// The store's thread: jobs in, in order; completions out, on the loop.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "store/engine.h"

static void jobs_push(struct store_jobs *jobs, struct store_job *job)
{
	job->next = NULL;
	*jobs->tail = job;
	jobs->tail = &job->next;
}

static struct store_job *jobs_pop(struct store_jobs *jobs)
{
	struct store_job *job = jobs->head;
	if (!job)
		return NULL;
	jobs->head = job->next;
	if (!jobs->head)
		jobs->tail = &jobs->head;
	return job;
}

// Waits for a job; NULL when the store stops and nothing is left.
static struct store_job *next_job(struct store *store)
{
	(void)pthread_mutex_lock(&store->mutex);
	while (!store->todo.head && !store->is_stopping)
		(void)pthread_cond_wait(&store->wake, &store->mutex);
	struct store_job *job = jobs_pop(&store->todo);
	(void)pthread_mutex_unlock(&store->mutex);
	return job;
}

static void *thread_main(void *arg)
{
	struct store *store = arg;
	struct store_job *job;
	while ((job = next_job(store))) {
		store_job_run(store, job);
		if (job->waiter) {
			uv_sem_post(job->waiter);
			continue;
		}
		(void)pthread_mutex_lock(&store->mutex);
		jobs_push(&store->finished, job);
		(void)pthread_mutex_unlock(&store->mutex);
		(void)uv_async_send(&store->async);
	}
	return NULL;
}

void store_queue_deliver(struct store *store)
{
	(void)pthread_mutex_lock(&store->mutex);
	struct store_job *job = store->finished.head;
	store->finished.head = NULL;
	store->finished.tail = &store->finished.head;
	(void)pthread_mutex_unlock(&store->mutex);
	while (job) {
		struct store_job *next = job->next;
		if (job->done)
			job->done(job->arg, job->result, &job->err);
		free(job);
		job = next;
	}
}

static void on_async(uv_async_t *async)
{
	store_queue_deliver(async->data);
}

int store_queue_start(struct store *store, struct err *err)
{
	store->todo.tail = &store->todo.head;
	store->finished.tail = &store->finished.head;
	(void)pthread_mutex_init(&store->mutex, NULL);
	(void)pthread_cond_init(&store->wake, NULL);
	if (store->loop) {
		store->async.data = store;
		int r = uv_async_init(store->loop, &store->async, on_async);
		if (r < 0)
			return err_set(err, r, "cannot join the loop: %s", uv_strerror(r));
	}
	// Signals are the loop thread's business.
	sigset_t all;
	sigset_t before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&store->thread, NULL, thread_main, store);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r ? err_set(err, -r, "cannot start the store's thread: %s", strerror(r)) : 0;
}

void store_queue_stop(struct store *store)
{
	(void)pthread_mutex_lock(&store->mutex);
	store->is_stopping = true;
	(void)pthread_cond_signal(&store->wake);
	(void)pthread_mutex_unlock(&store->mutex);
	(void)pthread_join(store->thread, NULL);
}

static int enqueue(struct store *store, struct store_job *job)
{
	(void)pthread_mutex_lock(&store->mutex);
	bool is_stopping = store->is_stopping;
	if (!is_stopping) {
		jobs_push(&store->todo, job);
		(void)pthread_cond_signal(&store->wake);
	}
	(void)pthread_mutex_unlock(&store->mutex);
	return is_stopping ? -ESHUTDOWN : 0;
}

static int job_init(struct store_job *job, const char *op_id)
{
	if (!job->is_write)
		return 0;
	if (!op_id) {
		store_operation_make(job->op_id);
		return 0;
	}
	size_t len = strlen(op_id);
	if (len == 0 || len > STORE_OPERATION_MAX)
		return -EINVAL;
	memcpy(job->op_id, op_id, len + 1);
	return 0;
}

static int submit(struct store *store, const char *op_id, const struct store_job *wanted)
{
	if (!store->loop)
		return -ENOTSUP;
	CLEAN(free_ptr) struct store_job *job = malloc(sizeof *job);
	if (!job)
		return -ENOMEM;
	*job = *wanted;
	int r = job_init(job, op_id);
	if (r == 0)
		r = enqueue(store, job);
	if (r == 0)
		(void)take_ptr(&job);
	return r;
}

static enum store_result submit_and_wait(struct store *store, const char *op_id,
					 struct store_job *job, struct err *err)
{
	int r = job_init(job, op_id);
	if (r < 0) {
		(void)err_set(err, r, "an operation id has 1 to %d characters",
			      STORE_OPERATION_MAX);
		return STORE_FAILED;
	}
	uv_sem_t waiter;
	if (uv_sem_init(&waiter, 0) < 0) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return STORE_FAILED;
	}
	job->waiter = &waiter;
	r = enqueue(store, job);
	if (r == 0)
		uv_sem_wait(&waiter);
	job->waiter = NULL;
	uv_sem_destroy(&waiter);
	if (r < 0) {
		(void)err_set(err, r, "the store is closing");
		return STORE_FAILED;
	}
	if (err)
		*err = job->err;
	return job->result;
}

int store_transact(struct store *store, const char *op_id, store_fn *fn, store_done_fn *done,
		   void *arg)
{
	struct store_job job = { .is_write = true, .fn = fn, .done = done, .arg = arg };
	return submit(store, op_id, &job);
}

int store_read(struct store *store, store_fn *fn, store_done_fn *done, void *arg)
{
	struct store_job job = { .fn = fn, .done = done, .arg = arg };
	return submit(store, NULL, &job);
}

enum store_result store_transact_sync(struct store *store, const char *op_id, store_fn *fn,
				      void *arg, struct err *err)
{
	struct store_job job = { .is_write = true, .fn = fn, .arg = arg };
	return submit_and_wait(store, op_id, &job, err);
}

enum store_result store_read_sync(struct store *store, store_fn *fn, void *arg, struct err *err)
{
	struct store_job job = { .fn = fn, .arg = arg };
	return submit_and_wait(store, NULL, &job, err);
}
