// Questions by TCP (RFC 7766): several at once on a connection, answered as their answers come.
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/octets.h"

#include "dns/server.h"

enum {
	BACKLOG = 128,
	CONNECTIONS_MAX = 512,
	PER_CLIENT_MAX = 32,
	PENDING_MAX = 64,        // questions of a connection under way
	UNSENT_MAX = 256 * 1024, // answers that a client does not take
	QUESTION_MAX = 4096,
	LENGTH_SIZE = 2,
	IDLE_MS = 10000,
	TICK_MS = 1000,
};

struct connection {
	struct connection *next;
	struct dns_tcp *door;
	uv_tcp_t tcp;
	struct address client;
	unsigned pending;
	bool is_closing, is_closed, is_paused;
	uint64_t used_ms;
	size_t have;
	uint8_t frame[LENGTH_SIZE + QUESTION_MAX];
};

struct dns_tcp {
	struct dns_tcp *next;
	struct dns_server *server;
	uv_tcp_t tcp;
	uv_timer_t timer;
	unsigned handles; // of its own, still open
	struct endpoint endpoint;
	struct connection *first;
	unsigned n_connections;
	bool is_closing;
};

struct sending {
	uv_write_t write;
	uint8_t bytes[];
};

// ---- the end of connections and doors ----

static void release_door(struct dns_tcp *door)
{
	if (door->is_closing && door->handles == 0 && door->n_connections == 0)
		free(door);
}

static void release(struct connection *connection)
{
	struct dns_tcp *door = connection->door;
	if (!connection->is_closed || connection->pending > 0)
		return;
	door->n_connections--;
	free(connection);
	release_door(door);
}

static void on_closed(uv_handle_t *handle)
{
	struct connection *connection = handle->data;
	connection->is_closed = true;
	release(connection);
}

static void end(struct connection *connection)
{
	struct connection **at = &connection->door->first;
	if (connection->is_closing)
		return;
	connection->is_closing = true;
	while (*at != connection)
		at = &(*at)->next;
	*at = connection->next;
	uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

// ---- answers ----

static void go_on(struct connection *connection);

static void on_written(uv_write_t *write, int status)
{
	struct connection *connection = write->handle->data;
	free(write->data);
	if (status < 0)
		end(connection);
	else
		go_on(connection);
}

static void send_answer(struct connection *connection, const uint8_t *message, size_t len)
{
	if (connection->is_closing || len == 0)
		return;
	struct sending *sending = malloc(sizeof(*sending) + LENGTH_SIZE + len);
	if (!sending) {
		end(connection);
		return;
	}
	octets_put(sending->bytes, len, LENGTH_SIZE);
	memcpy(sending->bytes + LENGTH_SIZE, message, len);
	sending->write.data = sending;
	uv_buf_t buf = uv_buf_init((char *)sending->bytes, (unsigned)(LENGTH_SIZE + len));
	if (uv_write(&sending->write, (uv_stream_t *)&connection->tcp, &buf, 1, on_written) < 0) {
		free(sending);
		end(connection);
	}
}

static void hold(struct dns_from *from)
{
	struct connection *connection = from->place;
	connection->pending++;
	connection->door->server->n_pending++;
}

// Not a place to take the next question: it goes on once this answer is written.
static void answer_later(struct dns_from *from, const uint8_t *message, size_t len)
{
	struct connection *connection = from->place;
	send_answer(connection, message, len);
	connection->pending--;
	connection->door->server->n_pending--;
	release(connection);
}

static const struct dns_door tcp_door = { hold, answer_later };

// ---- questions ----

static void take_question(struct connection *connection, const uint8_t *wire, size_t len)
{
	static uint8_t answer[DNS_MESSAGE_MAX];
	const struct dns_from from = { .door = &tcp_door,
				       .place = connection,
				       .client = connection->client,
				       .is_stream = true };
	struct dns_asked asked;
	dns_serve_read(&asked, wire, len, dns_serve_now_us());
	size_t made = dns_serve(connection->door->server, &from, &asked, answer);
	send_answer(connection, answer, made);
}

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
	struct connection *connection = handle->data;
	(void)wanted;
	*ret = uv_buf_init((char *)connection->frame + connection->have,
			   (unsigned)(sizeof(connection->frame) - connection->have));
}

// It has as many questions under way as it may, or does not take its answers.
static bool is_full(const struct connection *connection)
{
	return connection->pending >= PENDING_MAX ||
	       uv_stream_get_write_queue_size((const uv_stream_t *)&connection->tcp) > UNSENT_MAX;
}

// Takes the whole questions that are there while answers get away; what is left moves to the front.
static void take_frames(struct connection *connection)
{
	size_t at = 0;
	while (!connection->is_closing && !is_full(connection) &&
	       connection->have - at >= LENGTH_SIZE) {
		size_t len = (size_t)octets_get(connection->frame + at, LENGTH_SIZE);
		if (len < DNS_HEADER_SIZE || len > QUESTION_MAX) {
			end(connection);
			return;
		}
		if (connection->have - at < LENGTH_SIZE + len)
			break;
		take_question(connection, connection->frame + at + LENGTH_SIZE, len);
		at += LENGTH_SIZE + len;
	}
	memmove(connection->frame, connection->frame + at, connection->have - at);
	connection->have -= at;
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
	struct connection *connection = tcp->data;
	(void)buf;
	if (n < 0) {
		end(connection);
		return;
	}
	connection->used_ms = uv_now(tcp->loop);
	connection->have += (size_t)n;
	go_on(connection);
}

// Takes what has been read, and reads on only while answers get away.
static void go_on(struct connection *connection)
{
	take_frames(connection);
	const bool must_pause = is_full(connection);
	if (connection->is_closing || must_pause == connection->is_paused)
		return;
	connection->is_paused = must_pause;
	if (must_pause)
		(void)uv_read_stop((uv_stream_t *)&connection->tcp);
	else if (uv_read_start((uv_stream_t *)&connection->tcp, give_room, on_read) < 0)
		end(connection);
}

// ---- connections ----

static unsigned count_of(const struct dns_tcp *door, const struct address *client)
{
	unsigned count = 0;
	for (const struct connection *at = door->first; at; at = at->next)
		count += address_equal(&at->client, client);
	return count;
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct dns_tcp *door = listener->data;
	struct sockaddr_storage peer = { 0 };
	int len = sizeof(peer);
	struct connection *connection = status < 0 ? NULL : calloc(1, sizeof(*connection));
	if (!connection)
		return;
	if (uv_tcp_init(listener->loop, &connection->tcp) < 0) {
		free(connection);
		return;
	}
	connection->door = door;
	connection->tcp.data = connection;
	connection->next = door->first;
	door->first = connection;
	door->n_connections++;
	connection->used_ms = uv_now(listener->loop);
	int r = uv_accept(listener, (uv_stream_t *)&connection->tcp);
	if (r == 0)
		r = uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&peer, &len);
	connection->client = dns_listen_address((const struct sockaddr *)&peer);
	if (r == 0 && (door->n_connections > CONNECTIONS_MAX ||
		       count_of(door, &connection->client) > PER_CLIENT_MAX))
		r = -EUSERS;
	if (r == 0)
		r = uv_read_start((uv_stream_t *)&connection->tcp, give_room, on_read);
	(void)uv_tcp_nodelay(&connection->tcp, 1);
	if (r < 0)
		end(connection);
}

static void on_tick(uv_timer_t *timer)
{
	struct dns_tcp *door = timer->data;
	for (struct connection *at = door->first, *next; at; at = next) {
		next = at->next;
		if (at->pending == 0 && uv_now(timer->loop) - at->used_ms > IDLE_MS)
			end(at);
		else
			go_on(at); // a question that was never answered wrote nothing
	}
}

// ---- opening and closing ----

static void on_door_closed(uv_handle_t *handle)
{
	struct dns_tcp *door = handle->data;
	door->handles--;
	release_door(door);
}

static void close_listener(struct dns_tcp *door)
{
	if (!uv_is_closing((uv_handle_t *)&door->tcp))
		uv_close((uv_handle_t *)&door->tcp, on_door_closed);
}

static void close_door(struct dns_tcp *door)
{
	door->is_closing = true;
	close_listener(door);
	uv_close((uv_handle_t *)&door->timer, on_door_closed);
	while (door->first)
		end(door->first);
}

static int open_one(struct dns_server *server, const struct endpoint *endpoint, struct err *err)
{
	int fd = dns_listen_socket(server, endpoint, SOCK_STREAM, err);
	if (fd < 0)
		return fd;
	struct dns_tcp *door = calloc(1, sizeof(*door));
	if (!door || uv_tcp_init(server->loop, &door->tcp) < 0) {
		(void)close(fd);
		free(door);
		return err_set(err, -ENOMEM, "out of memory");
	}
	(void)uv_timer_init(server->loop, &door->timer);
	door->tcp.data = door->timer.data = door;
	door->handles = 2;
	door->server = server;
	door->endpoint = *endpoint;
	int r = uv_tcp_open(&door->tcp, fd);
	if (r < 0)
		(void)close(fd);
	else
		r = uv_listen((uv_stream_t *)&door->tcp, BACKLOG, on_connection);
	if (r < 0) {
		close_door(door);
		return err_set(err, r, "cannot listen by TCP: %s", uv_strerror(r));
	}
	(void)uv_timer_start(&door->timer, on_tick, TICK_MS, TICK_MS);
	door->next = server->tcp;
	server->tcp = door;
	return 0;
}

static bool is_open(const struct dns_server *server, const struct endpoint *endpoint)
{
	const struct dns_tcp *door = server->tcp;
	while (door && (door->endpoint.port != endpoint->port ||
			!address_equal(&door->endpoint.address, &endpoint->address)))
		door = door->next;
	return door;
}

int dns_tcp_open(struct dns_server *server, const struct dns_config *config, struct err *err)
{
	for (size_t i = 0; i < config->n_listen; i++) {
		if (is_open(server, &config->listen[i]))
			continue;
		int r = open_one(server, &config->listen[i], err);
		if (r < 0) {
			dns_tcp_keep(server, server->config);
			return r;
		}
	}
	return 0;
}

void dns_tcp_keep(struct dns_server *server, const struct dns_config *config)
{
	struct dns_tcp **at = &server->tcp;
	while (*at) {
		struct dns_tcp *door = *at;
		if (dns_listen_has(config, &door->endpoint)) {
			at = &door->next;
			continue;
		}
		*at = door->next;
		close_door(door);
	}
}

void dns_tcp_leave(struct dns_server *server)
{
	for (struct dns_tcp *door = server->tcp; door; door = door->next)
		close_listener(door);
}

bool dns_tcp_has_connections(const struct dns_server *server)
{
	const struct dns_tcp *door = server->tcp;
	while (door && door->n_connections == 0)
		door = door->next;
	return door;
}

size_t dns_tcp_sockets(const struct dns_server *server, int *ret, size_t max)
{
	size_t count = 0;
	for (const struct dns_tcp *door = server->tcp; door && count < max; door = door->next)
		if (uv_fileno((const uv_handle_t *)&door->tcp, &ret[count]) == 0)
			count++;
	return count;
}
