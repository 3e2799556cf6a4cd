#include <stdarg.h>
#include <string.h>

#include "base/log.h"
#include "model/net.h"

#include "rest/server.h"

// Of numbers in answers: 0.068 rather than 0.068000000000000005.
#define REAL_DIGITS 12

struct header_row {
	const char *name;
	const char *value;
};

// Scripts and styles only from here and none inline; nobody may frame it; HTTPS for a year.
static const struct header_row security_headers[] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	  "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
	  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Strict-Transport-Security", "max-age=31536000" },
};

static void set_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (!MHD_get_response_header(response, name))
		(void)MHD_add_response_header(response, name, value);
}

// Headers added before the answer, as "name\0value\0" pairs.
static void add_early_headers(struct request *r, struct MHD_Response *response)
{
	const char *at = r->early_headers.data;
	const char *end = at ? at + r->early_headers.len : NULL;
	while (at < end) {
		const char *value = at + strlen(at) + 1;
		(void)MHD_add_response_header(response, at, value);
		at = value + strlen(value) + 1;
	}
}

void request_add_header(struct request *r, const char *name, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	text_add_bytes(&r->early_headers, name, strlen(name) + 1);
	text_vaddf(&r->early_headers, fmt, args);
	text_add_bytes(&r->early_headers, "", 1);
	va_end(args);
}

void request_answer_response(struct request *r, unsigned status, struct MHD_Response *response)
{
	if (r->is_answered) {
		// A second answer would be a defect of a handler; the first one stands.
		log_error("rest: %s: answered twice", r->route ? r->route->path : "?");
		if (response)
			MHD_destroy_response(response);
		return;
	}
	if (!response) {
		response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
		status = MHD_HTTP_SERVICE_UNAVAILABLE;
	}
	r->is_answered = true;
	if (r->is_cancelled && r->connection) {
		MHD_destroy_response(response);
		return;
	}
	if (!r->connection) {
		if (response)
			MHD_destroy_response(response);
		request_free(r);
		return;
	}
	add_early_headers(r, response);
	for (size_t i = 0; i < ARRAY_LEN(security_headers); i++)
		set_header(response, security_headers[i].name, security_headers[i].value);
	set_header(response, "Cache-Control", "no-store");
	r->response = response;
	r->status = status;
	if (r->is_suspended) {
		r->is_suspended = false;
		server_resume(r->rest, r->connection);
	}
}

void request_answer_text(struct request *r, unsigned status, const char *content_type,
			 const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	if (response)
		set_header(response, "Content-Type", content_type);
	request_answer_response(r, status, response);
}

void request_answer_static(struct request *r, const char *content_type, const void *bytes,
			   size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		len, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);
	if (response)
		set_header(response, "Content-Type", content_type);
	request_answer_response(r, MHD_HTTP_OK, response);
}

void request_answer_empty(struct request *r, unsigned status)
{
	request_answer_response(r, status,
				MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
}

static void answer_json_as(struct request *r, unsigned status, const char *type, json_t *body)
{
	char *text = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY |
						     JSON_REAL_PRECISION(REAL_DIGITS))
			  : NULL;
	json_decref(body);
	struct MHD_Response *response =
		text ? MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE)
		     : NULL;
	if (response)
		set_header(response, "Content-Type", type);
	else
		free(text);
	request_answer_response(r, status, response);
}

void request_answer_json(struct request *r, unsigned status, json_t *body)
{
	answer_json_as(r, status, "application/json", body);
}

// The reason phrase of a status; libmicrohttpd knows them all.
static const char *title_of(unsigned status)
{
	return MHD_get_reason_phrase_for(status);
}

void request_problem_fields(struct request *r, unsigned status, const char *detail, json_t *errors)
{
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		request_add_header(r, "Retry-After", "2");
	json_t *body = json_pack("{s:s, s:s, s:i, s:s, s:o*}", "type", "about:blank", "title",
				 title_of(status), "status", (int)status, "detail", detail,
				 "errors", errors);
	// A sentence that quotes what a client sent may hold bytes that are no UTF-8.
	if (!body)
		body = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
				 title_of(status), "status", (int)status, "detail",
				 "the request was refused");
	answer_json_as(r, status, "application/problem+json", body);
}

void request_time_field(json_t *object, const char *name)
{
	char text[TIME_TEXT_SIZE];
	json_int_t ms = json_integer_value(json_object_get(object, name));
	if (json_is_integer(json_object_get(object, name)))
		json_object_set_new(object, name,
				    ms > 0 ? json_string(time_format(ms, text)) : json_null());
}

void request_problem(struct request *r, unsigned status, const char *fmt, ...)
{
	char detail[ERR_TEXT_SIZE];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	request_problem_fields(r, status, detail, NULL);
}

void request_problem_field(struct request *r, const char *field, const char *text)
{
	char detail[ERR_TEXT_SIZE];
	(void)snprintf(detail, sizeof(detail), "%s: %s", field, text);
	request_problem_fields(r, MHD_HTTP_UNPROCESSABLE_CONTENT, detail,
			       json_pack("[{s:s, s:s}]", "field", field, "text", text));
}
