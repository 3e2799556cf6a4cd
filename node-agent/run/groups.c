#include "run/groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "run/hooking.h"
#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

// ---- what is desired ----

struct gathering {
	struct ha_config *configs;
	size_t count;
};

static void gather(void *context, const struct ha_config *config)
{
	struct gathering *g = context;
	struct ha_config *more = reallocarray(g->configs, g->count + 1, sizeof *more);
	if (!more)
		return;
	g->configs = more;
	memcpy(&g->configs[g->count++], config, sizeof *config);
}

void groups_update(struct agent *agent)
{
	struct gathering g = { 0 };
	struct err err = { 0 };
	if (!agent->ha)
		return;
	reconcile_each_ha(agent->reconcile, gather, &g);
	if (ha_set(agent->ha, g.configs, g.count, &err) < 0)
		log_warn("ha: %s", err.text);
	if (g.configs)
		explicit_bzero(g.configs, g.count * sizeof *g.configs);
	free(g.configs);
}

void groups_take(struct agent *agent, const char *message)
{
	struct lease_message m;
	struct err err = { 0 };
	if (lease_message_parse(message, &m, &err) < 0)
		log_warn("controller: %s", err.text);
	else if (agent->ha)
		ha_take(agent->ha, &m);
}

// ---- what comes of it ----

static json_t *body_of(const struct ha_reading *r)
{
	json_t *body = json_pack(
		"{s:s, s:I, s:s?, s:I, s:i, s:i, s:i, s:i, s:s}", "state", ha_state_name(r->state),
		"since", (json_int_t)r->since_ms, "holder", *r->holder ? r->holder : NULL, "epoch",
		(json_int_t)r->epoch, "generation", (int)r->generation, "heard", (int)r->heard,
		"needed", (int)r->needed, "voters", (int)r->voters, "cause", r->cause);
	if (body && *r->site)
		(void)json_object_set_new(body, "site", json_string(r->site));
	if (body && *r->lan_trouble)
		(void)json_object_set_new(body, "lan_trouble", json_string(r->lan_trouble));
	return body;
}

void groups_observe(const struct agent *agent, struct entry_set *observed)
{
	struct ha_reading reading;
	for (size_t i = 0; ha_read(agent->ha, i, &reading); i++) {
		char key[HA_NAME_SIZE + 8];
		CLEAN(json_decref_ptr) json_t *body = body_of(&reading);
		CLEAN(free_ptr)
		char *text = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
		(void)snprintf(key, sizeof key, "ha/%s", reading.group);
		if (text)
			(void)entry_set_put(observed, key, text, strlen(text), NULL);
	}
}

json_t *groups_status(const struct agent *agent)
{
	json_t *list = json_array();
	struct ha_reading reading;
	for (size_t i = 0; ha_read(agent->ha, i, &reading); i++) {
		json_t *one = body_of(&reading);
		if (one)
			(void)json_object_set_new(one, "group", json_string(reading.group));
		(void)json_array_append_new(list, one);
	}
	return list;
}

static void send_message(struct agent *agent, const struct lease_message *message)
{
	char text[LEASE_TEXT_SIZE];
	lease_message_format(message, text);
	const struct msg msg = { .type = MSG_LEASE, .lease = { .message = text } };
	if (agent->is_welcome)
		session_send(agent, &msg, true);
}

// In the groups' thread; chooser and prober end after it.
void groups_claimed(void *context, uint32_t group, uint64_t epoch, int64_t until_us)
{
	struct agent *agent = context;
	if (paths_claim(agent->chooser, group, epoch, until_us))
		prober_wake(agent->prober);
}

void groups_told(void *context, const struct ha_news *news)
{
	struct agent *agent = context;
	char key[HA_NAME_SIZE + 8];
	(void)snprintf(key, sizeof key, "ha/%s", news->group);
	switch (news->kind) {
	case HA_NEWS_CHANGED:
		groups_observe(agent, agent->observed);
		apply_tell_observed(agent);
		break;
	case HA_NEWS_ACTIVE:
	case HA_NEWS_INACTIVE:
		hooking_group(agent,
			      news->kind == HA_NEWS_ACTIVE ? HOOK_HA_ACTIVE : HOOK_HA_INACTIVE,
			      news->group, news->epoch);
		break;
	case HA_NEWS_EVENT:
		log_info("ha %s", news->text);
		session_event(agent, news->severity, news->event, key, news->text);
		break;
	case HA_NEWS_MESSAGE:
		send_message(agent, &news->message);
		break;
	}
}
