#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attributes.h"
#include "kernel/kernel.h"
#include "kernel/route_messages.h"

#define ROUTE_PROTOCOL_DEFAULT 87

struct kernel_events {
	struct mnl_socket *socket;
	uint8_t route_protocol;
	_Alignas(8) char buffer[65536];
};

void kernel_events_free(struct kernel_events *ev)
{
	if (!ev)
		return;
	if (ev->socket)
		(void)mnl_socket_close(ev->socket);
	free(ev);
}

int kernel_events_open(uint8_t route_protocol, struct kernel_events **ret, struct err *err)
{
	CLEAN(kernel_events_free_ptr) struct kernel_events *ev = calloc(1, sizeof *ev);
	const unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
				RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;

	if (!ev)
		return err_set(err, -ENOMEM, "out of memory");
	ev->route_protocol = route_protocol ? route_protocol : ROUTE_PROTOCOL_DEFAULT;
	ev->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!ev->socket || mnl_socket_bind(ev->socket, groups, MNL_SOCKET_AUTOPID) < 0)
		return err_set(err, -errno, "no socket for kernel events: %s", strerror(errno));
	*ret = take_ptr(&ev);
	return 0;
}

int kernel_events_fd(const struct kernel_events *ev)
{
	return mnl_socket_get_fd(ev->socket);
}

// A busy router's tables are no news; ours and the way to the Internet are.
static unsigned route_hint(const struct kernel_events *ev, const struct nlmsghdr *nlh)
{
	struct kernel_route r;

	if (route_message_parse(nlh, &r) < 0)
		return 0;
	return r.protocol == ev->route_protocol || r.to.len == 0 ? KERNEL_HINT_ROUTE : 0;
}

static unsigned message_hint(const struct kernel_events *ev, const struct nlmsghdr *nlh)
{
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return KERNEL_HINT_LINK;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return KERNEL_HINT_ADDRESS;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return route_hint(ev, nlh);
	case NLMSG_OVERRUN:
		return KERNEL_HINT_LOST;
	default:
		return 0;
	}
}

unsigned kernel_events_read(struct kernel_events *ev)
{
	unsigned hints = 0;

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(ev->socket, ev->buffer, sizeof ev->buffer);
		const struct nlmsghdr *nlh;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			hints |= KERNEL_HINT_LOST;
			continue;
		}
		if (n <= 0)
			return hints;
		for (size_t at = 0; (nlh = message_next(ev->buffer, (size_t)n, &at));)
			hints |= message_hint(ev, nlh);
	}
}
