// Questions by TCP faster than their answers get away: what is kept of a connection stays bounded,
// and nothing that was asked is lost.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/octets.h"

#include "dns/server.h"

enum {
	QUESTIONS = 200,
	QUESTION_SIZE = 19, // a header, a name of one label of one letter, type and class
	FRAME_SIZE = 2 + QUESTION_SIZE,
	ANSWER_SIZE = 60000,
	BUFFER = 65536, // of the kernel on either side: it doubles them
	PENDING_MAX = 64,
	// What fits into both buffers, the bytes that may be unsent, and the answer beyond them.
	SERVED_MAX = (4 * BUFFER + 256 * 1024) / ANSWER_SIZE + 2,
	DEADLINE_MS = 20000,
};

// The resolver behind the door.
static struct {
	bool is_late; // its answers come later
	size_t n_served, n_late;
	struct dns_from late[QUESTIONS];
	uint8_t ids[QUESTIONS][2];
} served;

uint64_t dns_serve_now_us(void)
{
	return 0;
}

void dns_serve_read(struct dns_asked *ret, const uint8_t *wire, size_t len, uint64_t now_us)
{
	assert_int_equal(len, QUESTION_SIZE);
	*ret = (struct dns_asked){ .wire = wire, .came_us = now_us };
}

size_t dns_serve(struct dns_server *server, const struct dns_from *from,
		 const struct dns_asked *asked, uint8_t ret[DNS_MESSAGE_MAX])
{
	(void)server;
	assert_int_equal(octets_get(asked->wire, 2), served.n_served++);
	if (served.is_late) {
		memcpy(served.ids[served.n_late], asked->wire, 2);
		served.late[served.n_late] = *from;
		from->door->hold(&served.late[served.n_late++]);
		return 0;
	}
	memset(ret, 0, ANSWER_SIZE);
	memcpy(ret, asked->wire, 2);
	return ANSWER_SIZE;
}

// ---- a door and a client of it ----

struct fixture {
	uv_loop_t loop;
	struct dns_config config;
	struct endpoint endpoint;
	struct dns_server server;
	int client;
};

static void set_buffer(int fd, int option)
{
	assert_int_equal(setsockopt(fd, SOL_SOCKET, option, &(int){ BUFFER }, sizeof(int)), 0);
}

static int setup(void **state)
{
	static struct fixture f;
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	int listener;
	memset(&served, 0, sizeof(served));
	f = (struct fixture){ .endpoint = { .address = { .family = 4, .bytes = { 127, 0, 0, 1 } },
					    .is_address = true } };
	f.config = (struct dns_config){ .listen = &f.endpoint, .n_listen = 1 };
	f.server = (struct dns_server){ .loop = &f.loop, .config = &f.config };
	assert_int_equal(uv_loop_init(&f.loop), 0);
	assert_int_equal(dns_tcp_open(&f.server, &f.config, NULL), 0);
	assert_int_equal(dns_tcp_sockets(&f.server, &listener, 1), 1);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	set_buffer(listener, SO_SNDBUF); // what is accepted inherits it
	f.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	set_buffer(f.client, SO_RCVBUF);
	assert_int_equal(connect(f.client, (struct sockaddr *)&at, len), 0);
	assert_int_equal(fcntl(f.client, F_SETFL, O_NONBLOCK), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	(void)close(f->client);
	dns_tcp_keep(&f->server, NULL);
	assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	return 0;
}

// All in one segment: the server reads them at once.
static void ask_all(struct fixture *f)
{
	uint8_t frames[QUESTIONS][FRAME_SIZE] = { 0 };
	for (size_t i = 0; i < QUESTIONS; i++) {
		octets_put(frames[i], QUESTION_SIZE, 2);
		octets_put(frames[i] + 2, i, 2);
	}
	assert_int_equal(send(f->client, frames, sizeof(frames), 0), sizeof(frames));
}

// Until at least so many are served, and nothing more comes of it.
static void settle(struct fixture *f, size_t least)
{
	const uint64_t end_ms = uv_hrtime() / 1000000 + DEADLINE_MS;
	size_t before = 0;
	for (int quiet = 0; quiet < 20; before = served.n_served) {
		(void)uv_run(&f->loop, UV_RUN_NOWAIT);
		quiet = served.n_served >= least && served.n_served == before ? quiet + 1 : 0;
		assert_true(uv_hrtime() / 1000000 < end_ms);
	}
}

// Reads `count` answers of `size` bytes, in the order of the questions.
static void read_answers(struct fixture *f, size_t count, size_t size)
{
	static uint8_t bytes[2 + ANSWER_SIZE];
	const uint64_t end_ms = uv_hrtime() / 1000000 + DEADLINE_MS;
	for (size_t i = 0, have = 0; i < count;) {
		ssize_t n = recv(f->client, bytes + have, 2 + size - have, 0);
		assert_int_not_equal(n, 0);
		have += n > 0 ? (size_t)n : 0;
		(void)uv_run(&f->loop, UV_RUN_NOWAIT);
		assert_true(uv_hrtime() / 1000000 < end_ms);
		if (have < 2 + size)
			continue;
		assert_int_equal(octets_get(bytes, 2), size);
		assert_int_equal(octets_get(bytes + 2, 2), i++);
		have = 0;
	}
}

static void test_who_takes_no_answers_is_not_answered_on(void **state)
{
	struct fixture *f = *state;
	ask_all(f);
	settle(f, 1);
	assert_in_range(served.n_served, 1, SERVED_MAX);
	read_answers(f, QUESTIONS, ANSWER_SIZE);
	assert_int_equal(served.n_served, QUESTIONS);
}

static void test_questions_under_way_are_bounded(void **state)
{
	struct fixture *f = *state;
	served.is_late = true;
	ask_all(f);
	settle(f, PENDING_MAX);
	assert_int_equal(served.n_served, PENDING_MAX);
	for (size_t i = 0; i < QUESTIONS; i++) {
		const size_t more = i + 1 + PENDING_MAX;
		const size_t expected = more < QUESTIONS ? more : QUESTIONS;
		served.late[i].door->answer(&served.late[i], served.ids[i], 2);
		settle(f, expected);
		assert_int_equal(served.n_served, expected);
	}
	read_answers(f, QUESTIONS, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_who_takes_no_answers_is_not_answered_on, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_questions_under_way_are_bounded, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
