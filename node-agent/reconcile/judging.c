#include "reconcile/judging.h"

#include <string.h>

#include "reconcile/body.h"

enum {
	INTERVAL_MIN_MS = 20,
	INTERVAL_MAX_MS = 60000,
	COUNT_MAX = 50,
	HOLD_DOWN_MAX_MS = 3600000,
	SLA_TIME_MAX_MS = 86400000,
	LIMIT_MAX = 2000000000,
};

// One number of many that are there or not.
struct number {
	const char *name;
	uint32_t min, max;
	uint32_t *to;
};

static int parse_numbers(const json_t *json, const struct number *numbers, size_t len, bool all,
			 struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		int rc = 0;

		if (all || body_has(json, numbers[i].name))
			rc = body_u32(json, numbers[i].name, numbers[i].min, numbers[i].max,
				      numbers[i].to, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int parse_sla(const json_t *json, struct reconcile_probe *p, struct err *err)
{
	const struct number times[] = {
		{ "for_ms", 0, SLA_TIME_MAX_MS, &p->for_ms },
		{ "clear_for_ms", 0, SLA_TIME_MAX_MS, &p->clear_for_ms },
	};
	const struct number limits[] = {
		{ "latency_us", 1, LIMIT_MAX, &p->latency.most },
		{ "latency_permille", 1, LIMIT_MAX, &p->latency.permille },
		{ "jitter_us", 1, LIMIT_MAX, &p->jitter.most },
		{ "jitter_permille", 1, LIMIT_MAX, &p->jitter.permille },
		{ "loss_ppm", 1, LIMIT_MAX, &p->loss.most },
		{ "loss_permille", 1, LIMIT_MAX, &p->loss.permille },
	};

	if (!json)
		return 0;
	int rc = parse_numbers(json, times, ARRAY_LEN(times), true, err);
	if (rc == 0)
		rc = parse_numbers(json, limits, ARRAY_LEN(limits), false, err);
	return rc < 0 ? err_prefix(err, "sla") : 0;
}

int judging_parse(const json_t *json, struct reconcile_probe *p, struct err *err)
{
	const struct number numbers[] = {
		{ "interval_ms", INTERVAL_MIN_MS, INTERVAL_MAX_MS, &p->interval_ms },
		{ "down", 1, COUNT_MAX, &p->down },
		{ "up", 1, COUNT_MAX, &p->up },
		{ "hold_down_ms", 0, HOLD_DOWN_MAX_MS, &p->hold_down_ms },
	};

	int rc = parse_numbers(json, numbers, ARRAY_LEN(numbers), true, err);
	return rc < 0 ? rc : parse_sla(json_object_get(json, "sla"), p, err);
}

const char *judging_link(const struct entry *e)
{
	return strchr(e->key, '/') + 1;
}

int judging_compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	(void)f;
	return r->config.probing ? r->config.probing(r->config.context, judging_link(e), err) : 0;
}

int judging_compare_nothing(struct reconcile *r, const struct entry *e, struct finding *f,
			    struct err *err)
{
	(void)r;
	(void)e;
	(void)f;
	(void)err;
	return 0;
}

int judging_nothing_to_sweep(struct reconcile *r, struct err *err)
{
	(void)r;
	(void)err;
	return 0;
}

json_t *judging_observe_nothing(struct reconcile *r, const struct entry *e)
{
	(void)r;
	(void)e;
	return NULL;
}

void reconcile_each_probe(const struct reconcile *r, reconcile_probe_fn *each, void *context)
{
	probe_each(r, each, context);
	echo_each(r, each, context);
}

void reconcile_each_traffic(const struct reconcile *r, reconcile_traffic_fn *each, void *context)
{
	peer_each_traffic(r, each, context);
	echo_each_traffic(r, each, context);
}
