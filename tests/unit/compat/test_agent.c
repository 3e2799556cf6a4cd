// Today's agent told by the controllers of every release, and by one that knows more than it.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"

#include "conversation.h"
#include "desired/desired.h"
#include "fake_kernel.h"
#include "reconcile/kind.h"

static const char unknown_key[] = "later/thing";
static const char unknown_body[] = "{\"needs\":[],\"what\":{\"is\":[1,2.5,null]}}";

// What the controller of the conversation has told the node, up to message `until`.
static struct desired *told(const struct conversation *c, size_t until)
{
	struct desired *desired = desired_new();

	assert_non_null(desired);
	for (size_t at = 0; at < until; at++) {
		struct msg msg = conversation_decode(c, at);
		enum desired_step step = DESIRED_RESYNC;
		struct err err = { 0 };

		if (msg.type == MSG_DESIRED) {
			assert_int_equal(desired_take(desired, &msg.desired, &step, &err), 0);
			if (step == DESIRED_RESYNC)
				fail_msg("%s, message %zu: %s", c->file, at, err.text);
			assert_int_equal(desired_revision(desired), msg.desired.revision);
		} else if (msg.type == MSG_HELLO) {
			assert_true(digest_equal(entry_set_digest(desired_entries(desired)),
						 msg.hello.base_digest));
		}
		msg_done(&msg);
	}
	return desired;
}

// Each body is read whole: no field is missing that is demanded today.
static void replay_into_state(const struct conversation *c)
{
	CLEAN(desired_free_ptr) struct desired *desired = told(c, c->count);
	struct entry *entries;
	size_t len;

	assert_int_equal(entries_load(desired_entries(desired), &entries, &len, NULL), 0);
	assert_true(len > 0);
	for (size_t i = 0; i < len; i++) {
		if (!entries[i].body)
			fail_msg("%s: %s: %s", c->file, entries[i].key, entries[i].error.text);
	}
	entries_free(entries, len);
}

static void recorded_states_are_taken_in(void **state)
{
	(void)state;
	conversation_each(replay_into_state);
}

static void take(struct desired *desired, const char *key, const char *body)
{
	struct entry_change change = { key, body, strlen(body) };
	struct entry_set *with = entry_set_copy(desired_entries(desired));
	struct msg_desired part = { .revision = desired_revision(desired) + 1,
				    .base = entry_set_digest(with),
				    .changes = &change,
				    .count = 1 };
	enum desired_step step;

	assert_int_equal(entry_set_put(with, key, body, strlen(body), NULL), 1);
	part.digest = entry_set_digest(with);
	assert_int_equal(desired_take(desired, &part, &step, NULL), 0);
	assert_int_equal(step, DESIRED_NEW);
	entry_set_free(with);
}

static const char *complaint(const struct reconcile_result *result, const char *key)
{
	for (size_t i = 0; i < result->errors_len; i++)
		if (strcmp(result->errors[i].entry, key) == 0)
			return result->errors[i].text;
	return NULL;
}

// An entry of an unknown kind is digested, kept over a restart and reported; what needs it waits,
// the rest stands. A known kind may have fields that nobody here knows.
static void replay_with_unknown_entries(const struct conversation *c)
{
	static const char needy[] = "{\"name\":\"net.ipv4.ip_forward\",\"needs\":[\"later/thing\"],"
				    "\"value\":\"1\"}";
	static const char longer[] = "{\"later\":{\"x\":[]},\"name\":\"net.ipv6.conf.all."
				     "forwarding\",\"needs\":[],\"value\":\"1\"}";
	char path[] = "/tmp/weft-compat-XXXXXX";
	CLEAN(desired_free_ptr) struct desired *desired = told(c, c->count);
	CLEAN(desired_free_ptr) struct desired *again = desired_new();
	CLEAN(reconcile_free_ptr) struct reconcile *r = NULL;
	struct reconcile_result result = { 0 };
	struct fake_kernel kernel;

	take(desired, unknown_key, unknown_body);
	take(desired, "sysctl/net.ipv4.ip_forward", needy);
	take(desired, "sysctl/net.ipv6.conf.all.forwarding", longer);
	close(mkstemp(path));
	assert_int_equal(desired_save(desired, path, NULL), 0);
	assert_int_equal(desired_load(again, path, NULL), FILE_FOUND);
	assert_true(digest_equal(entry_set_digest(desired_entries(again)),
				 entry_set_digest(desired_entries(desired))));
	assert_string_equal(entry_set_get(desired_entries(again), unknown_key, NULL), unknown_body);
	assert_int_equal(file_delete_kept(path, NULL), 0);

	fake_kernel_init(&kernel);
	fake_kernel_set_sysctl(&kernel, "net.ipv4.ip_forward", "0");
	fake_kernel_set_sysctl(&kernel, "net.ipv6.conf.all.forwarding", "0");
	const struct reconcile_config config = { .kernel = &kernel.base };
	const struct reconcile_now now = { .mono_ms = 1000000, .wall_ms = 1700000000000 };
	assert_int_equal(reconcile_new(&config, &r, NULL), 0);
	assert_int_equal(reconcile_run(r, desired_entries(again), &now, &result, NULL), 0);
	assert_non_null(strstr(complaint(&result, unknown_key), "unsupported"));
	assert_non_null(
		strstr(complaint(&result, "sysctl/net.ipv4.ip_forward"), "blocked by later/thing"));
	assert_int_equal(result.errors_len, 2);
	assert_string_equal(fake_kernel_sysctl(&kernel, "net.ipv6.conf.all.forwarding"), "1");
	reconcile_result_done(&result);
	reconcile_free(take_ptr(&r));
	fake_kernel_done(&kernel);
}

static void unknown_entries_are_kept_and_reported(void **state)
{
	(void)state;
	conversation_each(replay_with_unknown_entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_states_are_taken_in),
		cmocka_unit_test(unknown_entries_are_kept_and_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
