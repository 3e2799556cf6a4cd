// Which cells of HA groups an edit touches.
#include <string.h>

#include "plan/cells.h"
#include "plan/ha.h"

void cells_touch_voters(struct cell_set *set, const struct fleet *fleet,
			const struct fleet_object *group)
{
	struct ha_voters voters;

	ha_voters_now(fleet, group, &voters);
	for (size_t i = 0; i < voters.count; i++) {
		if (voters.ids[i] != HA_CONTROLLER)
			cell_add(set, CELL_HA, voters.ids[i], group->id, 0);
	}
}

void cells_touch_groups(struct cell_set *set, const struct fleet *fleet,
			const struct fleet_object *node, const struct fleet_object *network)
{
	struct fleet_object *group;
	struct ha_voters voters;

	for (size_t at = 0; fleet_next(fleet, FLEET_HA_GROUP, &at, &group);) {
		ha_voters_now(fleet, group, &voters);
		if (node ? ha_is_voter(&voters, node->id) : ha_network(fleet, group) == network)
			cells_touch_voters(set, fleet, group);
	}
}

void cells_touch_groups_of_site(struct cell_set *set, const struct fleet *fleet, const char *site)
{
	struct fleet_object *group;

	for (size_t at = 0; site && fleet_next(fleet, FLEET_HA_GROUP, &at, &group);) {
		if (group->as.ha.site && strcmp(group->as.ha.site, site) == 0)
			cells_touch_voters(set, fleet, group);
	}
}

void cells_own_groups(struct cell_set *set, const struct fleet *fleet,
		      const struct fleet_object *node)
{
	struct fleet_object *group;
	struct ha_voters voters;

	for (size_t at = 0; fleet_next(fleet, FLEET_HA_GROUP, &at, &group);) {
		ha_voters_now(fleet, group, &voters);
		if (ha_is_voter(&voters, node->id))
			cell_add(set, CELL_HA, node->id, group->id, 0);
	}
}
