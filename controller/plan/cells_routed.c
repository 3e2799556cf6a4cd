// Which cells of a routed segment an edit touches.
#include "plan/cells.h"
#include "plan/ways.h"

void cells_touch_paths(struct cell_set *set, const struct segment_view *view,
		       const struct fleet_object *node)
{
	for (size_t i = 0; i < view->count && view->segment->as.segment.is_routed; i++) {
		const int64_t other = view->members[i].node->id;

		cell_add(set, CELL_PATH, node->id, view->segment->id, other);
		cell_add(set, CELL_PATH, other, view->segment->id, node->id);
	}
}

void cells_touch_paths_through(struct cell_set *set, const struct fleet *fleet,
			       const struct segment_view *view, const struct fleet_object *node)
{
	const struct segment_member *m = view->members, *by = segment_member_find(view, node);
	struct ways ways;

	for (size_t i = 0; by && view->segment->as.segment.is_routed && i < view->count; i++) {
		for (size_t k = i + 1; k < view->count; k++) {
			if (&m[i] == by || &m[k] == by)
				continue;
			ways_between(fleet, view, &m[i], &m[k], &ways);
			if (!ways_lead_by(&ways, by))
				continue;
			cell_add(set, CELL_PATH, m[i].node->id, view->segment->id, m[k].node->id);
			cell_add(set, CELL_PATH, m[k].node->id, view->segment->id, m[i].node->id);
		}
	}
}

void cells_touch_routed_link(struct cell_set *set, struct fleet *fleet,
			     struct fleet_object *segment, const struct fleet_object *a,
			     const struct fleet_object *b)
{
	const struct segment_view *view =
		segment->as.segment.is_routed ? fleet_segment(fleet, segment) : NULL;

	if (!view)
		return;
	cell_add(set, CELL_OWNER, a->id, segment->id, b->id);
	cell_add(set, CELL_OWNER, b->id, segment->id, a->id);
	cells_touch_paths(set, view, a);
	cells_touch_paths(set, view, b);
}
