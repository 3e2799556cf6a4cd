#include "probe/echo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"

// What travels. An answer is the question with its kind changed, so it is never larger.
struct echo_packet {
	char magic[8];
	uint8_t kind;
	uint8_t summed;
	uint8_t zero[6];
	uint64_t nonce;
	uint8_t padding[40];
};

enum { KIND_ASK = 1, KIND_ANSWER = 2 };

static const char echo_magic[8] = "weftsum1";

struct echo_socket {
	uv_poll_t poll;
	int fd;
	int family;
	uint16_t port;
	echo_answer_fn answer;
	void *context;
};

static int make_address(const char *text, uint16_t port, struct sockaddr_storage *ret,
			socklen_t *ret_len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	memset(ret, 0, sizeof *ret);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*ret_len = sizeof *v4;
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return -EINVAL;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	*ret_len = sizeof *v6;
	return 0;
}

static void set_summed(const struct echo_socket *socket, bool summed)
{
	int without = !summed;
	if (socket->family == AF_INET)
		(void)setsockopt(socket->fd, SOL_SOCKET, SO_NO_CHECK, &without, sizeof without);
	else
		(void)setsockopt(socket->fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &without,
				 sizeof without);
}

static void on_packet(struct echo_socket *socket, struct echo_packet *packet,
		      const struct sockaddr_storage *from, socklen_t from_len)
{
	if (memcmp(packet->magic, echo_magic, sizeof echo_magic) != 0)
		return;
	if (packet->kind == KIND_ANSWER) {
		socket->answer(socket->context, packet->nonce, packet->summed != 0);
	} else if (packet->kind == KIND_ASK) {
		packet->kind = KIND_ANSWER;
		// The answer must come through whatever this host's own offload does.
		set_summed(socket, false);
		(void)sendto(socket->fd, packet, sizeof *packet, MSG_DONTWAIT,
			     (const struct sockaddr *)from, from_len);
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct echo_socket *socket = poll->data;
	(void)events;
	for (int i = 0; status == 0 && i < 32; i++) {
		struct echo_packet packet;
		struct sockaddr_storage from;
		socklen_t from_len = sizeof from;
		ssize_t n = recvfrom(socket->fd, &packet, sizeof packet, MSG_DONTWAIT,
				     (struct sockaddr *)&from, &from_len);
		if (n < 0)
			return;
		if ((size_t)n == sizeof packet)
			on_packet(socket, &packet, &from, from_len);
	}
}

static int bind_socket(int fd, const struct sockaddr_storage *at, socklen_t len)
{
	int on = 1;
	if (at->ss_family == AF_INET) {
		(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
	} else {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
		(void)setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &on, sizeof on);
	}
	return bind(fd, (const struct sockaddr *)at, len) < 0 ? -errno : 0;
}

int echo_open(uv_loop_t *loop, const char *address, uint16_t port, echo_answer_fn answer,
	      void *context, struct echo_socket **ret_socket, struct err *err)
{
	struct sockaddr_storage at;
	socklen_t len;
	if (make_address(address, port, &at, &len) < 0)
		return err_set(err, -EINVAL, "%s is no address", address);
	CLEAN(close_fd) int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : bind_socket(fd, &at, len);
	CLEAN(free_ptr) struct echo_socket *made = r == 0 ? calloc(1, sizeof *made) : NULL;
	if (r == 0 && !made)
		r = -ENOMEM;
	if (r == 0)
		r = uv_poll_init(loop, &made->poll, fd);
	if (r < 0)
		return err_set(err, r, "cannot answer checksum trials on %s port %u: %s", address,
			       port, strerror(-r));
	made->fd = take_fd(&fd);
	made->family = at.ss_family;
	made->port = port;
	made->answer = answer;
	made->context = context;
	made->poll.data = made;
	(void)uv_poll_start(&made->poll, UV_READABLE, on_readable);
	*ret_socket = take_ptr(&made);
	return 0;
}

int echo_ask(struct echo_socket *socket, const char *address, uint64_t nonce, bool summed)
{
	struct sockaddr_storage to;
	socklen_t len;
	if (make_address(address, socket->port, &to, &len) < 0 || to.ss_family != socket->family)
		return -EINVAL;
	struct echo_packet packet = { .kind = KIND_ASK, .summed = summed, .nonce = nonce };
	memcpy(packet.magic, echo_magic, sizeof echo_magic);
	set_summed(socket, summed);
	if (sendto(socket->fd, &packet, sizeof packet, MSG_DONTWAIT, (struct sockaddr *)&to, len) <
	    0)
		return -errno;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct echo_socket *socket = handle->data;
	(void)close(socket->fd);
	free(socket);
}

void echo_close(struct echo_socket *socket)
{
	if (!socket)
		return;
	(void)uv_poll_stop(&socket->poll);
	uv_close((uv_handle_t *)&socket->poll, on_closed);
}
