#include "run/routes.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#include "run/hooking.h"
#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

// ---- what is desired ----

void routes_names_done(struct routes_names *names)
{
	for (size_t i = 0; i < names->len; i++)
		free(names->items[i]);
	free(names->items);
}

// Keeps a name; takes it over. NULL when there is no memory.
static const char *keep_name(struct routes_names *names, char *name)
{
	char **items = name ? reallocarray(names->items, names->len + 1, sizeof *items) : NULL;
	if (!items) {
		free(name);
		return NULL;
	}
	names->items = items;
	return items[names->len++] = name;
}

struct updating {
	struct agent *agent;
	struct links_targets *targets;
	struct routes_names *names;
	struct routes_names *unjudged;
};

// "path/lan/bob", "home/bob" -> "bob"
static const char *node_of(const char *key)
{
	return strrchr(key, '/') + 1;
}

static void add_way(const struct updating *u, const struct reconcile_destination *d,
		    const struct reconcile_way *way)
{
	const char *node = node_of(d->key);
	const char *key = keep_name(u->names, text_format("%s/%u", d->key, way->number));
	const char *name =
		way->by ? keep_name(u->names, text_format("%s-%s", way->by, node)) : node;
	if (!key || !name)
		return;
	struct prober_target target = links_target(&way->probe);
	target.key = key;
	target.own_name = u->agent->identity.name;
	target.peer_name = name;
	target.rider = paths_rider_of(u->agent->chooser, d->key, way->number);
	links_append(u->targets, &target);
	explicit_bzero(target.secret, sizeof target.secret);
}

static void update_one(void *context, const struct reconcile_destination *d)
{
	const struct updating *u = context;
	const bool is_unjudged = paths_put(u->agent->chooser, d);
	for (size_t i = 0; i < d->ways_len; i++) {
		if (d->network)
			add_way(u, d, &d->ways[i]);
		else if (is_unjudged)
			(void)keep_name(u->unjudged, strdup(d->ways[i].by));
	}
}

// ---- which links carry traffic ----

// "home/epsilon", "upstairs": the link that the way in use begins with.
static void note_active(void *context, const struct paths_reading *r)
{
	struct map *active = context;
	for (size_t i = 0; i < r->ways_len; i++) {
		const struct paths_way *way = &r->ways[i];
		if (way->number != r->current)
			continue;
		CLEAN(free_ptr)
		char *link = r->network ? text_format("%s/%s", r->network,
						      way->by[0] ? way->by : node_of(r->key))
					: strdup(way->by);
		if (link)
			(void)map_set(active, link, active);
	}
}

static void tell_active(struct agent *agent, const char *link, bool is_active, const char *cause)
{
	CLEAN(free_ptr) char *key = text_format("link/%s", link);
	CLEAN(free_ptr)
	char *text = text_format("%s-%s carries %s traffic: %s", agent->identity.name,
				 strchr(link, '/') ? node_of(link) : link,
				 is_active ? "routed" : "no routed", cause);
	if (!key || !text)
		return;
	session_event(agent, "info", is_active ? "link_active" : "link_inactive", key, text);
	hooking_remember(agent, link);
	hooking_link(agent, is_active ? HOOK_LINK_ACTIVE : HOOK_LINK_INACTIVE, link, text);
}

// `cause` NULL: what is so was so before, and is told to nobody.
static void update_active(struct agent *agent, const char *cause)
{
	struct map *now = map_new(NULL), *before = agent->active_links;
	const char *link;
	if (!now)
		return;
	paths_each(agent->chooser, note_active, now);
	// What carries traffic from now on first: a hook may move it there.
	for (size_t at = 0; cause && map_next(now, &at, &link, NULL);)
		if (!before || !map_get(before, link))
			tell_active(agent, link, true, cause);
	for (size_t at = 0; cause && before && map_next(before, &at, &link, NULL);)
		if (!map_get(now, link))
			tell_active(agent, link, false, cause);
	map_free(before);
	agent->active_links = now;
}

void routes_update(struct agent *agent, struct links_targets *targets, struct routes_names *names,
		   struct routes_names *unjudged)
{
	struct updating u = { agent, targets, names, unjudged };
	const bool is_first = !agent->active_links;
	paths_begin(agent->chooser);
	reconcile_each_destination(agent->reconcile, update_one, &u);
	paths_end(agent->chooser);
	if (is_first)
		update_active(agent, NULL);
}

// ---- what comes of it ----

static const char *const drain_names[] = {
	[PATH_MOVING] = "moving",
	[PATH_STUCK] = "stuck",
	[PATH_SAFE] = "safe",
};

static json_t *way_json(const struct paths_way *way)
{
	json_t *body = json_pack("{s:i, s:s?, s:s, s:s}", "number", (int)way->number, "by",
				 way->by[0] ? way->by : NULL, "state", judge_state_name(way->state),
				 "cause", way->cause);
	if (body && way->is_standby)
		(void)json_object_set_new(body, "standby", json_true());
	if (body && way->drain != PATH_NOT_DRAINED)
		(void)json_object_set_new(body, "drain", json_string(drain_names[way->drain]));
	return body;
}

static json_t *path_json(const struct paths_reading *r)
{
	json_t *ways = json_array();
	const char *by = NULL;
	for (size_t i = 0; i < r->ways_len; i++) {
		(void)json_array_append_new(ways, way_json(&r->ways[i]));
		if (r->ways[i].number == r->current && r->ways[i].by[0])
			by = r->ways[i].by;
	}
	json_t *body =
		json_pack("{s:s*, s:o, s:s?, s:I, s:s, s:o}", "network", r->network, "way",
			  r->current == PATH_NONE ? json_null() : json_integer(r->current), "by",
			  by, "since", (json_int_t)r->since_ms, "cause", r->cause, "ways", ways);
	if (body && r->group)
		(void)json_object_set_new(body, "lan",
					  json_pack("{s:s, s:b, s:I}", "group", r->group,
						    "followed", r->is_followed, "epoch",
						    (json_int_t)r->epoch));
	return body;
}

static void observe_one(void *context, const struct paths_reading *r)
{
	struct entry_set *observed = context;
	CLEAN(json_decref_ptr) json_t *body = path_json(r);
	CLEAN(free_ptr) char *text = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (text)
		(void)entry_set_put(observed, r->key, text, strlen(text), NULL);
}

void routes_observe(struct agent *agent, struct entry_set *observed)
{
	paths_each(agent->chooser, observe_one, observed);
}

static void list_one(void *context, const struct paths_reading *r)
{
	json_t *list = context, *body = path_json(r);
	if (body)
		(void)json_object_set_new(body, "key", json_string(r->key));
	(void)json_array_append_new(list, body);
}

json_t *routes_status(const struct agent *agent)
{
	json_t *list = json_array();
	paths_each(agent->chooser, list_one, list);
	return list;
}

void routes_changed(void *context, const struct paths_change *change)
{
	struct agent *agent = context;
	if (change->is_moved) {
		log_info("%s: %s", change->key, change->sentence);
		session_event(agent, change->is_bad ? "warning" : "info", "path_moved", change->key,
			      change->sentence);
		update_active(agent, change->sentence);
	}
	if (change->is_followed) {
		log_info("%s: %s", change->key, change->sentence);
		session_event(agent, "info", "lan_moved", change->key, change->sentence);
	}
	if (paths_read(agent->chooser, change->key, observe_one, agent->observed))
		apply_tell_observed(agent);
}

// ---- samples ----

static void sample_one(void *context, const struct paths_reading *r)
{
	json_t *values = context;
	json_t *sample = json_pack("{s:I}", "moves_total", (json_int_t)r->moves);
	if (sample && r->rtt_us != JUDGE_UNMEASURED)
		(void)json_object_set_new(sample, "rtt_s", json_real((double)r->rtt_us / 1e6));
	(void)json_object_set_new(values, r->key, sample);
}

void routes_sample(struct agent *agent, json_t *values)
{
	paths_each(agent->chooser, sample_one, values);
}
