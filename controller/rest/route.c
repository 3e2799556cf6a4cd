#include "rest/route.h"

#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/kinds.h"

#include "rest/handlers.h"

#define KINDS   "/api/v1/{kind}"
#define KIND    "/api/v1/{kind}/{name}"
#define NODE(x) "/api/v1/nodes/{name}/" x

// Who may come in, and to which area.
#define READ(a)  ROUTE_ROLE, AUTH_READ, (a), false, false
#define WRITE(a) ROUTE_ROLE, AUTH_WRITE, (a), false, false
#define OWNED    ROUTE_ROLE, AUTH_WRITE_OWN, NULL, false, false
#define BIG(a)   ROUTE_ROLE, AUTH_WRITE, (a), true, false
#define OPEN     ROUTE_OPEN, AUTH_READ, NULL, false, false
#define FILES    ROUTE_OPEN, AUTH_READ, NULL, false, true
#define SIGNED   ROUTE_SIGNED, AUTH_READ, NULL, false, false
#define OWN(a)   ROUTE_OWN, AUTH_READ, (a), false, false

// clang-format off: one route a row
const struct route routes[] = {
	{ "GET", KINDS, resource_list, READ(NULL) },
	{ "GET", KIND, resource_get, READ(NULL) },
	{ "PUT", KIND, resource_put, OWNED },
	{ "PATCH", KIND, resource_patch, OWNED },
	{ "DELETE", KIND, resource_delete, OWNED },
	{ "POST", KIND "/rename", resource_rename, OWNED },
	{ "PUT", "/api/v1/secrets/{name}/value", secret_value_put, WRITE("secrets") },
	{ "GET", "/api/v1/webhooks/{name}/status", webhook_status_get, READ("webhooks") },
	{ "POST", "/api/v1/webhooks/{name}/test", webhook_test_post, WRITE("webhooks") },
	{ "GET", "/api/v1/domain-lists/{name}/status", list_status_get, READ("domain-lists") },
	{ "POST", "/api/v1/blocklists/{name}/except", blocklist_except_post, WRITE("blocklists") },
	{ "POST", "/api/v1/domain-lists/{name}/refresh", list_refresh_post, WRITE("domain-lists") },
	{ "POST", "/api/v1/apply", apply_post, BIG("apply") },
	{ "POST", "/api/v1/confirm", confirm_post, WRITE("apply") },
	{ "POST", "/api/v1/rollback", rollback_post, WRITE("apply") },
	{ "GET", "/api/v1/explain", explain_get, WRITE("nodes") },
	{ "GET", "/api/v1/state", state_get, READ("state") },
	{ "GET", "/api/v1/topology", topology_get, READ("topology") },
	{ "GET", "/api/v1/segments/{name}/tree", tree_get, READ("segments") },
	{ "GET", NODE("observed"), observed_get, READ("nodes") },
	{ "GET", NODE("history"), link_history_get, READ("nodes") },
	{ "GET", NODE("dns/log"), dns_log_get, WRITE("nodes") },
	{ "GET", NODE("dns/lookup"), dns_lookup_get, READ("nodes") },
	{ "GET", NODE("dns/cache"), dns_cache_get, WRITE("nodes") },
	{ "POST", NODE("dns/flush"), dns_flush_post, WRITE("nodes") },
	{ "POST", NODE("ping"), ping_post, WRITE("nodes") },
	{ "POST", NODE("doctor"), doctor_post, WRITE("nodes") },
	{ "POST", NODE("revoke"), node_revoke, WRITE("nodes") },
	{ "POST", NODE("retry"), node_retry, WRITE("nodes") },
	{ "POST", NODE("approve"), node_approve, WRITE("nodes") },
	{ "GET", "/api/v1/operations/{key}", operation_get, SIGNED },
	{ "GET", "/api/v1/history", history_get, READ("history") },
	{ "GET", "/api/v1/log", log_get, READ("log") },
	{ "GET", "/api/v1/events", events_get, READ("events") },
	{ "POST", "/api/v1/login", session_login, OPEN },
	{ "POST", "/api/v1/logout", session_logout, SIGNED },
	{ "GET", "/api/v1/session", session_get, SIGNED },
	{ "GET", "/api/v1/ca", ca_get, OPEN },
	{ "POST", "/api/v1/enrol", enrol_post, OPEN },
	{ "GET", "/api/openapi.yaml", openapi_get, OPEN },
	{ "GET", "/docs", docs_get, OPEN },
	{ "GET", "/docs/style.css", docs_style_get, OPEN },
	{ "GET", "/metrics", metrics_get, OWN("metrics") },
	{ "GET", "/healthz", health_get, OPEN },
	{ "GET", "/readyz", ready_get, OPEN },
	{ "GET", "/join", join_get, OPEN },
	{ "GET", "/packages/{file}", package_get, OPEN },
	{ "GET", "/*", assets_get, FILES },
};
// clang-format on
const size_t routes_count = ARRAY_LEN(routes);

// The next part of a path, without the slash before it; false at the end.
static bool next_part(const char **at, const char **ret_part, size_t *ret_len)
{
	if (**at != '/')
		return false;
	*ret_part = *at + 1;
	*ret_len = strcspn(*ret_part, "/");
	*at = *ret_part + *ret_len;
	return true;
}

static bool keep(char *to, const char *part, size_t len)
{
	if (len == 0 || len >= ROUTE_PARAM_SIZE)
		return false;
	memcpy(to, part, len);
	to[len] = '\0';
	return true;
}

static bool part_matches(const char *pattern, size_t pattern_len, const char *part, size_t len,
			 struct route_params *params)
{
	if (pattern[0] != '{')
		return pattern_len == len && memcmp(pattern, part, len) == 0;
	if (strncmp(pattern, "{kind}", pattern_len) == 0)
		return keep(params->kind, part, len) && kind_by_name(params->kind) != NULL;
	return keep(params->name, part, len);
}

static bool path_matches(const char *pattern, const char *path, struct route_params *params)
{
	const char *want;
	const char *part;
	size_t want_len;
	size_t len;
	while (next_part(&pattern, &want, &want_len)) {
		if (want_len == 1 && *want == '*')
			return *path == '/' && !text_starts(path, "/api/", NULL);
		if (!next_part(&path, &part, &len) ||
		    !part_matches(want, want_len, part, len, params))
			return false;
	}
	return *path == '\0';
}

static void add_allow(char allow[ROUTE_ALLOW_SIZE], const char *method)
{
	if (strstr(allow, method))
		return;
	size_t len = strlen(allow);
	(void)snprintf(allow + len, ROUTE_ALLOW_SIZE - len, "%s%s%s", len ? ", " : "", method,
		       strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

enum route_result route_match(const char *method, const char *path, const struct route **ret_route,
			      struct route_params *ret_params, char ret_allow[ROUTE_ALLOW_SIZE])
{
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	ret_allow[0] = '\0';
	for (size_t i = 0; i < routes_count; i++) {
		struct route_params params = { 0 };
		// The dashboard's catch-all is no reason to call an API path's method wrong.
		bool is_rest = strcmp(routes[i].path, "/*") == 0;
		if ((is_rest && ret_allow[0]) || !path_matches(routes[i].path, path, &params))
			continue;
		if (strcmp(routes[i].method, method) == 0) {
			*ret_route = &routes[i];
			*ret_params = params;
			return ROUTE_FOUND;
		}
		add_allow(ret_allow, routes[i].method);
	}
	return ret_allow[0] ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}

static unsigned hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

size_t route_decode(char *text)
{
	char *out = text;
	for (const char *c = text; *c; c++) {
		unsigned high = *c == '%' ? hex_value(c[1]) : 16;
		unsigned low = high < 16 ? hex_value(c[2]) : 16;
		bool is_code = low < 16 && high + low > 0;
		*out++ = is_code ? (char)(high << 4 | low) : *c;
		c += is_code ? 2 : 0;
	}
	*out = '\0';
	return (size_t)(out - text);
}
