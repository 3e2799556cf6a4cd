// Questions by UDP, many with one system call.
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dns/server.h"

enum {
	BATCH = 32,
	ROUNDS = 4, // of batches, then others have their turn
	QUESTION_MAX = 4096,
	ANSWER_MAX = 2048, // more than what UDP is answered with
	CONTROL_SIZE = 64,
	BUFFER = 1 << 20, // of the kernel, for bursts
};

struct dns_udp {
	struct dns_udp *next;
	struct dns_server *server;
	uv_poll_t poll;
	int fd;
	struct endpoint endpoint;
	bool is_any;      // bound to no address of its own: answers leave from the asked one
	unsigned pending; // answers to come
	bool is_closed;
};

// What a batch is received in and answered from: of the loop thread.
struct batch {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_data[BATCH], out_data[BATCH];
	struct dns_from from[BATCH];
	struct dns_asked asked[BATCH];
	_Alignas(struct cmsghdr) uint8_t in_control[BATCH][CONTROL_SIZE];
	_Alignas(struct cmsghdr) uint8_t out_control[BATCH][CONTROL_SIZE];
	uint8_t questions[BATCH][QUESTION_MAX];
	uint8_t answers[BATCH * ANSWER_MAX + DNS_MESSAGE_MAX]; // one behind the other
};

static struct batch batch;

static void free_udp(uv_handle_t *handle)
{
	struct dns_udp *udp = handle->data;
	(void)close(udp->fd);
	free(udp);
}

static void release(struct dns_udp *udp)
{
	if (udp->is_closed && udp->pending == 0)
		uv_close((uv_handle_t *)&udp->poll, free_udp);
}

// ---- the address that was asked ----

static struct address asked_address(struct msghdr *message)
{
	struct address asked = { 0 };
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(at), sizeof(info));
			asked.family = 4;
			memcpy(asked.bytes, &info.ipi_spec_dst, 4);
		} else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(at), sizeof(info));
			asked.family = 6;
			memcpy(asked.bytes, &info.ipi6_addr, 16);
		}
	}
	return asked;
}

static void set_source(struct msghdr *message, const struct address *asked, uint8_t *control)
{
	struct in_pktinfo four = { 0 };
	struct in6_pktinfo six = { 0 };
	bool is_six = asked->family == 6;
	size_t size = is_six ? sizeof(six) : sizeof(four);
	if (asked->family == 0)
		return;
	memset(control, 0, CONTROL_SIZE);
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(size);
	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	head->cmsg_level = is_six ? IPPROTO_IPV6 : IPPROTO_IP;
	head->cmsg_type = is_six ? IPV6_PKTINFO : IP_PKTINFO;
	head->cmsg_len = CMSG_LEN(size);
	memcpy(&four.ipi_spec_dst, asked->bytes, sizeof(four.ipi_spec_dst));
	memcpy(&six.ipi6_addr, asked->bytes, sizeof(six.ipi6_addr));
	memcpy(CMSG_DATA(head), is_six ? (void *)&six : (void *)&four, size);
}

static socklen_t peer_len(const struct dns_from *from)
{
	return from->peer.ss_family == AF_INET ? sizeof(struct sockaddr_in)
					       : sizeof(struct sockaddr_in6);
}

// ---- answers that come later ----

static void hold(struct dns_from *from)
{
	struct dns_udp *udp = from->place;
	udp->pending++;
	udp->server->n_pending++;
}

static void answer_later(struct dns_from *from, const uint8_t *message, size_t len)
{
	struct dns_udp *udp = from->place;
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_SIZE];
	struct iovec data = { (void *)message, len };
	struct msghdr header = { .msg_name = &from->peer,
				 .msg_namelen = peer_len(from),
				 .msg_iov = &data,
				 .msg_iovlen = 1 };
	set_source(&header, &from->asked, control);
	// One that cannot be sent is lost as any other on its way.
	if (len > 0)
		(void)sendmsg(udp->fd, &header, 0);
	udp->pending--;
	udp->server->n_pending--;
	release(udp);
}

static const struct dns_door udp_door = { hold, answer_later };

// ---- batches ----

static void prepare(const struct dns_udp *udp)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct msghdr *in = &batch.in[i].msg_hdr;
		batch.in_data[i] = (struct iovec){ batch.questions[i], QUESTION_MAX };
		*in = (struct msghdr){ .msg_name = &batch.from[i].peer,
				       .msg_namelen = sizeof(batch.from[i].peer),
				       .msg_iov = &batch.in_data[i],
				       .msg_iovlen = 1 };
		if (udp->is_any) {
			in->msg_control = batch.in_control[i];
			in->msg_controllen = CONTROL_SIZE;
		}
	}
}

// The answers that go out, and what room they have taken.
struct answered {
	unsigned count;
	size_t size;
};

// Puts the answer to the i-th question among those that go out.
static void answer(struct dns_udp *udp, size_t i, struct answered *answered)
{
	uint8_t *made = batch.answers + answered->size;
	struct dns_from *from = &batch.from[i];
	struct msghdr *in = &batch.in[i].msg_hdr;
	from->door = &udp_door;
	from->place = udp;
	from->is_stream = false;
	from->client = dns_listen_address((const struct sockaddr *)&from->peer);
	from->asked = udp->is_any ? asked_address(in) : (struct address){ 0 };
	if ((in->msg_flags & MSG_TRUNC) || from->client.family == 0)
		return;
	size_t len = dns_serve(udp->server, from, &batch.asked[i], made);
	if (len == 0 || len > ANSWER_MAX)
		return;
	const unsigned out = answered->count++;
	answered->size += len;
	batch.out_data[out] = (struct iovec){ made, len };
	batch.out[out].msg_hdr = (struct msghdr){ .msg_name = &from->peer,
						  .msg_namelen = peer_len(from),
						  .msg_iov = &batch.out_data[out],
						  .msg_iovlen = 1 };
	set_source(&batch.out[out].msg_hdr, &from->asked, batch.out_control[out]);
}

static void send_answers(const struct dns_udp *udp, unsigned count)
{
	unsigned sent = 0;
	while (sent < count) {
		int n = sendmmsg(udp->fd, batch.out + sent, count - sent, 0);
		if (n < 0 && errno == EINTR)
			continue;
		// The first one cannot be sent (its client is unreachable): it is lost.
		sent += n > 0 ? (unsigned)n : 1;
	}
}

// All of a batch before the first is answered: their look-ups wait for memory together.
static void read_questions(const struct dns_udp *udp, size_t count)
{
	const uint64_t now_us = dns_serve_now_us();
	for (size_t i = 0; i < count; i++)
		dns_serve_read(&batch.asked[i], batch.questions[i], batch.in[i].msg_len, now_us);
	if (count > 1)
		dns_serve_prepare(udp->server, batch.asked, count);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct dns_udp *udp = poll->data;
	(void)status;
	(void)events;
	for (unsigned round = 0; round < ROUNDS && !udp->is_closed; round++) {
		struct answered answered = { 0 };
		prepare(udp);
		int n = recvmmsg(udp->fd, batch.in, BATCH, 0, NULL);
		if (n > 0)
			read_questions(udp, (size_t)n);
		for (int i = 0; i < n; i++)
			answer(udp, (size_t)i, &answered);
		send_answers(udp, answered.count);
		if (n < BATCH)
			return;
	}
}

// ---- opening and closing ----

static int open_one(struct dns_server *server, const struct endpoint *endpoint, struct err *err)
{
	int fd = dns_listen_socket(server, endpoint, SOCK_DGRAM, err);
	if (fd < 0)
		return fd;
	struct dns_udp *udp = calloc(1, sizeof(*udp));
	if (!udp || uv_poll_init(server->loop, &udp->poll, fd) < 0) {
		(void)close(fd);
		free(udp);
		return err_set(err, -ENOMEM, "out of memory");
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ BUFFER }, sizeof(int));
	udp->server = server;
	udp->fd = fd;
	udp->endpoint = *endpoint;
	udp->poll.data = udp;
	udp->is_any = dns_listen_is_any(endpoint);
	udp->next = server->udp;
	server->udp = udp;
	(void)uv_poll_start(&udp->poll, UV_READABLE, on_readable);
	return 0;
}

static bool is_open(const struct dns_server *server, const struct endpoint *endpoint)
{
	const struct dns_udp *udp = server->udp;
	while (udp && (udp->endpoint.port != endpoint->port ||
		       !address_equal(&udp->endpoint.address, &endpoint->address)))
		udp = udp->next;
	return udp;
}

int dns_udp_open(struct dns_server *server, const struct dns_config *config, struct err *err)
{
	for (size_t i = 0; i < config->n_listen; i++) {
		if (is_open(server, &config->listen[i]))
			continue;
		int r = open_one(server, &config->listen[i], err);
		if (r < 0) {
			dns_udp_keep(server, server->config);
			return r;
		}
	}
	return 0;
}

void dns_udp_keep(struct dns_server *server, const struct dns_config *config)
{
	struct dns_udp **at = &server->udp;
	while (*at) {
		struct dns_udp *udp = *at;
		if (dns_listen_has(config, &udp->endpoint)) {
			at = &udp->next;
			continue;
		}
		*at = udp->next;
		(void)uv_poll_stop(&udp->poll);
		udp->is_closed = true;
		release(udp);
	}
}

size_t dns_udp_sockets(const struct dns_server *server, int *ret, size_t max)
{
	size_t count = 0;
	for (const struct dns_udp *udp = server->udp; udp && count < max; udp = udp->next)
		ret[count++] = udp->fd;
	return count;
}
