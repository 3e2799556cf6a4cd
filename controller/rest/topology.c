// GET /api/v1/topology: what the networks ask for, and how it is as far as anybody tells.
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/text.h"

#include "intent/intent.h"
#include "live/live.h"
#include "rest/handlers.h"
#include "rest/server.h"

// Adds what only the intent knows: ids, sites and where they are.
static void place_node(const struct intent *intent, json_t *node)
{
	const char *name = json_string_value(json_object_get(node, "name"));
	const struct intent_resource *found = name ? intent_find(intent, "nodes", name) : NULL;
	if (!found)
		return;
	const json_t *site = json_object_get(found->spec, "site");
	json_object_set_new(node, "id", json_integer(found->id));
	json_object_set(node, "site", site ? (json_t *)(uintptr_t)site : json_null());
	const char *site_name = json_string_value(site);
	const char *slash = site_name ? strchr(site_name, '/') : NULL;
	const struct intent_resource *place =
		site_name ? intent_find(intent, "sites", slash ? slash + 1 : site_name) : NULL;
	json_t *location = place ? json_object_get(place->spec, "location") : NULL;
	json_object_set(node, "location", location ? location : json_null());
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
	return json_array_append_new(unseen->links,
				     json_pack("{s:s, s:s, s:s, s:s}", "network", network, "a", a,
					       "b", b, "state", is_known ? "unknown" : "never"));
}

static void complete_links(const struct intent *intent, json_t *topology)
{
	struct unseen unseen = { .intent = intent,
				 .links = json_object_get(topology, "links"),
				 .seen = map_new(NULL) };
	if (unseen.seen && note_seen(unseen.seen, unseen.links) == 0 &&
	    !json_is_true(json_object_get(topology, "truncated")))
		(void)intent_each_link(intent, add_unseen, &unseen);
	if (unseen.is_cut)
		json_object_set_new(topology, "truncated", json_true());
	map_free(unseen.seen);
}

void topology_get(struct request *request)
{
	const struct rest_services *services = &request->rest->services;
	json_t *topology = live_topology_json(services->live, clock_wall_ms());
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(topology, "nodes"), i, item)
		place_node(services->intent, item);
	json_array_foreach(json_object_get(topology, "segments"), i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));
		const struct intent_resource *segment =
			name ? intent_find(services->intent, "segments", name) : NULL;
		if (segment)
			json_object_set(item, "network", json_object_get(segment->spec, "network"));
	}
	complete_links(services->intent, topology);
	request_answer_json(request, MHD_HTTP_OK, topology);
}
