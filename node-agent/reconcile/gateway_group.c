// gateway-group/<group>.<block|direct>: a table whose default routes lead by the gateway that is
// chosen. Which one that is, and its routes, are who chooses' (egress/); here stands what is below:
// where none is well and traffic may not go another way, it is refused.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/gateway.h"
#include "reconcile/judging.h"
#include "reconcile/uplink.h"

struct group {
	uint32_t table, hold_down_ms;
	bool by_latency, is_blocking;
	struct key_list names;
};

enum { HOLD_DOWN_MAX_MS = 3600000 };

static void done(void *body)
{
	struct group *g = body;

	key_list_done(&g->names);
}

static int parse_names(const json_t *json, struct group *g, struct err *err)
{
	int rc = body_keys(json, "try", "gateway/", &g->names, err);

	return rc == 0 && g->names.len > RECONCILE_GATEWAYS_MAX
		       ? err_set(err, -EINVAL, "try: at most %d can be", RECONCILE_GATEWAYS_MAX)
		       : rc;
}

// One of two words; true: the second.
static int parse_word(const json_t *json, const char *name, const char *const words[2], bool *ret,
		      struct err *err)
{
	const char *value = NULL;

	int rc = body_string(json, name, &value, err);
	if (rc < 0)
		return rc;
	*ret = strcmp(value, words[1]) == 0;
	return *ret || strcmp(value, words[0]) == 0
		       ? 0
		       : err_set(err, -EINVAL, "%s: `%.40s` is not %s or %s", name, value, words[0],
				 words[1]);
}

static int parse(const json_t *json, void *body, struct err *err)
{
	static const char *const choose[] = { "order", "latency" };
	static const char *const otherwise[] = { "direct", "block" };
	struct group *g = body;

	int rc = body_u32(json, "table", 1, UINT32_MAX, &g->table, err);
	if (rc == 0)
		rc = body_u32(json, "hold_down_ms", 0, HOLD_DOWN_MAX_MS, &g->hold_down_ms, err);
	if (rc == 0)
		rc = parse_word(json, "choose", choose, &g->by_latency, err);
	if (rc == 0)
		rc = parse_word(json, "otherwise", otherwise, &g->is_blocking, err);
	return rc < 0 ? rc : parse_names(json, g, err);
}

// A default route of the table with that metric, or NULL.
static const struct kernel_route *find_default(const struct reconcile *r, const struct group *g,
					       int family, uint32_t metric)
{
	for (size_t i = 0; i < r->seen.routes_len; i++) {
		const struct kernel_route *is = &r->seen.routes[i];

		if (is->table == g->table && is->metric == metric && is->to.len == 0 &&
		    is->to.ip.family == uplink_family[family])
			return is;
	}
	return NULL;
}

static bool is_refusal(const struct kernel_route *route)
{
	return route && route->type == KERNEL_ROUTE_UNREACHABLE;
}

// What is nobody's: neither the chosen gateway's nor, where there is one, the refusal.
static bool is_stray(const struct group *g, const struct kernel_route *seen)
{
	if (seen->table != g->table)
		return false;
	return seen->to.len != 0 || (seen->metric != RECONCILE_GATEWAY_METRIC &&
				     !(g->is_blocking && seen->metric == RECONCILE_LAST_METRIC));
}

bool gateway_group_keeps_table(const struct reconcile *r, uint32_t table)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_gateway_group, &at));)
		if (((const struct group *)e->body)->table == table)
			return true;
	return false;
}

// The rule that leads packets to the table by their mark, or NULL.
static const struct kernel_rule *rule_of(const struct reconcile *r, const struct group *g)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_rule, &at));) {
		const struct kernel_rule *rule = e->body;

		if (rule->action == KERNEL_RULE_LOOKUP && rule->table == g->table && rule->mask)
			return rule;
	}
	return NULL;
}

// Hands it on to who chooses.
static void choose(struct reconcile *r, const struct entry *e)
{
	const struct group *g = e->body;
	const struct kernel_rule *rule = rule_of(r, g);
	struct reconcile_gateway gateways[RECONCILE_GATEWAYS_MAX];
	struct reconcile_gateway_group group = {
		.key = e->key,
		.table = g->table,
		.mark = rule ? rule->mark : 0,
		.mask = rule ? rule->mask : 0,
		.by_latency = g->by_latency,
		.is_blocking = g->is_blocking,
		.hold_down_ms = g->hold_down_ms,
		.names = (const char *const *)g->names.items,
		.names_len = g->names.len,
		.gateways = gateways,
	};

	if (!r->config.choose)
		return;
	for (size_t i = 0; i < g->names.len; i++)
		(void)gateway_find(r, g->names.items[i], &gateways[i]);
	for (int f = 0; f < 2; f++)
		group.in_use[f] = find_default(r, g, f, RECONCILE_GATEWAY_METRIC);
	r->config.choose(r->config.context, &group);
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	const struct group *g = e->body;

	(void)err;
	choose(r, e);
	for (int family = 0; g->is_blocking && family < 2; family++)
		if (!is_refusal(find_default(r, g, family, RECONCILE_LAST_METRIC)))
			finding_missing(f);
	for (size_t i = 0; i < r->seen.routes_len; i++)
		if (is_stray(g, &r->seen.routes[i]))
			finding_differs(f, "the table %u had another route", g->table);
	return 0;
}

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	const struct group *g = e->body;
	int rc = 0;

	(void)f;
	for (int family = 0; g->is_blocking && family < 2 && rc == 0; family++) {
		const struct kernel_route want =
			uplink_default(family, g->table, RECONCILE_LAST_METRIC);

		if (!is_refusal(find_default(r, g, family, RECONCILE_LAST_METRIC)))
			rc = kernel_route_put(r->kernel, &want, true, err);
	}
	for (size_t i = 0; i < r->seen.routes_len && rc == 0; i++)
		if (is_stray(g, &r->seen.routes[i]))
			rc = kernel_route_drop(r->kernel, &r->seen.routes[i], err);
	return rc;
}

// Its routes go with the other strays.
const struct entry_kind kind_gateway_group = {
	.name = "gateway-group",
	.rank = 83,
	.body_size = sizeof(struct group),
	.parse = parse,
	.done = done,
	.compare = compare,
	.apply = apply,
	.sweep = judging_nothing_to_sweep,
	.observe = judging_observe_nothing,
};
