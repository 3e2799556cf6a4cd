#include <errno.h>
#include <string.h>

#include "model/problem.h"
#include "model/schema.h"

#include "rest/contract.h"
#include "rest/server.h"

void request_free(struct request *r)
{
	if (r->prev)
		r->prev->next = r->next;
	else
		r->rest->requests = r->next;
	if (r->next)
		r->next->prev = r->prev;
	if (r->state_free)
		r->state_free(r->state);
	if (r->response)
		MHD_destroy_response(r->response);
	// It may have held a password.
	if (r->body.data)
		explicit_bzero(r->body.data, r->body.len);
	text_free(&r->body);
	text_free(&r->early_headers);
	free(r);
}

const char *request_header(const struct request *r, const char *name)
{
	return r->connection ? MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name)
			     : NULL;
}

const char *request_query(const struct request *r, const char *name)
{
	return r->connection
		       ? MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name)
		       : NULL;
}

int request_query_number(struct request *r, const char *name, int64_t low, int64_t high,
			 int64_t *ret_value)
{
	const char *text = request_query(r, name);
	if (!text)
		return 0;
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < low || value > high) {
		request_problem(r, MHD_HTTP_BAD_REQUEST, "%s: not a number in %lld..%lld", name,
				(long long)low, (long long)high);
		return -EINVAL;
	}
	*ret_value = value;
	return 0;
}

int request_query_bool(struct request *r, const char *name, bool *ret_value)
{
	const char *text = request_query(r, name);
	if (!text)
		return 0;
	bool is_true = strcmp(text, "true") == 0 || strcmp(text, "1") == 0 || !*text;
	if (!is_true && strcmp(text, "false") != 0 && strcmp(text, "0") != 0) {
		request_problem(r, MHD_HTTP_BAD_REQUEST, "%s: neither true nor false", name);
		return -EINVAL;
	}
	*ret_value = is_true;
	return 0;
}

// Does the header begin with this media type, parameters aside?
static bool is_type(const char *header, const char *type)
{
	size_t len = strlen(type);
	return header && strncasecmp(header, type, len) == 0 &&
	       (header[len] == '\0' || header[len] == ';' || header[len] == ' ');
}

// Length of the UTF-8 sequence at `s` (RFC 3629: no overlong forms, no surrogates), 0 when there is
// none.
static size_t sequence_length(const unsigned char *s, size_t left)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (len == 1)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || left < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	bool is_bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		      (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
	return is_bad ? 0 : len;
}

// Answers 400 with the place when the body is not UTF-8.
static int check_utf8(struct request *r)
{
	const unsigned char *bytes = (const unsigned char *)r->body.data;
	int line = 1;
	size_t begin = 0; // of the line
	for (size_t i = 0; i < r->body.len;) {
		size_t len = sequence_length(bytes + i, r->body.len - i);
		if (len == 0) {
			request_problem(r, MHD_HTTP_BAD_REQUEST,
					"the body is not valid UTF-8: line %d, byte %zu: 0x%02x",
					line, i - begin + 1, bytes[i]);
			return -EILSEQ;
		}
		if (bytes[i] == '\n') {
			line++;
			begin = i + 1;
		}
		i += len;
	}
	return 0;
}

int request_json(struct request *r, const char *content_type, json_t **ret_body)
{
	const char *given = request_header(r, MHD_HTTP_HEADER_CONTENT_TYPE);
	if (!is_type(given, content_type) && !is_type(given, "application/json")) {
		request_problem(r, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
				"the body must be of Content-Type %s", content_type);
		return -EINVAL;
	}
	if (r->body.len == 0) {
		request_problem(r, MHD_HTTP_BAD_REQUEST, "the body is empty, JSON was expected");
		return -EINVAL;
	}
	if (check_utf8(r) < 0)
		return -EILSEQ;
	json_error_t error;
	json_t *body = json_loadb(r->body.data, r->body.len, JSON_REJECT_DUPLICATES, &error);
	if (!body) {
		request_problem(r, MHD_HTTP_BAD_REQUEST, "not valid JSON: line %d, column %d: %s",
				error.line, error.column, error.text);
		return -EINVAL;
	}
	*ret_body = body;
	return 0;
}

int request_check(struct request *r, const char *schema, const json_t *value)
{
	CLEAN(problem_list_done) struct problem_list problems = { 0 };
	schema_check(r->rest->services.contract->schema, schema, value, "", &problems);
	struct err err = { 0 };
	if (problem_list_err(&problems, &err) == 0)
		return 0;
	request_problem_fields(r, MHD_HTTP_UNPROCESSABLE_CONTENT, err.text,
			       problem_list_json(&problems));
	return -EINVAL;
}

bool request_is_loopback(const struct request *r)
{
	return strncmp(r->source, "127.", 4) == 0 || strcmp(r->source, "::1") == 0;
}
