// Which cells an external link has a part in.
#include <string.h>

#include "plan/cells.h"

void cells_touch_external(struct cell_set *set, const struct fleet *fleet,
			  const struct fleet_object *link)
{
	const struct fleet_object *node = fleet_find(fleet, FLEET_NODE, link->as.link.node);

	if (!node)
		return;
	cell_add(set, CELL_EXTERNAL, node->id, link->id, 0);
	if (link->as.link.route_count == 0)
		return;
	cell_add(set, CELL_OUTSIDE, node->id, 0, 0);
	cell_add(set, CELL_NODE, node->id, 0, 0); // it forwards
}

void cells_own_external(struct cell_set *set, const struct fleet *fleet,
			const struct fleet_object *node)
{
	struct fleet_object *link;

	cell_add(set, CELL_OUTSIDE, node->id, 0, 0);
	for (size_t at = 0; fleet_next(fleet, FLEET_LINK, &at, &link);) {
		const char *at_node = link->as.link.node;

		if (at_node && strcmp(at_node, node->name) == 0)
			cell_add(set, CELL_EXTERNAL, node->id, link->id, 0);
	}
}
