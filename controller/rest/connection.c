#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "rest/operation.h"
#include "rest/server.h"

// So much of a refused body is read and thrown away, so that the client has sent all and sees the
// answer; beyond it the connection is cut.
#define DISCARD_MAX (16u * 1024 * 1024)

// The connection's place among those without a request of somebody known; NULL when it has none.
static struct lobby_guest *guest_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

void connection_notify(void *rest, struct MHD_Connection *connection, void **guest,
		       enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		lobby_leave(*guest);
		*guest = NULL;
		return;
	}
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	int connect_fd = fd ? fd->connect_fd : -1;
	const union MHD_ConnectionInfo *from =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (connect_fd >= 0 && from && from->client_addr)
		*guest = lobby_enter(((struct rest *)rest)->lobby, connect_fd, from->client_addr,
				     clock_mono_ms());
}

static void source_of(struct MHD_Connection *connection, char ret[REQUEST_SOURCE_SIZE],
		      char ret_network[REQUEST_SOURCE_SIZE])
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	ret[0] = ret_network[0] = '\0';
	if (!info || !info->client_addr)
		return;
	lobby_address(info->client_addr, ret_network, REQUEST_SOURCE_SIZE);
	if (info->client_addr->sa_family == AF_INET) {
		struct sockaddr_in a;
		memcpy(&a, info->client_addr, sizeof(a));
		(void)inet_ntop(AF_INET, &a.sin_addr, ret, REQUEST_SOURCE_SIZE);
	} else if (info->client_addr->sa_family == AF_INET6) {
		struct sockaddr_in6 a;
		memcpy(&a, info->client_addr, sizeof(a));
		(void)inet_ntop(AF_INET6, &a.sin6_addr, ret, REQUEST_SOURCE_SIZE);
	}
}

static struct request *request_new(struct rest *rest, struct MHD_Connection *connection,
				   const char *method)
{
	struct request *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->rest = rest;
	r->connection = connection;
	(void)snprintf(r->method, sizeof(r->method), "%s", method);
	source_of(connection, r->source, r->network);
	r->next = rest->requests;
	if (r->next)
		r->next->prev = r;
	rest->requests = r;
	return r;
}

static void find_route(struct request *r, const char *path)
{
	char allow[ROUTE_ALLOW_SIZE];
	switch (route_match(r->method, path, &r->route, &r->params, allow)) {
	case ROUTE_FOUND:
		return;
	case ROUTE_NO_METHOD:
		request_add_header(r, "Allow", "%s", allow);
		request_problem(r, MHD_HTTP_METHOD_NOT_ALLOWED, "%s does not allow %s, only %s",
				path, r->method, allow);
		return;
	case ROUTE_NO_PATH:
	default:
		request_problem(r, MHD_HTTP_NOT_FOUND, "there is nothing at %s", path);
	}
}

bool connection_authorise(struct request *r)
{
	struct err err = { 0 };
	struct auth_credentials credentials = {
		.cookie = request_header(r, "Cookie"),
		.authorization = request_header(r, "Authorization"),
		.csrf = request_header(r, AUTH_CSRF_HEADER),
		.is_write = strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0,
	};
	int code = auth_check(r->rest->services.auth, &credentials, clock_wall_ms(), &r->who, &err);
	if (code == -EPERM) {
		request_problem(r, MHD_HTTP_FORBIDDEN, "%s", err.text);
		return false;
	}
	if (code < 0) {
		request_add_header(r, "WWW-Authenticate", "Bearer realm=\"weft\"");
		request_problem(r, MHD_HTTP_UNAUTHORIZED, "%s", err.text);
		return false;
	}
	const char *area = r->route->area ? r->route->area : r->params.kind;
	if (r->route->access != ROUTE_SIGNED &&
	    auth_allow(&r->who, r->route->needs, area, &err) < 0) {
		request_problem(r, MHD_HTTP_FORBIDDEN, "%s", err.text);
		return false;
	}
	struct lobby_guest *guest = guest_of(r->connection);
	if (guest)
		lobby_admit(guest);
	return true;
}

static size_t body_limit(const struct request *r)
{
	if (r->route && r->route->access == ROUTE_OPEN)
		return REQUEST_BODY_MAX_OPEN;
	return r->route && r->route->is_big ? REQUEST_BODY_MAX_APPLY : REQUEST_BODY_MAX;
}

static void refuse_size(struct request *r)
{
	request_problem(r, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than %zu bytes",
			body_limit(r));
}

// A body that is told to be far too large, or that waits for our leave, is refused before a byte of
// it is read.
static void check_length(struct request *r)
{
	const char *text = request_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (!text)
		return;
	char *end;
	errno = 0;
	unsigned long long len = strtoull(text, &end, 10);
	if (*end == '\0' && errno == 0 && len <= body_limit(r))
		return;
	r->is_body_too_big = true;
	if (request_header(r, MHD_HTTP_HEADER_EXPECT) || *end != '\0' || errno != 0 ||
	    len > DISCARD_MAX)
		refuse_size(r);
}

// Hands the stored answer over; takes place inside the callback of the connection.
static enum MHD_Result queue_answer(struct request *r)
{
	struct MHD_Response *response = r->response;
	r->response = NULL;
	enum MHD_Result result = MHD_queue_response(r->connection, r->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result take_body(struct request *r, const char *upload, size_t *upload_len)
{
	r->body_seen += *upload_len;
	if (r->is_body_too_big || r->body_seen > body_limit(r)) {
		r->is_body_too_big = true;
		text_free(&r->body);
		if (r->body_seen > body_limit(r) + DISCARD_MAX)
			return MHD_NO;
	} else {
		text_add_bytes(&r->body, upload, *upload_len);
	}
	*upload_len = 0;
	return MHD_YES;
}

static enum MHD_Result begin(struct rest *rest, struct MHD_Connection *connection, const char *url,
			     const char *method, struct request **ret_request)
{
	struct request *r = request_new(rest, connection, method);
	if (!r)
		return MHD_NO;
	*ret_request = r;
	(void)snprintf(r->path, sizeof(r->path), "%s", url);
	if (rest->is_stopping)
		request_problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, "the controller is stopping");
	else if (strlen(url) >= sizeof(r->path))
		request_problem(r, MHD_HTTP_URI_TOO_LONG, "the path is longer than %d bytes",
				REQUEST_PATH_SIZE - 1);
	else
		find_route(r, url);
	if (!r->is_answered && r->route->access != ROUTE_OPEN && r->route->access != ROUTE_OWN)
		(void)connection_authorise(r);
	if (!r->is_answered)
		(void)operation_read(r);
	if (!r->is_answered)
		check_length(r);
	if (!r->is_answered)
		return MHD_YES;
	// What follows of a refused request is not read; the connection closes after the answer.
	return queue_answer(r);
}

static enum MHD_Result finish(struct request *r)
{
	if (!r->is_handled && !r->is_answered) {
		r->is_handled = true;
		if (r->is_body_too_big)
			refuse_size(r);
		else if (r->body.failed)
			request_problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		else
			operation_handle(r);
	}
	if (r->response)
		return queue_answer(r);
	if (r->is_answered || r->is_cancelled)
		return MHD_YES;
	r->is_suspended = true;
	MHD_suspend_connection(r->connection);
	return MHD_YES;
}

// NOLINTNEXTLINE(readability-function-size): libmicrohttpd has these parameters
enum MHD_Result connection_access(void *rest, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **request)
{
	(void)version;
	struct request *r = *request;
	if (!r) {
		enum MHD_Result result = begin(rest, connection, url, method, &r);
		*request = r;
		return result;
	}
	if (*upload_len > 0)
		return take_body(r, upload, upload_len);
	return finish(r);
}

void connection_completed(void *rest, struct MHD_Connection *connection, void **request,
			  enum MHD_RequestTerminationCode code)
{
	(void)rest;
	(void)code;
	struct request *r = *request;
	struct lobby_guest *guest = guest_of(connection);
	if (guest)
		lobby_wait(guest, clock_mono_ms());
	if (!r)
		return;
	*request = NULL;
	r->connection = NULL;
	if (r->is_answered || !r->is_handled)
		request_free(r);
}

void connection_cancel_all(struct rest *rest)
{
	for (struct request *r = rest->requests; r; r = r->next) {
		if (!r->is_suspended)
			continue;
		request_problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, "the controller is stopping");
		r->is_cancelled = true;
		r->is_answered = false;
	}
}
