// The controller hears the whole observed state once, then only differences.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#include "report/report.h"

// What the controller would hold after the frames so far.
struct listener {
	struct entry_set *set;
	int frames;
	int resets;
	int fail; // returned instead of taking the frame
};

static int on_frame(void *context, const char *frame, size_t len)
{
	struct listener *listener = context;
	struct msg msg;
	if (listener->fail)
		return listener->fail;
	assert_int_equal(msg_decode(MSG_UP, frame, len, &msg, NULL), 0);
	assert_int_equal(msg.type, MSG_OBSERVE);
	listener->frames++;
	if (msg.observe.reset) {
		listener->resets++;
		entry_set_clear(listener->set);
	}
	assert_true(entry_set_change(listener->set, msg.observe.changes, msg.observe.count, NULL) >=
		    0);
	if (!msg.observe.more)
		assert_true(digest_equal(entry_set_digest(listener->set), msg.observe.digest));
	msg_done(&msg);
	return 0;
}

static void put(struct entry_set *set, const char *key, const char *body)
{
	assert_true(entry_set_put(set, key, body, strlen(body), NULL) >= 0);
}

static void tell(struct report *report, const struct entry_set *now, struct listener *listener)
{
	assert_int_equal(report_observed(report, now, on_frame, listener, NULL), 0);
	assert_true(digest_equal(entry_set_digest(now), entry_set_digest(listener->set)));
}

static void first_all_then_differences_then_nothing(void **state)
{
	(void)state;
	CLEAN(report_free_ptr) struct report *report = report_new();
	CLEAN(entry_set_free_ptr) struct entry_set *now = entry_set_new();
	CLEAN(entry_set_free_ptr) struct entry_set *held = entry_set_new();
	struct listener listener = { .set = held };
	put(now, "node/self", "{}");
	put(now, "peer/home/bob", "{\"state\":\"never\"}");
	put(held, "peer/home/gone", "{}");
	tell(report, now, &listener);
	assert_int_equal(listener.resets, 1);
	put(now, "peer/home/bob", "{\"state\":\"up\"}");
	assert_true(entry_set_drop(now, "node/self"));
	tell(report, now, &listener);
	assert_int_equal(listener.resets, 1);
	int frames = listener.frames;
	tell(report, now, &listener);
	assert_int_equal(listener.frames, frames);
}

static void an_empty_state_is_told_too(void **state)
{
	(void)state;
	CLEAN(report_free_ptr) struct report *report = report_new();
	CLEAN(entry_set_free_ptr) struct entry_set *now = entry_set_new();
	CLEAN(entry_set_free_ptr) struct entry_set *held = entry_set_new();
	struct listener listener = { .set = held };
	put(held, "peer/home/gone", "{}");
	tell(report, now, &listener);
	assert_int_equal(listener.resets, 1);
}

static void after_a_failure_or_a_reset_everything_is_told_again(void **state)
{
	(void)state;
	CLEAN(report_free_ptr) struct report *report = report_new();
	CLEAN(entry_set_free_ptr) struct entry_set *now = entry_set_new();
	CLEAN(entry_set_free_ptr) struct entry_set *held = entry_set_new();
	struct listener listener = { .set = held };
	put(now, "node/self", "{}");
	tell(report, now, &listener);
	put(now, "node/self", "{\"a\":1}");
	listener.fail = -ENOTCONN;
	assert_true(report_observed(report, now, on_frame, &listener, NULL) < 0);
	listener.fail = 0;
	tell(report, now, &listener);
	assert_int_equal(listener.resets, 2);
	report_reset(report);
	tell(report, now, &listener);
	assert_int_equal(listener.resets, 3);
}

static void the_process_tells_of_itself(void **state)
{
	(void)state;
	json_t *values = json_object();
	assert_int_equal(report_add_self(values, 1000, 61000, NULL), 0);
	const json_t *self = json_object_get(values, "node/self");
	assert_int_equal(json_integer_value(json_object_get(self, "uptime_s")), 60);
	assert_true(json_integer_value(json_object_get(self, "rss_kb")) > 0);
	json_decref(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_all_then_differences_then_nothing),
		cmocka_unit_test(an_empty_state_is_told_too),
		cmocka_unit_test(after_a_failure_or_a_reset_everything_is_told_again),
		cmocka_unit_test(the_process_tells_of_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
