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
	for (size_t i = 0; i < RECONCILE_CHECKS_MAX; i++)
		free(g->checks[i]);
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
	if (!take_name(&g->over, from->over) || !take_name(&g->wire, from->wire))
		return false;
	for (size_t i = 0; i < RECONCILE_CHECKS_MAX; i++)
		if (!take_name(&g->checks[i],
			       i < from->checks_len ? from->checks[i] + strlen("echo/") : NULL))
			return false;
	for (int f = 0; f < 2; f++)
		(void)snprintf(g->device[f], sizeof g->device[f], "%s",
			       from->device[f] ? from->device[f] : "");
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

static struct egress_judgement ask(const struct egress_config *config, const char *what,
				   const char *link)
{
	struct egress_judgement one = { .state = JUDGE_UNKNOWN, .rtt_us = JUDGE_UNMEASURED };
	char cause[EGRESS_TEXT_MAX] = "not measured yet";
	if (config->judged(config->context, link, &one))
		memcpy(cause, one.cause, sizeof cause);
	(void)snprintf(one.cause, sizeof one.cause, "%s: %s", what, cause);
	return one;
}

// Of several checks one that answers shows that there is a way; it is not what it should be.
static struct egress_judgement judge_checks(const struct gateway *g,
					    const struct egress_config *config)
{
	struct egress_judgement worst = { .state = JUDGE_UP, .rtt_us = JUDGE_UNMEASURED };
	bool has_answer = false;
	for (size_t i = 0; i < RECONCILE_CHECKS_MAX && g->checks[i]; i++) {
		const struct egress_judgement one = ask(config, "its check", g->checks[i]);
		has_answer = has_answer || one.state == JUDGE_UP || one.state == JUDGE_DEGRADED;
		if (i == 0 || badness(one.state) > badness(worst.state))
			worst = one;
	}
	if (has_answer && worst.state == JUDGE_DOWN)
		worst.state = JUDGE_DEGRADED;
	return worst;
}

// What it rests on is as bad as its worst part.
static struct egress_judgement worst_of(const struct gateway *g, const struct egress_config *config)
{
	struct egress_judgement parts[3], worst = { .state = JUDGE_UP, .rtt_us = JUDGE_UNMEASURED };
	size_t len = 0;
	if (g->over)
		parts[len++] = ask(config, "its link", g->over);
	if (g->wire)
		parts[len++] = ask(config, "its wire", g->wire);
	if (g->checks[0])
		parts[len++] = judge_checks(g, config);
	for (size_t i = 0; i < len; i++) {
		const int64_t rtt_us =
			parts[i].rtt_us != JUDGE_UNMEASURED ? parts[i].rtt_us : worst.rtt_us;
		if (i == 0 || badness(parts[i].state) > badness(worst.state))
			worst = parts[i];
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
		(void)snprintf(now.cause, sizeof now.cause, "%s leads out",
			       g->device[!g->has_way[0]]);
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
