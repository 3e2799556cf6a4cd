// GET /api/v1/topology: what the networks ask for, and how it is as far as anybody tells.
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/text.h"

#include "intent/intent.h"
#include "live/live.h"
#include "rest/handlers.h"
#include "rest/server.h"

// "kind/name" or "name" -> "name"
static const char *bare(const json_t *reference)
{
	const char *name = json_string_value(reference);
	const char *slash = name ? strchr(name, '/') : NULL;
	return slash ? slash + 1 : name;
}

// Adds what only the intent knows: ids, sites and where they are.
static void place_node(const struct intent *intent, json_t *node)
{
	const char *name = json_string_value(json_object_get(node, "name"));
	const struct intent_resource *found = name ? intent_find(intent, "nodes", name) : NULL;
	if (!found)
		return;
	const char *site = bare(json_object_get(found->spec, "site"));
	json_object_set_new(node, "id", json_integer(found->id));
	json_object_set_new(node, "site", site ? json_string(site) : json_null());
	const struct intent_resource *place = site ? intent_find(intent, "sites", site) : NULL;
	json_t *location = place ? json_object_get(place->spec, "location") : NULL;
	json_object_set(node, "location", location ? location : json_null());
}

// Says of which network each is; a segment that only a node tells of is none.
static void place_segments(const struct intent *intent, json_t *segments)
{
	for (size_t i = json_array_size(segments); i-- > 0;) {
		json_t *item = json_array_get(segments, i);
		const char *name = json_string_value(json_object_get(item, "name"));
		const struct intent_resource *segment =
			name ? intent_find(intent, "segments", name) : NULL;
		const char *network =
			segment ? bare(json_object_get(segment->spec, "network")) : NULL;
		if (network)
			json_object_set_new(item, "network", json_string(network));
		else
			(void)json_array_remove(segments, i);
	}
}

// ---- links that no end tells of ----

struct unseen {
	const struct intent *intent;
	json_t *links;
	struct map *seen; // "network/a/b" of those that are told of
	bool is_cut;
};

static char mark; // the value of every entry of the set

static char *link_key(const char *network, const char *a, const char *b)
{
	return text_format("%s/%s/%s", network, a, b);
}

static int note_seen(struct map *seen, const json_t *links)
{
	size_t i;
	json_t *link;
	json_array_foreach((json_t *)(uintptr_t)links, i, link)
	{
		CLEAN(free_ptr)
		char *key = link_key(json_string_value(json_object_get(link, "network")),
				     json_string_value(json_object_get(link, "a")),
				     json_string_value(json_object_get(link, "b")));
		if (!key || map_set(seen, key, &mark) < 0)
			return -1;
	}
	return 0;
}

// Whoever has joined has a key; a revoked node has none.
static bool has_joined(const struct intent *intent, const char *name)
{
	const struct intent_resource *node = intent_find(intent, "nodes", name);
	return node && json_object_get(intent_facts(intent, node->id), "public_key");
}

static int add_link(json_t *links, const char *const names[3], const char *state)
{
	return json_array_append_new(links,
				     json_pack("{s:s, s:s, s:s, s:s}", "network", names[0], "a",
					       names[1], "b", names[2], "state", state));
}

static int add_unseen(void *arg, const char *network, const char *a, const char *b)
{
	struct unseen *unseen = arg;
	CLEAN(free_ptr) char *key = link_key(network, a, b);
	if (!key || map_get(unseen->seen, key))
		return 0;
	unseen->is_cut = json_array_size(unseen->links) >= LIVE_LINKS_MAX;
	if (unseen->is_cut)
		return 1;
	bool is_known = has_joined(unseen->intent, a) && has_joined(unseen->intent, b);
	const char *const names[] = { network, a, b };
	return add_link(unseen->links, names, is_known ? "unknown" : "never");
}

// A link that an override has switched off is no link of the intent, but nobody may wonder where it
// went.
static bool add_disabled(void *arg, const struct intent_resource *override)
{
	struct unseen *unseen = arg;
	const json_t *ends = json_object_get(override->spec, "ends");
	const char *network = bare(json_object_get(override->spec, "network"));
	const char *a = bare(json_array_get(ends, 0));
	const char *b = bare(json_array_get(ends, 1));
	if (!json_is_true(json_object_get(override->spec, "disabled")) || !network || !a || !b)
		return true;
	unseen->is_cut = json_array_size(unseen->links) >= LIVE_LINKS_MAX;
	bool is_sorted = strcmp(a, b) < 0;
	const char *const names[] = { network, is_sorted ? a : b, is_sorted ? b : a };
	CLEAN(free_ptr) char *key = link_key(names[0], names[1], names[2]);
	// Until its ends have taken it down they still tell of it.
	if (!unseen->is_cut && key && !map_get(unseen->seen, key))
		(void)add_link(unseen->links, names, "disabled");
	return !unseen->is_cut;
}

// ---- what is drained ----

// Into a map: "network/a/b", or "node/name" of an external one.
static bool add_drained(void *arg, const struct intent_resource *link)
{
	const json_t *ends = json_object_get(link->spec, "ends");
	const char *a = bare(json_array_get(ends, 0)), *b = bare(json_array_get(ends, 1));
	const char *node = bare(json_object_get(link->spec, "node"));
	CLEAN(free_ptr) char *key = NULL;
	if (!json_is_true(json_object_get(link->spec, "drain")))
		return true;
	if (node)
		key = text_format("%s/%s", node, link->name);
	else if (a && b)
		key = link_key(bare(json_object_get(link->spec, "network")),
			       strcmp(a, b) < 0 ? a : b, strcmp(a, b) < 0 ? b : a);
	return !key || map_set(arg, key, &mark) == 0;
}

static const char *text_of(const json_t *item, const char *field)
{
	return json_string_value(json_object_get(item, field));
}

static void mark_drained(const struct intent *intent, json_t *topology)
{
	struct map *drained = map_new(NULL);
	size_t i;
	json_t *item;
	if (drained)
		intent_list(intent, "links", NULL, add_drained, drained);
	// Nearly always there is none.
	json_t *links = json_object_get(topology, "links");
	json_t *external = json_object_get(topology, "external");
	const bool is_any = drained && map_size(drained) > 0;
	for (i = 0; is_any && (item = json_array_get(links, i)); i++) {
		CLEAN(free_ptr)
		char *key =
			link_key(text_of(item, "network"), text_of(item, "a"), text_of(item, "b"));
		if (key && map_get(drained, key))
			(void)json_object_set_new(item, "drained", json_true());
	}
	for (i = 0; is_any && (item = json_array_get(external, i)); i++) {
		CLEAN(free_ptr)
		char *key = text_format("%s/%s", text_of(item, "node"), text_of(item, "name"));
		if (key && map_get(drained, key))
			(void)json_object_set_new(item, "drained", json_true());
	}
	map_free(drained);
}

static void complete_links(const struct intent *intent, json_t *topology)
{
	struct unseen unseen = { .intent = intent,
				 .links = json_object_get(topology, "links"),
				 .seen = map_new(NULL) };
	if (unseen.seen && note_seen(unseen.seen, unseen.links) == 0 &&
	    !json_is_true(json_object_get(topology, "truncated")))
		(void)intent_each_link(intent, add_unseen, &unseen);
	if (unseen.seen && !unseen.is_cut)
		intent_list(intent, "links", NULL, add_disabled, &unseen);
	if (unseen.is_cut)
		json_object_set_new(topology, "truncated", json_true());
	map_free(unseen.seen);
}

void topology_get(struct request *request)
{
	const struct rest_services *services = &request->rest->services;
	bool has_figures = false;
	if (request_query_bool(request, "figures", &has_figures) < 0)
		return;
	if (has_figures)
		metrics_want(request->rest);
	json_t *topology = live_topology_json(services->live, clock_wall_ms(), has_figures);
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(topology, "nodes"), i, item)
		place_node(services->intent, item);
	place_segments(services->intent, json_object_get(topology, "segments"));
	complete_links(services->intent, topology);
	mark_drained(services->intent, topology);
	request_answer_json(request, MHD_HTTP_OK, topology);
}
