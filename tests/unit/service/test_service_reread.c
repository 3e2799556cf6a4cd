// A configuration is read again: what is in force when, and what is told of it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "service/reread.h"

// A configuration is a number that is counted up.
struct given {
	uv_loop_t loop;
	struct service_reread reread;
	int in_force;
	bool refuses; // what was read
};

static atomic_int n_read, n_freed;
static atomic_bool is_broken;

static void *read_one(const char *path, struct err *err)
{
	assert_string_equal(path, "file");
	int *config = malloc(sizeof(int));
	*config = ++n_read;
	if (!is_broken)
		return config;
	free(config);
	(void)err_set(err, -EINVAL, "line 1: it is broken");
	return NULL;
}

static void free_one(void *config)
{
	n_freed++;
	free(config);
}

static int apply(void *context, void *config, struct err *err)
{
	struct given *given = context;
	if (given->refuses)
		return err_set(err, -EADDRINUSE, "cannot listen");
	given->in_force = *(int *)config;
	free(config);
	return 0;
}

static int set_up(void **state)
{
	static struct given given;
	const struct service_reader reader = { read_one, free_one, apply, &given };
	n_read = n_freed = 0;
	is_broken = false;
	given = (struct given){ .in_force = 0 };
	assert_int_equal(uv_loop_init(&given.loop), 0);
	service_reread_init(&given.reread, &given.loop, "file", &reader);
	*state = &given;
	return 0;
}

static int tear_down(void **state)
{
	struct given *given = *state;
	service_reread_close(&given->reread);
	(void)uv_run(&given->loop, UV_RUN_DEFAULT);
	return uv_loop_close(&given->loop);
}

static void read_now(struct given *given)
{
	service_reread(&given->reread);
	(void)uv_run(&given->loop, UV_RUN_DEFAULT);
}

static void a_good_one_is_in_force(void **state)
{
	struct given *given = *state;
	given->reread.read_ms = 0;
	read_now(given);
	assert_int_equal(given->in_force, 1);
	assert_int_equal(given->reread.trouble.code, 0);
	assert_true(given->reread.read_ms > 0);
}

static void a_bad_one_leaves_the_one_before(void **state)
{
	struct given *given = *state;
	read_now(given);
	given->reread.read_ms = 7;
	is_broken = true;
	read_now(given);
	assert_int_equal(given->in_force, 1);
	assert_string_equal(given->reread.trouble.text, "line 1: it is broken");
	is_broken = false;
	given->refuses = true;
	read_now(given);
	assert_int_equal(given->in_force, 1);
	assert_int_equal(n_freed, 1);
	assert_int_equal(given->reread.trouble.code, -EADDRINUSE);
	assert_int_equal(given->reread.read_ms, 7);
	given->refuses = false;
	read_now(given);
	assert_int_equal(given->in_force, 4);
	assert_int_equal(given->reread.trouble.code, 0);
}

// What changed after a reading began is read by another one, once however often it was asked for.
static void asked_for_meanwhile_it_is_read_once_more(void **state)
{
	struct given *given = *state;
	for (unsigned i = 0; i < 5; i++)
		service_reread(&given->reread);
	(void)uv_run(&given->loop, UV_RUN_DEFAULT);
	assert_int_equal(n_read, 2);
	assert_int_equal(given->in_force, 2);
}

static void one_that_ends_puts_nothing_in_force(void **state)
{
	struct given *given = *state;
	service_reread(&given->reread);
	service_reread(&given->reread);
	service_reread_close(&given->reread);
	service_reread(&given->reread);
	(void)uv_run(&given->loop, UV_RUN_DEFAULT);
	assert_int_equal(given->in_force, 0);
	assert_int_equal(n_read, 1);
	assert_int_equal(n_freed, 1);
}

static void the_status_tells_it(void **state)
{
	struct given *given = *state;
	is_broken = true;
	read_now(given);
	json_auto_t *status = service_status(&given->reread);
	assert_string_equal(json_string_value(json_object_get(status, "state")), "running");
	assert_string_equal(json_string_value(json_object_get(status, "config")), "file");
	assert_string_equal(json_string_value(json_object_get(status, "error")),
			    "line 1: it is broken");
	char own[IDENTITY_SIZE];
	identity_of("/proc/self/exe", own);
	assert_string_equal(json_string_value(json_object_get(status, "program")), own);
	assert_true(strlen(own) > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_one_is_in_force, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_bad_one_leaves_the_one_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(asked_for_meanwhile_it_is_read_once_more, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(one_that_ends_puts_nothing_in_force, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_status_tells_it, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
