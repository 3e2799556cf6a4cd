// What does not fit one frame arrives whole in several.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wire/message.h"

struct sink {
	struct entry_set *set;
	size_t frames;
	size_t hashes;
	size_t samples;
	bool is_over;
};

static int receive(void *ctx, const char *frame, size_t len)
{
	struct sink *sink = ctx;
	struct err err = { 0 };
	struct msg msg;
	enum msg_direction from =
		strstr(frame, "\"desired\"") && frame[9] == 'd' ? MSG_DOWN : MSG_UP;

	assert_true(len <= WIRE_FRAME_MAX);
	assert_false(sink->is_over);
	if (msg_decode(from, frame, len, &msg, &err) < 0)
		fail_msg("%s", err.text);
	if (msg.type == MSG_DESIRED) {
		assert_int_equal(
			entry_set_change(sink->set, msg.desired.changes, msg.desired.count, &err),
			0);
		sink->is_over = !msg.desired.more;
	} else if (msg.type == MSG_OBSERVE) {
		assert_int_equal(msg.observe.reset, sink->frames == 0);
		assert_int_equal(
			entry_set_change(sink->set, msg.observe.changes, msg.observe.count, &err),
			0);
		sink->is_over = !msg.observe.more;
	} else if (msg.type == MSG_KEYS) {
		sink->hashes += msg.keys.count;
		sink->is_over = !msg.keys.more;
	} else {
		sink->samples += json_object_size(msg.samples.values);
	}
	sink->frames++;
	msg_done(&msg);
	return 0;
}

// Bodies full of quotes, which double in size when they are written as strings.
static struct entry_set *large_set(size_t count, size_t body_size)
{
	struct entry_set *set = entry_set_new();
	CLEAN(free_ptr) char *body = malloc(body_size + 64);

	assert_non_null(set);
	assert_non_null(body);
	for (size_t i = 0; i < count; i++) {
		char key[32];
		size_t len = (size_t)sprintf(body, "{\"a\":\"");

		while (len + 4 < body_size) {
			body[len++] = '\\';
			body[len++] = '"';
		}
		len += (size_t)sprintf(body + len, "\"}");
		(void)snprintf(key, sizeof(key), "peer/home/n%zu", i);
		assert_int_equal(entry_set_put(set, key, body, len, NULL), 1);
	}
	return set;
}

static void check(size_t count, size_t body_size)
{
	CLEAN(entry_set_free_ptr) struct entry_set *from = entry_set_new();
	CLEAN(entry_set_free_ptr) struct entry_set *set = large_set(count, body_size);
	CLEAN(entry_delta_done) struct entry_delta delta = { 0 };
	struct sink down = { .set = entry_set_new() };
	struct sink up = { .set = entry_set_new() };
	struct sink keys = { 0 };
	struct err err = { 0 };

	assert_int_equal(entry_delta_between(from, set, &delta), 0);
	assert_int_equal(msg_desired_frames(5, &delta, receive, &down, &err), 0);
	assert_true(down.is_over);
	assert_true(digest_equal(entry_set_digest(down.set), entry_set_digest(set)));
	assert_int_equal(msg_observe_all_frames(set, receive, &up, &err), 0);
	assert_true(digest_equal(entry_set_digest(up.set), entry_set_digest(set)));
	assert_int_equal(msg_keys_frames(set, receive, &keys, &err), 0);
	assert_int_equal(keys.hashes, count);
	assert_true(keys.is_over);
	entry_set_free(down.set);
	entry_set_free(up.set);
}

static void sets_of_all_sizes(void **state)
{
	(void)state;
	check(0, 0);
	check(1, WIRE_BODY_MAX);
	check(40, WIRE_BODY_MAX);
	check(9000, 40);
}

static void samples_split(void **state)
{
	json_t *values = json_object();
	struct sink sink = { 0 };

	(void)state;
	for (int i = 0; i < 6000; i++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "peer/home/n%d", i);
		(void)json_object_set_new(values, key, json_pack("{s:i}", "rx_bytes", i));
	}
	assert_int_equal(msg_samples_frames(1, values, receive, &sink, NULL), 0);
	assert_int_equal(sink.samples, 6000);
	assert_true(sink.frames >= 2);
	json_decref(values);
}

static int refuse(void *ctx, const char *frame, size_t len)
{
	(void)frame;
	(void)len;
	(*(int *)ctx)++;
	return -ENOBUFS;
}

static void a_refused_frame_stops(void **state)
{
	CLEAN(entry_set_free_ptr) struct entry_set *set = large_set(9000, 40);
	int calls = 0;

	(void)state;
	assert_int_equal(msg_keys_frames(set, refuse, &calls, NULL), -ENOBUFS);
	assert_int_equal(calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_of_all_sizes),
		cmocka_unit_test(samples_split),
		cmocka_unit_test(a_refused_frame_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
