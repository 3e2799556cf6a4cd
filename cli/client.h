// The REST client: one connection to one controller, JSON in and out, refusals as sentences.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#include "cli/context.h"

struct client;

struct client_request {
	const char *method;   // "GET"
	const char *path;     // "/api/v1/nodes/rho?effective=true", already encoded
	const json_t *body;   // sent as application/json; NULL: none
	const char *text;     // sent as text/plain instead; NULL: none
	const char *if_match; // an ETag or NULL
};

struct client_reply {
	long status;
	char *body; // NUL-terminated
	size_t len;
	json_t *json; // NULL when the body is none
	char etag[64];
};

// Copies what it needs of `context`. Opens no connection yet.
int client_new(const struct context *context, struct client **ret_client, struct err *err);
void client_free(struct client *c);

// Performs one request, blocking. A write whose answer is lost with its connection is asked after
// and, if it was not done, sent once more (api/openapi.yaml, Idempotency-Key). 0 for a 2xx answer;
// -EREMOTEIO for a refusal (`ret` is filled, client_problem tells why; -ENOENT, -EEXIST and -ESTALE
// stand for 404, 409 and 412); other negative errno when there is no answer. `ret` must be zeroed
// or done; NULL when the answer does not matter.
int client_call(struct client *c, const struct client_request *request, struct client_reply *ret,
		struct err *err);
void client_reply_done(struct client_reply *r);

// GET `path` (printf form) and its JSON, a new reference.
int client_get(struct client *c, json_t **ret_json, struct err *err, const char *path, ...)
	__attribute__((format(printf, 4, 5)));

// All pages of a list, following `next`: a new array of the items. `query` may be NULL, `most` 0 is
// all.
int client_list(struct client *c, const char *path, const char *query, size_t most,
		json_t **ret_items, struct err *err);

// Streams GET `path`: `take` gets the bytes as they come and returns 0, or anything else to stop.
// -ECONNRESET when the controller ended the stream; 0 when `take` stopped it.
typedef int (*client_take_fn)(const char *bytes, size_t len, void *data);
int client_stream(struct client *c, const char *path, const char *last_event_id,
		  client_take_fn take, void *data, struct err *err);

// The refusal of the last call as lines, one sentence per field, each ending with a newline; NULL
// when the last call was not refused or `c` is NULL. Borrowed until the next call.
const char *client_problem(const struct client *c);

// The JSON of that refusal, NULL when it had none. Borrowed.
const json_t *client_problem_json(const struct client *c);

// Forgets the refusal, for a caller that has dealt with it. `c` may be NULL.
void client_problem_clear(struct client *c);

// Sent as X-CSRF-Token from now on, with the session cookie, which the client keeps. NULL: none.
void client_set_csrf(struct client *c, const char *token);

const char *client_url(const struct client *c);

// Percent-encodes one path segment or query value. Caller frees; NULL when out of memory.
char *client_encode(const char *segment);

// Connects to `url` without trusting it and tells the pin of its public key, "sha256//…" (caller
// frees), and whether the system's CAs (or `ca_file`) trust its certificate. Nothing but the
// handshake and a GET of /healthz is sent.
int client_probe(const char *url, const char *ca_file, bool *ret_trusted, char **ret_pin,
		 struct err *err);
