// The route table: what matches, what is refused, and that it says the same as api/openapi.yaml.
#include "rest/route.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// After the headers it needs.
#include <cmocka.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/kinds.h"

#include "rest/contract.h"

static enum route_result match(const char *method, const char *path, const char **ret_route,
			       struct route_params *params, char *allow)
{
	const struct route *route = NULL;
	enum route_result result = route_match(method, path, &route, params, allow);
	*ret_route = route ? route->path : NULL;
	return result;
}

static void test_matches(void **state)
{
	static const struct {
		const char *method;
		const char *path;
		const char *route; // NULL: 404; "405": so
		const char *name;
	} cases[] = {
		{ "GET", "/api/v1/nodes", "/api/v1/{kind}", "" },
		{ "GET", "/api/v1/enrolment-keys/k", "/api/v1/{kind}/{name}", "k" },
		{ "HEAD", "/api/v1/nodes/rho", "/api/v1/{kind}/{name}", "rho" },
		{ "GET", "/api/v1/links/home.a.b", "/api/v1/{kind}/{name}", "home.a.b" },
		{ "GET", "/api/v1/nodes/rho/observed", "/api/v1/nodes/{name}/observed", "rho" },
		{ "POST", "/api/v1/sites/x/rename", "/api/v1/{kind}/{name}/rename", "x" },
		{ "PUT", "/api/v1/secrets/x/value", "/api/v1/secrets/{name}/value", "x" },
		{ "GET", "/packages/a.deb", "/packages/{file}", "a.deb" },
		{ "GET", "/", "/*", "" },
		{ "GET", "/assets/app.js", "/*", "" },
		{ "POST", "/api/v1/apply", "/api/v1/apply", "" },
		{ "GET", "/api/v1/apply", "405", "" },
		{ "DELETE", "/api/v1/nodes", "405", "" },
		{ "BREW", "/healthz", "405", "" },
		{ "GET", "/api/v1/sites/x/value", NULL, "" },
		{ "GET", "/api/v1/sites/x/observed", NULL, "" },
		{ "GET", "/api/v1/things", NULL, "" },
		{ "GET", "/api/v1/nodes/", NULL, "" },
		{ "GET", "/api/v1/nodes/a/b/c", NULL, "" },
		{ "GET", "/api/v1", NULL, "" },
		{ "GET", "", NULL, "" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct route_params params = { 0 };
		char allow[ROUTE_ALLOW_SIZE];
		const char *route;
		enum route_result result =
			match(cases[i].method, cases[i].path, &route, &params, allow);
		if (!cases[i].route) {
			assert_int_equal(result, ROUTE_NO_PATH);
		} else if (strcmp(cases[i].route, "405") == 0) {
			assert_int_equal(result, ROUTE_NO_METHOD);
		} else {
			assert_int_equal(result, ROUTE_FOUND);
			assert_string_equal(route, cases[i].route);
			assert_string_equal(params.name, cases[i].name);
		}
	}
}

static void test_allow_lists_what_is_there(void **state)
{
	struct route_params params;
	char allow[ROUTE_ALLOW_SIZE];
	const char *route;
	(void)state;
	assert_int_equal(match("POST", "/api/v1/nodes/rho", &route, &params, allow),
			 ROUTE_NO_METHOD);
	assert_string_equal(allow, "GET, HEAD, PUT, PATCH, DELETE");
	assert_int_equal(match("GET", "/api/v1/login", &route, &params, allow), ROUTE_NO_METHOD);
	assert_string_equal(allow, "POST");
}

static void test_overlong_parts_do_not_match(void **state)
{
	struct route_params params;
	char allow[ROUTE_ALLOW_SIZE];
	const char *route;
	char path[ROUTE_PARAM_SIZE + 64] = "/api/v1/nodes/";
	(void)state;
	memset(path + strlen(path), 'a', ROUTE_PARAM_SIZE);
	assert_int_equal(match("GET", path, &route, &params, allow), ROUTE_NO_PATH);
}

static bool is_documented(const json_t *paths, const char *path, const char *method)
{
	char lower[16] = "";
	for (size_t i = 0; method[i] && i + 1 < sizeof(lower); i++)
		lower[i] = (char)tolower((unsigned char)method[i]);
	return json_object_get(json_object_get(paths, path), lower) != NULL;
}

// Each row of the table stands in the file, for every kind where it has {kind}.
static void test_every_route_is_documented(void **state)
{
	const struct contract *contract = *state;
	const json_t *paths = json_object_get(contract->document, "paths");
	for (size_t i = 0; i < routes_count; i++) {
		const struct route *route = &routes[i];
		const char *rest;
		if (route->is_internal)
			continue;
		if (!text_starts(route->path, "/api/v1/{kind}", &rest)) {
			if (!is_documented(paths, route->path, route->method))
				fail_msg("%s %s is not in api/openapi.yaml", route->method,
					 route->path);
			continue;
		}
		for (size_t k = 0; k < KIND_COUNT; k++) {
			// A link's name follows from its ends.
			if (kinds[k].is_link_name && strcmp(rest, "/{name}/rename") == 0)
				continue;
			CLEAN(free_ptr)
			char *path = text_format("/api/v1/%s%s", kinds[k].name, rest);
			if (!is_documented(paths, path, route->method))
				fail_msg("%s %s is not in api/openapi.yaml", route->method, path);
		}
	}
}

// Each operation of the file has a row, and that row asks for a credential exactly when the file
// says so.
static void test_every_operation_is_routed(void **state)
{
	const struct contract *contract = *state;
	static const char *const methods[] = { "GET", "PUT", "PATCH", "POST", "DELETE" };
	const char *path;
	json_t *item;
	json_object_foreach(json_object_get(contract->document, "paths"), path, item)
	{
		for (size_t m = 0; m < ARRAY_LEN(methods); m++) {
			if (!is_documented(json_object_get(contract->document, "paths"), path,
					   methods[m]))
				continue;
			const struct route *route = NULL;
			struct route_params params;
			char allow[ROUTE_ALLOW_SIZE];
			if (route_match(methods[m], path, &route, &params, allow) != ROUTE_FOUND ||
			    route->is_internal)
				fail_msg("%s %s has no route", methods[m], path);
			char lower[16] = "";
			for (size_t i = 0; methods[m][i]; i++)
				lower[i] = (char)tolower((unsigned char)methods[m][i]);
			const json_t *security =
				json_object_get(json_object_get(item, lower), "security");
			bool is_open = security && json_array_size(security) == 0;
			if (is_open != (route->access == ROUTE_OPEN))
				fail_msg("%s %s: open to all only on one side", methods[m], path);
		}
	}
}

static int setup(void **state)
{
	static struct contract contract;
	*state = &contract;
	return contract_load(&contract, NULL);
}

static int teardown(void **state)
{
	contract_done(*state);
	return 0;
}

static void test_decodes(void **state)
{
	static const struct {
		const char *encoded;
		const char *decoded;
	} cases[] = {
		{ "/api/v1/nodes/rho", "/api/v1/nodes/rho" },
		{ "/%61%2F%c3%A9%7e", "/a/é~" },
		{ "/a%00b", "/a%00b" }, // not "/a"
		{ "%2500", "%00" },
		{ "%", "%" },
		{ "%4", "%4" },
		{ "%zz%4g%g4", "%zz%4g%g4" },
		{ "a+b", "a+b" },
		{ "", "" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[40];
		(void)snprintf(text, sizeof(text), "%s", cases[i].encoded);
		assert_int_equal(route_decode(text), strlen(cases[i].decoded));
		assert_string_equal(text, cases[i].decoded);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_allow_lists_what_is_there),
		cmocka_unit_test(test_overlong_parts_do_not_match),
		cmocka_unit_test(test_decodes),
		cmocka_unit_test(test_every_route_is_documented),
		cmocka_unit_test(test_every_operation_is_routed),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
