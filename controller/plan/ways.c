// The ways between two nodes of a routed segment: the direct one, and those through one other node.
#include "plan/ways.h"

#include <string.h>

static struct way way_over(const struct fleet *fleet, const struct fleet_object *network,
			   const char *a, const char *by, const char *b)
{
	const struct fleet_link *near = fleet_override(fleet, network->name, a, by ? by : b);
	const struct fleet_link *far = by ? fleet_override(fleet, network->name, by, b) : NULL;

	return (struct way){
		.is_standby = (near && near->is_standby) || (far && far->is_standby),
		.is_drained = (near && near->is_drained) || (far && far->is_drained),
	};
}

void ways_between(const struct fleet *fleet, const struct segment_view *view,
		  const struct segment_member *a, const struct segment_member *b,
		  struct ways *ret_ways)
{
	const struct fleet_object *network = view->network;
	const char *from = a->node->name, *to = b->node->name;
	int number = 1;

	ret_ways->count = 0;
	if (network_is_linked(fleet, network, from, to))
		ret_ways->items[ret_ways->count++] = way_over(fleet, network, from, NULL, to);
	for (size_t i = 0; i < view->count && number <= WAYS_THROUGH; i++) {
		const struct segment_member *by = &view->members[i];
		const char *name = by->node->name;

		if (by == a || by == b || !network_is_linked(fleet, network, from, name) ||
		    !network_is_linked(fleet, network, name, to))
			continue;
		struct way *way = &ret_ways->items[ret_ways->count++];
		*way = way_over(fleet, network, from, name, to);
		way->number = number++;
		way->by = by;
		way->is_drained = way->is_drained || by->node->as.node.is_drained;
	}
}

bool ways_lead_by(const struct ways *ways, const struct segment_member *by)
{
	for (size_t i = 0; i < ways->count; i++) {
		if (ways->items[i].by == by)
			return true;
	}
	return false;
}
