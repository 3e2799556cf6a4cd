// The tree of a segment as the API shows it.
#include <stdlib.h>

#include "live/inside.h"

static const char *state_name(enum live_wire_state state)
{
	static const char *const names[] = { [LIVE_WIRE_UNKNOWN] = "unknown",
					     [LIVE_WIRE_DOWN] = "down",
					     [LIVE_WIRE_BLOCKED] = "blocked",
					     [LIVE_WIRE_FORWARDING] = "forwarding" };

	return names[state];
}

static json_t *name_json(const struct live_tree *tree, int node)
{
	return node < 0 ? json_null() : json_string(tree->nodes[node].name);
}

static json_t *number_json(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static json_t *ms_json(int64_t us)
{
	return us < 0 ? json_null() : json_real((double)us / 1000);
}

static json_t *nodes_json(const struct live_tree *tree)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tree->nodes_count; i++) {
		const struct live_tree_node *n = &tree->nodes[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:b, s:o, s:o}", "name", n->name, "connected",
					n->is_connected, "root_port", name_json(tree, n->root_port),
					"root_cost", number_json(n->root_cost)));
	}
	return list;
}

static json_t *wires_json(const struct live_tree *tree)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tree->wires_count; i++) {
		const struct live_wire *w = &tree->wires[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:f}", "a",
				  tree->nodes[w->a].name, "b", tree->nodes[w->b].name, "state",
				  state_name(w->state), "blocked_at",
				  name_json(tree, w->blocked_at), "cost", number_json(w->cost),
				  "rtt_ms", ms_json(w->rtt_us), "loss", (double)w->loss_ppm / 1e6));
	}
	return list;
}

static json_t *path_json(const struct live_tree *tree, const struct tree_ways *ways, unsigned a,
			 unsigned b)
{
	json_t *path = json_array();

	if (ways->along[a][b] == WAY_NONE)
		return path;
	for (int at = (int)b; at >= 0; at = ways->before[a][at])
		(void)json_array_insert_new(path, 0, json_string(tree->nodes[at].name));
	return path;
}

static json_t *pairs_json(const struct live_tree *tree, const struct tree_ways *ways)
{
	json_t *list = json_array();

	for (unsigned a = 0; a < tree->nodes_count; a++)
		for (unsigned b = a + 1; b < tree->nodes_count; b++) {
			const double stretch = tree_ways_stretch(ways, a, b);

			(void)json_array_append_new(
				list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "a",
						tree->nodes[a].name, "b", tree->nodes[b].name,
						"path", path_json(tree, ways, a, b), "path_ms",
						ms_json(ways->along[a][b]), "direct_ms",
						ms_json(ways->direct[a][b]), "best_ms",
						ms_json(ways->best[a][b]), "stretch",
						stretch < 0 ? json_null() : json_real(stretch)));
		}
	return list;
}

json_t *live_tree_json(const struct live_tree *tree)
{
	CLEAN(free_ptr) struct tree_ways *ways = malloc(sizeof *ways);

	if (!ways)
		return NULL;
	tree_ways_find(tree, ways);
	return json_pack("{s:o, s:o, s:o, s:o}", "root", name_json(tree, tree->root), "nodes",
			 nodes_json(tree), "wires", wires_json(tree), "pairs",
			 pairs_json(tree, ways));
}
