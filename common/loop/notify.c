#include "loop/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/text.h"

// A socket that is connected to systemd's.
static int reach(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (!path || (path[0] != '/' && path[0] != '@'))
		return -ENOENT;
	size_t len = strlen(path);
	if (len < 2 || len >= sizeof(to.sun_path))
		return -ENOENT;
	memcpy(to.sun_path, path, len);
	// A name of the abstract name space begins with NUL and is not terminated.
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	CLEAN(close_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/'));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, size) < 0)
		return -errno;
	return take_fd(&fd);
}

static int send_state(const char *state)
{
	CLEAN(close_fd) int fd = reach();
	if (fd < 0)
		return fd;
	return send(fd, state, strlen(state), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

// With a file that systemd closes once it has read the message.
static int send_file(const char *state, int file)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} room = { .header = { .cmsg_level = SOL_SOCKET,
			       .cmsg_type = SCM_RIGHTS,
			       .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec data = { (void *)(uintptr_t)state, strlen(state) };
	const struct msghdr message = { .msg_iov = &data,
					.msg_iovlen = 1,
					.msg_control = room.bytes,
					.msg_controllen = sizeof(room.bytes) };
	CLEAN(close_fd) int fd = reach();
	if (fd < 0)
		return fd;
	memcpy(CMSG_DATA(&room.header), &file, sizeof(file));
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int notify_ready(void)
{
	return send_state("READY=1");
}

int notify_stopping(void)
{
	return send_state("STOPPING=1");
}

int notify_watchdog(void)
{
	return send_state("WATCHDOG=1");
}

int notify_main_pid(pid_t pid)
{
	char state[32];
	(void)snprintf(state, sizeof(state), "MAINPID=%d", (int)pid);
	return send_state(state);
}

int notify_barrier(int timeout_ms)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	CLEAN(close_fd) int own = ends[0];
	int r = send_file("BARRIER=1", ends[1]);
	struct pollfd poller = { .fd = own, .events = POLLHUP };
	(void)close(ends[1]);
	if (r < 0)
		return r;
	return poll(&poller, 1, timeout_ms) == 1 ? 0 : -ETIMEDOUT;
}

int notify_status(const char *fmt, ...)
{
	CLEAN(text_free) struct text state = { 0 };
	va_list args;
	text_add(&state, "STATUS=");
	va_start(args, fmt);
	text_vaddf(&state, fmt, args);
	va_end(args);
	if (state.failed)
		return -ENOMEM;
	// A line break would begin another variable.
	for (char *c = state.data; *c; c++) {
		if (*c == '\n')
			*c = ' ';
	}
	return send_state(state.data);
}

uint64_t notify_watchdog_interval_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	uint64_t half_ms = strtoull(usec, NULL, 10) / 2000;
	return half_ms > 0 && half_ms < UINT32_MAX ? half_ms : 0;
}
