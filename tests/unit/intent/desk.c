// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/text.h"
#include "settings/yaml.h"
#include "wire/digest.h"

json_t *desk_json(const char *text)
{
	CLEAN(free_ptr) char *copy = strdup(text);

	for (char *c = copy; *c; c++) {
		if (*c == '\'')
			*c = '"';
	}
	json_t *json = json_loads(copy, 0, NULL);
	if (!json)
		fail_msg("not JSON: %s", copy);
	return json;
}

static void told(void *arg, const struct intent_commit *commit)
{
	struct desk *d = arg;

	if (commit->is_first) {
		d->commits++;
		d->parts = 0;
		json_decref(d->touched);
		d->touched = json_object();
	}
	d->parts++;
	d->delta_count = commit->nodes_touched;
	(void)snprintf(d->actor, sizeof d->actor, "%s", commit->actor);
	for (size_t i = 0; i < commit->delta_count; i++) {
		const struct intent_delta *delta = &commit->deltas[i];
		json_t *entries = json_object();

		for (size_t k = 0; k < delta->set_count; k++)
			json_object_set_new(entries, delta->set[k].key,
					    json_string(delta->set[k].body));
		for (size_t k = 0; k < delta->drop_count; k++)
			json_object_set_new(entries, delta->drop[k], json_null());
		json_object_set_new(d->touched, delta->node, entries);
	}
}

static void desk_start(struct desk *d)
{
	struct err err = { 0 };

	if (store_open(&d->loop, d->db, &d->store, &err) < 0)
		fail_msg("%s", err.text);
	struct intent_settings settings = {
		.loop = &d->loop, .store = d->store, .schema = d->schema, .facts_delay_ms = 20
	};
	if (intent_open(&settings, &d->intent, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(intent_listen(d->intent, told, d), 0);
}

static void desk_stop(struct desk *d)
{
	store_free(take_ptr(&d->store));
	intent_free(take_ptr(&d->intent));
	(void)uv_run(&d->loop, UV_RUN_DEFAULT);
}

void desk_open(struct desk *d)
{
	json_t *openapi = NULL;
	struct err err = { 0 };

	memset(d, 0, sizeof *d);
	// In memory where that is possible: a busy disk makes each commit take long.
	(void)snprintf(d->dir, sizeof d->dir, "%s/weft-intent-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(d->dir));
	(void)snprintf(d->db, sizeof d->db, "%s/weft.db", d->dir);
	assert_int_equal(uv_loop_init(&d->loop), 0);
	if (yaml_read_file(WEFT_SOURCE_DIR "/api/openapi.yaml", NULL, &openapi, &err) < 0 ||
	    schema_load(openapi, &d->schema, &err) < 0)
		fail_msg("%s", err.text);
	json_decref(openapi);
	desk_start(d);
}

void desk_restart(struct desk *d)
{
	desk_stop(d);
	desk_start(d);
}

void desk_close(struct desk *d)
{
	CLEAN(free_ptr) char *command = text_format("rm -r %s", d->dir);

	desk_stop(d);
	assert_int_equal(uv_loop_close(&d->loop), 0);
	schema_free(d->schema);
	json_decref(d->changes);
	json_decref(d->nodes);
	json_decref(d->problems);
	json_decref(d->touched);
	assert_int_equal(system(command), 0);
}

// A timer wakes the loop: one round of it may answer by a timer of its own and then wait for ever.
static void tick(uv_timer_t *timer)
{
	int *left = timer->data;

	*left -= 5;
}

static void run_while(struct desk *d, bool (*is_wanted)(const struct desk *d), int ms)
{
	int left = ms;
	uv_timer_t timer;

	assert_int_equal(uv_timer_init(&d->loop, &timer), 0);
	timer.data = &left;
	assert_int_equal(uv_timer_start(&timer, tick, 5, 5), 0);
	while (left > 0 && is_wanted(d))
		(void)uv_run(&d->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&d->loop, UV_RUN_NOWAIT);
}

static bool still_asked(const struct desk *d)
{
	return !d->is_answered;
}

static bool nothing_committed(const struct desk *d)
{
	return d->commits == d->commits_before;
}

static bool always(const struct desk *d)
{
	(void)d;
	return true;
}

bool desk_wait_commit(struct desk *d)
{
	d->commits_before = d->commits;
	run_while(d, nothing_committed, 5000);
	return d->commits > d->commits_before;
}

void desk_idle(struct desk *d, int ms)
{
	run_while(d, always, ms);
}

static void answered(void *arg, const struct intent_answer *a)
{
	struct desk *d = arg;

	d->is_answered = true;
	d->status = a->status;
	(void)snprintf(d->detail, sizeof d->detail, "%s", a->detail ? a->detail : "");
	d->revision = a->revision;
	d->is_changed = a->is_changed;
	d->is_created = a->is_created;
	json_decref(d->changes);
	json_decref(d->nodes);
	json_decref(d->problems);
	d->changes = json_deep_copy(a->changes);
	d->nodes = json_deep_copy(a->nodes);
	d->problems = a->problems ? problem_list_json(a->problems) : NULL;
}

enum intent_class desk_ask(struct desk *d, struct intent_request *request, const char *body)
{
	json_auto_t *json = body ? desk_json(body) : NULL;
	struct err err = { 0 };

	request->body = json;
	d->is_answered = false;
	if (intent_submit(d->intent, request, answered, d, &err) < 0)
		fail_msg("%s", err.text);
	assert_false(d->is_answered);
	run_while(d, still_asked, 10000);
	assert_true(d->is_answered);
	return d->status;
}

enum intent_class desk_do(struct desk *d, enum intent_verb verb, const char *kind, const char *name,
			  const char *body)
{
	struct intent_request request = { .verb = verb,
					  .actor = "user/ada",
					  .kind = kind,
					  .name = name,
					  .expected_revision = INTENT_ANY_REVISION };

	return desk_ask(d, &request, body);
}

static int sum(void *arg, const char *key, const char *body)
{
	digest_add(arg, digest_of_entry(key, body, strlen(body)));
	return 0;
}

static bool check_target(void *arg, const struct intent_resource *node)
{
	struct desk *d = arg;
	struct intent_target target;
	struct digest digest = { 0 };
	char text[DIGEST_TEXT_SIZE];

	assert_true(intent_node_target(d->intent, node->id, &target));
	assert_int_equal(intent_node_entries(d->intent, node->id, sum, &digest), 0);
	digest_format(digest, text);
	assert_string_equal(text, target.digest);
	return true;
}

void desk_check_targets(struct desk *d)
{
	intent_list(d->intent, "nodes", NULL, check_target, d);
}

int64_t desk_id(struct desk *d, const char *kind, const char *name)
{
	const struct intent_resource *r = intent_find(d->intent, kind, name);

	return r ? r->id : 0;
}
