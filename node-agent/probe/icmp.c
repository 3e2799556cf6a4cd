#include "probe/icmp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/icmp_message.h"

enum { STAMP = 16, PACKET_MAX = 65536, PENDING_MAX = 4096, IP4_HEADER = 20, IP6_HEADER = 40 };

struct echo {
	struct echo *next;
	uint64_t id; // carried in the payload
	uint16_t sequence;
	uint64_t sent_ns;
	uint64_t due_ns;
	int status; // 0 while waiting; what sending said otherwise
	icmp_answer_fn answer;
	void *context;
};

// One address family's socket.
struct icmp_socket {
	uv_poll_t poll;
	int fd;
	int family;
};

struct icmp {
	struct icmp_socket sockets[2]; // v4, v6
	uv_timer_t timer;
	struct echo *echoes;
	size_t pending;
	uint64_t next_id;
	uint16_t identifier;
	int handles; // open ones
	uint8_t packet[PACKET_MAX];
};

static void schedule(struct icmp *icmp);

static void finish(struct icmp *icmp, struct echo **at, int status, int64_t rtt_us)
{
	struct echo *echo = *at;
	*at = echo->next;
	icmp->pending--;
	icmp_answer_fn answer = echo->answer;
	void *context = echo->context;
	free(echo);
	answer(context, status, rtt_us);
}

static void on_due(uv_timer_t *timer)
{
	struct icmp *icmp = timer->data;
	uint64_t now = uv_hrtime();
	// From the start after every answer: it may have asked or forgotten.
	for (struct echo **at = &icmp->echoes; *at;) {
		if ((*at)->due_ns > now) {
			at = &(*at)->next;
			continue;
		}
		finish(icmp, at, (*at)->status ? (*at)->status : -ETIMEDOUT, 0);
		at = &icmp->echoes;
	}
	schedule(icmp);
}

static void schedule(struct icmp *icmp)
{
	uint64_t due = UINT64_MAX;
	for (const struct echo *echo = icmp->echoes; echo; echo = echo->next)
		due = echo->due_ns < due ? echo->due_ns : due;
	if (due == UINT64_MAX) {
		(void)uv_timer_stop(&icmp->timer);
		return;
	}
	uint64_t now = uv_hrtime();
	(void)uv_timer_start(&icmp->timer, on_due, due > now ? (due - now) / 1000000 + 1 : 0, 0);
}

static void take_reply(struct icmp *icmp, const struct icmp_reply *reply)
{
	uint64_t id;
	if (reply->len < sizeof id)
		return;
	memcpy(&id, reply->payload, sizeof id);
	for (struct echo **at = &icmp->echoes; *at; at = &(*at)->next) {
		if ((*at)->id != id || (*at)->sequence != reply->sequence || (*at)->status)
			continue;
		finish(icmp, at, 0, (int64_t)(uv_hrtime() - (*at)->sent_ns) / 1000);
		schedule(icmp);
		return;
	}
}

static void take_packet(struct icmp *icmp, const struct icmp_socket *socket, size_t len)
{
	struct icmp_reply reply;
	if (icmp_message_get(socket->family == AF_INET6, icmp->packet, len, &reply) &&
	    reply.identifier == icmp->identifier)
		take_reply(icmp, &reply);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct icmp *icmp = poll->data;
	(void)events;
	struct icmp_socket *at =
		poll == &icmp->sockets[0].poll ? &icmp->sockets[0] : &icmp->sockets[1];
	// Bounded, so that a flood of echoes does not hold the loop.
	for (int i = 0; status == 0 && i < 64; i++) {
		ssize_t n = recv(at->fd, icmp->packet, sizeof icmp->packet, MSG_DONTWAIT);
		if (n < 0)
			return;
		take_packet(icmp, at, (size_t)n);
	}
}

int icmp_socket(int family)
{
	int protocol = family == AF_INET ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -errno;
	if (family == AF_INET) {
		const struct icmp_filter only = { .data = ~(1U << ICMP_ECHOREPLY) };
		(void)setsockopt(fd, SOL_RAW, ICMP_FILTER, &only, sizeof only);
	} else {
		struct icmp6_filter only;
		ICMP6_FILTER_SETBLOCKALL(&only);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &only);
		(void)setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &only, sizeof only);
	}
	return fd;
}

static int watch(struct icmp *icmp, uv_loop_t *loop, struct icmp_socket *at)
{
	int r = uv_poll_init(loop, &at->poll, at->fd);
	if (r < 0)
		return r;
	icmp->handles++;
	at->poll.data = icmp;
	return uv_poll_start(&at->poll, UV_READABLE, on_readable);
}

struct icmp *icmp_new(uv_loop_t *loop, struct err *err)
{
	struct icmp *icmp = calloc(1, sizeof *icmp);
	if (!icmp) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	icmp->identifier = (uint16_t)getpid();
	(void)uv_random(NULL, NULL, &icmp->next_id, sizeof icmp->next_id, 0, NULL);
	(void)uv_timer_init(loop, &icmp->timer);
	icmp->timer.data = icmp;
	icmp->handles = 1;
	const int families[] = { AF_INET, AF_INET6 };
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct icmp_socket *at = &icmp->sockets[i];
		at->family = families[i];
		at->fd = icmp_socket(families[i]);
		if (at->fd == -EAFNOSUPPORT && families[i] == AF_INET6)
			continue;
		int r = at->fd < 0 ? at->fd : watch(icmp, loop, at);
		if (r < 0) {
			(void)err_set(err, r, "cannot open a socket for ICMP echoes: %s",
				      strerror(-r));
			icmp_close(icmp);
			return NULL;
		}
	}
	return icmp;
}

static int parse_address(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;
	memset(ret_address, 0, sizeof *ret_address);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		*ret_len = sizeof *v4;
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return -EINVAL;
	v6->sin6_family = AF_INET6;
	*ret_len = sizeof *v6;
	return 0;
}

// Sets what differs between two questions on the shared socket.
static void set_options(const struct icmp_socket *at, const struct icmp_question *question)
{
	const char *device = question->device ? question->device : "";
	(void)setsockopt(at->fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device));
	if (at->family == AF_INET) {
		int discover = question->df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;
		(void)setsockopt(at->fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof discover);
	} else {
		int dont = question->df;
		int discover = question->df ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT;
		(void)setsockopt(at->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &discover,
				 sizeof discover);
		(void)setsockopt(at->fd, IPPROTO_IPV6, IPV6_DONTFRAG, &dont, sizeof dont);
	}
}

static size_t make_packet(struct icmp *icmp, const struct icmp_socket *at, const struct echo *echo,
			  uint32_t size)
{
	size_t header = at->family == AF_INET ? IP4_HEADER : IP6_HEADER;
	size_t len = size > header + ICMP_MESSAGE_HEADER + STAMP ? size - header
								 : ICMP_MESSAGE_HEADER + STAMP;
	uint8_t *packet = icmp->packet;
	memset(packet, 0, len);
	memcpy(packet + ICMP_MESSAGE_HEADER, &echo->id, sizeof echo->id);
	icmp_message_put(at->family == AF_INET6, icmp->identifier, echo->sequence, packet, len);
	return len;
}

int icmp_ask(struct icmp *icmp, const struct icmp_question *question, icmp_answer_fn answer,
	     void *context, struct err *err)
{
	struct sockaddr_storage to;
	socklen_t to_len;
	if (parse_address(question->to, &to, &to_len) < 0 || question->size > 65000)
		return err_set(err, -EINVAL, "%s is no address to ping", question->to);
	const struct icmp_socket *at = &icmp->sockets[to.ss_family == AF_INET ? 0 : 1];
	if (at->fd < 0)
		return err_set(err, -EAFNOSUPPORT, "this host has no IPv6");
	if (icmp->pending >= PENDING_MAX)
		return err_set(err, -EBUSY, "too many pings at once");
	struct echo *echo = calloc(1, sizeof *echo);
	if (!echo)
		return err_set(err, -ENOMEM, "out of memory");
	*echo = (struct echo){ .next = icmp->echoes,
			       .id = icmp->next_id++,
			       .sequence = (uint16_t)icmp->next_id,
			       .answer = answer,
			       .context = context,
			       .sent_ns = uv_hrtime() };
	echo->due_ns = echo->sent_ns + (uint64_t)question->timeout_ms * 1000000;
	set_options(at, question);
	size_t len = make_packet(icmp, at, echo, question->size);
	if (sendto(at->fd, icmp->packet, len, MSG_DONTWAIT, (struct sockaddr *)&to, to_len) < 0) {
		echo->status = -errno;
		echo->due_ns = echo->sent_ns;
	}
	icmp->echoes = echo;
	icmp->pending++;
	schedule(icmp);
	return 0;
}

void icmp_forget(struct icmp *icmp, const void *context)
{
	for (struct echo **at = &icmp->echoes; *at;) {
		struct echo *echo = *at;
		if (echo->context != context) {
			at = &echo->next;
			continue;
		}
		*at = echo->next;
		icmp->pending--;
		free(echo);
	}
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct icmp *icmp = handle->data;
	if (--icmp->handles == 0)
		free(icmp);
}

void icmp_close(struct icmp *icmp)
{
	if (!icmp)
		return;
	while (icmp->echoes) {
		struct echo *next = icmp->echoes->next;
		free(icmp->echoes);
		icmp->echoes = next;
	}
	for (size_t i = 0; i < ARRAY_LEN(icmp->sockets); i++) {
		struct icmp_socket *at = &icmp->sockets[i];
		if (at->poll.data) {
			(void)uv_poll_stop(&at->poll);
			uv_close((uv_handle_t *)&at->poll, on_handle_closed);
		}
		if (at->fd > 0)
			(void)close(at->fd);
	}
	uv_close((uv_handle_t *)&icmp->timer, on_handle_closed);
}
