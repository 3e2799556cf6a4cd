// uplink/<name>: a way out by an interface that Weft did not make, or by whichever the main table's
// default routes go by. Its table has the default routes
// by that interface, as they are given or as the main table has them now, and below them
// unreachable, so that nothing that is sent there finds another way. It stands whether or not the
// interface is there: that is what it tells.
#include "reconcile/uplink.h"

#include <errno.h>
#include <linux/if.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/judging.h"

#define BOUND_PRIORITY 32800 // after the main table's: only what that has no way for gets here

enum { WANTED_MAX = 4 };

const uint8_t uplink_family[2] = { AF_INET, AF_INET6 };

static int parse(const json_t *json, void *body, struct err *err)
{
	struct uplink_entry *u = body;
	int rc = 0;

	if (body_has(json, "device"))
		rc = body_foreign_device(json, "device", u->named, err);
	if (rc == 0)
		rc = body_u32(json, "table", 1, UINT32_MAX, &u->table, err);
	if (rc == 0 && body_has(json, "via") && !u->named[0])
		rc = err_set(err, -EINVAL, "via: there is no device that it is by");
	if (rc == 0 && body_has(json, "via"))
		rc = body_addresses(json, "via", u->given, err);
	return rc;
}

// ---- what there is ----

static int find_way(struct reconcile *r, struct uplink_entry *u, int family, struct err *err)
{
	struct kernel_route route = { .via = u->given[family] };
	int rc = 0;

	if (u->given[family].family)
		(void)snprintf(route.device, sizeof route.device, "%s", u->named);
	else
		rc = kernel_default_route(r->kernel, u->named, uplink_family[family], &route, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	u->has_way[family] = true;
	u->via[family] = route.via;
	memcpy(u->device[family], route.device, sizeof route.device);
	return 0;
}

static const char *trouble_of(const struct kernel_link *link)
{
	if (!link)
		return "is not there";
	if (!(link->flags & IFF_UP))
		return "is down";
	return link->flags & IFF_RUNNING ? NULL : "has no carrier";
}

// The first reason why no family's way can be used.
static void judge(const struct reconcile *r, struct uplink_entry *u)
{
	const char *device = u->named, *trouble = NULL;

	u->is_up = false;
	for (int f = 0; f < 2 && !u->is_up; f++) {
		if (!u->has_way[f])
			continue;
		device = u->device[f];
		trouble = trouble_of(kernel_snapshot_link(&r->seen, device));
		u->is_up = !trouble;
	}
	if (!trouble && !u->is_up && u->named[0])
		trouble = trouble_of(kernel_snapshot_link(&r->seen, u->named));
	if (u->is_up)
		u->why[0] = '\0';
	else if (trouble)
		(void)snprintf(u->why, sizeof u->why, "the interface %s %s", device, trouble);
	else
		(void)snprintf(u->why, sizeof u->why, "there is no default route%s%s",
			       u->named[0] ? " by " : "", u->named);
}

// Fills in what the kernel says.
static int find_ways(struct reconcile *r, struct uplink_entry *u, struct err *err)
{
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, u->named);
	const bool is_usable = !u->named[0] || (link && link->flags & IFF_UP);
	int rc = 0;

	u->has_way[0] = u->has_way[1] = false;
	for (int f = 0; f < 2 && rc == 0 && is_usable; f++)
		rc = find_way(r, u, f, err);
	if (rc == 0)
		judge(r, u);
	return rc;
}

// ---- what is wanted ----

struct kernel_route uplink_default(int family, uint32_t table, uint32_t metric)
{
	struct kernel_route route = { .type = KERNEL_ROUTE_UNREACHABLE,
				      .table = table,
				      .metric = metric };

	route.to.ip.family = uplink_family[family];
	return route;
}

static size_t wanted_routes(const struct uplink_entry *u, struct kernel_route ret[WANTED_MAX])
{
	size_t len = 0;

	for (int f = 0; f < 2; f++) {
		ret[len++] = uplink_default(f, u->table, RECONCILE_LAST_METRIC);
		if (!u->has_way[f])
			continue;
		struct kernel_route *way = &ret[len++];
		*way = uplink_default(f, u->table, RECONCILE_GATEWAY_METRIC);
		way->type = KERNEL_ROUTE_UNICAST;
		way->via = u->via[f];
		memcpy(way->device, u->device[f], sizeof way->device);
	}
	return len;
}

static bool is_same(const struct kernel_route *a, const struct kernel_route *b)
{
	return a->to.len == b->to.len && a->to.ip.family == b->to.ip.family && a->type == b->type &&
	       a->metric == b->metric && kernel_ip_equal(&a->via, &b->via) &&
	       strcmp(a->device, b->device) == 0;
}

static bool has_route(const struct reconcile *r, const struct kernel_route *want)
{
	for (size_t i = 0; i < r->seen.routes_len; i++)
		if (r->seen.routes[i].table == want->table && is_same(&r->seen.routes[i], want))
			return true;
	return false;
}

static bool is_wanted(const struct kernel_route *wanted, size_t len,
		      const struct kernel_route *seen)
{
	for (size_t i = 0; i < len; i++)
		if (is_same(&wanted[i], seen))
			return true;
	return false;
}

// Whoever binds a socket to the interface means this way, even where the main table has none by it.
static struct kernel_rule bound_rule(const struct uplink_entry *u, int family)
{
	struct kernel_rule rule = { .family = uplink_family[family],
				    .action = KERNEL_RULE_LOOKUP,
				    .priority = BOUND_PRIORITY,
				    .table = u->table };

	memcpy(rule.bound_device, u->named, sizeof rule.bound_device);
	return rule;
}

bool uplink_wants_rule(const struct reconcile *r, const struct kernel_rule *seen)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_uplink, &at));) {
		const struct uplink_entry *u = e->body;
		const struct kernel_rule want = bound_rule(u, seen->family == AF_INET6);

		if (u->named[0] && kernel_rule_equal(&want, seen))
			return true;
	}
	return false;
}

bool uplink_keeps_table(const struct reconcile *r, uint32_t table)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_uplink, &at));)
		if (((const struct uplink_entry *)e->body)->table == table)
			return true;
	return false;
}

// ---- the kind ----

// The interface's address may be renewed at any time: what follows from that is no drift.
static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	struct kernel_route wanted[WANTED_MAX];
	struct uplink_entry *u = e->body;

	int rc = find_ways(r, u, err);
	if (rc < 0)
		return rc;
	const size_t len = wanted_routes(u, wanted);
	for (size_t i = 0; i < len; i++) {
		if (has_route(r, &wanted[i]))
			continue;
		finding_missing(f);
		f->is_news = wanted[i].type == KERNEL_ROUTE_UNICAST;
	}
	for (size_t i = 0; i < r->seen.routes_len; i++)
		if (r->seen.routes[i].table == u->table &&
		    !is_wanted(wanted, len, &r->seen.routes[i])) {
			finding_differs(f, "the table %u had another route", u->table);
			f->is_news = true;
		}
	for (int family = 0; u->named[0] && family < 2; family++) {
		const struct kernel_rule rule = bound_rule(u, family);

		if (!rule_stands(r, &rule))
			finding_missing(f);
	}
	return 0;
}

static int put_rules(struct reconcile *r, const struct uplink_entry *u, struct err *err)
{
	int rc = 0;

	for (int f = 0; u->named[0] && f < 2 && rc == 0; f++) {
		const struct kernel_rule rule = bound_rule(u, f);

		if (!rule_stands(r, &rule))
			rc = rule_make(r, &rule, err);
		// A kernel without this family has no rules of it.
		if (rc == -EAFNOSUPPORT || rc == -EOPNOTSUPP)
			rc = 0;
	}
	return rc;
}

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	const struct uplink_entry *u = e->body;
	struct kernel_route wanted[WANTED_MAX];
	const size_t len = wanted_routes(u, wanted);
	int rc = 0;

	(void)f;
	for (size_t i = 0; i < len && rc == 0; i++)
		if (!has_route(r, &wanted[i]))
			rc = kernel_route_put(r->kernel, &wanted[i], true, err);
	for (size_t i = 0; i < r->seen.routes_len && rc == 0; i++) {
		const struct kernel_route *seen = &r->seen.routes[i];

		if (seen->table != u->table || is_wanted(wanted, len, seen))
			continue;
		bool is_replaced = false;
		for (size_t k = 0; k < len; k++)
			is_replaced =
				is_replaced || (wanted[k].to.ip.family == seen->to.ip.family &&
						wanted[k].to.len == seen->to.len &&
						wanted[k].metric == seen->metric);
		rc = is_replaced ? 0 : kernel_route_drop(r->kernel, seen, err);
		// With its device the kernel has dropped it.
		if (rc == -ESRCH || rc == -ENODEV)
			rc = 0;
	}
	return rc < 0 ? rc : put_rules(r, u, err);
}

static json_t *observe(struct reconcile *r, const struct entry *e)
{
	const struct uplink_entry *u = e->body;
	json_t *via = json_array();
	char text[KERNEL_ADDR_TEXT_SIZE];

	(void)r;
	for (int f = 0; f < 2; f++) {
		if (!u->has_way[f])
			continue;
		(void)snprintf(text, sizeof text, "direct");
		if (u->via[f].family)
			kernel_ip_format(&u->via[f], text);
		(void)json_array_append_new(via, json_string(text));
	}
	return json_pack("{s:s, s:o, s:s}", "state", u->is_up ? "up" : "down", "via", via, "why",
			 u->why);
}

const struct uplink_entry *uplink_of(const struct reconcile *r, const char *key)
{
	const struct entry *e = reconcile_entry(r, key);

	return e && e->kind == &kind_uplink ? e->body : NULL;
}

// Its routes and rules go with the other strays.
const struct entry_kind kind_uplink = {
	.name = "uplink",
	.rank = 82,
	.body_size = sizeof(struct uplink_entry),
	.parse = parse,
	.compare = compare,
	.apply = apply,
	.sweep = judging_nothing_to_sweep,
	.observe = observe,
};
