#include "run/gateways.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#include "run/hooking.h"
#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

// ---- what is measured ----

bool gateways_is_check(const char *link)
{
	return text_starts(link, "gateway:", NULL);
}

// An end of an older version answers nothing: then nothing is known.
static bool on_judged(void *context, const char *link, struct egress_judgement *ret)
{
	const struct agent *agent = context;
	struct prober_reading reading;
	if (!prober_read(agent->prober, link, &reading))
		return false;
	ret->state = reading.state;
	if (reading.state == JUDGE_DOWN && reading.counts.returned == 0 && !gateways_is_check(link))
		ret->state = JUDGE_UNKNOWN;
	ret->rtt_us = reading.value[JUDGE_LATENCY];
	const char *colon = strstr(reading.sentence, ": ");
	(void)snprintf(ret->cause, sizeof ret->cause, "%s", colon ? colon + 2 : reading.sentence);
	return true;
}

// ---- what comes of it ----

static void on_changed(void *context)
{
	struct agent *agent = context;
	if (agent->is_gateways_whole) {
		gateways_observe(agent, agent->observed);
		apply_tell_observed(agent);
	}
}

static void on_moved(void *context, const struct egress_move *move)
{
	struct agent *agent = context;
	const bool is_bad = move->is_bad || !move->gateway;
	if (is_bad)
		log_warn("%s: %s", move->key, move->sentence);
	else
		log_info("%s: %s", move->key, move->sentence);
	session_event(agent, is_bad ? "warning" : "info", "gateway_moved", move->key,
		      move->sentence);
	if (move->gateway)
		hooking_gateway(agent, move->key, move->gateway, move->sentence);
	// Others are asked by this way.
	if (agent->is_gateways_whole && agent->resolver)
		resolver_update(agent->resolver);
	on_changed(agent);
}

int gateways_open(struct agent *agent, struct err *err)
{
	const struct egress_config config = { .loop = agent->loop,
					      .route_protocol =
						      (uint8_t)agent->settings->route_protocol,
					      .judged = on_judged,
					      .moved = on_moved,
					      .changed = on_changed,
					      .context = agent };
	return egress_new(&config, &agent->egress, err);
}

// ---- what is desired ----

void gateways_begin(struct agent *agent)
{
	agent->is_gateways_whole = false;
	egress_begin(agent->egress);
}

void gateways_choose(void *context, const struct reconcile_gateway_group *group)
{
	struct agent *agent = context;
	egress_put_group(agent->egress, group);
}

static void put_one(void *context, const struct reconcile_gateway *gateway)
{
	struct agent *agent = context;
	egress_put_gateway(agent->egress, gateway);
}

void gateways_end(struct agent *agent, bool is_whole)
{
	if (is_whole) {
		reconcile_each_gateway(agent->reconcile, put_one, agent);
		egress_end(agent->egress);
	}
	agent->is_gateways_whole = true;
}

struct silencing {
	const struct agent *agent;
	const char *wire;
	bool is_silent;
};

static void silence_one(void *context, const struct reconcile_exit *exit)
{
	struct silencing *s = context;
	struct prober_reading reading;
	bool has_check = false, is_well = false;
	if (strcmp(exit->wire, s->wire) != 0)
		return;
	for (size_t i = 0; i < exit->checks_len; i++) {
		has_check = true;
		is_well = is_well ||
			  !prober_read(s->agent->prober, exit->checks[i] + strlen("echo/"),
				       &reading) ||
			  reading.state != JUDGE_DOWN;
	}
	s->is_silent = !exit->is_up || (has_check && !is_well);
}

void gateways_check_changed(struct agent *agent, const struct prober_change *change)
{
	log_info("%s", change->sentence);
	// Which wires are to be silent is decided as the targets of the prober are gathered.
	apply_soon(agent);
}

bool gateways_silences(const struct agent *agent, const char *wire)
{
	struct silencing s = { .agent = agent, .wire = wire };
	reconcile_each_exit(agent->reconcile, silence_one, &s);
	return s.is_silent;
}

// ---- what is told ----

static json_t *gateway_json(const struct egress_gateway_reading *r)
{
	return json_pack("{s:s, s:I, s:s}", "state", judge_state_name(r->state), "since",
			 (json_int_t)r->since_ms, "cause", r->cause);
}

static json_t *group_json(const struct egress_group_reading *r)
{
	return json_pack("{s:s?, s:I, s:s}", "gateway", r->gateway, "since",
			 (json_int_t)r->since_ms, "cause", r->cause);
}

static void put_observed(struct entry_set *observed, const char *key, json_t *taken)
{
	CLEAN(json_decref_ptr) json_t *body = taken;
	CLEAN(free_ptr) char *text = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (text)
		(void)entry_set_put(observed, key, text, strlen(text), NULL);
}

static void observe_gateway(void *context, const struct egress_gateway_reading *r)
{
	put_observed(context, r->key, gateway_json(r));
}

static void observe_group(void *context, const struct egress_group_reading *r)
{
	put_observed(context, r->key, group_json(r));
}

void gateways_observe(struct agent *agent, struct entry_set *observed)
{
	egress_each_gateway(agent->egress, observe_gateway, observed);
	egress_each_group(agent->egress, observe_group, observed);
}

static void list_gateway(void *context, const struct egress_gateway_reading *r)
{
	json_t *body = gateway_json(r);
	if (body)
		(void)json_object_set_new(body, "key", json_string(r->key));
	if (body && r->is_drained)
		(void)json_object_set_new(body, "drained", json_true());
	(void)json_array_append_new(context, body);
}

static void list_group(void *context, const struct egress_group_reading *r)
{
	json_t *body = group_json(r);
	if (body)
		(void)json_object_set_new(body, "key", json_string(r->key));
	(void)json_array_append_new(context, body);
}

json_t *gateways_status(const struct agent *agent)
{
	json_t *list = json_array();
	egress_each_gateway(agent->egress, list_gateway, list);
	return list;
}

json_t *gateways_groups_status(const struct agent *agent)
{
	json_t *list = json_array();
	egress_each_group(agent->egress, list_group, list);
	return list;
}

static void sample_group(void *context, const struct egress_group_reading *r)
{
	(void)json_object_set_new(context, r->key,
				  json_pack("{s:I}", "moves_total", (json_int_t)r->moves));
}

void gateways_sample(struct agent *agent, json_t *values)
{
	egress_each_group(agent->egress, sample_group, values);
}
