// The control socket answers one question per connection, and only one agent can hold it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/control.h"

struct asker {
	const char *path;
	int r;
	json_t *answer;
};

static json_t *on_request(void *context, const json_t *request, uint64_t ticket)
{
	(void)ticket;
	int *count = context;
	(*count)++;
	return json_pack("{s:s?}", "echo", json_string_value(json_object_get(request, "verb")));
}

static void ask_in_thread(uv_work_t *work)
{
	struct asker *asker = work->data;
	json_t *request = json_pack("{s:s}", "verb", "status");
	asker->r = control_ask(asker->path, request, 5, &asker->answer, NULL);
	json_decref(request);
}

static void on_asked(uv_work_t *work, int status)
{
	(void)status;
	uv_stop(work->loop);
}

static void a_question_is_answered_and_a_second_agent_refused(void **state)
{
	(void)state;
	char dir[] = "/tmp/weft-control-XXXXXX";
	char path[64];
	uv_loop_t loop;
	int count = 0;
	struct control *control = NULL;
	struct control *second = NULL;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/control.sock", dir);
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(control_open(&loop, path, on_request, &count, &control, NULL), 0);
	struct err err = { 0 };
	assert_int_equal(control_open(&loop, path, on_request, &count, &second, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "running already"));
	struct asker asker = { .path = path };
	uv_work_t work = { .data = &asker };
	assert_int_equal(uv_queue_work(&loop, &work, ask_in_thread, on_asked), 0);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(asker.r, 0);
	assert_string_equal(json_string_value(json_object_get(asker.answer, "echo")), "status");
	assert_int_equal(count, 1);
	json_decref(asker.answer);
	control_close(control);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void without_an_agent_the_client_says_so(void **state)
{
	(void)state;
	struct err err = { 0 };
	json_t *answer = NULL;
	json_t *request = json_object();
	assert_int_equal(control_ask("/tmp/weft-no-such-socket", request, 1, &answer, &err),
			 -ENOENT);
	json_decref(request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_answered_and_a_second_agent_refused),
		cmocka_unit_test(without_an_agent_the_client_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
