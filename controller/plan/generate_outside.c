// Entries of a node about what is reached by its external links: for each prefix the links that
// have it, of which the agent chooses one.
//
// The routes stand in the main table, for whoever sends there: the host, the LANs behind it, what
// comes in by another interface.
#include <stdint.h>
#include <stdlib.h>

#include "plan/generate.h"
#include "plan/numbers.h"
#include "plan/outside.h"

static json_t *link_json(const struct fleet_object *link)
{
	const struct fleet_link *l = &link->as.link;
	json_t *via = json_array();

	for (size_t i = 0; i < ARRAY_LEN(l->via); i++)
		if (l->via[i])
			(void)json_array_append_new(via, json_string(l->via[i]));
	return json_pack("{s:s, s:I, s:s, s:o, s:b, s:b}", "link", link->name, "id",
			 (json_int_t)link->id, "device", l->interface, "via", via, "standby",
			 l->is_standby, "drained", l->is_drained);
}

static int order(const void *x, const void *y)
{
	const struct fleet_object *const *a = x, *const *b = y;

	return ((*a)->id > (*b)->id) - ((*a)->id < (*b)->id);
}

// From the first that has it on.
static void add_prefix(struct generation *g, const struct prefix *prefix,
		       const struct fleet_object *const *links, size_t count)
{
	json_t *ways = json_array();
	char text[PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < count && json_array_size(ways) < OUTSIDE_LINKS_MAX; i++)
		if (outside_has(links[i], prefix))
			(void)json_array_append_new(ways, link_json(links[i]));
	generate_add(g,
		     json_pack("{s:o, s:i, s:i, s:o, s:[]}", "prefix", json_prefix(prefix), "table",
			       TABLE_MAIN, "metric", METRIC_OUTSIDE, "ways", ways, "needs"),
		     "outside/%s", prefix_format(prefix, text));
}

// Whether the prefix stands before in the links, or in the routes of the link itself.
static bool is_told(const struct fleet_object *const *links, size_t link, size_t route)
{
	const struct prefix *routes = links[link]->as.link.routes;

	for (size_t i = 0; i < link; i++)
		if (outside_has(links[i], &routes[route]))
			return true;
	for (size_t i = 0; i < route; i++)
		if (prefix_equal(&routes[i], &routes[route]))
			return true;
	return false;
}

void generate_outside(struct generation *g)
{
	const struct fleet_object **links;
	const size_t count = outside_links(g->fleet, g->node->name, &links);

	if (count == SIZE_MAX) {
		g->out->failed = true;
		return;
	}
	qsort(links, count, sizeof(*links), order);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < links[i]->as.link.route_count; k++)
			if (!is_told(links, i, k))
				add_prefix(g, &links[i]->as.link.routes[k], &links[i], count - i);
	free(links);
}
