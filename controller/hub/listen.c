// The listening sockets. Accepted ones are handed to libwebsockets, so that addresses, IPv6 and the
// number of connections are ours to decide.

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

#include "hub/inside.h"

#define ACCEPTS_AT_ONCE 64
#define BACKLOG         4096 // a fleet comes back at once; the kernel has its own bound too
#define DEFER_S         10

// "192.0.2.1:8444", "[::]:8444"
static int resolve(const char *text, struct addrinfo **ret_address, struct err *err)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
					.ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(text, ':');
	char host[64];

	if (colon && text[0] == '[' && colon > text + 1 && colon[-1] == ']')
		(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text - 2), text + 1);
	else if (colon)
		(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (!colon || getaddrinfo(host, colon + 1, &hints, ret_address) != 0)
		return err_set(err, -EINVAL, "hub.listen: \"%s\" is not ADDRESS:PORT or [V6]:PORT",
			       text);
	return 0;
}

static int open_socket(const struct addrinfo *a)
{
	CLEAN(close_fd)
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	// A client speaks first: who says nothing at all is kept by the kernel, and costs nothing
	// here.
	(void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){ DEFER_S }, sizeof(int));
	// Each family has its own socket: no mapped addresses.
	if (a->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return take_fd(&fd);
}

static void adopt(struct hub *hub, int fd, const struct sockaddr *from)
{
	lws_sock_file_fd_type descriptor = { .sockfd = fd };
	struct lobby_guest *guest = map_size(hub->nodes) < hub->config.max_sessions
					    ? lobby_enter(hub->lobby, fd, from, clock_mono_ms())
					    : NULL;

	if (!guest) {
		hub->counters.refused_total++;
		(void)close(fd);
		return;
	}
	// On failure it has closed the descriptor.
	struct lws *wsi = lws_adopt_descriptor_vhost(
		hub->vhost, LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL, descriptor,
		NULL, NULL);
	if (!wsi) {
		lobby_leave(guest);
		return;
	}
	lws_set_opaque_user_data(wsi, guest);
	// By itself the library waits for the first byte without end.
	lws_set_timeout(wsi, PENDING_TIMEOUT_SSL_ACCEPT,
			(int)(hub->config.handshake_ms + 999) / 1000);
}

// Nobody is accepted until the next tick: not in a busy loop.
static void rest(uv_poll_t *poll)
{
	(void)uv_poll_stop(poll);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;

	(void)events;
	if (!lobby_has_room(l->hub->lobby, clock_mono_ms()))
		rest(poll);
	for (int i = 0; status == 0 && i < ACCEPTS_AT_ONCE && uv_is_active((uv_handle_t *)poll);
	     i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		int fd = accept4(l->fd, (struct sockaddr *)&from, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			adopt(l->hub, fd, (const struct sockaddr *)&from);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			log_warn("hub: cannot accept connections: %s", strerror(errno));
			rest(poll);
		} else if (errno == EAGAIN) {
			break;
		}
	}
	lws_cancel_service(l->hub->lws);
}

int hub_listen(struct hub *hub, const char *address, struct err *err)
{
	struct addrinfo *resolved = NULL;
	int rc = resolve(address, &resolved, err);

	if (rc < 0)
		return rc;
	int fd = open_socket(resolved);
	freeaddrinfo(resolved);
	if (fd < 0)
		return err_set(err, fd, "hub.listen: %s: %s", address, strerror(-fd));
	struct listener *l = calloc(1, sizeof(*l));
	if (!l || hub->listeners_count == LISTEN_MAX ||
	    uv_poll_init(hub->config.loop, &l->poll, fd) < 0) {
		free(l);
		(void)close(fd);
		return err_set(err, -ENOMEM, "hub.listen: no room for %s", address);
	}
	l->hub = hub;
	l->fd = fd;
	l->poll.data = l;
	(void)uv_poll_start(&l->poll, UV_READABLE, on_readable);
	hub->listeners[hub->listeners_count++] = l;
	return 0;
}

void hub_listen_again(struct hub *hub)
{
	for (size_t i = 0; i < hub->listeners_count; i++) {
		if (!uv_is_active((uv_handle_t *)&hub->listeners[i]->poll))
			(void)uv_poll_start(&hub->listeners[i]->poll, UV_READABLE, on_readable);
	}
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void hub_listen_stop(struct hub *hub)
{
	for (size_t i = 0; i < hub->listeners_count; i++) {
		struct listener *l = hub->listeners[i];

		(void)uv_poll_stop(&l->poll);
		(void)close(l->fd);
		uv_close((uv_handle_t *)&l->poll, on_closed);
	}
	hub->listeners_count = 0;
}

unsigned hub_port(const struct hub *hub, size_t n)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);

	if (n >= hub->listeners_count ||
	    getsockname(hub->listeners[n]->fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	return a.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&a)->sin6_port)
				       : ntohs(((struct sockaddr_in *)&a)->sin_port);
}
