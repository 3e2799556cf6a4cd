// Transactions: what commits, what rolls back, and what the caller is told.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "scratch.h"
#include "store/backend.h"

// ---- a backend that fails on purpose ----

static struct {
	int begin;     // what the next begins return ...
	int times;     // ... this many times
	int end;       // what a commit returns ...
	bool end_does; // ... after committing all the same
	int begins;
} fault;

static int bad_open(const char *path, void **ret_db, struct err *err)
{
	return store_backend_sqlite.open(path, ret_db, err);
}

static void bad_close(void *db)
{
	store_backend_sqlite.close(db);
}

static int bad_begin(void *db, bool is_write, struct err *err)
{
	fault.begins++;
	if (fault.times > 0) {
		fault.times--;
		return err_set(err, fault.begin, "made to fail");
	}
	return store_backend_sqlite.begin(db, is_write, err);
}

static int bad_exec(void *db, const struct store_statement *st, struct store_params params,
		    struct err *err)
{
	return store_backend_sqlite.exec(db, st, params, err);
}

static int bad_query(void *db, const struct store_statement *st, struct store_params params,
		     store_row_fn *row, void *arg, struct err *err)
{
	return store_backend_sqlite.query(db, st, params, row, arg, err);
}

static int bad_end(void *db, bool commit, struct err *err)
{
	if (!commit || !fault.end)
		return store_backend_sqlite.end(db, commit, err);
	(void)store_backend_sqlite.end(db, fault.end_does, NULL);
	return err_set(err, fault.end, "made to fail");
}

static const struct store_backend backend_bad = { "bad",    bad_open,  bad_close, bad_begin,
						  bad_exec, bad_query, bad_end };

static struct store *open_bad(const struct scratch *s, uv_loop_t *loop)
{
	struct store *store = NULL;
	memset(&fault, 0, sizeof fault);
	assert_int_equal(store_open_on(&backend_bad, loop, s->db, &store, NULL), 0);
	return store;
}

// ---- results ----

static int insert_then_refuse(struct store_tx *tx, void *arg, struct err *err)
{
	assert_int_equal(insert_node(tx, arg, err), 0);
	return err_set(err, -EINVAL, "nodes.n1: not today");
}

static void test_refusal_rolls_back(void **state)
{
	struct store *store = scratch_open(*state);
	struct err err = { 0 };
	int64_t id = 1;
	assert_int_equal(store_transact_sync(store, NULL, insert_then_refuse, &id, &err),
			 STORE_FAILED);
	assert_int_equal(err.code, -EINVAL);
	assert_string_equal(err.text, "nodes.n1: not today");
	assert_int_equal(count_nodes(store), 0);
	store_free(store);
}

static void test_constraint(void **state)
{
	struct store *store = scratch_open(*state);
	struct err err = { 0 };
	int64_t id = 1;
	assert_int_equal(store_transact_sync(store, NULL, insert_node, &id, &err), STORE_OK);
	assert_int_equal(err.code, 0);
	assert_int_equal(store_transact_sync(store, NULL, insert_node, &id, &err),
			 STORE_CONSTRAINT);
	assert_non_null(strstr(err.text, "UNIQUE"));
	assert_int_equal(count_nodes(store), 1);
	store_free(store);
}

static int fact_of_nobody(struct store_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	int r = store_exec(tx, SQL_FACT_PUT,
			   STORE_PARAMS(store_int(77), store_text("public_key"),
					store_text("\"x\""), store_int(1)),
			   err);
	return r < 0 ? r : 0;
}

static void test_foreign_keys_are_on(void **state)
{
	struct store *store = scratch_open(*state);
	assert_int_equal(store_transact_sync(store, NULL, fact_of_nobody, NULL, NULL),
			 STORE_CONSTRAINT);
	store_free(store);
}

// A hurt constraint that the function handles does not stop the rest of its work.
static int insert_twice(struct store_tx *tx, void *arg, struct err *err)
{
	int64_t other = 2;
	assert_int_equal(insert_node(tx, arg, err), 0);
	assert_int_equal(insert_node(tx, arg, err), -EEXIST);
	return insert_node(tx, &other, err);
}

static void test_function_may_go_on_after_a_constraint(void **state)
{
	struct store *store = scratch_open(*state);
	int64_t id = 1;
	assert_int_equal(store_transact_sync(store, NULL, insert_twice, &id, NULL), STORE_OK);
	assert_int_equal(count_nodes(store), 2);
	store_free(store);
}

static int advance(struct store_tx *tx, void *arg, struct err *err)
{
	int64_t expected = *(const int64_t *)arg;
	return store_revision_advance(tx, expected, expected + 1, err);
}

static void test_revision_guard(void **state)
{
	struct store *store = scratch_open(*state);
	struct err err = { 0 };
	int64_t at = 0;
	assert_int_equal(store_transact_sync(store, NULL, advance, &at, NULL), STORE_OK);
	assert_int_equal(store_transact_sync(store, NULL, advance, &at, &err), STORE_RETRY);
	assert_int_equal(err.code, -EAGAIN);
	at = 1;
	assert_int_equal(store_transact_sync(store, NULL, advance, &at, NULL), STORE_OK);
	store_free(store);
}

static int write_in_read(struct store_tx *tx, void *arg, struct err *err)
{
	(void)insert_node(tx, arg, err);
	return 0; // even a function that ignores the failure does not get through
}

static void test_a_read_cannot_write(void **state)
{
	struct store *store = scratch_open(*state);
	struct err err = { 0 };
	int64_t id = 1;
	assert_int_equal(store_read_sync(store, write_in_read, &id, &err), STORE_FAILED);
	assert_int_equal(err.code, -EROFS);
	assert_int_equal(count_nodes(store), 0);
	store_free(store);
}

static int take_id(struct store_tx *tx, void *arg, struct err *err)
{
	return store_next_id(tx, arg, err);
}

static void test_ids_grow(void **state)
{
	struct store *store = scratch_open(*state);
	for (int64_t want = 1; want <= 3; want++) {
		int64_t id = 0;
		assert_int_equal(store_transact_sync(store, NULL, take_id, &id, NULL), STORE_OK);
		assert_int_equal(id, want);
	}
	store_free(store);
}

// ---- the engine's failures ----

static void test_busy_is_tried_again(void **state)
{
	struct store *store = open_bad(*state, NULL);
	int64_t id = 1;
	fault.begin = -EAGAIN;
	fault.times = 2;
	assert_int_equal(store_transact_sync(store, NULL, insert_node, &id, NULL), STORE_OK);
	fault.times = 100;
	fault.begins = 0;
	id = 2;
	assert_int_equal(store_transact_sync(store, NULL, insert_node, &id, NULL), STORE_RETRY);
	assert_int_equal(fault.begins, 3);
	fault.times = 0;
	assert_int_equal(count_nodes(store), 1);
	store_free(store);
}

static void test_full_disk_changes_nothing(void **state)
{
	struct store *store = open_bad(*state, NULL);
	struct err err = { 0 };
	int64_t id = 1;
	fault.end = -ENOSPC;
	assert_int_equal(store_transact_sync(store, NULL, insert_node, &id, &err), STORE_FAILED);
	assert_int_equal(err.code, -ENOSPC);
	fault.end = 0;
	assert_int_equal(count_nodes(store), 0);
	store_free(store);
}

static void test_operation_id_is_checked(void **state)
{
	struct store *store = scratch_open(*state);
	int64_t id = 1;
	assert_int_equal(store_transact_sync(store, "op-1", insert_node, &id, NULL), STORE_OK);
	struct err err = { 0 };
	id = 2;
	assert_int_equal(store_transact_sync(store, "op-1", insert_node, &id, &err),
			 STORE_CONSTRAINT);
	assert_int_equal(err.code, -EALREADY);
	assert_int_equal(store_transact_sync(store, "", insert_node, &id, NULL), STORE_FAILED);
	assert_int_equal(count_nodes(store), 1);
	store_free(store);
}

// ---- completions on the loop ----

struct heard {
	pthread_t loop_thread;
	pthread_t fn_thread;
	enum store_result result;
	int calls;
	bool is_done[2];
	int64_t id;
	struct store *store;
};

static int insert_heard(struct store_tx *tx, void *arg, struct err *err)
{
	struct heard *heard = arg;
	heard->fn_thread = pthread_self();
	return insert_node(tx, &heard->id, err);
}

static void heard_lookup(void *arg, enum store_result result, bool is_done)
{
	struct heard *heard = arg;
	assert_int_equal(result, STORE_OK);
	heard->is_done[heard->calls++ - 1] = is_done;
	if (heard->calls == 3)
		store_free(heard->store);
}

static void heard_result(void *arg, enum store_result result, const struct err *err)
{
	struct heard *heard = arg;
	(void)err;
	heard->result = result;
	heard->calls++;
	assert_true(pthread_equal(pthread_self(), heard->loop_thread));
	assert_int_equal(store_operation_done(heard->store, "op-a", heard_lookup, heard), 0);
	assert_int_equal(store_operation_done(heard->store, "op-b", heard_lookup, heard), 0);
}

static void run_heard(struct scratch *s, struct heard *heard, int end, bool end_does)
{
	uv_loop_t loop;
	assert_int_equal(uv_loop_init(&loop), 0);
	*heard = (struct heard){ .loop_thread = pthread_self(),
				 .id = 1,
				 .store = open_bad(s, &loop) };
	fault.end = end;
	fault.end_does = end_does;
	assert_int_equal(store_transact(heard->store, "op-a", insert_heard, heard_result, heard),
			 0);
	// Reads end with a commit too, so the fault must be gone when the look-up runs.
	while (heard->calls == 0) {
		(void)uv_run(&loop, UV_RUN_ONCE);
		fault.end = 0;
	}
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(heard->calls, 3);
	assert_false(pthread_equal(heard->fn_thread, heard->loop_thread));
	assert_false(heard->is_done[1]);
}

static void test_completion_on_the_loop(void **state)
{
	struct heard heard;
	run_heard(*state, &heard, 0, false);
	assert_int_equal(heard.result, STORE_OK);
	assert_true(heard.is_done[0]);
}

struct order {
	int next;
	int64_t seen[200];
	int done;
};

struct numbered {
	struct order *order;
	int64_t id;
};

static int insert_numbered(struct store_tx *tx, void *arg, struct err *err)
{
	struct numbered *n = arg;
	n->order->seen[n->order->next++] = n->id;
	return insert_node(tx, &n->id, err);
}

static void count_done(void *arg, enum store_result result, const struct err *err)
{
	(void)err;
	struct numbered *n = arg;
	assert_int_equal(result, STORE_OK);
	n->order->done++;
}

static void test_close_finishes_the_queue_in_order(void **state)
{
	uv_loop_t loop;
	struct store *store = NULL;
	struct order order = { 0 };
	struct numbered numbered[200];
	const struct scratch *s = *state;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(store_open(&loop, s->db, &store, NULL), 0);
	for (int i = 0; i < 200; i++) {
		numbered[i] = (struct numbered){ .order = &order, .id = i + 1 };
		assert_int_equal(
			store_transact(store, NULL, insert_numbered, count_done, &numbered[i]), 0);
	}
	store_free(store);
	assert_int_equal(order.done, 200);
	for (int i = 0; i < 200; i++)
		assert_int_equal(order.seen[i], i + 1);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

// ---- an unknown outcome ----

static int lookup_sync(struct store_tx *tx, void *arg, struct err *err)
{
	(void)err;
	struct store_value op = store_text("op-u");
	*(int64_t *)arg = store_query(tx, SQL_OPERATION_GET, (struct store_params){ &op, 1 }, NULL,
				      NULL, err);
	return 0;
}

static void check_unknown(struct scratch *s, bool end_does)
{
	struct store *store = open_bad(s, NULL);
	int64_t id = 1;
	int64_t found = -1;
	fault.end = -EINPROGRESS;
	fault.end_does = end_does;
	assert_int_equal(store_transact_sync(store, "op-u", insert_node, &id, NULL), STORE_UNKNOWN);
	fault.end = 0;
	assert_int_equal(store_read_sync(store, lookup_sync, &found, NULL), STORE_OK);
	assert_int_equal(found, end_does ? 1 : 0);
	assert_int_equal(count_nodes(store), end_does ? 1 : 0);
	store_free(store);
}

static void test_unknown_but_committed(void **state)
{
	check_unknown(*state, true);
}

static void test_unknown_and_lost(void **state)
{
	check_unknown(*state, false);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refusal_rolls_back),
		TEST(test_constraint),
		TEST(test_foreign_keys_are_on),
		TEST(test_function_may_go_on_after_a_constraint),
		TEST(test_revision_guard),
		TEST(test_a_read_cannot_write),
		TEST(test_ids_grow),
		TEST(test_busy_is_tried_again),
		TEST(test_full_disk_changes_nothing),
		TEST(test_operation_id_is_checked),
		TEST(test_completion_on_the_loop),
		TEST(test_close_finishes_the_queue_in_order),
		TEST(test_unknown_but_committed),
		TEST(test_unknown_and_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
