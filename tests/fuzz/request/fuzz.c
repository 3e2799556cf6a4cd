// The parts of a request that are read before anybody is known: on three lines the method and path,
// the Cookie header and the Authorization header.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/kinds.h"

#include "auth/inside.h"
#include "rest/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_route(const char *line)
{
	struct route_params params = { 0 };
	const struct route *route = NULL;
	char allow[ROUTE_ALLOW_SIZE];
	char method[8] = "GET";
	const char *path = strchr(line, ' ');

	if (path && path - line < (long)sizeof method)
		(void)snprintf(method, sizeof method, "%.*s", (int)(path - line), line);
	path = path ? path + 1 : line;
	const enum route_result result = route_match(method, path, &route, &params, allow);
	if (result != ROUTE_FOUND) {
		if ((result == ROUTE_NO_METHOD) != (allow[0] != '\0'))
			abort();
		return;
	}
	// A part of a path never holds more than one part.
	if (!route->handle || strchr(params.kind, '/') || strchr(params.name, '/') ||
	    (params.kind[0] && !kind_by_name(params.kind)))
		abort();
}

// Nobody is signed in and there is no token: whatever is sent is refused, with a sentence.
static void try_credentials(const char *cookie, const char *authorization)
{
	static struct auth_tables *tables;
	struct auth_identity who;
	struct err err = { 0 };

	tables = tables ? tables : tables_new();
	struct auth auth = { .tables = tables };
	const struct auth_credentials credentials = { cookie, authorization, "x", true };
	if (!tables || auth_check(&auth, &credentials, 1, &who, &err) >= 0 || err.text[0] == '\0')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *at = text;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_route(strsep(&at, "\n"));
	const char *cookie = strsep(&at, "\n");
	try_credentials(cookie, at);
	try_credentials(cookie, NULL);
	free(text);
	return 0;
}
