#include "rest/operation.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <string.h>

#include "base/clock.h"
#include "model/net.h"

#include "rest/handlers.h"
#include "rest/server.h"

#define HEADER  "Idempotency-Key"
#define KEY_MAX 64
#define SIGNS   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"

static bool is_key(const char *text)
{
	size_t len = strlen(text);
	return len > 0 && len <= KEY_MAX && strspn(text, SIGNS) == len;
}

// The store's id of this asker's key: nobody can guess at, or use up, the keys of another.
static void make_id(const char *actor, const char *key, char ret_id[REQUEST_OPERATION_SIZE])
{
	unsigned char digest[32] = { 0 };
	CLEAN(text_free) struct text both = { 0 };
	text_add_bytes(&both, actor, strlen(actor) + 1);
	text_add(&both, key);
	ret_id[0] = '\0';
	if (both.failed || gnutls_hash_fast(GNUTLS_DIG_SHA256, both.data, both.len, digest) < 0)
		return;
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(ret_id + 2 * i, 3, "%02x", digest[i]);
}

static bool is_write(const struct route *route)
{
	return route->access == ROUTE_ROLE && route->needs != AUTH_READ;
}

int operation_read(struct request *request)
{
	const char *key = is_write(request->route) ? request_header(request, HEADER) : NULL;
	if (!key)
		return 0;
	if (!is_key(key)) {
		request_problem(request, MHD_HTTP_BAD_REQUEST,
				HEADER ": 1 to %d letters, digits, `.`, `_`, `~` or `-`", KEY_MAX);
		return -EINVAL;
	}
	make_id(request->who.actor, key, request->operation);
	if (request->operation[0])
		return 0;
	request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
	return -ENOMEM;
}

const char *operation_id(const struct request *request)
{
	return request->operation[0] ? request->operation : NULL;
}

// Another request to do the same operation that has no answer yet.
static bool is_pending(const struct request *request)
{
	for (const struct request *r = request->rest->requests; r; r = r->next)
		if (r != request && r->is_handled && !r->is_answered && is_write(r->route) &&
		    strcmp(r->operation, request->operation) == 0)
			return true;
	return false;
}

static void looked_up(void *arg, enum store_result result, bool is_done)
{
	struct request *request = arg;
	if (!request->connection || request->is_cancelled)
		request_answer_empty(request, MHD_HTTP_SERVICE_UNAVAILABLE);
	else if (result != STORE_OK)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE,
				"the store cannot say whether this operation was done before");
	else if (is_done)
		request_problem(request, MHD_HTTP_CONFLICT,
				HEADER ": this operation was done already");
	else
		request->route->handle(request);
}

void operation_handle(struct request *request)
{
	if (!operation_id(request))
		request->route->handle(request);
	else if (is_pending(request))
		request_problem(request, MHD_HTTP_CONFLICT,
				HEADER ": this operation is being done at this moment");
	else if (store_operation_done(request->rest->services.store, request->operation, looked_up,
				      request) < 0)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the store's queue is full");
}

static void told(void *arg, enum store_result result, bool is_done)
{
	struct request *request = arg;
	// In this order: what was pending when the store was asked may be done by now.
	const char *state = is_done ? "done" : "absent";
	if (!is_done && is_pending(request))
		state = "pending";
	if (result != STORE_OK)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the store cannot say");
	else
		request_answer_json(
			request, MHD_HTTP_OK,
			json_pack("{s:s, s:s}", "key", request->params.name, "state", state));
}

void operation_get(struct request *request)
{
	if (!is_key(request->params.name)) {
		request_problem(request, MHD_HTTP_NOT_FOUND, "no operation can be called %s",
				request->params.name);
		return;
	}
	make_id(request->who.actor, request->params.name, request->operation);
	if (store_operation_done(request->rest->services.store, request->operation, told, request) <
	    0)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the store's queue is full");
}
