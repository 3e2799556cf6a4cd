#include "kernel/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "kernel/attributes.h"

#define RECEIVE_SIZE    65536
#define ANSWER_WAIT_SEC 5
#define ANSWERS_SHARE   8 // of a batch whose every message fails, as the kernel counts it

struct netlink {
	struct mnl_socket *socket;
	unsigned sequence;
	_Alignas(8) char buffer[RECEIVE_SIZE];
};

struct answer {
	netlink_message_fn fn;
	void *context;
	struct err *err;
	int failed; // why the answer is of no use; it is read to its end all the same
};

void netlink_close(struct netlink *nl)
{
	if (!nl)
		return;
	if (nl->socket)
		(void)mnl_socket_close(nl->socket);
	free(nl);
}

int netlink_open(int bus, struct netlink **ret, struct err *err)
{
	CLEAN(netlink_close_ptr) struct netlink *nl = calloc(1, sizeof *nl);
	const struct timeval wait = { .tv_sec = ANSWER_WAIT_SEC };
	int on = 1;

	if (!nl)
		return err_set(err, -ENOMEM, "out of memory");
	nl->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!nl->socket)
		return err_set(err, -errno, "no netlink socket: %s", strerror(errno));
	if (mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return err_set(err, -errno, "no netlink address: %s", strerror(errno));
	// Extended answers and filtered dumps are comforts of newer kernels; without them all
	// works.
	(void)mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof on);
	(void)mnl_socket_setsockopt(nl->socket, NETLINK_GET_STRICT_CHK, &on, sizeof on);
	(void)setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVTIMEO, &wait,
			 sizeof wait);
	*ret = take_ptr(&nl);
	return 0;
}

int netlink_widen(struct netlink *nl, int size, struct err *err)
{
	const int answers = size * ANSWERS_SHARE;
	const int fd = mnl_socket_get_fd(nl->socket);

	// In a user namespace of its own only up to the host's limits.
	if ((setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0 &&
	     setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) < 0) ||
	    (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &answers, sizeof answers) < 0 &&
	     setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &answers, sizeof answers) < 0))
		return err_set(err, -errno, "netlink socket: %s", strerror(errno));
	return 0;
}

void netlink_drain(struct netlink *nl)
{
	ssize_t n;

	do
		n = recv(mnl_socket_get_fd(nl->socket), nl->buffer, sizeof nl->buffer,
			 MSG_DONTWAIT);
	while (n >= 0 || errno == ENOBUFS || errno == EINTR);
}

// The kernel's sentence in an extended acknowledgement, or strerror().
static void refusal_text(const struct nlmsghdr *nlh, int code, char *ret, size_t size)
{
	const struct nlattr *table[NLMSGERR_ATTR_MAX + 1];
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof *e;

	ret[0] = '\0';
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len > sizeof e->msg)
			skip += e->msg.nlmsg_len - sizeof e->msg;
		attrs_of_message(nlh, skip, table, NLMSGERR_ATTR_MAX);
		attr_string(table[NLMSGERR_ATTR_MSG], ret, size);
	}
	if (ret[0])
		(void)snprintf(ret + strlen(ret), size - strlen(ret), " (%s)", strerror(-code));
	else
		(void)snprintf(ret, size, "%s", strerror(-code));
}

static int refused(const struct nlmsghdr *nlh, int code, struct err *err)
{
	char text[256];

	refusal_text(nlh, code, text, sizeof text);
	return err_set(err, code, "%s", text);
}

// The kernel refuses a further dump (EBUSY) for as long as this one was not read to its end.
static int spoilt(struct answer *a, int code, const char *why)
{
	if (!a->failed)
		a->failed = err_set(a->err, code, "%s", why);
	return 1;
}

// One message: 1 to go on, 0 at the end, negative errno.
static int message_take(const struct nlmsghdr *nlh, struct answer *a)
{
	int code;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		(void)spoilt(a, -EINTR, "the kernel's tables changed while they were read");
	switch (nlh->nlmsg_type) {
	case NLMSG_NOOP:
		return 1;
	case NLMSG_OVERRUN:
		return err_set(a->err, -ENOBUFS, "the kernel's answer was cut");
	case NLMSG_ERROR:
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nlmsgerr))
			return err_set(a->err, -EBADMSG, "the kernel's answer is malformed");
		code = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error;
		return code == 0 ? 0 : refused(nlh, code < 0 ? code : -code, a->err);
	case NLMSG_DONE:
		code = 0;
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof code)
			memcpy(&code, mnl_nlmsg_get_payload(nlh), sizeof code);
		return code < 0 ? err_set(a->err, code, "%s", strerror(-code)) : 0;
	default:
		code = a->fn && !a->failed ? a->fn(nlh, a->context) : 0;
		return code < 0 ? spoilt(a, code, strerror(-code)) : 1;
	}
}

// One datagram: 1 to read on, 0 at the end of the answer, negative errno.
static int datagram_take(const struct netlink *nl, size_t size, struct answer *a)
{
	const struct nlmsghdr *nlh;

	for (size_t at = 0; (nlh = message_next(nl->buffer, size, &at));) {
		int rc = nlh->nlmsg_seq == nl->sequence ? message_take(nlh, a) : 1;

		if (rc <= 0)
			return rc;
	}
	return 1;
}

static int answer_read(struct netlink *nl, struct answer *answer)
{
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl->socket, nl->buffer, sizeof nl->buffer);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(answer->err, -errno, "netlink answer: %s", strerror(errno));
		int rc = datagram_take(nl, (size_t)n, answer);
		if (rc <= 0)
			return rc < 0 ? rc : answer->failed;
	}
}

int netlink_talk(struct netlink *nl, struct nlmsghdr *request, netlink_message_fn fn, void *context,
		 struct err *err)
{
	struct answer answer = { .fn = fn, .context = context, .err = err };

	request->nlmsg_flags |= NLM_F_REQUEST;
	if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP || request->nlmsg_flags & NLM_F_ACK)
		request->nlmsg_flags |= NLM_F_ACK;
	request->nlmsg_seq = ++nl->sequence;
	if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0)
		return err_set(err, -errno, "netlink request: %s", strerror(errno));
	return answer_read(nl, &answer);
}

int netlink_talk_batch(struct netlink *nl, void *batch, size_t len, struct err *err)
{
	struct answer answer = { .err = err };

	// One number for all: a refusal may answer any of them. Whatever comes after the first
	// answer is of an old number by the time that it is read.
	nl->sequence++;
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= len;) {
		struct nlmsghdr *nlh = (void *)((char *)batch + at);

		nlh->nlmsg_seq = nl->sequence;
		at += (nlh->nlmsg_len + 3u) & ~3u;
	}
	if (mnl_socket_sendto(nl->socket, batch, len) < 0)
		return err_set(err, -errno, "netlink batch: %s", strerror(errno));
	return answer_read(nl, &answer);
}

// Numbers the requests; returns how many there are.
static unsigned number_requests(struct netlink *nl, char *requests, size_t len)
{
	unsigned count = 0;

	for (size_t at = 0; at < len; count++) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(requests + at);

		nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
		nlh->nlmsg_seq = ++nl->sequence;
		at += netlink_aligned(nlh->nlmsg_len);
	}
	return count;
}

// Acknowledgements of the last `count` requests; how many were there.
static unsigned take_acks(const struct netlink *nl, size_t size, unsigned count, int harmless,
			  struct answer *a)
{
	const struct nlmsghdr *nlh;
	unsigned acks = 0;

	for (size_t at = 0; (nlh = message_next(nl->buffer, size, &at));) {
		if (nlh->nlmsg_type != NLMSG_ERROR || nl->sequence - nlh->nlmsg_seq >= count)
			continue;
		struct answer one = { .err = a->failed ? NULL : a->err };
		const int rc = message_take(nlh, &one);

		if (rc < 0 && rc != harmless && !a->failed)
			a->failed = rc;
		acks++;
	}
	return acks;
}

int netlink_talk_many(struct netlink *nl, char *requests, size_t len, int harmless, struct err *err)
{
	struct answer answer = { .err = err };
	const unsigned count = number_requests(nl, requests, len);

	if (mnl_socket_sendto(nl->socket, requests, len) < 0)
		return err_set(err, -errno, "netlink request: %s", strerror(errno));
	for (unsigned acks = 0; acks < count;) {
		ssize_t n = mnl_socket_recvfrom(nl->socket, nl->buffer, sizeof nl->buffer);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "netlink answer: %s", strerror(errno));
		acks += take_acks(nl, (size_t)n, count, harmless, &answer);
	}
	return answer.failed;
}
