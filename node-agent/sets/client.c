#include "sets/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "base/clean.h"

int sets_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path));
	CLEAN(close_fd)
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return take_fd(&fd);
}

static int send_parts(int fd, const struct sets_head *head, const struct sets_record *records)
{
	struct iovec parts[] = { { (void *)(uintptr_t)head, sizeof(*head) },
				 { (void *)(uintptr_t)records, head->count * sizeof(*records) } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = ARRAY_LEN(parts) };
	if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == ECONNRESET ? -EPIPE : -errno;
}

int sets_send_change(int fd, uint32_t number, const struct sets_record *records, size_t count)
{
	const struct sets_head head = { number, SETS_CHANGE, (uint16_t)count };
	return send_parts(fd, &head, records);
}

int sets_send(int fd, uint32_t number, enum sets_what what)
{
	const struct sets_head head = { number, (uint16_t)what, 0 };
	return send_parts(fd, &head, NULL);
}

int sets_receive(int fd, struct sets_answer *ret, struct sets_record records[SETS_RECORDS_MAX])
{
	struct iovec parts[] = { { ret, sizeof(*ret) },
				 { records, SETS_RECORDS_MAX * sizeof(*records) } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = ARRAY_LEN(parts) };
	ssize_t n = recvmsg(fd, &message, 0);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n == 0)
		return -ECONNRESET;
	if ((size_t)n < sizeof(*ret) || (message.msg_flags & MSG_TRUNC) ||
	    (size_t)n != sizeof(*ret) + ret->count * sizeof(*records))
		return -EBADMSG;
	return 0;
}
