#include "model/kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/net.h"

const struct kind kinds[KIND_COUNT] = {
	[KIND_NODES] = {
		.name = "nodes", .singular = "node", .schema = "NodeSpec", .write = KIND_ROLE_OPERATOR,
		.references = { { "site", KIND_SITES } },
	},
	[KIND_SITES] = {
		.name = "sites", .singular = "site", .schema = "SiteSpec", .write = KIND_ROLE_OPERATOR,
	},
	[KIND_SLAS] = {
		.name = "slas", .singular = "sla", .schema = "SlaSpec", .write = KIND_ROLE_OPERATOR,
	},
	[KIND_NETWORKS] = {
		.name = "networks", .singular = "network", .schema = "NetworkSpec", .write = KIND_ROLE_OPERATOR,
		.references = { { "mesh[]", KIND_NODES }, { "hub", KIND_NODES }, { "spokes[]", KIND_NODES },
				{ "links[][]", KIND_NODES }, { "sla", KIND_SLAS } },
	},
	[KIND_LINKS] = {
		.name = "links", .singular = "link", .schema = "LinkSpec", .write = KIND_ROLE_OPERATOR,
		.is_link_name = true,
		.references = { { "network", KIND_NETWORKS }, { "ends[]", KIND_NODES }, { "node", KIND_NODES },
				{ "sla", KIND_SLAS } },
	},
	[KIND_SEGMENTS] = {
		.name = "segments", .singular = "segment", .schema = "SegmentSpec", .write = KIND_ROLE_OPERATOR,
		.references = { { "network", KIND_NETWORKS } },
	},
	[KIND_HA_GROUPS] = {
		.name = "ha-groups", .singular = "ha-group", .schema = "HaGroupSpec", .write = KIND_ROLE_OPERATOR,
		.references = { { "members[]", KIND_NODES }, { "witness[]", KIND_NODES },
				{ "network", KIND_NETWORKS }, { "site", KIND_SITES } },
	},
	[KIND_DOMAIN_LISTS] = {
		.name = "domain-lists", .singular = "domain-list", .word = "list", .schema = "DomainListSpec", .write = KIND_ROLE_OPERATOR,
	},
	[KIND_BLOCKLISTS] = {
		.name = "blocklists", .singular = "blocklist", .schema = "BlocklistSpec", .write = KIND_ROLE_OPERATOR,
		.references = { { "lists[]", KIND_DOMAIN_LISTS } },
	},
	[KIND_DNS_ZONES] = {
		.name = "dns-zones", .singular = "dns-zone", .schema = "DnsZoneSpec", .write = KIND_ROLE_OPERATOR,
	},
	[KIND_DNS_FORWARDS] = {
		.name = "dns-forwards", .singular = "dns-forward", .schema = "DnsForwardSpec", .write = KIND_ROLE_OPERATOR,
	},
	[KIND_RESOLVERS] = {
		.name = "resolvers", .singular = "resolver", .schema = "ResolverSpec", .write = KIND_ROLE_OPERATOR,
		.references = { { "site", KIND_SITES }, { "nodes[]", KIND_NODES }, { "blocklists[]", KIND_BLOCKLISTS } },
	},
	[KIND_GATEWAYS] = {
		.name = "gateways", .singular = "gateway", .schema = "GatewaySpec", .write = KIND_ROLE_OPERATOR,
		.references = { { "uplink", KIND_NODES, KIND_FORM_HEAD }, { "node", KIND_NODES },
				{ "sla", KIND_SLAS } },
	},
	[KIND_GATEWAY_GROUPS] = {
		.name = "gateway-groups", .singular = "gateway-group", .schema = "GatewayGroupSpec",
		.write = KIND_ROLE_OPERATOR,
		.references = { { "try[]", KIND_GATEWAYS } },
	},
	[KIND_POLICIES] = {
		.name = "policies", .singular = "policy", .schema = "PolicySpec", .write = KIND_ROLE_OPERATOR,
		.references = { { "from[]", KIND_SITES, KIND_FORM_LONG }, { "from[]", KIND_NODES, KIND_FORM_LONG },
				{ "rules[].via", KIND_GATEWAY_GROUPS },
				{ "rules[].to[]", KIND_DOMAIN_LISTS, KIND_FORM_LONG } },
	},
	[KIND_SECRETS] = {
		.name = "secrets", .singular = "secret", .schema = "SecretSpec", .write = KIND_ROLE_ADMIN,
	},
	[KIND_WEBHOOKS] = {
		.name = "webhooks", .singular = "webhook", .schema = "WebhookSpec", .write = KIND_ROLE_ADMIN,
		.references = { { "url_from", KIND_SECRETS }, { "secret", KIND_SECRETS } },
	},
	[KIND_ENROLMENT_KEYS] = {
		.name = "enrolment-keys", .singular = "enrolment-key", .schema = "EnrolmentKeySpec",
		.write = KIND_ROLE_ADMIN,
		.references = { { "node", KIND_NODES }, { "site", KIND_SITES } },
	},
	[KIND_USERS] = {
		.name = "users", .singular = "user", .schema = "UserSpec", .write = KIND_ROLE_ADMIN,
	},
	[KIND_TOKENS] = {
		.name = "tokens", .singular = "token", .schema = "TokenSpec", .write = KIND_ROLE_ADMIN,
	},
};

const char *const kind_names[KIND_COUNT + 1] = {
	"nodes",     "sites",          "slas",       "networks",  "links",        "segments",
	"ha-groups", "domain-lists",   "blocklists", "dns-zones", "dns-forwards", "resolvers",
	"gateways",  "gateway-groups", "policies",   "secrets",   "webhooks",     "enrolment-keys",
	"users",     "tokens",         NULL,
};

const struct kind *kind_by_name(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

const struct kind *kind_by_singular(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kinds[i].singular, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

enum kind_id kind_id_of(const struct kind *k)
{
	return (enum kind_id)(k - kinds);
}

char *kind_link_name(const char *network, const char *a, const char *b)
{
	bool is_sorted = strcmp(a, b) <= 0;
	return text_format("%s.%s.%s", network, is_sorted ? a : b, is_sorted ? b : a);
}

static int check_link_name(const char *name, struct err *err)
{
	char part[KIND_NAME_MAX + 1];
	const char *at = name;
	for (int i = 0; i < 3; i++) {
		size_t len = strcspn(at, ".");
		bool is_last = at[len] == '\0';
		if (is_last != (i == 2))
			return err_set(err, -EINVAL,
				       "\"%s\" is not of the form <network>.<node>.<node>", name);
		memcpy(part, at, len);
		part[len] = '\0';
		int r = name_check(part, err);
		if (r < 0)
			return r;
		at += len + 1;
	}
	return 0;
}

int kind_name_check(const struct kind *k, const char *name, struct err *err)
{
	// External links have plain names.
	if (!k->is_link_name || !strchr(name, '.'))
		return name_check(name, err);
	if (strlen(name) > KIND_NAME_MAX)
		return err_set(err, -EINVAL, "\"%.60s…\" is longer than a link's name can be",
			       name);
	return check_link_name(name, err);
}
