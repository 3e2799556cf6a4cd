// Questions over connections whose other end goes silent: a resolver in the same loop that answers
// the first question of its first connection, then only those of others.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/octets.h"

#include "dns/exchange_ways.h"

enum { DEADLINE_MS = 20000, CONNECTIONS = 2, FRAME_MAX = 2 + EXCHANGE_WIRE_MAX };

struct connection {
	uv_tcp_t tcp;
	bool is_first;
	size_t have;
	uint8_t bytes[FRAME_MAX * 4];
};

struct resolver {
	uv_loop_t loop;
	uv_tcp_t listener;
	uv_timer_t deadline;
	struct exchange_host host;
	struct exchange_place place;
	unsigned n_connections, n_ends, n_questions;
	struct connection connections[CONNECTIONS];
};

// ---- the other end ----

// Says back what came, as an answer without records.
static void answer(struct connection *connection, uint8_t *frame, size_t len)
{
	uv_buf_t buf = uv_buf_init((char *)frame, (unsigned)len);
	frame[2 + 2] |= DNS_QR >> 8;
	assert_int_equal(uv_try_write((uv_stream_t *)&connection->tcp, &buf, 1), (int)len);
}

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
	struct connection *connection = handle->data;
	(void)wanted;
	*ret = uv_buf_init((char *)connection->bytes + connection->have,
			   (unsigned)(sizeof(connection->bytes) - connection->have));
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
	struct connection *connection = tcp->data;
	struct resolver *resolver = tcp->loop->data;
	(void)buf;
	if (n < 0) {
		resolver->n_ends++;
		uv_close((uv_handle_t *)tcp, NULL);
		return;
	}
	connection->have += (size_t)n;
	while (connection->have >= 2) {
		size_t len = 2 + (size_t)octets_get(connection->bytes, 2);
		if (connection->have < len)
			return;
		if (!connection->is_first || resolver->n_questions == 0)
			answer(connection, connection->bytes, len);
		resolver->n_questions++;
		connection->have -= len;
		memmove(connection->bytes, connection->bytes + len, connection->have);
	}
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct resolver *resolver = listener->data;
	assert_int_equal(status, 0);
	assert_true(resolver->n_connections < CONNECTIONS);
	struct connection *connection = &resolver->connections[resolver->n_connections];
	connection->is_first = resolver->n_connections++ == 0;
	connection->tcp.data = connection;
	assert_int_equal(uv_tcp_init(&resolver->loop, &connection->tcp), 0);
	assert_int_equal(uv_accept(listener, (uv_stream_t *)&connection->tcp), 0);
	assert_int_equal(uv_read_start((uv_stream_t *)&connection->tcp, give_room, on_read), 0);
}

static void on_deadline(uv_timer_t *timer)
{
	(void)timer;
	fail_msg("it did not come in %d ms", DEADLINE_MS);
}

static void resolver_init(struct resolver *resolver)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int size = sizeof(any);
	*resolver = (struct resolver){ 0 };
	assert_int_equal(uv_loop_init(&resolver->loop), 0);
	resolver->loop.data = resolver->listener.data = resolver;
	assert_int_equal(uv_tcp_init(&resolver->loop, &resolver->listener), 0);
	assert_int_equal(uv_tcp_bind(&resolver->listener, (struct sockaddr *)&any, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&resolver->listener, 8, on_connection), 0);
	assert_int_equal(uv_tcp_getsockname(&resolver->listener, (struct sockaddr *)&any, &size),
			 0);
	assert_int_equal(uv_timer_init(&resolver->loop, &resolver->deadline), 0);
	assert_int_equal(uv_timer_start(&resolver->deadline, on_deadline, DEADLINE_MS, 0), 0);
	assert_int_equal(exchange_host_init(&resolver->host, &resolver->loop, NULL), 0);
	resolver->place = (struct exchange_place){
		.host = &resolver->host,
		.at = { .address = { .family = 4, .bytes = { 127, 0, 0, 1 } },
			.port = ntohs(any.sin_port) },
	};
}

static void close_handle(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void resolver_done(struct resolver *resolver)
{
	exchange_place_tidy(&resolver->place, true);
	exchange_host_done(&resolver->host);
	uv_walk(&resolver->loop, close_handle, NULL);
	(void)uv_run(&resolver->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&resolver->loop), 0);
}

static void await(struct resolver *resolver, const unsigned *count, unsigned wanted)
{
	while (*count < wanted)
		(void)uv_run(&resolver->loop, UV_RUN_ONCE);
	assert_int_equal(*count, wanted);
}

// ---- this end ----

static unsigned answered;

static void on_done(struct exchange *exchange, int status, const uint8_t *message, size_t len)
{
	(void)exchange;
	(void)message;
	assert_int_equal(status, 0);
	assert_true(len > DNS_HEADER_SIZE);
	answered++;
}

static void start(struct resolver *resolver, struct exchange *exchange)
{
	struct name name;
	assert_int_equal(name_parse("www.example", 11, &name, NULL), 0);
	*exchange = (struct exchange){ .place = &resolver->place, .done = on_done };
	exchange_ask(exchange, &name, DNS_A, false);
	assert_int_equal(exchange_stream_start(exchange), 0);
}

// One question that was answered; two more by the same connection that were not.
static void start_three(struct resolver *resolver, struct exchange exchanges[3])
{
	answered = 0;
	resolver_init(resolver);
	start(resolver, &exchanges[0]);
	await(resolver, &answered, 1);
	start(resolver, &exchanges[1]);
	start(resolver, &exchanges[2]);
	await(resolver, &resolver->n_questions, 3);
}

// What was asked is answered: itself.
static void answer_one(struct resolver *resolver, const struct exchange *exchange)
{
	uint8_t frame[FRAME_MAX];
	octets_put(frame, exchange->len, 2);
	memcpy(frame + 2, exchange->wire, exchange->len);
	answer(&resolver->connections[0], frame, 2 + exchange->len);
	await(resolver, &answered, 2);
}

static void a_silent_connection_is_not_used_again(void **state)
{
	struct resolver resolver;
	struct exchange first, second, third;
	(void)state;
	answered = 0;
	resolver_init(&resolver);
	start(&resolver, &first);
	await(&resolver, &answered, 1);
	start(&resolver, &second);
	await(&resolver, &resolver.n_questions, 2);
	exchange_time_out(&second);
	start(&resolver, &third);
	await(&resolver, &answered, 2);
	assert_int_equal(resolver.n_connections, 2);
	await(&resolver, &resolver.n_ends, 1); // the first one is closed, nobody waits on it
	resolver_done(&resolver);
}

static void who_waits_on_it_may_yet_be_answered(void **state)
{
	struct resolver resolver;
	struct exchange exchanges[3];
	(void)state;
	start_three(&resolver, exchanges);
	exchange_time_out(&exchanges[1]);
	assert_int_equal(resolver.n_ends, 0);
	answer_one(&resolver, &exchanges[2]);
	await(&resolver, &resolver.n_ends, 1);
	resolver_done(&resolver);
}

static void one_that_is_slow_with_one_answer_stays(void **state)
{
	struct resolver resolver;
	struct exchange exchanges[3];
	(void)state;
	start_three(&resolver, exchanges);
	// What was heard is told apart from what was asked by the millisecond.
	for (uint64_t now_ms = uv_now(&resolver.loop); uv_now(&resolver.loop) == now_ms;)
		uv_update_time(&resolver.loop);
	answer_one(&resolver, &exchanges[2]);
	exchange_time_out(&exchanges[1]);
	assert_non_null(resolver.place.stream);
	assert_int_equal(resolver.n_ends, 0);
	resolver_done(&resolver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_connection_is_not_used_again),
		cmocka_unit_test(who_waits_on_it_may_yet_be_answered),
		cmocka_unit_test(one_that_is_slow_with_one_answer_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
