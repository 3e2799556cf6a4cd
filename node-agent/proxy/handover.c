#include "proxy/handover.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"

#include "service/place.h"

enum { PATIENCE_S = 1 };

// A socket of `port`, or closed.
static void take_in(struct handover *handover, int fd, uint16_t port)
{
	struct sockaddr_storage own;
	int type = 0;
	socklen_t own_len = sizeof(own), type_len = sizeof(type);
	struct place place = { 0 };
	if (getsockname(fd, (struct sockaddr *)&own, &own_len) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0)
		place = place_of((const struct sockaddr *)&own);
	if (place.address.family == 0 || place.port != port || handover->count == HANDOVER_MAX) {
		(void)close(fd);
		return;
	}
	handover->sockets[handover->count++] =
		(struct handover_socket){ fd, type, place.address.family };
}

static void receive(int fd, uint16_t port, struct handover *ret)
{
	union {
		char bytes[CMSG_SPACE(HANDOVER_MAX * sizeof(int))];
		struct cmsghdr header;
	} room = { 0 };
	char line[256];
	struct iovec data = { line, sizeof(line) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = room.bytes,
				  .msg_controllen = sizeof(room.bytes) };
	if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) <= 0)
		return;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return;
	const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		int one;
		memcpy(&one, CMSG_DATA(header) + i * sizeof(int), sizeof(one));
		take_in(ret, one, port);
	}
}

void handover_ask(const char *path, uint16_t port, struct handover *ret)
{
	static const char line[] = "{\"do\":\"hand_over\"}\n";
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	CLEAN(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ret->count = 0;
	if (fd < 0 || strlen(path) >= sizeof(at.sun_path))
		return;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	    send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(line) - 1)
		receive(fd, port, ret);
}

int handover_take(struct handover *handover, int type, uint8_t family)
{
	for (size_t i = 0; i < handover->count; i++) {
		struct handover_socket one = handover->sockets[i];
		if (one.type != type || one.family != family)
			continue;
		handover->sockets[i] = handover->sockets[--handover->count];
		return one.fd;
	}
	return -1;
}

void handover_done(struct handover *handover)
{
	while (handover->count > 0)
		(void)close(handover->sockets[--handover->count].fd);
}
