// The one table of the API's routes, and the match of a method and a path against it. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "auth/roles.h"

struct request;

#define ROUTE_PARAM_SIZE 256
#define ROUTE_ALLOW_SIZE 64

// What the braces of a path stand for.
struct route_params {
	char kind[ROUTE_PARAM_SIZE]; // {kind}
	char name[ROUTE_PARAM_SIZE]; // {name} or {file}
};

enum route_access {
	ROUTE_OPEN,   // anybody
	ROUTE_SIGNED, // whoever is signed in
	ROUTE_ROLE,   // whoever auth_allow lets do `needs` on `area`
	ROUTE_OWN,    // the handler asks itself
};

struct route {
	const char *method;
	const char *path; // "/api/v1/{kind}/{name}"; a last "*" takes the rest
	void (*handle)(struct request *request);
	enum route_access access;
	enum auth_method needs;
	const char *area; // NULL: the {kind}
	bool is_big;      // takes a body as big as an apply's
	bool is_internal; // no part of the API: the dashboard's files
};

enum route_result {
	ROUTE_FOUND,
	ROUTE_NO_PATH,   // 404
	ROUTE_NO_METHOD, // 405, `ret_allow` has the list
};

// `method` HEAD matches a GET. {kind} matches only the names of resource kinds.
enum route_result route_match(const char *method, const char *path, const struct route **ret_route,
			      struct route_params *ret_params, char ret_allow[ROUTE_ALLOW_SIZE]);

// Undoes the percent-encoding of a path or an argument, in place; its length afterwards. What is no
// encoding stays as it is, and so does `%00`: the text would end there, and name something else
// than was asked for.
size_t route_decode(char *text);

// The table, for the check that it agrees with api/openapi.yaml.
extern const struct route routes[];
extern const size_t routes_count;
