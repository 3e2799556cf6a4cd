#include "run/links.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "run/hooking.h"
#include "run/routes.h"
#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

enum { START_MS = 30000 };

#define NEVER_ANSWERED                                                                             \
	"no probe has come back yet, but WireGuard's handshakes do: the other end may not know "   \
	"probes"

// ---- what is desired ----

static struct judge_limit limit_of(struct reconcile_limit limit)
{
	return (struct judge_limit){ .most = limit.most, .factor_permille = limit.permille };
}

static struct judge_config judge_of(const struct reconcile_probe *probe)
{
	struct judge_config config = judge_config_default();
	config.interval_us = (int64_t)probe->interval_ms * 1000;
	config.down = probe->down;
	config.up = probe->up;
	config.hold_down_us = (int64_t)probe->hold_down_ms * 1000;
	config.sla.limit[JUDGE_LATENCY] = limit_of(probe->latency);
	config.sla.limit[JUDGE_JITTER] = limit_of(probe->jitter);
	config.sla.limit[JUDGE_LOSS] = limit_of(probe->loss);
	config.sla.for_us = (int64_t)probe->for_ms * 1000;
	config.sla.clear_for_us = (int64_t)probe->clear_for_ms * 1000;
	return config;
}

struct prober_target links_target(const struct reconcile_probe *probe)
{
	struct prober_target target = { .device = probe->device,
					.own = probe->local,
					.peer = probe->remote,
					.port = probe->port,
					.judge = judge_of(probe) };
	if (probe->key)
		memcpy(target.secret, probe->key, sizeof target.secret);
	return target;
}

void links_append(void *context, const struct prober_target *target)
{
	struct links_targets *targets = context;
	if (targets->len == targets->cap) {
		const size_t cap = targets->cap ? 2 * targets->cap : 16;
		struct prober_target *items = reallocarray(targets->items, cap, sizeof *items);
		if (!items)
			return;
		targets->items = items;
		targets->cap = cap;
	}
	targets->items[targets->len++] = *target;
}

static void forget(struct links_targets *targets)
{
	if (targets->items)
		explicit_bzero(targets->items, targets->cap * sizeof *targets->items);
	free(targets->items);
}

struct gathering {
	const struct agent *agent;
	struct links_targets *targets;
};

static void add_link(void *context, const struct reconcile_probe *probe)
{
	struct gathering *g = context;
	const char *peer = strchr(probe->link, '/');
	struct prober_target target = links_target(probe);
	target.key = probe->link;
	target.rider = probe->local ? 0 : paths_rider_outside(g->agent->chooser, probe->link);
	target.own_name = g->agent->identity.name;
	target.peer_name = peer ? peer + 1 : probe->link;
	links_append(g->targets, &target);
}

void links_update(struct agent *agent)
{
	struct err err = { 0 };
	struct links_targets all = { 0 }, wires = { 0 };
	struct routes_names names = { 0 }, unjudged = { 0 };
	struct gathering g = { agent, &all };
	routes_update(agent, &all, &names, &unjudged);
	reconcile_each_probe(agent->reconcile, add_link, &g);
	wires_each_target(agent, all.items, all.len, links_append, &wires);
	for (size_t i = 0; i < wires.len; i++)
		links_append(&all, &wires.items[i]);
	if (prober_set(agent->prober, all.items, all.len, &err) < 0)
		log_warn("probe: %s", err.text);
	for (size_t i = 0; i < unjudged.len; i++)
		prober_tell(agent->prober, unjudged.items[i]);
	forget(&wires);
	forget(&all);
	routes_names_done(&names);
	routes_names_done(&unjudged);
}

int links_probing(void *context, const char *link, struct err *err)
{
	struct agent *agent = context;
	struct err trouble;
	return prober_trouble(agent->prober, link, &trouble)
		       ? err_set(err, trouble.code, "%s", trouble.text)
		       : 0;
}

// ---- what comes of it ----

static bool peer_is_up(const struct entry_set *observed, const char *link)
{
	char key[WIRE_KEY_MAX + 8];
	size_t len;
	(void)snprintf(key, sizeof key, "peer/%s", link);
	const char *body = entry_set_get(observed, key, &len);
	CLEAN(json_decref_ptr) json_t *json = body ? json_loadb(body, len, 0, NULL) : NULL;
	const char *state = json_string_value(json_object_get(json, "state"));
	return state && strcmp(state, "up") == 0;
}

// What is known of a link. An end of an older version answers nothing: then the handshakes are all
// there is to go by.
static bool read_link(const struct agent *agent, const struct entry_set *observed, const char *link,
		      struct prober_reading *ret)
{
	if (!prober_read(agent->prober, link, ret))
		return false;
	if (ret->state == JUDGE_DOWN && ret->counts.returned == 0 && peer_is_up(observed, link)) {
		ret->state = JUDGE_UNKNOWN;
		(void)snprintf(ret->sentence, sizeof ret->sentence, "%s", NEVER_ANSWERED);
	}
	return true;
}

bool links_verdict(const struct agent *agent, const struct entry_set *observed, const char *link,
		   bool *ret_up)
{
	struct prober_reading reading;
	if (!read_link(agent, observed, link, &reading) || reading.state == JUDGE_UNKNOWN)
		return false;
	*ret_up = reading.state != JUDGE_DOWN;
	return true;
}

static void put_link(const struct agent *agent, struct entry_set *observed, const char *link)
{
	struct prober_reading reading;
	char key[WIRE_KEY_MAX + 8];
	if (!read_link(agent, observed, link, &reading))
		return;
	CLEAN(json_decref_ptr)
	json_t *body = json_pack("{s:s, s:I, s:s}", "state", judge_state_name(reading.state),
				 "since", (json_int_t)reading.since_ms, "cause", reading.sentence);
	CLEAN(free_ptr) char *text = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	(void)snprintf(key, sizeof key, "link/%s", link);
	if (text)
		(void)entry_set_put(observed, key, text, strlen(text), NULL);
}

struct observing {
	const struct agent *agent;
	struct entry_set *observed;
};

static void observe_one(void *context, const struct reconcile_probe *probe)
{
	const struct observing *o = context;
	if (!gateways_is_check(probe->link))
		put_link(o->agent, o->observed, probe->link);
}

void links_observe(struct agent *agent, struct entry_set *observed)
{
	struct observing o = { agent, observed };
	reconcile_each_probe(agent->reconcile, observe_one, &o);
	wires_observe(agent, observed);
}

static void tell_event(struct agent *agent, const struct prober_change *change)
{
	static const struct {
		const char *severity, *kind;
	} events[] = {
		[JUDGE_UP] = { "info", "link_up" },
		[JUDGE_DEGRADED] = { "warning", "link_degraded" },
		[JUDGE_DOWN] = { "warning", "link_down" },
		[JUDGE_UNKNOWN] = { "info", "link_unknown" },
	};
	char key[WIRE_KEY_MAX + 8];
	struct prober_reading reading;
	enum hook_event event;
	(void)snprintf(key, sizeof key, "link/%s", change->key);
	// What is so when this program starts was so before, and a tunnel that is still being set
	// up has not gone down: no news.
	if (change->before == JUDGE_UNKNOWN &&
	    (change->state == JUDGE_DOWN || clock_mono_ms() - agent->started_ms < START_MS))
		return;
	if (read_link(agent, agent->observed, change->key, &reading) &&
	    reading.state == JUDGE_UNKNOWN)
		return;
	session_event(agent, events[change->state].severity, events[change->state].kind, key,
		      change->sentence);
	if (hook_event_parse(events[change->state].kind, &event))
		hooking_link(agent, event, change->key, change->sentence);
}

static void link_changed(struct agent *agent, const struct prober_change *change)
{
	log_info("link %s", change->sentence);
	if (agent->tree)
		tree_link(agent->tree, change->key, change->state != JUDGE_DOWN);
	hooking_remember(agent, change->key);
	tell_event(agent, change);
	put_link(agent, agent->observed, change->key);
	apply_tell_observed(agent);
}

void links_changed(void *context, const struct prober_change *change)
{
	struct agent *agent = context;
	if (wires_is_wire(change->key))
		wires_changed(agent, change);
	else if (gateways_is_check(change->key))
		gateways_check_changed(agent, change);
	else
		link_changed(agent, change);
	egress_look(agent->egress);
}

// Loss is believed once so many probes have been sent: those of a tunnel that is still being set up
// are lost.
enum { RETURNED_LEAST = 10, SENT_LEAST = 128 };

bool links_measure(void *context, const char *link, int64_t *ret_rtt_us, uint32_t *ret_loss_ppm)
{
	const struct agent *agent = context;
	struct prober_reading r;
	if (!prober_read(agent->prober, link, &r) ||
	    (r.state != JUDGE_UP && r.state != JUDGE_DEGRADED) ||
	    r.counts.returned < RETURNED_LEAST || r.value[JUDGE_LATENCY] == JUDGE_UNMEASURED)
		return false;
	const bool has_loss = r.counts.sent >= SENT_LEAST && r.value[JUDGE_LOSS] > 0;
	*ret_rtt_us = r.value[JUDGE_LATENCY];
	*ret_loss_ppm = has_loss ? (uint32_t)r.value[JUDGE_LOSS] : 0;
	return true;
}

// ---- samples ----

// Without what is not known.
static void add_us(json_t *sample, const char *name, int64_t us)
{
	if (us != OFFSET_UNKNOWN)
		(void)json_object_set_new(sample, name, json_integer((json_int_t)us));
}

static void add_count(json_t *sample, const char *name, uint64_t count)
{
	(void)json_object_set_new(sample, name, json_integer((json_int_t)count));
}

// "rtt_le_1000", … , "rtt_count", "rtt_sum".
static void add_histogram(json_t *sample, const char *what, const struct link_histogram *h)
{
	char name[32];
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		(void)snprintf(name, sizeof name, "%s_le_%d", what, (int)link_bounds_us[i]);
		add_count(sample, name, h->at_most[i]);
	}
	(void)snprintf(name, sizeof name, "%s_count", what);
	add_count(sample, name, h->count);
	(void)snprintf(name, sizeof name, "%s_sum", what);
	add_count(sample, name, (uint64_t)h->sum_us);
}

static json_t *sample_of(const struct prober_reading *r)
{
	json_t *sample = json_object();
	const int64_t loss = r->value[JUDGE_LOSS];
	add_us(sample, "rtt_us", r->rtt_us);
	add_us(sample, "forward_us", r->forward_us);
	add_us(sample, "back_us", r->back_us);
	add_us(sample, "jitter_us", r->value[JUDGE_JITTER]);
	if (loss != JUDGE_UNMEASURED)
		(void)json_object_set_new(sample, "loss", json_real((double)loss / 1e6));
	add_count(sample, "sent", r->counts.sent);
	add_count(sample, "returned", r->counts.returned);
	add_count(sample, "lost", r->counts.lost);
	add_count(sample, "lost_there", r->sender.lost_there);
	add_count(sample, "late", r->counts.late + r->sender.expired);
	add_count(sample, "reordered", r->counts.reordered);
	add_count(sample, "duplicate", r->counts.duplicate);
	add_count(sample, "rejected", r->garbage + r->sender.foreign + r->reflector.replayed);
	add_histogram(sample, "rtt", &r->histogram);
	if (r->forward.count)
		add_histogram(sample, "forward", &r->forward);
	if (r->back.count)
		add_histogram(sample, "back", &r->back);
	return sample;
}

struct sampling {
	const struct agent *agent;
	json_t *values;
};

static void sample_one(void *context, const struct reconcile_probe *probe)
{
	const struct sampling *s = context;
	struct prober_reading reading;
	char key[WIRE_KEY_MAX + 8];
	(void)snprintf(key, sizeof key, "link/%s", probe->link);
	if (prober_read(s->agent->prober, probe->link, &reading))
		(void)json_object_set_new(s->values, key, sample_of(&reading));
}

void links_sample(struct agent *agent, json_t *values)
{
	struct sampling s = { agent, values };
	reconcile_each_probe(agent->reconcile, sample_one, &s);
}

struct listing {
	const struct agent *agent;
	json_t *list;
};

static void list_one(void *context, const struct reconcile_probe *probe)
{
	const struct listing *l = context;
	struct prober_reading reading;
	if (!read_link(l->agent, l->agent->observed, probe->link, &reading))
		return;
	(void)json_array_append_new(l->list, json_pack("{s:o, s:s, s:I, s:s, s:i, s:o}", "key",
						       json_sprintf("link/%s", probe->link),
						       "state", judge_state_name(reading.state),
						       "since", (json_int_t)reading.since_ms,
						       "cause", reading.sentence, "interval_ms",
						       (int)probe->interval_ms, "sample",
						       sample_of(&reading)));
}

json_t *links_status(const struct agent *agent)
{
	struct listing l = { agent, json_array() };
	reconcile_each_probe(agent->reconcile, list_one, &l);
	return l.list;
}
