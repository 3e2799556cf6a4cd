#include "cli/path.h"

#include <string.h>

#include "base/clean.h"
#include "base/map.h"

// A breadth-first search over edges that are asked for one by one.
struct search {
	struct map *from; // node -> the node it was reached from (borrowed name)
	const char **queue;
	size_t head, tail, cap;
};

static void reach(struct search *s, const char *node, const char *from)
{
	if (!node || !from || map_get(s->from, node) || s->tail >= s->cap)
		return;
	if (map_set(s->from, node, (void *)from) == 0)
		s->queue[s->tail++] = node;
}

// Is there a forwarding port at `node` towards `peer`? A wire carries frames only if both ends
// forward.
static bool forwards(const json_t *ports, const char *node, const char *peer)
{
	size_t at;
	const json_t *port;
	json_array_foreach(ports, at, port)
	{
		const char *n = json_string_value(json_object_get(port, "node"));
		const char *p = json_string_value(json_object_get(port, "peer"));
		const char *state = json_string_value(json_object_get(port, "state"));
		if (n && p && state && !strcmp(n, node) && !strcmp(p, peer))
			return strcmp(state, "forwarding") == 0;
	}
	return false;
}

static void expand_ports(struct search *s, const json_t *ports, const char *node)
{
	size_t at;
	const json_t *port;
	json_array_foreach(ports, at, port)
	{
		const char *n = json_string_value(json_object_get(port, "node"));
		const char *p = json_string_value(json_object_get(port, "peer"));
		if (n && p && !strcmp(n, node) && forwards(ports, node, p) &&
		    forwards(ports, p, node))
			reach(s, p, node);
	}
}

static void expand_links(struct search *s, const json_t *links, const char *node)
{
	size_t at;
	const json_t *link;
	json_array_foreach(links, at, link)
	{
		const char *a = json_string_value(json_object_get(link, "a"));
		const char *b = json_string_value(json_object_get(link, "b"));
		const char *state = json_string_value(json_object_get(link, "state"));
		if (!a || !b || !state || strcmp(state, "up") != 0)
			continue;
		if (strcmp(a, node) == 0)
			reach(s, b, node);
		if (strcmp(b, node) == 0)
			reach(s, a, node);
	}
}

static void add_way(struct text *t, const struct search *s, const char *to)
{
	const char *from = map_get(s->from, to);
	if (strcmp(from, to) != 0) {
		add_way(t, s, from);
		text_add(t, " → ");
	}
	text_add(t, to);
}

typedef void (*expand_fn)(struct search *s, const json_t *edges, const char *node);

static bool search(struct text *t, const json_t *edges, expand_fn expand, const char *from,
		   const char *to)
{
	size_t cap = 2 * json_array_size(edges) + 2;
	CLEAN(free_ptr) const char **queue = calloc(cap, sizeof(*queue));
	CLEAN(map_free_ptr) struct map *reached = map_new(NULL);
	if (!queue || !reached)
		return false;
	struct search s = { .from = reached, .queue = queue, .cap = cap };
	reach(&s, from, from);
	while (s.head < s.tail && !map_get(reached, to))
		expand(&s, edges, s.queue[s.head++]);
	if (!map_get(reached, to))
		return false;
	add_way(t, &s, to);
	return true;
}

bool path_describe(struct text *t, const json_t *topology, const char *from, const char *to)
{
	size_t at;
	const json_t *segment;
	json_array_foreach(json_object_get(topology, "segments"), at, segment)
	{
		const char *name = json_string_value(json_object_get(segment, "name"));
		if (search(t, json_object_get(segment, "ports"), expand_ports, from, to)) {
			text_addf(t, " (segment %s)", name ? name : "?");
			return true;
		}
	}
	if (!search(t, json_object_get(topology, "links"), expand_links, from, to))
		return false;
	text_add(t, " (links)");
	return true;
}
