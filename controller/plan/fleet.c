#include "plan/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/fleet_parts.h"

static const char *const kind_plurals[FLEET_KIND_COUNT] = {
	[FLEET_NODE] = "nodes",
	[FLEET_SITE] = "sites",
	[FLEET_NETWORK] = "networks",
	[FLEET_LINK] = "links",
	[FLEET_SEGMENT] = "segments",
	[FLEET_SLA] = "slas",
	[FLEET_HA_GROUP] = "ha-groups",
	[FLEET_DOMAIN_LIST] = "domain-lists",
	[FLEET_BLOCKLIST] = "blocklists",
	[FLEET_DNS_ZONE] = "dns-zones",
	[FLEET_DNS_FORWARD] = "dns-forwards",
	[FLEET_RESOLVER] = "resolvers",
	[FLEET_GATEWAY] = "gateways",
	[FLEET_GATEWAY_GROUP] = "gateway-groups",
	[FLEET_POLICY] = "policies",
};

enum fleet_kind fleet_kind_parse(const char *plural)
{
	for (int kind = 0; kind < FLEET_KIND_COUNT; kind++) {
		if (strcmp(kind_plurals[kind], plural) == 0)
			return (enum fleet_kind)kind;
	}
	return FLEET_KIND_COUNT;
}

const char *fleet_kind_name(enum fleet_kind kind)
{
	return kind_plurals[kind];
}

static void object_drop(void *object)
{
	fleet_object_unref(object);
}

struct fleet *fleet_new(const struct fleet_settings *settings)
{
	struct fleet *fleet = calloc(1, sizeof *fleet);

	if (!fleet)
		return NULL;
	fleet->settings = *settings;
	if (host_numbers_check(&fleet->settings.numbers, NULL) < 0) {
		free(fleet);
		return NULL;
	}
	fleet->alloc = alloc_new();
	fleet->overrides = map_new(NULL);
	bool is_good = fleet->alloc && fleet->overrides;
	for (int kind = 0; kind < FLEET_KIND_COUNT; kind++) {
		fleet->by_name[kind] = map_new(NULL);
		fleet->by_id[kind] = map_new(object_drop);
		is_good = is_good && fleet->by_name[kind] && fleet->by_id[kind];
	}
	if (is_good)
		return fleet;
	fleet_free(fleet);
	return NULL;
}

void fleet_free(struct fleet *fleet)
{
	if (!fleet)
		return;
	fleet_views_drop(fleet);
	for (int kind = 0; kind < FLEET_KIND_COUNT; kind++) {
		map_free(fleet->by_name[kind]);
		map_free(fleet->by_id[kind]);
	}
	map_free(fleet->overrides);
	alloc_free(fleet->alloc);
	free(fleet);
}

static void id_key(char key[ID_TEXT_SIZE], int64_t id)
{
	(void)snprintf(key, ID_TEXT_SIZE, "%lld", (long long)id);
}

static void link_key(char *key, size_t size, const char *network, const char *a, const char *b)
{
	bool is_sorted = strcmp(a, b) < 0;

	(void)snprintf(key, size, "%s/%s/%s", network, is_sorted ? a : b, is_sorted ? b : a);
}

// `overrides` may hold another object with the same ends meanwhile (a rename): only one's own goes.
static void object_leave(struct fleet *fleet, struct fleet_object *o)
{
	char key[LINK_KEY_SIZE], id[ID_TEXT_SIZE];

	if (o->kind == FLEET_LINK && o->as.link.network) {
		link_key(key, sizeof key, o->as.link.network, o->as.link.a, o->as.link.b);
		if (map_get(fleet->overrides, key) == o)
			(void)map_drop(fleet->overrides, key);
	}
	if (map_get(fleet->by_name[o->kind], o->name) == o)
		(void)map_drop(fleet->by_name[o->kind], o->name);
	id_key(id, o->id);
	(void)map_drop(fleet->by_id[o->kind], id);
}

static int object_enter(struct fleet *fleet, struct fleet_object *o)
{
	char key[LINK_KEY_SIZE], id[ID_TEXT_SIZE];

	id_key(id, o->id);
	if (map_set(fleet->by_id[o->kind], id, o) < 0)
		return -ENOMEM;
	(void)fleet_object_ref(o);
	if (map_set(fleet->by_name[o->kind], o->name, o) < 0)
		return -ENOMEM;
	if (o->kind != FLEET_LINK || !o->as.link.network)
		return 0;
	link_key(key, sizeof key, o->as.link.network, o->as.link.a, o->as.link.b);
	return map_set(fleet->overrides, key, o);
}

// All leave before any enters, so that two may exchange names.
static int edits_show(struct fleet *fleet, const struct fleet_edit *edits, size_t count,
		      bool is_after)
{
	int rc = 0;

	fleet_views_drop(fleet);
	for (size_t i = 0; i < count; i++) {
		struct fleet_object *out = is_after ? edits[i].before : edits[i].after;

		if (out)
			object_leave(fleet, out);
	}
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct fleet_object *in = is_after ? edits[i].after : edits[i].before;

		if (in)
			rc = object_enter(fleet, in);
	}
	return rc;
}

int fleet_apply(struct fleet *fleet, const struct fleet_edit *edits, size_t count)
{
	int rc = edits_show(fleet, edits, count, true);

	if (rc < 0)
		(void)edits_show(fleet, edits, count, false);
	return rc;
}

int fleet_revert(struct fleet *fleet, const struct fleet_edit *edits, size_t count)
{
	return edits_show(fleet, edits, count, false);
}

struct fleet_object *fleet_find(const struct fleet *fleet, enum fleet_kind kind, const char *name)
{
	return map_get(fleet->by_name[kind], name);
}

struct fleet_object *fleet_find_id(const struct fleet *fleet, enum fleet_kind kind, int64_t id)
{
	char key[ID_TEXT_SIZE];

	id_key(key, id);
	return map_get(fleet->by_id[kind], key);
}

bool fleet_next(const struct fleet *fleet, enum fleet_kind kind, size_t *at,
		struct fleet_object **ret_object)
{
	void *value;

	if (!map_next(fleet->by_id[kind], at, NULL, &value))
		return false;
	*ret_object = value;
	return true;
}

static int by_id(const void *x, const void *y)
{
	const struct fleet_object *const *a = x, *const *b = y;

	return ((*a)->id > (*b)->id) - ((*a)->id < (*b)->id);
}

struct fleet_object **fleet_all(const struct fleet *fleet, enum fleet_kind kind)
{
	struct fleet_object **list = calloc(map_size(fleet->by_id[kind]) + 1, sizeof *list);
	size_t count = 0;

	for (size_t at = 0; list && fleet_next(fleet, kind, &at, &list[count]);)
		count++;
	if (count > 1)
		qsort(list, count, sizeof *list, by_id);
	return list;
}

const struct fleet_link *fleet_override(const struct fleet *fleet, const char *network,
					const char *a, const char *b)
{
	char key[LINK_KEY_SIZE];

	if (map_size(fleet->overrides) == 0)
		return NULL;
	link_key(key, sizeof key, network, a, b);
	const struct fleet_object *o = map_get(fleet->overrides, key);
	return o ? &o->as.link : NULL;
}

struct alloc *fleet_alloc(const struct fleet *fleet)
{
	return fleet->alloc;
}
