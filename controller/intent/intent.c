#include "intent/intent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/net.h"

#include "intent/parts.h"

#define VXLAN_PORT     4789
#define WIREGUARD_PORT 51820
#define PROBE_PORT     862 // STAMP
#define HA_PORT        863
#define FACTS_BURST    30
#define FACTS_WAIT_MS  10000

static void drop_resource(void *r)
{
	resource_unref(r);
}

static uv_timer_t *timer_new(struct intent *intent)
{
	uv_timer_t *timer = calloc(1, sizeof *timer);

	if (!timer || uv_timer_init(intent->settings.loop, timer) < 0) {
		free(timer);
		return NULL;
	}
	timer->data = intent;
	return timer;
}

static void timer_closed(uv_handle_t *handle)
{
	free(handle);
}

static void timer_free(uv_timer_t *timer)
{
	if (timer)
		uv_close((uv_handle_t *)timer, timer_closed);
}

static bool intent_make(struct intent *intent)
{
	bool is_good = true;

	intent->by_id = map_new(drop_resource);
	intent->targets = map_new(free);
	intent->pending_facts = map_new(facts_drop);
	intent->claims = map_new(claims_drop);
	intent->fact_limit =
		limit_new(intent->settings.facts_burst, (int64_t)intent->settings.facts_wait_ms);
	intent->pump = timer_new(intent);
	intent->facts = timer_new(intent);
	intent->due = timer_new(intent);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		intent->by_name[kind] = map_new(NULL);
		is_good = is_good && intent->by_name[kind];
	}
	return is_good && intent->by_id && intent->targets && intent->pending_facts &&
	       intent->claims && intent->fact_limit && intent->pump && intent->facts && intent->due;
}

CLEAN_FUNC(struct intent, intent_free)

int intent_open(const struct intent_settings *settings, struct intent **ret_intent, struct err *err)
{
	CLEAN(intent_free_ptr) struct intent *intent = calloc(1, sizeof *intent);

	if (!intent)
		return err_set(err, -ENOMEM, "out of memory");
	intent->settings = *settings;
	if (!intent->settings.vxlan_port)
		intent->settings.vxlan_port = VXLAN_PORT;
	if (!intent->settings.wireguard_port)
		intent->settings.wireguard_port = WIREGUARD_PORT;
	if (!intent->settings.probe_port)
		intent->settings.probe_port = PROBE_PORT;
	if (!intent->settings.ha_port)
		intent->settings.ha_port = HA_PORT;
	if (host_numbers_check(&intent->settings.numbers, err) < 0)
		return -EINVAL;
	if (!intent->settings.facts_burst)
		intent->settings.facts_burst = FACTS_BURST;
	if (!intent->settings.facts_wait_ms)
		intent->settings.facts_wait_ms = FACTS_WAIT_MS;
	if (!intent_make(intent))
		return err_set(err, -ENOMEM, "out of memory");
	int rc = intent_load(intent, err);
	if (rc < 0)
		return rc;
	pending_start(intent);
	*ret_intent = take_ptr(&intent);
	return 0;
}

void intent_free(struct intent *intent)
{
	if (!intent)
		return;
	queue_close(intent);
	timer_free(intent->pump);
	timer_free(intent->facts);
	timer_free(intent->due);
	pending_free(intent->pending);
	fleet_free(intent->fleet);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		map_free(intent->by_name[kind]);
	map_free(intent->by_id);
	map_free(intent->targets);
	map_free(intent->pending_facts);
	map_free(intent->claims);
	limit_free(intent->fact_limit);
	free(intent);
}

int64_t intent_revision(const struct intent *intent)
{
	return intent->revision;
}

int intent_listen(struct intent *intent, intent_commit_fn *told, void *arg)
{
	if (intent->listener_count == LISTENERS_MAX)
		return -ENOSPC;
	intent->listeners[intent->listener_count++] = (struct listener){ told, arg };
	return 0;
}

const struct intent_resource *intent_find(const struct intent *intent, const char *kind,
					  const char *name)
{
	const struct kind *k = kind_by_name(kind);
	const struct resource *r = k ? resource_find(intent, kind_id_of(k), name) : NULL;

	return r ? &r->pub : NULL;
}

const struct intent_resource *intent_find_id(const struct intent *intent, int64_t id)
{
	const struct resource *r = resource_find_id(intent, id);

	return r ? &r->pub : NULL;
}

size_t intent_count(const struct intent *intent, const char *kind)
{
	const struct kind *k = kind_by_name(kind);

	return k ? map_size(intent->by_name[kind_id_of(k)]) : 0;
}

static int compare_names(const void *x, const void *y)
{
	const struct resource *const *a = x, *const *b = y;

	return strcmp((*a)->name, (*b)->name);
}

void intent_list(const struct intent *intent, const char *kind, const char *after,
		 intent_each_fn *each, void *arg)
{
	const struct kind *k = kind_by_name(kind);
	const struct map *all = k ? intent->by_name[kind_id_of(k)] : NULL;
	CLEAN(free_ptr)
	struct resource **sorted = all ? calloc(map_size(all) + 1, sizeof *sorted) : NULL;
	size_t count = 0;
	void *value;

	if (!sorted)
		return;
	for (size_t at = 0; map_next(all, &at, NULL, &value);) {
		struct resource *r = value;

		if (!after || strcmp(r->name, after) > 0)
			sorted[count++] = r;
	}
	if (count > 1)
		qsort(sorted, count, sizeof *sorted, compare_names);
	for (size_t i = 0; i < count; i++) {
		if (!each(arg, &sorted[i]->pub))
			return;
	}
}

json_t *intent_effective(const struct intent *intent, const char *kind, const char *name)
{
	enum fleet_kind k = fleet_kind_parse(kind);
	const struct intent_resource *r = intent_find(intent, kind, name);

	if (k == FLEET_KIND_COUNT)
		return r ? json_deep_copy(r->spec) : json_object();
	return plan_effective(intent->fleet, k, name);
}

json_t *intent_resource_json(const struct intent *intent, const struct intent_resource *resource,
			     bool with_effective)
{
	char created[TIME_TEXT_SIZE], updated[TIME_TEXT_SIZE];
	json_t *json =
		json_pack("{s:s, s:s, s:I, s:I, s:O, s:s, s:s, s:s?}", "kind", resource->kind,
			  "name", resource->name, "id", (json_int_t)resource->id, "revision",
			  (json_int_t)resource->revision, "spec", resource->spec, "created",
			  time_format(resource->created_ms, created), "updated",
			  time_format(resource->updated_ms, updated), "set", resource->set);

	if (json && with_effective)
		(void)json_object_set_new(json, "effective",
					  intent_effective(intent, resource->kind, resource->name));
	return json;
}

int intent_each_link(const struct intent *intent, intent_link_fn *each, void *arg)
{
	return plan_each_link(intent->fleet, each, arg);
}

// ---- nodes ----

bool intent_node_target(const struct intent *intent, int64_t node_id,
			struct intent_target *ret_target)
{
	const struct resource *node = resource_find_id(intent, node_id);
	struct digest none = { 0 };
	char key[ID_KEY_SIZE];

	if (!node || node->kind != KIND_NODES)
		return false;
	id_key(key, node_id);
	const struct node_target *target = map_get(intent->targets, key);
	ret_target->revision = target ? target->revision : 0;
	digest_format(target ? target->digest : none, ret_target->digest);
	return true;
}

int intent_node_entries(struct intent *intent, int64_t node_id, intent_entry_fn *each, void *arg)
{
	return plan_node(intent->fleet, node_id, each, arg);
}
