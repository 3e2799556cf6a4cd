#include "run/wires.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "probe/hmac.h"
#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

// A wire is asked less often than its link, which tells of nearly all that befalls both.
enum { INTERVAL_MIN_US = 1000000, UP = 2 };

#define NEVER_ANSWERED                                                                             \
	"no probe has come back over it yet, but those of its link do: the other end may not "     \
	"know probes of wires"

// ---- what is desired ----

struct targets {
	const struct agent *agent;
	const struct prober_target *links;
	size_t count;
	wires_target_fn each;
	void *context;
};

static const struct prober_target *link_under(const struct targets *t,
					      const struct reconcile_wire *wire)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->links[i].own && strcmp(t->links[i].key, wire->over) == 0)
			return &t->links[i];
	return NULL;
}

// The link's key is for the link alone: both ends derive the wire's from it.
static void derive(const uint8_t secret[LINK_KEY_SIZE], uint32_t vni, uint8_t ret[LINK_KEY_SIZE])
{
	char text[32];
	struct hmac_key key;
	_Static_assert((int)HMAC_SIZE == (int)LINK_KEY_SIZE, "a sum is a key");
	(void)snprintf(text, sizeof text, "wire/%u", vni);
	hmac_key_init(&key, secret, LINK_KEY_SIZE);
	hmac_sum(&key, text, strlen(text), ret);
	hmac_key_done(&key);
}

// One to an exit also tells whether the exit has a way out (gateways_silences): as soon as its link
// tells, and as the gateway's state.
static bool is_of_gateway(const char *key)
{
	return text_starts(key, "wire/gateway:", NULL);
}

static void add_wire(void *context, const struct reconcile_wire *wire)
{
	const struct targets *t = context;
	const struct prober_target *link = link_under(t, wire);
	if (!link || gateways_silences(t->agent, wire->key))
		return;
	struct prober_target target = { .key = wire->key,
					.own_name = link->own_name,
					.peer_name = link->peer_name,
					.device = wire->device,
					.judge = link->judge };
	target.judge.sla = (struct judge_sla){ 0 };
	target.judge.up = UP;
	if (target.judge.interval_us < INTERVAL_MIN_US && !is_of_gateway(wire->key))
		target.judge.interval_us = INTERVAL_MIN_US;
	derive(link->secret, wire->vni, target.secret);
	t->each(t->context, &target);
	explicit_bzero(target.secret, sizeof target.secret);
}

void wires_each_target(const struct agent *agent, const struct prober_target *links, size_t count,
		       wires_target_fn each, void *context)
{
	struct targets t = { agent, links, count, each, context };
	reconcile_each_wire(agent->reconcile, add_wire, &t);
}

// ---- what comes of it ----

bool wires_is_wire(const char *key)
{
	return text_starts(key, "wire/", NULL) && strchr(key + strlen("wire/"), '/');
}

bool wires_is_dead(const struct agent *agent, const char *key)
{
	return map_get(agent->dead_wires, key) != NULL;
}

// The link below: "home/bob" of the wire's network and node. False: nothing is known of it.
static bool link_is_up(const struct agent *agent, const struct entry_set *observed,
		       const char *link, int64_t *ret_since_ms)
{
	struct prober_reading reading;
	bool is_up;
	if (!links_verdict(agent, observed, link, &is_up) || !is_up ||
	    !prober_read(agent->prober, link, &reading))
		return false;
	*ret_since_ms = reading.since_ms;
	return true;
}

// A link that has come back is up before its wire, which is asked less often.
static int64_t patience_ms(const struct prober_reading *wire)
{
	const struct judge_config *config = &wire->config;
	return (config->interval_us * (config->down + config->up + 2) + config->hold_down_us) /
	       1000;
}

static void read_wire(const struct agent *agent, const struct entry_set *observed,
		      const struct reconcile_wire *wire, struct prober_reading *reading,
		      bool *ret_is_dead)
{
	int64_t link_since_ms;
	*ret_is_dead = false;
	if (reading->state != JUDGE_DOWN)
		return;
	if (!link_is_up(agent, observed, wire->over, &link_since_ms)) {
		(void)snprintf(reading->sentence, sizeof reading->sentence, "its link is not up");
		return;
	}
	if (reading->counts.returned == 0) {
		reading->state = JUDGE_UNKNOWN;
		(void)snprintf(reading->sentence, sizeof reading->sentence, "%s", NEVER_ANSWERED);
		return;
	}
	*ret_is_dead = clock_wall_ms() - link_since_ms > patience_ms(reading);
}

static const char *reason_of(const char *sentence)
{
	const char *colon = strstr(sentence, ": ");
	return colon ? colon + 2 : sentence;
}

// An event once; and the spanning tree, which would wait for the wire as long as its link is up.
static void tell(struct agent *agent, const struct reconcile_wire *wire,
		 const struct prober_reading *reading, bool is_dead)
{
	if (agent->tree)
		tree_wire(agent->tree, wire->device, !is_dead);
	if (is_dead == wires_is_dead(agent, wire->key) || is_of_gateway(wire->key))
		return;
	const bool is_back = !is_dead && reading->state == JUDGE_UP;
	CLEAN(free_ptr)
	char *text = text_format("the wire %s %s: %s", wire->key + strlen("wire/"),
				 is_dead ? "forwards nothing though its link is up" : "is up",
				 reason_of(reading->sentence));
	if (is_dead)
		(void)map_set(agent->dead_wires, wire->key, agent);
	else
		(void)map_drop(agent->dead_wires, wire->key);
	if (!text || (!is_dead && !is_back))
		return;
	log_warn("%s", text);
	session_event(agent, is_dead ? "warning" : "info", is_dead ? "wire_down" : "wire_up",
		      wire->key, text);
}

struct observing {
	struct agent *agent;
	struct entry_set *observed;
	const char *only; // NULL: all
};

static void put_wire(struct entry_set *observed, const char *key,
		     const struct prober_reading *reading)
{
	size_t len = 0;
	const char *known = entry_set_get(observed, key, &len);
	CLEAN(json_decref_ptr) json_t *body = known ? json_loadb(known, len, 0, NULL) : NULL;
	if (!body)
		return;
	(void)json_object_set_new(body, "state", json_string(judge_state_name(reading->state)));
	(void)json_object_set_new(body, "since", json_integer((json_int_t)reading->since_ms));
	(void)json_object_set_new(body, "cause", json_string(reason_of(reading->sentence)));
	CLEAN(free_ptr) char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
	if (text)
		(void)entry_set_put(observed, key, text, strlen(text), NULL);
}

static void observe_one(void *context, const struct reconcile_wire *wire)
{
	const struct observing *o = context;
	struct prober_reading reading;
	bool is_dead;
	if ((o->only && strcmp(o->only, wire->key) != 0) ||
	    !prober_read(o->agent->prober, wire->key, &reading))
		return;
	read_wire(o->agent, o->observed, wire, &reading, &is_dead);
	put_wire(o->observed, wire->key, &reading);
	tell(o->agent, wire, &reading, is_dead);
}

void wires_observe(struct agent *agent, struct entry_set *observed)
{
	struct observing o = { agent, observed, NULL };
	reconcile_each_wire(agent->reconcile, observe_one, &o);
}

void wires_changed(struct agent *agent, const struct prober_change *change)
{
	struct observing o = { agent, agent->observed, change->key };
	log_debug("wire %s: %s", change->key + strlen("wire/"), change->sentence);
	reconcile_each_wire(agent->reconcile, observe_one, &o);
	apply_tell_observed(agent);
}

struct listing {
	const struct agent *agent;
	json_t *list;
};

static void list_one(void *context, const struct reconcile_wire *wire)
{
	const struct listing *l = context;
	struct prober_reading reading;
	bool is_dead;
	if (!prober_read(l->agent->prober, wire->key, &reading))
		return;
	read_wire(l->agent, l->agent->observed, wire, &reading, &is_dead);
	(void)json_array_append_new(l->list, json_pack("{s:s, s:s, s:I, s:s}", "key", wire->key,
						       "state", judge_state_name(reading.state),
						       "since", (json_int_t)reading.since_ms,
						       "cause", reading.sentence));
}

json_t *wires_status(const struct agent *agent)
{
	struct listing l = { agent, json_array() };
	reconcile_each_wire(agent->reconcile, list_one, &l);
	return l.list;
}
