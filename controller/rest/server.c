#include "rest/server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

#include "pki/pki.h"

#define CONNECTION_TIMEOUT_S 30
#define CONNECTION_MEMORY    (32u * 1024)
#define HEARTBEAT_MS         15000
#define LISTEN_BACKLOG       1024
#define DEFER_S              10
#define LOBBY_TICK_MS        250
#define CROWDED_MS           20
#define DRIVES_AT_ONCE       8
#define DRIVES_IDLE          3
#define PACE_MS              1
#define PACE_CONNECTIONS     32 // so many that may all owe a handshake cost a millisecond more

// One listening address: libmicrohttpd's daemon, its epoll descriptor and the timer of its next
// deadline.
struct listener {
	struct listener *next;
	struct rest *rest;
	struct MHD_Daemon *daemon;
	uv_poll_t poll;
	uv_timer_t timer;
	int open_handles;
};

static void listener_timer(uv_timer_t *timer);

static unsigned connections_of(const struct listener *l)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
	return info ? info->num_connections : 0;
}

// At its limit of connections libmicrohttpd stops listening, and begins again only when it is
// driven after some have closed, for which no event may come.
static bool is_crowded(const struct listener *l)
{
	return connections_of(l) >= l->rest->config.connections_max / 4 * 3;
}

// How long until it wants to be driven again; false: not before something happens.
static bool next_drive(const struct listener *l, MHD_UNSIGNED_LONG_LONG *ret_ms)
{
	MHD_UNSIGNED_LONG_LONG ms = CROWDED_MS;
	bool has_deadline = MHD_get_timeout(l->daemon, &ms) == MHD_YES;
	if (is_crowded(l) && ms > CROWDED_MS)
		ms = CROWDED_MS;
	*ret_ms = ms;
	return has_deadline || is_crowded(l);
}

// Lets libmicrohttpd work, then sleeps until its next deadline or event.
//
// It wants to be driven at once as long as it has something to send, but also, without a reason,
// while a client owes it the rest of a handshake; and a timer of no time at all would keep libuv
// from everything else. So it is driven some times in a row, and then paced.
static void listener_drive(struct listener *l)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;
	bool is_due = l->daemon != NULL;
	for (int i = 0; i < DRIVES_AT_ONCE && is_due && ms == 0; i++) {
		(void)MHD_run(l->daemon);
		is_due = next_drive(l, &ms);
		// A request that comes on a standing connection is read in one round and begun in
		// the next; a handshake that is owed is not worth more of them.
		if (!l->rest->requests && i + 1 >= DRIVES_IDLE)
			break;
	}
	if (is_due && ms == 0)
		ms = PACE_MS + (l->rest->requests ? 0 : connections_of(l) / PACE_CONNECTIONS);
	if (is_due)
		(void)uv_timer_start(&l->timer, listener_timer, ms, 0);
	else
		(void)uv_timer_stop(&l->timer);
}

static void listener_timer(uv_timer_t *timer)
{
	listener_drive(timer->data);
}

static void listener_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	listener_drive(poll->data);
}

void server_resume(struct rest *rest, struct MHD_Connection *connection)
{
	MHD_resume_connection(connection);
	for (struct listener *l = rest->listeners; l; l = l->next)
		(void)uv_timer_start(&l->timer, listener_timer, 0, 0);
}

static void daemon_log(void *ctx, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));
static void daemon_log(void *ctx, const char *fmt, va_list args)
{
	(void)ctx;
	char line[256];
	(void)vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("rest: %s", line);
}

// "host:port" or "[v6]:port" into its two parts.
static int split_address(const char *text, char *host, size_t host_size, const char **ret_port,
			 struct err *err)
{
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || !colon[1])
		return err_set(
			err, -EINVAL,
			"rest.listen: `%s` is not an address with a port, as in 0.0.0.0:8443",
			text);
	size_t len = (size_t)(colon - text);
	if (text[0] == '[' && colon[-1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= host_size)
		return err_set(err, -EINVAL, "rest.listen: `%s` is too long", text);
	memcpy(host, text, len);
	host[len] = '\0';
	*ret_port = colon + 1;
	return 0;
}

static int bind_socket(const char *address, int *ret_fd, struct err *err)
{
	char host[128];
	const char *port = NULL;
	int r = split_address(address, host, sizeof(host), &port, err);
	if (r < 0)
		return r;
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int gai = getaddrinfo(host, port, &hints, &found);
	if (gai != 0)
		return err_set(err, -EINVAL, "rest.listen: `%s`: %s", address, gai_strerror(gai));
	int one = 1;
	CLEAN(close_fd)
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0;
	// A client speaks first: who says nothing at all is kept by the kernel, and costs nothing
	// here.
	if (ok)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){ DEFER_S }, sizeof(int));
	if (ok && found->ai_family == AF_INET6)
		ok = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0;
	ok = ok && bind(fd, found->ai_addr, found->ai_addrlen) == 0 &&
	     listen(fd, LISTEN_BACKLOG) == 0;
	int saved = errno;
	freeaddrinfo(found);
	if (!ok)
		return err_set(err, -saved, "rest.listen: `%s`: %s", address, strerror(saved));
	*ret_fd = take_fd(&fd);
	return 0;
}

static size_t decode(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return route_decode(text);
}

static int daemon_start(struct listener *l, int fd, struct err *err)
{
	const struct rest_config *config = &l->rest->config;
	l->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL,
		NULL, connection_access, l->rest,
		// First, so that it also gets the errors of the start itself.
		MHD_OPTION_EXTERNAL_LOGGER, daemon_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES, MHD_OPTION_HTTPS_CERT_CALLBACK,
		tls_choose, MHD_OPTION_NOTIFY_COMPLETED, connection_completed, l->rest,
		MHD_OPTION_NOTIFY_CONNECTION, connection_notify, l->rest,
		MHD_OPTION_UNESCAPE_CALLBACK, decode, NULL, MHD_OPTION_CONNECTION_LIMIT,
		config->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		config->connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)CONNECTION_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!l->daemon)
		return err_set(err, -EIO, "rest: libmicrohttpd did not start (see the debug log)");
	return 0;
}

static void listener_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;
	if (--l->open_handles == 0)
		free(l);
}

static int listener_new(struct rest *rest, const char *address, struct err *err)
{
	CLEAN(close_fd) int fd = -1;
	int r = bind_socket(address, &fd, err);
	if (r < 0)
		return r;
	CLEAN(free_ptr) struct listener *l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(err, -ENOMEM, "out of memory");
	l->rest = rest;
	r = daemon_start(l, fd, err);
	if (r < 0)
		return r;
	(void)take_fd(&fd);
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	(void)uv_timer_init(rest->loop, &l->timer);
	r = info ? uv_poll_init(rest->loop, &l->poll, info->epoll_fd) : -EIO;
	if (r < 0) {
		MHD_stop_daemon(l->daemon);
		return err_set(err, r, "rest: its epoll descriptor cannot be watched: %s",
			       uv_strerror(r));
	}
	l->poll.data = l;
	l->timer.data = l;
	l->open_handles = 2;
	(void)uv_poll_start(&l->poll, UV_READABLE, listener_readable);
	l->next = rest->listeners;
	rest->listeners = l;
	listener_drive(take_ptr(&l));
	log_info("rest: listening on https://%s", address);
	return 0;
}

static void lobby_due(uv_timer_t *timer)
{
	lobby_tick(((struct rest *)timer->data)->lobby, clock_mono_ms());
}

// A quarter of the connections stays for those who are known. libmicrohttpd counts them for each
// listening address.
static int make_limits(struct rest *rest, struct err *err)
{
	const struct rest_config *c = &rest->config;
	const struct lobby_config lobby = { .guests_max = c->connections_max / 4 * 3,
					    .wait_ms = c->anonymous_ms };
	rest->lobby = lobby_new(&lobby);
	rest->enrol_limit = limit_new(c->enrol_attempts, (int64_t)c->enrol_wait_ms);
	return rest->lobby && rest->enrol_limit ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static void heartbeat_due(uv_timer_t *timer)
{
	events_heartbeat(timer->data);
}

int rest_reload_certificates(struct rest *rest, struct err *err)
{
	struct tls *fresh;
	const struct pki *pki = rest->services.pki;
	struct tls *old = rest->tls;
	int r = tls_new(pki_cert_path(pki), pki_key_path(pki), rest->config.certificate,
			rest->config.key, &fresh, err);
	if (r < 0)
		return r;
	rest->tls = fresh;
	tls_free(old);
	return 0;
}

int rest_new(struct uv_loop_s *loop, const struct rest_config *config,
	     const struct rest_services *services, struct rest **ret_rest, struct err *err)
{
	CLEAN(free_ptr) struct rest *rest = calloc(1, sizeof(*rest));
	if (!rest)
		return err_set(err, -ENOMEM, "out of memory");
	rest->loop = loop;
	rest->config = *config;
	rest->services = *services;
	int r = rest_reload_certificates(rest, err);
	if (r >= 0)
		r = make_limits(rest, err);
	if (r < 0) {
		rest_free(take_ptr(&rest));
		return r;
	}
	(void)uv_timer_init(loop, &rest->heartbeat);
	rest->heartbeat.data = rest;
	(void)uv_timer_init(loop, &rest->lobby_timer);
	rest->lobby_timer.data = rest;
	(void)uv_timer_start(&rest->lobby_timer, lobby_due, LOBBY_TICK_MS, LOBBY_TICK_MS);
	(void)uv_timer_init(loop, &rest->scrape);
	rest->scrape.data = rest;
	(void)uv_timer_start(&rest->heartbeat, heartbeat_due, HEARTBEAT_MS, HEARTBEAT_MS);
	for (size_t i = 0; config->listen[i] && r >= 0; i++)
		r = listener_new(rest, config->listen[i], err);
	if (r < 0) {
		struct rest *half = take_ptr(&rest);
		half->is_abandoned = true;
		rest_stop(half);
		return r;
	}
	*ret_rest = take_ptr(&rest);
	return 0;
}

static void heartbeat_closed(uv_handle_t *handle)
{
	struct rest *rest = handle->data;
	if (rest->is_abandoned)
		rest_free(rest);
}

void rest_stop(struct rest *rest)
{
	if (!rest || rest->is_stopping)
		return;
	rest->is_stopping = true;
	events_end_all(rest);
	connection_cancel_all(rest);
	while (rest->listeners) {
		struct listener *l = rest->listeners;
		rest->listeners = l->next;
		// Lets the resumed connections see their answers before they are closed.
		(void)MHD_run(l->daemon);
		(void)MHD_run(l->daemon);
		MHD_stop_daemon(l->daemon);
		l->daemon = NULL;
		uv_close((uv_handle_t *)&l->poll, listener_closed);
		uv_close((uv_handle_t *)&l->timer, listener_closed);
	}
	metrics_idle(rest);
	uv_close((uv_handle_t *)&rest->scrape, NULL);
	uv_close((uv_handle_t *)&rest->lobby_timer, NULL);
	uv_close((uv_handle_t *)&rest->heartbeat, heartbeat_closed);
}

void rest_free(struct rest *rest)
{
	if (!rest)
		return;
	while (rest->requests)
		request_free(rest->requests);
	tls_free(rest->tls);
	lobby_free(rest->lobby);
	limit_free(rest->enrol_limit);
	free(rest);
}
