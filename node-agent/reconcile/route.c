// route/<owner>/<name>: a route of Weft's protocol, told from others by table, prefix and metric.
#include <errno.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/ways.h"

#define TABLE_MAIN         254
#define IPV6_METRIC_UNSAID 1024 // what the kernel makes of metric 0

static int parse_optional(const json_t *json, struct kernel_route *r, struct err *err)
{
	int rc = 0;

	if (body_has(json, "device"))
		rc = body_device(json, "device", r->device, err);
	if (rc == 0 && body_has(json, "via"))
		rc = body_ip(json, "via", &r->via, err);
	if (rc == 0 && body_has(json, "source"))
		rc = body_ip(json, "source", &r->source, err);
	if (rc == 0 && body_has(json, "table"))
		rc = body_u32(json, "table", 1, UINT32_MAX, &r->table, err);
	if (rc == 0 && body_has(json, "metric"))
		rc = body_u32(json, "metric", 0, UINT32_MAX, &r->metric, err);
	return rc;
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct kernel_route *r = body;
	const char *type = NULL;

	r->table = TABLE_MAIN;
	int rc = body_prefix(json, "destination", &r->to, err);
	if (rc == 0)
		rc = body_string(json, "type", &type, err);
	if (rc == 0)
		rc = parse_optional(json, r, err);
	if (rc < 0)
		return rc;
	if (strcmp(type, "unreachable") == 0)
		r->type = KERNEL_ROUTE_UNREACHABLE;
	else if (strcmp(type, "local") == 0)
		r->type = KERNEL_ROUTE_LOCAL;
	else if (strcmp(type, "unicast") != 0)
		return err_set(err, -EINVAL, "type: `%.40s` is not unicast, unreachable or local",
			       type);
	else if (!r->device[0] && !r->via.family)
		return err_set(err, -EINVAL, "a unicast route needs a device or a via");
	// RFC 8950's way: IPv4 by an IPv6 next hop; not the other way round.
	const bool is_4_by_6 = r->to.ip.family == AF_INET && r->via.family == AF_INET6;
	if ((r->via.family && r->via.family != r->to.ip.family && !is_4_by_6) ||
	    (r->source.family && r->source.family != r->to.ip.family))
		return err_set(err, -EINVAL, "destination, via and source differ in family");
	if (is_4_by_6 && !r->device[0])
		return err_set(err, -EINVAL, "an IPv6 next hop of an IPv4 route needs a device");
	if (r->to.ip.family == AF_INET6 && r->metric == 0)
		r->metric = IPV6_METRIC_UNSAID;
	return 0;
}

// The kernel holds one of each.
static bool is_same_place(const struct kernel_route *a, const struct kernel_route *b)
{
	return a->table == b->table && a->metric == b->metric &&
	       kernel_prefix_equal(&a->to, &b->to);
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	const struct kernel_route *want = e->body;

	(void)err;
	for (size_t i = 0; i < r->seen.routes_len; i++) {
		const struct kernel_route *is = &r->seen.routes[i];

		if (!is_same_place(is, want))
			continue;
		if (is->type != want->type)
			finding_differs(f, "the route was of another type");
		if (want->device[0] && strcmp(is->device, want->device) != 0)
			finding_differs(f, "the route went out of `%s` instead of `%s`", is->device,
					want->device);
		if (!kernel_ip_equal(&is->via, &want->via))
			finding_differs(f, "the route had another next hop");
		if (!kernel_ip_equal(&is->source, &want->source))
			finding_differs(f, "the route had another preferred source");
		return 0;
	}
	finding_missing(f);
	return 0;
}

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	const struct kernel_route *want = e->body;
	char to[KERNEL_ADDR_TEXT_SIZE];

	int rc = kernel_route_put(r->kernel, want, f->match == ENTRY_DIFFERENT, err);
	if (rc != -EEXIST)
		return rc;
	kernel_prefix_format(&want->to, to);
	return err_set(err, rc,
		       "a route to %s with metric %u exists in table %u and was not made by Weft: "
		       "delete it or give it another metric",
		       to, want->metric, want->table);
}

static bool is_desired(const struct reconcile *r, const struct kernel_route *seen)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_route, &at));)
		if (is_same_place(e->body, seen))
			return true;
	return false;
}

static int sweep(struct reconcile *r, struct err *err)
{
	int first = 0;

	for (size_t i = 0; i < r->seen.routes_len; i++) {
		const uint32_t table = r->seen.routes[i].table;

		if (is_desired(r, &r->seen.routes[i]) || path_wants_route(r, &r->seen.routes[i]) ||
		    outside_wants_route(r, &r->seen.routes[i]) || uplink_keeps_table(r, table) ||
		    gateway_group_keeps_table(r, table))
			continue;
		int rc = kernel_route_drop(r->kernel, &r->seen.routes[i], first ? NULL : err);
		if (rc < 0 && !first)
			first = rc;
	}
	return first;
}

const struct entry_kind kind_route = {
	.name = "route",
	.rank = 80,
	.body_size = sizeof(struct kernel_route),
	.parse = parse,
	.compare = compare,
	.apply = apply,
	.sweep = sweep,
};
