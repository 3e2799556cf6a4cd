#include "egress/gateway.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

void gateway_free(struct gateway *g)
{
	if (!g)
		return;
	free(g->key);
	free(g->over);
	free(g->wire);
	free(g->check);
	free(g);
}

struct gateway *gateway_new(const char *key)
{
	struct gateway *g = calloc(1, sizeof *g);
	if (!g)
		return NULL;
	g->key = strdup(key);
	g->state = JUDGE_UNKNOWN;
	g->rtt_us = JUDGE_UNMEASURED;
	g->since_ms = clock_wall_ms();
	if (g->key)
		return g;
	gateway_free(g);
	return NULL;
}

// NULL and "" are none.
static bool take_name(char **to, const char *from)
{
	char *copy = from && *from ? strdup(from) : NULL;
	if (from && *from && !copy)
		return false;
	free(*to);
	*to = copy;
	return true;
}

bool gateway_take(struct gateway *g, const struct reconcile_gateway *from)
{
	if (!take_name(&g->over, from->over) || !take_name(&g->wire, from->wire) ||
	    !take_name(&g->check, from->check))
		return false;
	(void)snprintf(g->device, sizeof g->device, "%s", from->device ? from->device : "");
	memcpy(g->has_way, from->has_way, sizeof g->has_way);
	memcpy(g->via, from->via, sizeof g->via);
	(void)snprintf(g->why, sizeof g->why, "%s", from->why ? from->why : "");
	g->is_drained = from->is_drained;
	return true;
}

// How bad, so that the worst of several tells.
static int badness(enum judge_state state)
{
	static const int order[] = {
		[JUDGE_UP] = 0, [JUDGE_UNKNOWN] = 1, [JUDGE_DEGRADED] = 2, [JUDGE_DOWN] = 3
	};
	return order[state];
}

// What it rests on is as bad as its worst part.
static struct egress_judgement worst_of(const struct gateway *g, const struct egress_config *config)
{
	static const char *const words[] = { "its link", "its wire", "its check" };
	const char *const links[] = { g->over, g->wire, g->check };
	struct egress_judgement worst = { .state = JUDGE_UP, .rtt_us = JUDGE_UNMEASURED };
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		struct egress_judgement one = { .state = JUDGE_UNKNOWN,
						.rtt_us = JUDGE_UNMEASURED };
		if (!links[i])
			continue;
		char cause[EGRESS_TEXT_MAX] = "not measured yet";
		if (config->judged(config->context, links[i], &one))
			memcpy(cause, one.cause, sizeof cause);
		(void)snprintf(one.cause, sizeof one.cause, "%s: %s", words[i], cause);
		const int64_t rtt_us = one.rtt_us != JUDGE_UNMEASURED ? one.rtt_us : worst.rtt_us;
		if (!worst.cause[0] || badness(one.state) > badness(worst.state))
			worst = one;
		worst.rtt_us = rtt_us;
	}
	return worst;
}

bool gateway_judge(struct gateway *g, const struct egress_config *config)
{
	struct egress_judgement now = worst_of(g, config);
	if (g->why[0]) {
		now.state = JUDGE_DOWN;
		memcpy(now.cause, g->why, sizeof now.cause);
	} else if (!now.cause[0]) {
		(void)snprintf(now.cause, sizeof now.cause, "%s has a way out", g->device);
	}
	g->rtt_us = now.rtt_us;
	const bool is_other = g->state != now.state;
	if (is_other)
		g->since_ms = clock_wall_ms();
	g->state = now.state;
	if (is_other || !g->cause[0] || g->why[0])
		memcpy(g->cause, now.cause, sizeof g->cause);
	return is_other;
}
