// One direction of a flow between real sockets: order, much and little, a slow taker, every end.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"

#include "proxy/relay.h"

// giver[0] -> giver[1] ~ relay ~ taker[0] -> taker[1]
struct line {
	struct relay_tools tools;
	struct relay_way way;
	int giver[2], taker[2];
	uint8_t sent, got; // the next byte's value
};

enum { MUCH = 600000, GONE_ON = 4000 };

static void connect_pair(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

static int set_up(void **state)
{
	static struct line line;
	line = (struct line){ 0 };
	connect_pair(line.giver);
	connect_pair(line.taker);
	*state = &line;
	return 0;
}

static int tear_down(void **state)
{
	struct line *line = *state;
	relay_done(&line->tools, &line->way);
	pipe_pool_done(&line->tools.pipes);
	for (unsigned i = 0; i < 2; i++) {
		close_fd(&line->giver[i]);
		close_fd(&line->taker[i]);
	}
	return 0;
}

// As many of `len` bytes as the socket takes.
static size_t give(struct line *line, size_t len)
{
	static uint8_t bytes[MUCH];
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(line->sent + i);
	ssize_t n = send(line->giver[0], bytes, len, MSG_NOSIGNAL);
	if (n < 0)
		return 0;
	line->sent = (uint8_t)(line->sent + n);
	return (size_t)n;
}

static size_t take(struct line *line, size_t max)
{
	static uint8_t bytes[MUCH];
	ssize_t n = recv(line->taker[1], bytes, max < sizeof(bytes) ? max : sizeof(bytes), 0);
	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(bytes[i], line->got++);
	return n < 0 ? 0 : (size_t)n;
}

static enum relay_result go(struct line *line)
{
	return relay_go(&line->tools, &line->way, line->giver[1], line->taker[0], RELAY_READ_SHORT);
}

static void a_little_is_copied(void **state)
{
	struct line *line = *state;
	assert_int_equal(give(line, 100), 100);
	assert_int_equal(go(line), RELAY_WAITS);
	assert_int_equal(take(line, 1000), 100);
	assert_int_equal(line->way.bytes, 100);
	assert_false(line->way.is_bulk);
	assert_null(line->tools.pipes.spare);
	assert_int_equal(go(line), RELAY_WAITS);
}

static void much_goes_through_a_pipe_that_is_given_back(void **state)
{
	struct line *line = *state;
	size_t given = 0, taken = 0;
	bool was_bulk = false;
	for (unsigned i = 0; i < GONE_ON && taken < MUCH; i++) {
		if (given < MUCH)
			given += give(line, MUCH - given);
		assert_int_equal(go(line), RELAY_WAITS);
		was_bulk = was_bulk || line->way.is_bulk;
		taken += take(line, MUCH);
	}
	assert_int_equal(taken, MUCH);
	assert_int_equal(line->way.bytes, MUCH);
	assert_true(was_bulk);
	assert_int_equal(go(line), RELAY_WAITS);
	assert_null(line->way.pipe);
	assert_int_equal(line->tools.pipes.n_spare, 1);
	assert_false(line->way.is_bulk);
}

// What is held stays within one pipe, and nothing is read until it is gone.
static void a_slow_taker_slows_the_giver(void **state)
{
	struct line *line = *state;
	size_t given = 0, taken = 0;
	for (unsigned i = 0; i < GONE_ON; i++) {
		size_t n = give(line, MUCH);
		assert_int_equal(go(line), RELAY_WAITS);
		if (n == 0)
			break;
		given += n;
	}
	assert_true(line->way.is_blocked);
	assert_true(relay_holds(&line->way));
	assert_true(given < 4 * PIPE_SIZE);
	assert_int_equal(give(line, MUCH), 0);
	while (taken < given) {
		size_t n = take(line, MUCH);
		taken += n;
		assert_int_equal(go(line), RELAY_WAITS);
	}
	assert_false(relay_holds(&line->way));
	assert_false(line->way.is_blocked);
	assert_int_equal(taken, given);
}

static void the_end_comes_behind_the_last_byte(void **state)
{
	struct line *line = *state;
	assert_int_equal(give(line, 50000), 50000);
	assert_int_equal(shutdown(line->giver[0], SHUT_WR), 0);
	assert_int_equal(
		relay_go(&line->tools, &line->way, line->giver[1], line->taker[0], RELAY_READ_END),
		RELAY_OVER);
	assert_int_equal(take(line, MUCH), 50000);
}

// A short read is taken for all there is, unless it is known that the end has come.
static void the_end_is_looked_for_when_it_has_come(void **state)
{
	struct line *line = *state;
	assert_int_equal(give(line, 10), 10);
	assert_int_equal(shutdown(line->giver[0], SHUT_WR), 0);
	assert_int_equal(go(line), RELAY_WAITS);
	assert_false(line->way.is_over);
	assert_int_equal(
		relay_go(&line->tools, &line->way, line->giver[1], line->taker[0], RELAY_READ_END),
		RELAY_OVER);
	assert_int_equal(take(line, 100), 10);
}

// A TCP connection to this host itself, whose first end was connected.
static void connect_tcp(int ends[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	CLEAN(close_fd) int door = socket(AF_INET, SOCK_STREAM, 0);
	const int value = 1;
	assert_int_equal(bind(door, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(door, 1), 0);
	assert_int_equal(getsockname(door, (struct sockaddr *)&at, &len), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(ends[0], (struct sockaddr *)&at, len), 0);
	assert_int_equal(setsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)), 0);
	ends[1] = accept(door, NULL, NULL);
	assert_return_code(ends[1], errno);
}

static uint32_t packets_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_segs_out - info.tcpi_total_retrans;
}

// Ends a line whose taker is a TCP socket; how many packets that took. `ret_took_ms` of the
// kernel's patience, after which it sends what waits for its end by itself.
static uint32_t packets_of_an_end(struct line *line, int64_t *ret_took_ms)
{
	for (unsigned i = 0; i < 2; i++)
		close_fd(&line->taker[i]);
	connect_tcp(line->taker);
	assert_int_equal(give(line, 10), 10);
	assert_int_equal(shutdown(line->giver[0], SHUT_WR), 0);
	const uint32_t before = packets_of(line->taker[0]);
	const int64_t begin_ms = clock_mono_ms();
	assert_int_equal(
		relay_go(&line->tools, &line->way, line->giver[1], line->taker[0], RELAY_READ_END),
		RELAY_OVER);
	assert_int_equal(shutdown(line->taker[0], SHUT_WR), 0);
	*ret_took_ms = clock_mono_ms() - begin_ms;
	return packets_of(line->taker[0]) - before;
}

static void the_end_is_in_the_packet_of_the_last_bytes(void **state)
{
	struct line *line = *state;
	int64_t took_ms = 0;
	uint32_t packets = packets_of_an_end(line, &took_ms);
	while (took_ms > 100) { // others had the processor
		(void)tear_down(state);
		(void)set_up(state);
		packets = packets_of_an_end(line, &took_ms);
	}
	assert_int_equal(packets, 1);
	assert_int_equal(take(line, 100), 10);
	assert_int_equal(recv(line->taker[1], &took_ms, 1, 0), 0);
}

static void what_was_read_before_comes_first(void **state)
{
	static const uint8_t first[] = { 0, 1, 2, 3, 4 };
	struct line *line = *state;
	assert_true(relay_put(&line->way, first, sizeof(first)));
	line->sent = sizeof(first);
	assert_int_equal(give(line, 10), 10);
	assert_int_equal(relay_flush(&line->way, line->taker[0]), RELAY_WAITS);
	assert_int_equal(take(line, 100), sizeof(first));
	assert_int_equal(go(line), RELAY_WAITS);
	assert_int_equal(take(line, 100), 10);
}

static void a_taker_that_is_gone_breaks_it(void **state)
{
	struct line *line = *state;
	assert_int_equal(close(take_fd(&line->taker[1])), 0);
	assert_int_equal(give(line, 10), 10);
	assert_int_equal(go(line), RELAY_BROKEN);
}

static void a_pipe_with_bytes_in_it_serves_nobody_else(void **state)
{
	struct line *line = *state;
	struct pipe *pipe = pipe_get(&line->tools.pipes);
	assert_non_null(pipe);
	assert_true(fcntl(pipe->in, F_GETPIPE_SZ) >= 65536);
	assert_int_equal(write(pipe->in, "x", 1), 1);
	pipe->held = 1;
	pipe_put(&line->tools.pipes, pipe);
	assert_int_equal(line->tools.pipes.n_spare, 0);
	pipe_put(&line->tools.pipes, NULL);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_little_is_copied),
		CASE(much_goes_through_a_pipe_that_is_given_back),
		CASE(a_slow_taker_slows_the_giver),
		CASE(the_end_comes_behind_the_last_byte),
		CASE(the_end_is_looked_for_when_it_has_come),
		CASE(the_end_is_in_the_packet_of_the_last_bytes),
		CASE(what_was_read_before_comes_first),
		CASE(a_taker_that_is_gone_breaks_it),
		CASE(a_pipe_with_bytes_in_it_serves_nobody_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
