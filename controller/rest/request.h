// One HTTP request on its way: what came, who asks, and the one answer it gets, now or later.
//
// A handler answers exactly once by a request_answer_* function, before it returns or later from
// the loop; in between the connection is suspended. The struct lives until the answer was given and
// the connection is done with it.
#pragma once

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#include "auth/auth.h"
#include "rest/rest.h"
#include "rest/route.h"

#define REQUEST_BODY_MAX_OPEN  (32u * 1024) // of somebody who is not known yet
#define REQUEST_BODY_MAX       (256u * 1024)
#define REQUEST_BODY_MAX_APPLY (8u * 1024 * 1024)
#define REQUEST_SOURCE_SIZE    64
#define REQUEST_PATH_SIZE      1024
#define REQUEST_OPERATION_SIZE 65 // SHA-256 in hex and NUL

struct request {
	struct rest *rest;
	struct request *prev; // all requests of the server, for its stop
	struct request *next;
	struct MHD_Connection *connection; // NULL when the client is gone
	const struct route *route;
	struct route_params params;
	char method[8];
	char path[REQUEST_PATH_SIZE];      // decoded, without the query
	char source[REQUEST_SOURCE_SIZE];  // the client's IP address
	char network[REQUEST_SOURCE_SIZE]; // what it is counted as: itself, or its /64
	struct text body;
	uint64_t body_seen;                     // bytes received, also those that were not kept
	bool is_body_too_big;                   // the rest is thrown away, the answer is 413
	struct auth_identity who;               // role NONE on open routes
	char operation[REQUEST_OPERATION_SIZE]; // see operation.h; "": none was named
	struct text early_headers;              // "name\0value\0" pairs, of the answer to come
	struct MHD_Response *response;
	unsigned status;
	bool is_suspended;
	bool is_answered;
	bool is_handled;   // the handler was called
	bool is_cancelled; // the server stops: the client was told 503, the handler's answer only
			   // ends the request
	void *state;       // of the handler; freed with the request by state_free
	void (*state_free)(void *state);
};

// NULL when there is none.
const char *request_header(const struct request *request, const char *name);
const char *request_query(const struct request *request, const char *name);

// Query readers: 0, or -EINVAL after having answered 400.
int request_query_number(struct request *request, const char *name, int64_t low, int64_t high,
			 int64_t *ret_value);
int request_query_bool(struct request *request, const char *name, bool *ret_value);

// The body as JSON. 0, or a negative errno after having answered 400 or 415. The caller owns
// *ret_body.
int request_json(struct request *request, const char *content_type, json_t **ret_body);

// Holds `value` against a component schema of api/openapi.yaml. 0, or -EINVAL after having answered
// 422.
int request_check(struct request *request, const char *schema, const json_t *value);
bool request_is_loopback(const struct request *request);

// ---- the answer ----

// Takes over `body`.
void request_answer_json(struct request *request, unsigned status, json_t *body);

// Modules count milliseconds, the API writes RFC 3339: makes a time of the number in a field, null
// of 0.
void request_time_field(json_t *object, const char *name);

// Copies `text`.
void request_answer_text(struct request *request, unsigned status, const char *content_type,
			 const char *text);

// As it is, without a copy: `bytes` live as long as the program.
void request_answer_static(struct request *request, const char *content_type, const void *bytes,
			   size_t len);
void request_answer_empty(struct request *request, unsigned status);

// Takes over `response`; for streams and files.
void request_answer_response(struct request *request, unsigned status,
			     struct MHD_Response *response);

// RFC 9457; `errors` ([{field,text}], may be NULL) is taken over.
void request_problem(struct request *request, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void request_problem_fields(struct request *request, unsigned status, const char *detail,
			    json_t *errors);

// One bad field, 422.
void request_problem_field(struct request *request, const char *field, const char *text);

// Adds a header to the answer to come: call before request_answer_*.
void request_add_header(struct request *request, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
