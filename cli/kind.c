#include "cli/kind.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"

#include "cli/value.h"

enum { COLUMNS_MAX = 6 };

struct kind_columns {
	enum kind_id kind;
	const char *fields[COLUMNS_MAX]; // of the spec, or else of the effective spec
};

static const struct kind_columns columns[] = {
	{ KIND_NODES, { "address", "site", "listen_port", "tags" } },
	{ KIND_SITES, { "lan", "location", "tags" } },
	{ KIND_NETWORKS, { "mesh", "hub", "spokes", "links", "pool" } },
	{ KIND_LINKS, { "network", "ends", "node", "interface", "target", "disabled" } },
	{ KIND_SLAS, { "latency", "jitter", "loss", "for", "clear_for" } },
	{ KIND_SEGMENTS, { "network", "mode", "mtu", "pool" } },
	{ KIND_HA_GROUPS, { "members", "witness", "vip", "interface", "network" } },
	{ KIND_DOMAIN_LISTS, { "names", "url", "file", "refresh" } },
	{ KIND_BLOCKLISTS, { "lists", "answer", "exempt", "except" } },
	{ KIND_DNS_ZONES, { "zone", "ttl", "records" } },
	{ KIND_DNS_FORWARDS, { "from", "names", "pattern", "to" } },
	{ KIND_RESOLVERS, { "site", "nodes", "upstreams", "intercept", "log", "blocklists" } },
	{ KIND_GATEWAYS, { "uplink", "node", "check", "drain" } },
	{ KIND_GATEWAY_GROUPS, { "try", "choose", "hold_down" } },
	{ KIND_POLICIES, { "from", "rules" } },
	{ KIND_SECRETS, { "comment" } },
	{ KIND_WEBHOOKS, { "url", "url_from", "secret", "events", "severity", "format" } },
	{ KIND_ENROLMENT_KEYS, { "node", "site", "uses", "expires", "approval" } },
	{ KIND_USERS, { "role", "comment" } },
	{ KIND_TOKENS, { "role", "expires", "scopes", "comment" } },
};

int kind_find(const char *typed, const struct kind **ret_kind, struct err *err)
{
	const struct kind *kind = kind_by_name(typed);
	if (!kind)
		kind = kind_by_singular(typed);
	if (kind) {
		*ret_kind = kind;
		return 0;
	}
	const char *nearest = text_nearest(typed, kind_names);
	if (nearest)
		return err_set(err, -EINVAL, "\"%.60s\" is no kind, did you mean %s?", typed,
			       nearest);
	CLEAN(text_free) struct text all = { 0 };
	for (size_t i = 0; kind_names[i]; i++)
		text_addf(&all, "%s%s", i ? ", " : "", kind_names[i]);
	return err_set(err, -EINVAL, "\"%.60s\" is no kind; there are %s", typed,
		       all.data ? all.data : "");
}

static const char *const *fields_of(const struct kind *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		if (columns[i].kind == kind_id_of(kind))
			return columns[i].fields;
	}
	return columns[0].fields;
}

void kind_table_head(const struct kind *kind, struct table *t)
{
	table_cell(t, "NAME");
	const char *const *fields = fields_of(kind);
	for (size_t i = 0; i < COLUMNS_MAX && fields[i]; i++) {
		CLEAN(free_ptr) char *head = strdup(fields[i]);
		for (char *c = head; c && *c; c++)
			*c = *c == '_' ? ' ' : *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
		table_cell(t, head ? head : "");
	}
}

void kind_table_row(const struct kind *kind, struct table *t, const json_t *resource)
{
	table_cell(t, json_string_value(json_object_get(resource, "name")));
	const json_t *spec = json_object_get(resource, "spec");
	const json_t *effective = json_object_get(resource, "effective");
	const char *const *fields = fields_of(kind);
	for (size_t i = 0; i < COLUMNS_MAX && fields[i]; i++) {
		const json_t *value = json_object_get(spec, fields[i]);
		if (!value)
			value = json_object_get(effective, fields[i]);
		CLEAN(text_free) struct text cell = { 0 };
		if (value)
			value_add(&cell, value);
		table_cell(t, cell.data);
	}
}
