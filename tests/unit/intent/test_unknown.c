// A commit breaks off and the database cannot say at once whether it was written: nothing is taken
// for granted until it does.

// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#include "desk.h"

// What the store's next transaction and questions come to; the linker sends them through here.
static struct {
	bool is_broken;   // the next commit's outcome is not told
	bool is_written;  // and whether it was written all the same
	unsigned refused; // questions that are not even taken
	unsigned failed;  // and then, such that are not answered
	unsigned asked;
	store_done_fn *done;
	store_operation_fn *answer;
	void *arg;
} plan;

int __real_store_transact(struct store *store, const char *op_id, store_fn *fn, store_done_fn *done,
			  void *arg);
int __wrap_store_transact(struct store *store, const char *op_id, store_fn *fn, store_done_fn *done,
			  void *arg);
int __real_store_operation_done(struct store *store, const char *op_id, store_operation_fn *done,
				void *arg);
int __wrap_store_operation_done(struct store *store, const char *op_id, store_operation_fn *done,
				void *arg);

static void broken(void *arg, enum store_result result, const struct err *err)
{
	const struct err unknown = { .code = -EINPROGRESS, .text = "the connection broke" };

	(void)result;
	(void)err;
	plan.done(arg, STORE_UNKNOWN, &unknown);
}

static int write_nothing(struct store_tx *tx, void *arg, struct err *err)
{
	(void)tx;
	(void)arg;
	return err_set(err, -EIO, "nothing is written");
}

int __wrap_store_transact(struct store *store, const char *op_id, store_fn *fn, store_done_fn *done,
			  void *arg)
{
	if (!plan.is_broken)
		return __real_store_transact(store, op_id, fn, done, arg);
	plan.is_broken = false;
	plan.done = done;
	return __real_store_transact(store, op_id, plan.is_written ? fn : write_nothing, broken,
				     arg);
}

static void unanswered(void *arg, enum store_result result, bool is_done)
{
	(void)result;
	(void)is_done;
	plan.answer(arg, STORE_FAILED, false);
}

int __wrap_store_operation_done(struct store *store, const char *op_id, store_operation_fn *done,
				void *arg)
{
	plan.asked++;
	if (plan.refused > 0) {
		plan.refused--;
		return -EBUSY;
	}
	if (plan.failed == 0)
		return __real_store_operation_done(store, op_id, done, arg);
	plan.failed--;
	plan.answer = done;
	return __real_store_operation_done(store, op_id, unanswered, arg);
}

static void prepare(struct desk *d, bool is_written)
{
	desk_open(d);
	assert_int_equal(desk_do(d, INTENT_PUT, "nodes", "a", "{}"), INTENT_OK);
	memset(&plan, 0, sizeof plan);
	plan.is_broken = true;
	plan.is_written = is_written;
	plan.refused = plan.failed = 2;
}

static void what_was_written_is_true_once_the_database_says_so(void **state)
{
	struct desk d;

	(void)state;
	prepare(&d, true);
	assert_int_equal(desk_do(&d, INTENT_PUT, "nodes", "b", "{}"), INTENT_OK);
	assert_int_equal(plan.asked, 5);
	assert_non_null(intent_find(d.intent, "nodes", "b"));
	assert_int_equal(intent_revision(d.intent), d.revision);
	// Memory and database agree, so that the next change is taken.
	assert_int_equal(desk_do(&d, INTENT_PUT, "nodes", "c", "{}"), INTENT_OK);
	int64_t revision = intent_revision(d.intent);
	desk_restart(&d);
	desk_check_targets(&d);
	assert_int_equal(intent_revision(d.intent), revision);
	assert_non_null(intent_find(d.intent, "nodes", "b"));
	desk_close(&d);
}

static void what_was_not_written_never_was(void **state)
{
	struct desk d;

	(void)state;
	prepare(&d, false);
	int64_t revision = intent_revision(d.intent);
	assert_int_equal(desk_do(&d, INTENT_PUT, "nodes", "b", "{}"), INTENT_UNAVAILABLE);
	assert_int_equal(plan.asked, 5);
	assert_null(intent_find(d.intent, "nodes", "b"));
	assert_int_equal(intent_revision(d.intent), revision);
	assert_int_equal(desk_do(&d, INTENT_PUT, "nodes", "b", "{}"), INTENT_OK);
	desk_check_targets(&d);
	desk_close(&d);
}

static void noted(void *arg, const struct intent_answer *answer)
{
	struct desk *d = arg;

	d->is_answered = true;
	d->status = answer->status;
}

static void nothing_else_is_begun_meanwhile(void **state)
{
	json_auto_t *body = json_object();
	struct desk d;

	(void)state;
	prepare(&d, true);
	d.is_answered = false;
	plan.failed = 1000;
	for (int i = 0; i < 2; i++) {
		const struct intent_request request = { .verb = INTENT_PUT,
							.actor = "user/ada",
							.kind = "nodes",
							.name = i ? "c" : "b",
							.body = body,
							.expected_revision = INTENT_ANY_REVISION };

		assert_int_equal(intent_submit(d.intent, &request, noted, &d, NULL), 0);
		desk_idle(&d, 300);
	}
	desk_idle(&d, 1500);
	assert_false(d.is_answered);
	assert_true(plan.asked >= 4);
	assert_null(intent_find(d.intent, "nodes", "b"));
	// A stop ends the waiting; what was written is there after it, what was not begun is not.
	desk_restart(&d);
	assert_true(d.is_answered);
	assert_int_equal(d.status, INTENT_UNAVAILABLE);
	assert_non_null(intent_find(d.intent, "nodes", "b"));
	assert_null(intent_find(d.intent, "nodes", "c"));
	desk_check_targets(&d);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_true_once_the_database_says_so),
		cmocka_unit_test(what_was_not_written_never_was),
		cmocka_unit_test(nothing_else_is_begun_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
