#include "reconcile/ways.h"

#include <string.h>
#include <sys/socket.h>

static const struct kernel_route *find_route(const struct reconcile *r, uint32_t table,
					     const struct kernel_prefix *to, uint32_t metric)
{
	for (size_t i = 0; i < r->seen.routes_len; i++) {
		const struct kernel_route *is = &r->seen.routes[i];

		if (is->table == table && is->metric == metric && kernel_prefix_equal(&is->to, to))
			return is;
	}
	return NULL;
}

static bool leads_by(const struct kernel_route *route, const struct reconcile_way *way)
{
	const bool is_v6 = route->to.ip.family == AF_INET6;

	return strcmp(route->device, way->device) == 0 &&
	       kernel_ip_equal(&route->via, &way->via[is_v6]);
}

static uint8_t way_of(const struct reconcile_destination *d, const struct kernel_route *route)
{
	for (size_t i = 0; route && i < d->ways_len; i++)
		if (leads_by(route, &d->ways[i]))
			return d->ways[i].number;
	return RECONCILE_NO_WAY;
}

struct kernel_prefix ways_host(const struct kernel_ip *ip)
{
	return (struct kernel_prefix){ .ip = *ip, .len = ip->family == AF_INET ? 32 : 128 };
}

static bool all_stand(const struct reconcile *r, const struct reconcile_destination *d)
{
	const int f = d->own[0].family && d->peer[0].family ? 0 : 1;
	const struct kernel_prefix peer = ways_host(&d->peer[f]);

	for (size_t i = 0; d->peer[f].family && i < d->ways_len; i++) {
		const struct kernel_route *route = find_route(
			r, d->table, &peer, RECONCILE_STANDING_METRIC + d->ways[i].number);

		if (!route || !leads_by(route, &d->ways[i]))
			return false;
	}
	return true;
}

// The way by which all of the prefixes go, if it is one.
static uint8_t common_way(const struct reconcile *r, const struct reconcile_destination *d,
			  uint32_t table, const struct kernel_prefix *prefixes, size_t len)
{
	uint8_t common = RECONCILE_NO_WAY;

	for (size_t i = 0; i < len; i++) {
		const uint8_t way = way_of(d, find_route(r, table, &prefixes[i], d->metric));

		if (i > 0 && way != common)
			return RECONCILE_NO_WAY;
		common = way;
	}
	return common;
}

static bool is_direct(const struct reconcile_destination *d, uint8_t number)
{
	for (size_t i = 0; i < d->ways_len; i++)
		if (d->ways[i].number == number)
			return !d->ways[i].by;
	return false;
}

static void look_at_lan(const struct reconcile *r, struct reconcile_destination *d)
{
	struct reconcile_lan *lan = &d->lan;

	lan->in_use = common_way(r, d, d->table, lan->prefixes, lan->len);
	lan->is_direct = is_direct(d, common_way(r, d, lan->table, lan->prefixes, lan->len)) &&
			 (!lan->passing ||
			  is_direct(d, common_way(r, d, lan->passing, lan->prefixes, lan->len)));
}

void ways_look(const struct reconcile *r, struct reconcile_destination *d)
{
	d->in_use = RECONCILE_NO_WAY;
	d->stands = all_stand(r, d);
	for (size_t i = 0; i < d->prefixes_len; i++) {
		const uint8_t way = way_of(d, find_route(r, d->table, &d->prefixes[i], d->metric));

		if (i > 0 && way != d->in_use)
			d->stands = false;
		d->in_use = i == 0 || way == d->in_use ? way : RECONCILE_NO_WAY;
	}
	look_at_lan(r, d);
}

void reconcile_each_destination(const struct reconcile *r, reconcile_destination_fn *each,
				void *context)
{
	path_each_destination(r, each, context);
	outside_each_destination(r, each, context);
}
