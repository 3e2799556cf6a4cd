#include "path/destination.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "steer/figure.h"

void destination_free(struct destination *d)
{
	if (!d)
		return;
	free(d->key);
	free(d->network);
	free(d->prefixes);
	free(d->lan.prefixes);
	free(d);
}

struct destination *destination_new(const struct reconcile_destination *from, uint32_t generation,
				    int64_t now_us)
{
	const struct path_config config = path_config_default();
	struct destination *d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->key = strdup(from->key);
	d->network = from->network ? strdup(from->network) : NULL;
	if (!d->key || (from->network && !d->network)) {
		destination_free(d);
		return NULL;
	}
	d->self = from->self;
	d->other = from->other;
	memcpy(d->own, from->own, sizeof d->own);
	memcpy(d->peer, from->peer, sizeof d->peer);
	d->table = from->table;
	d->metric = from->metric;
	d->generation = generation;
	// Outside there is nobody to agree with: this end chooses.
	d->set = path_set_make(&config, from->self, from->network ? from->other : UINT64_MAX,
			       from->in_use == RECONCILE_NO_WAY ? PATH_NONE : from->in_use, now_us);
	d->since_ms = clock_wall_ms();
	return d;
}

bool destination_is_other(const struct destination *d, const struct reconcile_destination *with)
{
	bool is_same = !d->network == !with->network && d->self == with->self &&
		       d->other == with->other && d->table == with->table &&
		       d->metric == with->metric;
	for (int f = 0; f < 2; f++)
		is_same = is_same && kernel_ip_equal(&d->own[f], &with->own[f]) &&
			  kernel_ip_equal(&d->peer[f], &with->peer[f]);
	return !is_same;
}

// ---- routes ----

#define WAY_DIRECT 0 // by the plan

static struct kernel_route route_by(const struct destination *d, const struct way *way,
				    const struct kernel_prefix *to, uint32_t metric)
{
	const bool is_v6 = to->ip.family == AF_INET6;
	struct kernel_route route = { .to = *to,
				      .type = KERNEL_ROUTE_UNICAST,
				      .via = way->via[is_v6],
				      .source = d->own[is_v6],
				      .table = d->table,
				      .metric = metric };
	memcpy(route.device, way->device, sizeof route.device);
	return route;
}

static struct kernel_prefix peer_prefix(const struct destination *d)
{
	const bool is_v6 = !d->own[0].family || !d->peer[0].family;
	return (struct kernel_prefix){ .ip = d->peer[is_v6], .len = is_v6 ? 128 : 32 };
}

static void note_trouble(struct destination *d, int rc, const struct err *err)
{
	if (rc < 0 && !d->is_troubled)
		log_warn("path/%s: its routes could not be made: %s", d->key, err->text);
	d->is_troubled = rc < 0;
}

struct span {
	const struct kernel_prefix *items;
	size_t len;
};

// Puts routes by a way to prefixes in a table; without one (NULL) drops those that are there.
static void put_prefixes(struct destination *d, const struct way *way, uint32_t table,
			 struct span prefixes, struct outcome *out)
{
	struct err err = { 0 };
	struct kernel_route *routes = calloc(prefixes.len + 1, sizeof *routes);
	if (!routes) {
		note_trouble(d, err_set(&err, -ENOMEM, "out of memory"), &err);
		return;
	}
	for (size_t i = 0; i < prefixes.len; i++) {
		routes[i] = route_by(d, way ? way : &d->ways[0], &prefixes.items[i], d->metric);
		routes[i].table = table;
	}
	note_trouble(d,
		     way ? route_batch_put(out->batch, routes, prefixes.len, &err)
			 : route_batch_drop(out->batch, routes, prefixes.len, &err),
		     &err);
	free(routes);
}

static const struct way *way_in_use(const struct destination *d)
{
	return d->set.current < PATHS_MAX ? &d->ways[d->set.current] : NULL;
}

// Of all prefixes to the way in use, or none if there is none.
static void put_routes(struct destination *d, struct outcome *out)
{
	put_prefixes(d, way_in_use(d), d->table, (struct span){ d->prefixes, d->prefixes_len },
		     out);
	if (d->lan.is_followed)
		put_prefixes(d, way_in_use(d), d->table,
			     (struct span){ d->lan.prefixes, d->lan.len }, out);
}

static const struct way *direct_way(const struct destination *d)
{
	const struct way *way = &d->ways[WAY_DIRECT];
	return way->is_there && !way->by[0] ? way : NULL;
}

void destination_follow(struct destination *d, struct outcome *out)
{
	const struct span lans = { d->lan.prefixes, d->lan.len };
	d->lan.is_followed = true;
	d->lan.stands = true;
	// Without a way to it: what there is still leads to who was followed before.
	if (way_in_use(d))
		put_prefixes(d, way_in_use(d), d->table, lans, out);
	put_prefixes(d, direct_way(d), d->lan.table, lans, out);
	if (d->lan.passing)
		put_prefixes(d, direct_way(d), d->lan.passing, lans, out);
}

// Those that only probes take.
static void put_standing_routes(struct destination *d, struct outcome *out)
{
	struct err err = { 0 };
	const struct kernel_prefix peer = peer_prefix(d);
	struct kernel_route routes[PATHS_MAX];
	size_t len = 0;
	if (!d->network)
		return;
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (d->ways[i].is_there)
			routes[len++] =
				route_by(d, &d->ways[i], &peer, RECONCILE_STANDING_METRIC + i);
	note_trouble(d, route_batch_put(out->batch, routes, len, &err), &err);
}

// ---- orders ----

// "rho-bob", "rho-epsilon-bob"; outside "rho-LINK"
static void name_way(const struct destination *d, const struct outcome *out, uint8_t number,
		     char ret[3 * PATHS_NAME_MAX])
{
	const char *by = number < PATHS_MAX ? d->ways[number].by : "";
	if (!d->network) {
		(void)snprintf(ret, 3 * PATHS_NAME_MAX, "%s-%s", out->own_name, by);
		return;
	}
	(void)snprintf(ret, 3 * PATHS_NAME_MAX, "%s-%s%s%s", out->own_name, by, *by ? "-" : "",
		       strrchr(d->key, '/') + 1);
}

// What made it leave the way before, when this end has seen that itself.
static const char *own_cause(const struct destination *d)
{
	const struct path_cause *cause = &d->set.cause;
	if (cause->from >= PATHS_MAX)
		return NULL;
	const struct way *from = &d->ways[cause->from];
	const bool is_seen = (cause->reason == PATH_DOWN && from->state == JUDGE_DOWN) ||
			     (cause->reason == PATH_DEGRADED && from->state == JUDGE_DEGRADED);
	return is_seen ? from->cause : NULL;
}

// "rho-bob down: 3 of 3 probes lost, last reply 612 ms ago; moved to rho-epsilon-bob, 38 ms"
static void write_sentence(struct destination *d, const struct outcome *out)
{
	char to[3 * PATHS_NAME_MAX], from[3 * PATHS_NAME_MAX], rtt[FIGURE_SIZE];
	const struct path_cause *cause = &d->set.cause;
	const char *seen = own_cause(d);
	name_way(d, out, d->set.current, to);
	name_way(d, out, cause->from, from);
	if (!seen) {
		path_sentence(cause, to, from, d->cause, sizeof d->cause);
		return;
	}
	const bool is_measured = cause->rtt_us != JUDGE_UNMEASURED;
	(void)snprintf(d->cause, sizeof d->cause, "%s; moved to %s%s%s", seen, to,
		       is_measured ? ", " : "",
		       is_measured ? figure_duration(cause->rtt_us, rtt) : "");
}

static void follow_orders(struct destination *d, const struct path_orders *orders,
			  struct outcome *out)
{
	for (unsigned i = 0; i < orders->count; i++) {
		const struct path_order *o = &orders->list[i];
		if (o->what == PATH_TELL && o->path < PATHS_MAX)
			d->telling |= (uint16_t)(1u << o->path);
		// Each way stands as long as it is there: it is probed.
		const bool is_lost = o->what == PATH_RELEASE && d->set.current == PATH_NONE;
		if (o->what != PATH_SWITCH && !is_lost)
			continue;
		put_routes(d, out);
		d->since_ms = clock_wall_ms();
		out->is_moved = true;
		out->is_bad = is_lost || d->set.cause.reason == PATH_DOWN ||
			      d->set.cause.reason == PATH_DEGRADED;
		if (is_lost)
			(void)snprintf(d->cause, sizeof d->cause, "no path is left");
		else
			write_sentence(d, out);
	}
	d->due_us = path_due_us(&d->set);
}

// ---- the plan ----

static const struct reconcile_way *find_way(const struct reconcile_destination *from, unsigned n)
{
	for (size_t i = 0; i < from->ways_len; i++)
		if (from->ways[i].number == n)
			return &from->ways[i];
	return NULL;
}

// Whether the number stands for another way than before.
static bool is_other_way(const struct way *way, const struct reconcile_way *with)
{
	return way->link != with->link ||
	       (!with->link && strcmp(way->by, with->by ? with->by : "") != 0) ||
	       strcmp(way->device, with->device) != 0;
}

static void take_way(struct way *way, const struct reconcile_way *from)
{
	if (!way->is_there)
		*way = (struct way){ .is_there = true };
	(void)snprintf(way->by, sizeof way->by, "%s", from->by ? from->by : "");
	(void)snprintf(way->device, sizeof way->device, "%s", from->device);
	way->link = from->link;
	memcpy(way->via, from->via, sizeof way->via);
	way->is_standby = from->is_standby;
	way->is_drained = from->is_drained;
}

// The way that was there goes last: only then is it known what to move to.
static void update_ways(struct destination *d, const struct reconcile_destination *from,
			int64_t now_us, struct outcome *out)
{
	struct path_orders orders = { 0 };
	d->plan = 0;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct reconcile_way *want = find_way(from, i);
		struct way *way = &d->ways[i];
		if (want)
			d->plan = note_plan(d->plan, (uint8_t)i, want->by ? want->by : "");
		if (way->is_there && (!want || is_other_way(way, want))) {
			path_drop(&d->set, (uint8_t)i, now_us, &orders);
			follow_orders(d, &orders, out);
			way->is_there = false;
			orders.count = 0;
		}
		if (!want)
			continue;
		take_way(way, want);
		path_put(&d->set, (uint8_t)i, want->is_standby, now_us, &orders);
		path_drain(&d->set, (uint8_t)i, want->is_drained, now_us, &orders);
		follow_orders(d, &orders, out);
		orders.count = 0;
	}
}

// What it was followed for goes with the strays.
static int take_lan(struct destination *d, const struct reconcile_lan *from)
{
	struct following *lan = &d->lan;
	struct kernel_prefix *prefixes = calloc(from->len + 1, sizeof *prefixes);
	if (!prefixes)
		return -ENOMEM;
	if (from->len)
		memcpy(prefixes, from->prefixes, from->len * sizeof *prefixes);
	free(lan->prefixes);
	lan->prefixes = prefixes;
	lan->len = from->len;
	if (lan->group != from->group)
		lan->is_followed = false;
	lan->group = from->group;
	lan->table = from->table;
	lan->passing = from->passing;
	lan->is_first = from->is_first;
	(void)snprintf(lan->name, sizeof lan->name, "%s", from->name ? from->name : "");
	return 0;
}

// Compares what the kernel has with the ways as they are now.
static void look_at_lan(struct destination *d, const struct reconcile_lan *seen)
{
	const bool is_direct = direct_way(d) != NULL;
	d->lan.is_seen = is_direct ? seen->is_direct : seen->in_use != RECONCILE_NO_WAY;
	d->lan.stands =
		seen->is_direct == is_direct && (!way_in_use(d) || seen->in_use == d->set.current);
}

// The place of a link that has had none: a free one, or one that is left now.
static uint8_t new_place(const struct destination *d, const bool is_taken[PATHS_MAX])
{
	unsigned left = 0;
	for (unsigned n = 0; n < PATHS_MAX; n++) {
		if (!is_taken[n] && !d->ways[n].is_there)
			return (uint8_t)n;
		if (!is_taken[n])
			left = n;
	}
	return (uint8_t)left;
}

static uint8_t old_place(const struct destination *d, uint64_t link)
{
	uint8_t n = 0;
	while (n < PATHS_MAX && (!d->ways[n].is_there || d->ways[n].link != link))
		n++;
	return n;
}

// Ways outside have no numbers of their own: a link keeps the place that it has, so that one that
// comes or goes changes nothing for the others.
static void keep_places(const struct destination *d, struct reconcile_destination *to,
			struct reconcile_way ways[RECONCILE_WAYS_MAX])
{
	bool is_taken[PATHS_MAX] = { false };
	for (size_t i = 0; i < to->ways_len; i++) {
		ways[i] = to->ways[i];
		ways[i].number = old_place(d, ways[i].link);
		if (ways[i].number < PATHS_MAX)
			is_taken[ways[i].number] = true;
	}
	for (size_t i = 0; i < to->ways_len; i++) {
		if (ways[i].number == PATHS_MAX)
			ways[i].number = new_place(d, is_taken);
		is_taken[ways[i].number] = true;
	}
	if (to->in_use != RECONCILE_NO_WAY)
		to->in_use = ways[to->in_use].number;
	to->ways = ways;
}

// Whether the kernel sends as it does by the way in use; two links may have one interface.
static bool is_in_use(const struct destination *d, uint8_t in_use)
{
	const struct way *is = &d->ways[in_use < PATHS_MAX ? in_use : 0];
	const struct way *want = &d->ways[d->set.current];
	return in_use == d->set.current ||
	       (in_use < PATHS_MAX && is->is_there && strcmp(is->device, want->device) == 0 &&
		kernel_ip_equal(&is->via[0], &want->via[0]) &&
		kernel_ip_equal(&is->via[1], &want->via[1]));
}

static int take_prefixes(struct destination *d, const struct reconcile_destination *from)
{
	struct kernel_prefix *prefixes = calloc(from->prefixes_len + 1, sizeof *prefixes);
	if (!prefixes || take_lan(d, &from->lan) < 0) {
		free(prefixes);
		return -ENOMEM;
	}
	if (from->prefixes_len)
		memcpy(prefixes, from->prefixes, from->prefixes_len * sizeof *prefixes);
	free(d->prefixes);
	d->prefixes = prefixes;
	d->prefixes_len = from->prefixes_len;
	return 0;
}

int destination_update(struct destination *d, const struct reconcile_destination *from,
		       int64_t now_us, struct outcome *out)
{
	struct reconcile_way ways[RECONCILE_WAYS_MAX];
	struct reconcile_destination now = *from;
	const int r = take_prefixes(d, from);
	if (r < 0)
		return r;
	if (!d->network)
		keep_places(d, &now, ways);
	update_ways(d, &now, now_us, out);
	look_at_lan(d, &now.lan);
	if (!now.stands)
		put_standing_routes(d, out);
	if (d->set.current != PATH_NONE && (!is_in_use(d, now.in_use) || !now.stands))
		put_routes(d, out);
	return 0;
}

bool destination_is_unjudged(const struct destination *d)
{
	for (unsigned i = 0; i < PATHS_MAX; i++)
		if (d->ways[i].is_there && !d->ways[i].cause[0])
			return true;
	return false;
}

// ---- events ----

void destination_judged(struct destination *d, uint8_t number, const struct judge *judge,
			const char *name, int64_t now_us, struct outcome *out)
{
	struct path_orders orders = { 0 };
	struct way *way = &d->ways[number];
	if (way->state != judge->state || !way->cause[0]) {
		way->state = judge->state;
		judge_sentence(name, judge->state, &judge->cause, way->cause, sizeof way->cause);
	}
	path_judged(&d->set, number, judge, now_us, &orders);
	follow_orders(d, &orders, out);
}

void destination_heard(struct destination *d, const struct path_note *note, int64_t now_us,
		       struct outcome *out)
{
	struct path_orders orders = { 0 };
	path_heard(&d->set, note, now_us, &orders);
	follow_orders(d, &orders, out);
}

void destination_tick(struct destination *d, int64_t now_us, struct outcome *out)
{
	struct path_orders orders = { 0 };
	path_tick(&d->set, now_us, &orders);
	follow_orders(d, &orders, out);
}

void destination_read(const struct destination *d, struct paths_reading *ret)
{
	const bool is_chosen = d->set.current < PATHS_MAX;
	*ret = (struct paths_reading){ .key = d->key,
				       .network = d->network,
				       .current = d->set.current,
				       .since_ms = d->since_ms,
				       .moves = d->set.switches,
				       .rtt_us = is_chosen ? d->set.paths[d->set.current].rtt_us
							   : JUDGE_UNMEASURED };
	(void)snprintf(ret->cause, sizeof ret->cause, "%s", d->cause);
	if (d->lan.group)
		ret->group = d->lan.name;
	ret->is_followed = d->lan.is_followed;
	ret->epoch = d->lan.epoch;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct way *way = &d->ways[i];
		struct paths_way *to = &ret->ways[ret->ways_len];
		if (!way->is_there)
			continue;
		ret->ways_len++;
		*to = (struct paths_way){ .number = (uint8_t)i,
					  .is_standby = way->is_standby,
					  .state = way->state,
					  .drain = path_drain_state(&d->set, (uint8_t)i) };
		memcpy(to->by, way->by, sizeof to->by);
		memcpy(to->cause, way->cause, sizeof to->cause);
	}
}
