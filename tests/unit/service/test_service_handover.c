// One process takes the listening sockets of another, which listens until it is told that the other
// one serves.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "service/handover.h"
#include "service/service.h"

enum { FILES = 3 };

// The process before, on a thread of its own.
struct given {
	uv_loop_t loop;
	uv_thread_t thread;
	uv_async_t stop;
	struct service_control *control;
	char path[64];
	int files[FILES];
	struct place places[FILES];
	int types[FILES];
	unsigned n_left;
};

static void on_request(void *context, struct service_talk *talk, const json_t *request)
{
	(void)context;
	(void)request;
	service_say(talk, json_pack("{s:s}", "state", "running"));
}

static size_t sockets(void *context, int *ret)
{
	const struct given *given = context;
	memcpy(ret, given->files, sizeof(given->files));
	return FILES;
}

static void leave(void *context, struct service_talk *talk)
{
	struct given *given = context;
	given->n_left++;
	service_say(talk, json_pack("{s:b}", "leaving", true));
}

static void on_stop(uv_async_t *stop)
{
	struct given *given = stop->data;
	service_close(given->control);
	uv_close((uv_handle_t *)stop, NULL);
}

static void run(void *context)
{
	struct given *given = context;
	(void)uv_run(&given->loop, UV_RUN_DEFAULT);
}

static void bind_one(struct given *given, size_t i, int type)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	given->files[i] = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(given->files[i], (const struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(given->files[i], (struct sockaddr *)&at, &len), 0);
	given->places[i] = place_of((const struct sockaddr *)&at);
	given->types[i] = type;
}

static int set_up(void **state)
{
	static struct given given;
	const struct service_owner owner = {
		.on_request = on_request, .context = &given, .sockets = sockets, .leave = leave
	};
	struct handover none = HANDOVER_NONE;
	given = (struct given){ .n_left = 0 };
	(void)snprintf(given.path, sizeof(given.path), "/tmp/test_service_handover.%d",
		       (int)getpid());
	bind_one(&given, 0, SOCK_STREAM);
	bind_one(&given, 1, SOCK_DGRAM);
	bind_one(&given, 2, SOCK_STREAM);
	assert_int_equal(uv_loop_init(&given.loop), 0);
	assert_int_equal(uv_async_init(&given.loop, &given.stop, on_stop), 0);
	given.stop.data = &given;
	assert_int_equal(service_open(&given.loop, given.path, &owner, &none, &given.control, NULL),
			 0);
	assert_int_equal(service_begin(given.control, NULL), 0);
	assert_int_equal(uv_thread_create(&given.thread, run, &given), 0);
	*state = &given;
	return 0;
}

// The process before ends; only then may be looked at what it is made of.
static void end(struct given *given)
{
	assert_int_equal(uv_async_send(&given->stop), 0);
	assert_int_equal(uv_thread_join(&given->thread), 0);
	assert_int_equal(uv_loop_close(&given->loop), 0);
	for (size_t i = 0; i < FILES; i++)
		assert_int_equal(close(given->files[i]), 0);
}

static void ask(const struct given *given, struct handover *ret)
{
	*ret = HANDOVER_NONE;
	for (unsigned tries = 0; tries < 10 && ret->count == 0; tries++)
		handover_ask(given->path, ret); // it may be busy
	assert_int_equal(ret->count, FILES);
	assert_true(ret->control >= 0);
}

static void what_is_handed_over_is_found_by_its_place(void **state)
{
	struct given *given = *state;
	struct handover handover;
	struct err err;
	ask(given, &handover);
	for (size_t i = 0; i < FILES; i++) {
		const struct place *place = &given->places[i];
		assert_int_equal(handover_take(&handover, SOCK_SEQPACKET, place), -1);
		int fd = handover_take(&handover, given->types[i], place);
		assert_true(fd >= 0);
		assert_int_equal(close(fd), 0);
		assert_int_equal(handover_take(&handover, given->types[i], place), -1);
	}
	assert_int_equal(handover_finish(&handover, &err), 0);
	handover_done(&handover);
	end(given);
	assert_int_equal(given->n_left, 1);
	// Its path is left to who came after.
	assert_int_equal(unlink(given->path), 0);
}

static void who_goes_away_again_changes_nothing(void **state)
{
	struct given *given = *state;
	struct handover handover;
	for (unsigned i = 0; i < 3; i++) {
		ask(given, &handover);
		handover_done(&handover);
	}
	end(given);
	assert_int_equal(given->n_left, 0);
	assert_int_equal(access(given->path, F_OK), -1);
}

static void of_two_that_take_over_one_does(void **state)
{
	struct given *given = *state;
	struct handover first, second;
	struct err err = { 0 };
	ask(given, &first);
	ask(given, &second);
	assert_int_equal(handover_finish(&second, &err), 0);
	assert_int_equal(handover_finish(&first, &err), -EBUSY);
	assert_string_equal(err.text, "another process has taken over already");
	handover_done(&first);
	handover_done(&second);
	end(given);
	assert_int_equal(given->n_left, 1);
	assert_int_equal(unlink(given->path), 0);
}

static void the_control_socket_goes_along(void **state)
{
	struct given *given = *state;
	const struct service_owner owner = { .on_request = on_request };
	struct service_control *control;
	struct handover handover, third = HANDOVER_NONE;
	struct err err;
	uv_loop_t loop;
	ask(given, &handover);
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(service_open(&loop, given->path, &owner, &handover, &control, &err), 0);
	assert_int_equal(handover_finish(&handover, &err), 0);
	assert_int_equal(service_begin(control, &err), 0);
	handover_done(&handover);
	end(given);
	assert_int_equal(access(given->path, F_OK), 0);
	service_close(control); // now it is this one's to delete
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	handover_ask(given->path, &third);
	assert_int_equal(third.talk, -1);
	assert_int_equal(access(given->path, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_handed_over_is_found_by_its_place, set_up),
		cmocka_unit_test_setup(who_goes_away_again_changes_nothing, set_up),
		cmocka_unit_test_setup(of_two_that_take_over_one_does, set_up),
		cmocka_unit_test_setup(the_control_socket_goes_along, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
