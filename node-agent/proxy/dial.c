#include "proxy/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"

enum { BACKLOG = 4096, DEFER_S = 1, SILENT_S = 600 };

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

// Any address is its own.
static int set_transparent(int fd, bool is_six)
{
	return is_six ? set(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
		      : set(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
}

static int set_mark(int fd, uint32_t mark)
{
	return set(fd, SOL_SOCKET, SO_MARK, (int)mark);
}

static int try_dial(const struct dial_form *form, int type, uint16_t port)
{
	struct sockaddr_storage own, to;
	const struct place from = { form->client.address, port };
	const socklen_t own_len = place_sockaddr(&from, &own);
	const socklen_t to_len = place_sockaddr(&form->to, &to);
	CLEAN(close_fd) int fd = socket(to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int r = set_transparent(fd, to.ss_family == AF_INET6);
	if (r == 0)
		r = set_mark(fd, form->mark);
	if (r == 0)
		r = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0 && type == SOCK_STREAM)
		r = set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	// The last step of the handshake waits for what is said at once, and goes along with it.
	if (r == 0 && form->has_words)
		r = set(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)&own, own_len) < 0)
		return -errno;
	if (type == SOCK_STREAM && connect(fd, (const struct sockaddr *)&to, to_len) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return take_fd(&fd);
}

void dial_spoken(int fd)
{
	(void)set(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
}

int dial(const struct dial_form *form, int type)
{
	int fd = try_dial(form, type, form->client.port);
	if (fd == -EADDRINUSE || fd == -EADDRNOTAVAIL || fd == -EACCES)
		fd = try_dial(form, type, 0);
	return fd;
}

int dial_send(int fd, const struct dial_form *form, const uint8_t *data, size_t len)
{
	struct sockaddr_storage to;
	const socklen_t to_len = place_sockaddr(&form->to, &to);
	ssize_t n = sendto(fd, data, len, MSG_NOSIGNAL, (const struct sockaddr *)&to, to_len);
	return n < 0 ? -errno : 0;
}

// All of it is inherited by what is accepted: a connection is accepted with its first bytes, or
// after a second without any; a silent client is asked now and then whether it is still there.
static int prepare_stream(int fd)
{
	static const struct {
		int level, option, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER_S },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, SILENT_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, SILENT_S / 10 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 5 },
	};
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(options); i++)
		r = set(fd, options[i].level, options[i].option, options[i].value);
	return r;
}

uint32_t dial_client_mark(const struct policy_marks *marks)
{
	return marks->split | marks->proxied;
}

static int prepare(int fd, bool is_six, int type, uint32_t mark)
{
	int r = set_transparent(fd, is_six);
	if (r == 0)
		r = set_mark(fd, mark);
	if (r == 0)
		r = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0)
		r = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0 && is_six)
		r = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (r == 0 && type == SOCK_DGRAM)
		r = is_six ? set(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1)
			   : set(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, 1);
	if (r < 0 || type == SOCK_DGRAM)
		return r;
	return prepare_stream(fd);
}

int dial_listen(const struct place *at, int type, const struct policy_marks *marks, struct err *err)
{
	struct sockaddr_storage own;
	char text[ADDRESS_TEXT_SIZE];
	const socklen_t len = place_sockaddr(at, &own);
	CLEAN(close_fd) int fd = socket(own.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "no socket: %s", strerror(errno));
	int r = prepare(fd, own.ss_family == AF_INET6, type, dial_client_mark(marks));
	if (r < 0)
		return err_set(err, r, "cannot listen for others (is CAP_NET_RAW there?): %s",
			       strerror(-r));
	if (bind(fd, (const struct sockaddr *)&own, len) < 0 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) < 0))
		return err_set(err, -errno, "cannot listen at %s, port %u: %s",
			       address_format(&at->address, text), at->port, strerror(errno));
	return take_fd(&fd);
}

// The kernel's table lets what is sent to clients out only as long as it says whose it is
// (reconcile/policy_names.c).
void dial_mute(int fd, const struct policy_marks *marks)
{
	(void)set_mark(fd, marks->split);
}
