#include "egress/group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "kernel/conntrack.h"

void egress_group_free(struct egress_group *g)
{
	if (!g)
		return;
	free(g->key);
	free(g);
}

struct egress_group *egress_group_new(const char *key)
{
	struct egress_group *g = calloc(1, sizeof *g);
	if (!g)
		return NULL;
	g->key = strdup(key);
	g->since_ms = clock_wall_ms();
	g->choice.current = CHOICE_NONE;
	if (g->key)
		return g;
	egress_group_free(g);
	return NULL;
}

struct gateway *egress_group_current(const struct egress_group *g)
{
	return g->choice.current < g->gateways_len ? g->gateways[g->choice.current] : NULL;
}

// ---- routes ----

// Of that family by the gateway in use; family 0: none.
static struct kernel_route wanted_route(const struct egress_group *g, int family)
{
	const struct gateway *by = egress_group_current(g);
	struct kernel_route route = { .type = KERNEL_ROUTE_UNICAST,
				      .table = g->table,
				      .metric = RECONCILE_GATEWAY_METRIC };
	if (!by || !by->has_way[family] || !by->device[family][0])
		return (struct kernel_route){ 0 };
	route.to.ip.family = family ? AF_INET6 : AF_INET;
	route.via = by->via[family];
	memcpy(route.device, by->device[family], sizeof route.device);
	return route;
}

static bool is_same(const struct kernel_route *a, const struct kernel_route *b)
{
	return a->to.ip.family == b->to.ip.family && a->type == b->type && a->table == b->table &&
	       kernel_ip_equal(&a->via, &b->via) && strcmp(a->device, b->device) == 0;
}

static void note_trouble(struct egress_group *g, int rc, const struct err *err)
{
	if (rc < 0 && !g->is_troubled)
		log_warn("%s: its routes could not be made: %s", g->key, err->text);
	g->is_troubled = rc < 0;
}

// What is put goes in the place of what was, in one batch; what has no successor is dropped after.
static void make_routes(struct egress_group *g, struct route_batch *batch)
{
	struct kernel_route put[2], drop[2];
	size_t puts = 0, drops = 0;
	struct err err = { 0 };
	for (int f = 0; f < 2; f++) {
		const struct kernel_route want = wanted_route(g, f), *is = &g->routes[f];
		if (is_same(&want, is))
			continue;
		if (want.to.ip.family)
			put[puts++] = want;
		else
			drop[drops++] = *is;
	}
	int rc = puts ? route_batch_put(batch, put, puts, &err) : 0;
	if (drops) {
		int dropped = route_batch_drop(batch, drop, drops, rc < 0 ? NULL : &err);
		rc = rc < 0 ? rc : dropped;
	}
	// What was refused is tried again when the kernel's routes have been looked at.
	for (int f = 0; f < 2 && rc == 0; f++)
		g->routes[f] = wanted_route(g, f);
	note_trouble(g, rc, &err);
}

// ---- what is desired ----

// The gateway of the new list by which the kernel sends, so that a restart moves nothing.
static uint8_t find_in_use(const struct egress_group *g)
{
	for (size_t i = 0; i < g->gateways_len; i++)
		for (int f = 0; f < 2; f++) {
			const struct gateway *by = g->gateways[i];
			if (g->routes[f].to.ip.family && by->has_way[f] &&
			    strcmp(g->routes[f].device, by->device[f]) == 0 &&
			    kernel_ip_equal(&g->routes[f].via, &by->via[f]))
				return (uint8_t)i;
		}
	return CHOICE_NONE;
}

static uint8_t place_of(const struct egress_group *g, const struct gateway *gateway)
{
	for (size_t i = 0; gateway && i < g->gateways_len; i++)
		if (g->gateways[i] == gateway)
			return (uint8_t)i;
	return CHOICE_NONE;
}

static bool is_other_list(const struct egress_group *g, struct gateway *const *gateways, size_t len)
{
	bool is_same_list = g->gateways_len == len;
	for (size_t i = 0; is_same_list && i < len; i++)
		is_same_list = g->gateways[i] == gateways[i];
	return !is_same_list;
}

void egress_group_take(struct egress_group *g, const struct reconcile_gateway_group *from,
		       struct gateway *const *gateways, int64_t now_us)
{
	struct choice_config config = choice_config_default();
	struct gateway *before = egress_group_current(g);
	config.by_latency = from->by_latency;
	config.hold_us = (int64_t)from->hold_down_ms * 1000;
	g->table = from->table;
	g->mark = from->mark;
	g->mask = from->mask;
	g->is_blocking = from->is_blocking;
	for (int f = 0; f < 2; f++)
		g->routes[f] = from->in_use[f] ? *from->in_use[f] : (struct kernel_route){ 0 };
	if (!is_other_list(g, gateways, from->names_len) && g->is_begun) {
		g->choice.config = config;
		return;
	}
	const uint64_t moves = g->choice.moves;
	memcpy(g->gateways, gateways, from->names_len * sizeof(*gateways));
	g->gateways_len = from->names_len;
	const uint8_t adopt = g->is_begun ? place_of(g, before) : find_in_use(g);
	g->choice = choice_make(&config, g->gateways_len, adopt, now_us);
	g->choice.moves = moves;
	if (!g->is_begun && adopt != CHOICE_NONE)
		(void)snprintf(g->cause, sizeof g->cause,
			       "it was in use before this program started");
	g->is_begun = true;
}

// ---- the choice ----

static const char *name_of(const char *key)
{
	const char *slash = strchr(key, '/');
	return slash ? slash + 1 : key;
}

static void write_sentence(struct egress_group *g)
{
	const struct choice *c = &g->choice;
	const struct gateway *to = egress_group_current(g);
	const struct gateway *from = c->from < g->gateways_len ? g->gateways[c->from] : NULL;
	if (!to)
		(void)snprintf(g->cause, sizeof g->cause, "no gateway is left: %s is down: %s",
			       from ? name_of(from->key) : "the last", from ? from->cause : "");
	else if (c->reason == CHOICE_PREFERRED)
		(void)snprintf(g->cause, sizeof g->cause, "moved to %s: it is well again",
			       name_of(to->key));
	else if (c->reason == CHOICE_DRAINED && from)
		(void)snprintf(g->cause, sizeof g->cause, "moved to %s: %s is drained",
			       name_of(to->key), name_of(from->key));
	else if (from)
		(void)snprintf(g->cause, sizeof g->cause, "moved to %s: %s is %s: %s",
			       name_of(to->key), name_of(from->key), judge_state_name(from->state),
			       from->cause);
	else
		(void)snprintf(g->cause, sizeof g->cause, "moved to %s", name_of(to->key));
}

// What goes on by another uplink with the address of the one before gets no answer: it has to be
// translated anew.
static void forget_flows(const struct egress_group *g)
{
	struct err err = { 0 };
	if (g->choice.from != CHOICE_NONE && g->mark &&
	    conntrack_forget(g->mark, g->mask, &err) < 0)
		log_warn("%s: the flows by the gateway before are not forgotten: %s", g->key,
			 err.text);
}

bool egress_group_decide(struct egress_group *g, struct route_batch *batch, int64_t now_us)
{
	for (size_t i = 0; i < g->gateways_len; i++) {
		const struct choice_finding found = { .state = g->gateways[i]->state,
						      .is_drained = g->gateways[i]->is_drained,
						      .rtt_us = g->gateways[i]->rtt_us };
		choice_found(&g->choice, (uint8_t)i, &found, now_us);
	}
	const bool is_moved = choice_decide(&g->choice, now_us);
	make_routes(g, batch);
	if (is_moved) {
		g->since_ms = clock_wall_ms();
		write_sentence(g);
		forget_flows(g);
	}
	return is_moved;
}
