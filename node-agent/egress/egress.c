#include "egress/egress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "egress/group.h"

#define ROUTE_PROTOCOL_DEFAULT 87

struct egress {
	struct egress_config config;
	uv_timer_t timer;
	struct route_batch *batch;
	struct gateway **gateways;
	size_t gateways_len;
	struct egress_group **groups;
	size_t groups_len;
};

static int64_t now_us(void)
{
	return clock_mono_ms() * 1000;
}

static void on_due(uv_timer_t *timer)
{
	egress_look(timer->data);
}

static void arm(struct egress *eg)
{
	const int64_t now = now_us();
	int64_t due = CHOICE_NEVER;
	for (size_t i = 0; i < eg->groups_len; i++) {
		const int64_t at = choice_due_us(&eg->groups[i]->choice, now);
		if (at < due)
			due = at;
	}
	(void)uv_timer_stop(&eg->timer);
	if (due != CHOICE_NEVER)
		(void)uv_timer_start(&eg->timer, on_due,
				     due > now ? (uint64_t)(due - now) / 1000 + 1 : 1, 0);
}

// ---- what there is ----

static struct gateway *find_gateway(const struct egress *eg, const char *key)
{
	for (size_t i = 0; i < eg->gateways_len; i++)
		if (strcmp(eg->gateways[i]->key, key) == 0)
			return eg->gateways[i];
	return NULL;
}

static struct egress_group *find_group(const struct egress *eg, const char *key)
{
	for (size_t i = 0; i < eg->groups_len; i++)
		if (strcmp(eg->groups[i]->key, key) == 0)
			return eg->groups[i];
	return NULL;
}

// NULL: no memory; it is taken over with the next look.
static struct gateway *put_gateway(struct egress *eg, const struct reconcile_gateway *from)
{
	struct gateway *g = find_gateway(eg, from->key);
	if (!g) {
		struct gateway **all =
			reallocarray(eg->gateways, eg->gateways_len + 1, sizeof(*all));
		if (!all)
			return NULL;
		eg->gateways = all;
		g = gateway_new(from->key);
		if (!g)
			return NULL;
		all[eg->gateways_len++] = g;
	}
	g->is_wanted = true;
	if (gateway_take(g, from) && gateway_judge(g, &eg->config))
		eg->config.changed(eg->config.context);
	return g;
}

static struct egress_group *add_group(struct egress *eg, const char *key)
{
	struct egress_group **all = reallocarray(eg->groups, eg->groups_len + 1, sizeof(*all));
	if (!all)
		return NULL;
	eg->groups = all;
	struct egress_group *g = egress_group_new(key);
	if (g)
		all[eg->groups_len++] = g;
	return g;
}

static void decide(struct egress *eg, struct egress_group *g)
{
	const bool is_first = g->choice.current == CHOICE_NONE && g->choice.moves == 0;
	if (!egress_group_decide(g, eg->batch, now_us()))
		return;
	const struct gateway *current = egress_group_current(g);
	const struct egress_move move = { .key = g->key,
					  .gateway = current ? current->key : NULL,
					  .is_bad = g->choice.reason == CHOICE_DOWN ||
						    g->choice.reason == CHOICE_WORSE ||
						    g->choice.reason == CHOICE_LOST,
					  .is_first = is_first,
					  .sentence = g->cause };
	eg->config.moved(eg->config.context, &move);
}

void egress_begin(struct egress *eg)
{
	for (size_t i = 0; i < eg->gateways_len; i++)
		eg->gateways[i]->is_wanted = false;
	for (size_t i = 0; i < eg->groups_len; i++)
		eg->groups[i]->is_wanted = false;
}

void egress_put_gateway(struct egress *eg, const struct reconcile_gateway *from)
{
	(void)put_gateway(eg, from);
}

void egress_put_group(struct egress *eg, const struct reconcile_gateway_group *from)
{
	struct gateway *gateways[CHOICE_MAX];
	struct egress_group *g = find_group(eg, from->key);
	for (size_t i = 0; i < from->names_len; i++) {
		gateways[i] = put_gateway(eg, &from->gateways[i]);
		if (!gateways[i])
			return;
	}
	g = g ? g : add_group(eg, from->key);
	if (!g)
		return;
	g->is_wanted = true;
	egress_group_take(g, from, gateways, now_us());
	decide(eg, g);
}

static void drop_gateways(struct egress *eg)
{
	size_t kept = 0;
	for (size_t i = 0; i < eg->gateways_len; i++) {
		if (eg->gateways[i]->is_wanted)
			eg->gateways[kept++] = eg->gateways[i];
		else
			gateway_free(eg->gateways[i]);
	}
	eg->gateways_len = kept;
}

void egress_end(struct egress *eg)
{
	size_t kept = 0;
	// The routes of a group that is gone are strays by now, and go with the other strays.
	for (size_t i = 0; i < eg->groups_len; i++) {
		if (eg->groups[i]->is_wanted)
			eg->groups[kept++] = eg->groups[i];
		else
			egress_group_free(eg->groups[i]);
	}
	eg->groups_len = kept;
	drop_gateways(eg);
	arm(eg);
}

void egress_look(struct egress *eg)
{
	bool is_other = false;
	for (size_t i = 0; i < eg->gateways_len; i++)
		is_other |= gateway_judge(eg->gateways[i], &eg->config);
	for (size_t i = 0; i < eg->groups_len; i++)
		decide(eg, eg->groups[i]);
	if (is_other)
		eg->config.changed(eg->config.context);
	arm(eg);
}

// ---- questions ----

void egress_each_gateway(const struct egress *eg, egress_gateway_fn *each, void *context)
{
	for (size_t i = 0; i < eg->gateways_len; i++) {
		const struct gateway *g = eg->gateways[i];
		each(context, &(struct egress_gateway_reading){ .key = g->key,
								.state = g->state,
								.since_ms = g->since_ms,
								.cause = g->cause,
								.is_drained = g->is_drained });
	}
}

void egress_each_group(const struct egress *eg, egress_group_fn *each, void *context)
{
	for (size_t i = 0; i < eg->groups_len; i++) {
		const struct egress_group *g = eg->groups[i];
		const struct gateway *current = egress_group_current(g);
		each(context,
		     &(struct egress_group_reading){ .key = g->key,
						     .gateway = current ? current->key : NULL,
						     .since_ms = g->since_ms,
						     .cause = g->cause,
						     .moves = g->choice.moves });
	}
}

// ---- beginning and end ----

static void egress_free(struct egress *eg)
{
	for (size_t i = 0; i < eg->groups_len; i++)
		egress_group_free(eg->groups[i]);
	for (size_t i = 0; i < eg->gateways_len; i++)
		gateway_free(eg->gateways[i]);
	free(eg->groups);
	free(eg->gateways);
	route_batch_close(eg->batch);
	free(eg);
}

int egress_new(const struct egress_config *config, struct egress **ret, struct err *err)
{
	struct egress *eg = calloc(1, sizeof *eg);
	if (!eg)
		return err_set(err, -ENOMEM, "out of memory");
	eg->config = *config;
	int r = route_batch_open(config->route_protocol ? config->route_protocol
							: ROUTE_PROTOCOL_DEFAULT,
				 &eg->batch, err);
	if (r == 0 && uv_timer_init(config->loop, &eg->timer) < 0)
		r = err_set(err, -ENOMEM, "no timer for the gateways");
	if (r < 0) {
		egress_free(eg);
		return r;
	}
	eg->timer.data = eg;
	*ret = eg;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	egress_free(handle->data);
}

void egress_close(struct egress *eg)
{
	if (eg)
		uv_close((uv_handle_t *)&eg->timer, on_closed);
}
