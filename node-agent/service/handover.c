#include "service/handover.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"

enum { PATIENCE_S = 3, LINE_MAX_SIZE = 1024 };

// ---- what comes ----

static bool is_control(const struct sockaddr_storage *own, const char *path)
{
	struct sockaddr_un at;
	memcpy(&at, own, sizeof(at));
	return own->ss_family == AF_UNIX && strcmp(at.sun_path, path) == 0;
}

// Keeps a socket, or closes what this program cannot have listened at.
static void take_in(struct handover *handover, int fd, const char *path)
{
	struct sockaddr_storage own = { 0 };
	int type = 0;
	socklen_t own_len = sizeof(own), type_len = sizeof(type);
	struct place place = { 0 };
	if (getsockname(fd, (struct sockaddr *)&own, &own_len) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0)
		place = place_of((const struct sockaddr *)&own);
	if (handover->control < 0 && is_control(&own, path))
		handover->control = fd;
	else if (place.address.family != 0 && handover->count < HANDOVER_MAX)
		handover->sockets[handover->count++] = (struct handover_socket){ fd, type, place };
	else
		(void)close(fd);
}

// The files come with the first byte of the line.
static void receive(struct handover *handover, const char *path)
{
	union {
		char bytes[CMSG_SPACE((HANDOVER_MAX + 1) * sizeof(int))];
		struct cmsghdr header;
	} room = { 0 };
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = room.bytes,
				  .msg_controllen = sizeof(room.bytes) };
	if (recvmsg(handover->talk, &message, MSG_CMSG_CLOEXEC) <= 0)
		return;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return;
	const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		int one;
		memcpy(&one, CMSG_DATA(header) + i * sizeof(int), sizeof(one));
		take_in(handover, one, path);
	}
}

// The (rest of the) line that is answered; false: there is none any more.
static bool read_line(int talk, char ret[LINE_MAX_SIZE])
{
	size_t len = 0;
	while (len + 1 < LINE_MAX_SIZE && read(talk, ret + len, 1) == 1)
		if (ret[len++] == '\n')
			break;
	ret[len] = '\0';
	return len > 0 && ret[len - 1] == '\n';
}

// ---- asking ----

static int reach(const char *path)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	CLEAN(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || strlen(path) >= sizeof(at.sun_path))
		return -1;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -1 : take_fd(&fd);
}

static int pidfd_of_peer(int fd)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 1)
		return -1;
	return (int)syscall(SYS_pidfd_open, peer.pid, 0);
}

static bool say(int talk, const char *line)
{
	return send(talk, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line);
}

void handover_ask(const char *path, struct handover *ret)
{
	char line[LINE_MAX_SIZE];
	ret->talk = reach(path);
	if (ret->talk < 0)
		return;
	if (say(ret->talk, "{\"do\":\"hand_over\"}\n"))
		receive(ret, path);
	if (ret->count == 0 || !read_line(ret->talk, line)) {
		(void)close(ret->talk);
		ret->talk = -1;
	} else {
		ret->before = pidfd_of_peer(ret->talk);
	}
}

int handover_take(struct handover *handover, int type, const struct place *at)
{
	for (size_t i = 0; i < handover->count; i++) {
		struct handover_socket one = handover->sockets[i];
		if (one.type != type || one.place.port != at->port ||
		    !address_equal(&one.place.address, &at->address))
			continue;
		handover->sockets[i] = handover->sockets[--handover->count];
		return one.fd;
	}
	return -1;
}

// ---- the end of it ----

static void close_talk(struct handover *handover)
{
	close_fd(&handover->talk);
	close_fd(&handover->control);
	handover->talk = handover->control = -1;
	while (handover->count > 0)
		(void)close(handover->sockets[--handover->count].fd);
}

int handover_finish(struct handover *handover, struct err *err)
{
	char line[LINE_MAX_SIZE];
	json_t *answer = NULL;
	// One that is dead by now, or of a version that left at once, says nothing.
	if (handover->talk >= 0 && say(handover->talk, "{\"do\":\"leave\"}\n") &&
	    read_line(handover->talk, line))
		answer = json_loads(line, 0, NULL);
	const char *trouble = json_string_value(json_object_get(answer, "error"));
	int r = trouble ? err_set(err, -EBUSY, "%s", trouble) : 0;
	json_decref(answer);
	close_talk(handover);
	return r;
}

void handover_end_before(const struct handover *handover)
{
	if (handover->before >= 0)
		(void)syscall(SYS_pidfd_send_signal, handover->before, SIGTERM, NULL, 0);
}

void handover_done(struct handover *handover)
{
	close_talk(handover);
	close_fd(&handover->before);
	handover->before = -1;
}
