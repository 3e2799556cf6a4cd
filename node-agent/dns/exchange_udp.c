// Each question from a socket and a random port of its own (RFC 5452); an answer that was cut, or
// whose question came back in another case, is fetched by TCP.
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/octets.h"

#include "dns/exchange_ways.h"

enum { PORT_LOWEST = 1024, PORT_TRIES = 4, ANSWER_MAX = 4096 };

struct exchange_datagram {
	uv_poll_t poll;
	int fd;
	struct exchange *exchange; // NULL once it is over
};

static void free_datagram(uv_handle_t *handle)
{
	free(handle->data);
}

static void close_datagram(struct exchange_datagram *datagram)
{
	datagram->exchange->datagram = NULL;
	datagram->exchange = NULL;
	(void)uv_poll_stop(&datagram->poll);
	(void)close(datagram->fd);
	uv_close((uv_handle_t *)&datagram->poll, free_datagram);
}

void exchange_udp_stop(struct exchange *exchange)
{
	close_datagram(exchange->datagram);
}

static void bind_random(int fd, int family)
{
	for (int i = 0; i < PORT_TRIES; i++) {
		struct sockaddr_storage own = { .ss_family = (sa_family_t)family };
		uint16_t port;
		exchange_random(&port, sizeof(port));
		if (port < PORT_LOWEST)
			continue;
		// The port stands at the same place in both families.
		((struct sockaddr_in *)(void *)&own)->sin_port = port;
		socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in)
						  : sizeof(struct sockaddr_in6);
		if (bind(fd, (struct sockaddr *)&own, len) == 0)
			return;
	}
	// The kernel's own choice is random, too, though from fewer.
}

static int open_socket(const struct exchange_place *place)
{
	struct sockaddr_storage to;
	socklen_t len = exchange_sockaddr(place, &to);
	CLEAN(close_fd)
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int r = exchange_mark(fd, place->mark);
	if (r < 0)
		return r;
	bind_random(fd, to.ss_family);
	// Connected, it takes answers of this address and port only, and hears of refusals.
	if (connect(fd, (struct sockaddr *)&to, len) < 0)
		return -errno;
	return take_fd(&fd);
}

// 1: it answers; 0: it is not for us; -EPROTO: it answers, but is to be asked by TCP.
static int judge(const struct exchange *exchange, const uint8_t *message, size_t len)
{
	if (len < DNS_HEADER_SIZE + exchange->question_len ||
	    memcmp(message, exchange->wire, 2) != 0 || !exchange_is_answer(exchange, message, len))
		return 0;
	if (octets_get(message + 2, 2) & DNS_TC)
		return -EPROTO;
	return memcmp(message + DNS_HEADER_SIZE, exchange->wire + DNS_HEADER_SIZE,
		      exchange->question_len) == 0
		       ? 1
		       : -EPROTO;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct exchange_datagram *datagram = poll->data;
	struct exchange *exchange = datagram->exchange;
	uint8_t message[ANSWER_MAX];
	(void)status;
	(void)events;
	for (;;) {
		ssize_t n = recv(datagram->fd, message, sizeof(message), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		int r = n < 0 ? -errno : judge(exchange, message, (size_t)n);
		if (r == 0)
			continue;
		close_datagram(datagram);
		if (r == -EPROTO)
			r = exchange_stream_start(exchange);
		else if (r > 0)
			exchange->done(exchange, 0, message, (size_t)n);
		if (r < 0)
			exchange->done(exchange, r, NULL, 0);
		return;
	}
}

int exchange_udp_start(struct exchange *exchange)
{
	struct exchange_datagram *datagram = calloc(1, sizeof(*datagram));
	if (!datagram)
		return -ENOMEM;
	int fd = open_socket(exchange->place);
	int r = fd < 0 ? fd : uv_poll_init(exchange->place->host->loop, &datagram->poll, fd);
	if (r < 0) {
		if (fd >= 0)
			(void)close(fd);
		free(datagram);
		return r;
	}
	datagram->fd = fd;
	datagram->poll.data = datagram;
	datagram->exchange = exchange;
	exchange->datagram = datagram;
	r = uv_poll_start(&datagram->poll, UV_READABLE, on_readable);
	if (r == 0 && send(fd, exchange->wire, exchange->len, 0) < 0)
		r = -errno;
	if (r < 0)
		close_datagram(datagram);
	return r;
}
