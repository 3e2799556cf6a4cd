// One HTTPS request to a controller under the TLS name controller.weft, whatever address it is
// reached by.
//
// Blocking. Trust is either one pinned authority or, for fetching that very authority, none.
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum { HTTP_BODY_MAX = 65536 };

struct http_request {
	const char *host; // address or name to connect to
	int port;
	const char *path;      // "/api/v1/..."
	const char *body;      // JSON to POST, NULL: GET
	const char *ca_pem;    // the only authority trusted; NULL: the peer is not verified
	int64_t verify_time_s; // seconds since 1970
	int timeout_s;         // for all of it, 0: 30
	// The node's own certificate and key; NULL: none is shown.
	const char *certificate_pem, *key_pem;
	FILE *file;       // takes the body in the place of *ret_body; NULL: none
	int64_t file_max; // bytes of it
};

// Returns the HTTP status and *ret_body (NUL-terminated, caller frees), or a negative errno when no
// answer came.
int http_request(const struct http_request *request, char **ret_body, struct err *err);

// The same; *ret_date_s gets the time the controller put on its answer, seconds since 1970, 0 for
// none.
int http_request_dated(const struct http_request *request, char **ret_body, int64_t *ret_date_s,
		       struct err *err);
