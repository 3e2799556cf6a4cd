#include "plan/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/generate.h"

#define STEP_ENTRIES    4000
#define LINKS_KEPT_MIN  64
#define DELTA_BYTES_MAX (32u << 20) // of all nodes together; beyond it agents resync instead

static void delta_entries_free(struct plan_delta *delta)
{
	for (size_t i = 0; i < delta->count; i++) {
		free(delta->entries[i].key);
		free(delta->entries[i].body);
	}
	free(delta->entries);
	delta->entries = NULL;
	delta->count = 0;
}

void plan_deltas_done(struct plan_deltas *deltas)
{
	for (size_t i = 0; i < deltas->count; i++)
		delta_entries_free(&deltas->items[i]);
	free(deltas->items);
	*deltas = (struct plan_deltas){ 0 };
}

// One change being planned: which states there are to look at, and what was found.
struct plan_work {
	struct fleet *fleet;
	const struct fleet_edit *edits;
	size_t edit_count;
	struct cell_set cells;
	size_t at; // the first cell that was not looked at
	struct map *links_before, *links_after;
	struct plan_deltas deltas;
	size_t bytes;
};

void plan_work_free(struct plan_work *work)
{
	if (!work)
		return;
	cell_set_done(&work->cells);
	map_free(work->links_before);
	map_free(work->links_after);
	plan_deltas_done(&work->deltas);
	free(work);
}

static void look_back(const struct plan_work *w)
{
	(void)fleet_revert(w->fleet, w->edits, w->edit_count);
	alloc_rewind(w->fleet->alloc);
}

static int look_forward(const struct plan_work *w)
{
	int rc = fleet_apply(w->fleet, w->edits, w->edit_count);

	if (rc == 0)
		alloc_replay(w->fleet->alloc);
	return rc;
}

// ---- comparing ----

static struct plan_delta *delta_of(struct plan_work *w, int64_t node_id)
{
	struct plan_deltas *d = &w->deltas;

	if (d->count > 0 && d->items[d->count - 1].node_id == node_id)
		return &d->items[d->count - 1];
	struct plan_delta *items = reallocarray(d->items, d->count + 1, sizeof *items);
	if (!items)
		return NULL;
	d->items = items;
	items[d->count] = (struct plan_delta){ .node_id = node_id, .is_whole = true };
	return &items[d->count++];
}

// Takes the strings.
static int delta_add(struct plan_work *w, struct plan_delta *delta, struct plan_entry entry)
{
	w->bytes += strlen(entry.key) + (entry.body ? strlen(entry.body) : 0);
	if (w->bytes > DELTA_BYTES_MAX) {
		delta_entries_free(delta);
		delta->is_whole = false;
	}
	struct plan_entry *entries =
		delta->is_whole ? reallocarray(delta->entries, delta->count + 1, sizeof *entries)
				: NULL;
	if (!entries) {
		free(entry.key);
		free(entry.body);
		return delta->is_whole ? -ENOMEM : 0;
	}
	delta->entries = entries;
	entries[delta->count++] = entry;
	return 0;
}

// `before` or `after` may be NULL. Strings that end up in the delta are taken from the lists.
static int compare_one(struct plan_work *w, struct made_entry *before, struct made_entry *after)
{
	struct made_entry *named = after ? after : before;

	if (!named || (before && after && strcmp(before->body, after->body) == 0))
		return 0;
	struct plan_delta *delta = delta_of(w, named->node);
	if (!delta)
		return -ENOMEM;
	if (before)
		digest_add(&delta->removed, before->digest);
	if (after)
		digest_add(&delta->added, after->digest);
	return delta_add(w, delta,
			 (struct plan_entry){ .key = take_ptr(&named->key),
					      .body = after ? take_ptr(&after->body) : NULL,
					      .is_changed = before && after });
}

static int made_order(const struct made_entry *a, const struct made_entry *b)
{
	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return strcmp(a->key, b->key);
}

static int compare_lists(struct plan_work *w, struct entry_list *before, struct entry_list *after)
{
	size_t i = 0, k = 0;
	int rc = 0;

	entry_list_sort(before);
	entry_list_sort(after);
	while (rc == 0 && (i < before->count || k < after->count)) {
		struct made_entry *a = i < before->count ? &before->items[i] : NULL;
		struct made_entry *b = k < after->count ? &after->items[k] : NULL;
		int order = a && b ? made_order(a, b) : a ? -1 : 1;

		rc = compare_one(w, order <= 0 ? a : NULL, order >= 0 ? b : NULL);
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}

// ---- finding the touched cells ----

struct segment_mtu {
	int64_t id;
	int mtu;
};

struct mtu_list {
	struct segment_mtu *items;
	size_t count;
};

static void mtu_list_done(struct mtu_list *list)
{
	free(list->items);
}

static bool is_noted(const struct cell_set *set, const struct fleet_object *network)
{
	char id[ID_TEXT_SIZE];

	(void)snprintf(id, sizeof id, "%lld", (long long)network->id);
	return set->networks && map_get(set->networks, id);
}

// The MTU of every segment on a network whose links were touched, as things are now.
static int note_mtus(struct fleet *fleet, const struct cell_set *set, struct mtu_list *list)
{
	struct fleet_object *o;

	list->items = calloc(map_size(fleet->by_id[FLEET_SEGMENT]) + 1, sizeof *list->items);
	if (!list->items)
		return -ENOMEM;
	for (size_t at = 0; fleet_next(fleet, FLEET_SEGMENT, &at, &o);) {
		const struct fleet_object *network =
			fleet_find(fleet, FLEET_NETWORK, o->as.segment.network);
		const struct segment_view *view =
			network && is_noted(set, network) ? fleet_segment(fleet, o) : NULL;

		if (view)
			list->items[list->count++] = (struct segment_mtu){ o->id, view->mtu };
	}
	return 0;
}

static void touch_mtus(struct fleet *fleet, struct cell_set *set, const struct mtu_list *before)
{
	for (size_t i = 0; i < before->count; i++) {
		struct fleet_object *o = fleet_find_id(fleet, FLEET_SEGMENT, before->items[i].id);
		const struct segment_view *view = o ? fleet_segment(fleet, o) : NULL;

		if (view && view->mtu != before->items[i].mtu)
			cells_touch_mtu(set, fleet, o);
	}
}

static int find_cells(struct plan_work *w)
{
	CLEAN(mtu_list_done) struct mtu_list mtus = { 0 };
	struct cell_set *set = &w->cells;

	cells_touch(set, w->fleet, w->edits, w->edit_count, true);
	look_back(w);
	cells_touch(set, w->fleet, w->edits, w->edit_count, false);
	int rc = note_mtus(w->fleet, set, &mtus);
	int forward = look_forward(w);
	if (rc < 0 || forward < 0)
		return -ENOMEM;
	touch_mtus(w->fleet, set, &mtus);
	cell_set_settle(set);
	return set->failed ? -ENOMEM : 0;
}

// ---- piece by piece ----

int plan_begin(struct fleet *fleet, const struct fleet_edit *edits, size_t count,
	       struct plan_work **ret_work, struct err *err)
{
	CLEAN(plan_work_free_ptr) struct plan_work *work = calloc(1, sizeof *work);

	if (work) {
		*work = (struct plan_work){ .fleet = fleet,
					    .edits = edits,
					    .edit_count = count,
					    .links_before = made_links_new(),
					    .links_after = made_links_new() };
	}
	if (!work || !work->links_before || !work->links_after || find_cells(work) < 0)
		return err_set(err, -ENOMEM, "the plan: out of memory");
	*ret_work = take_ptr(&work);
	return 0;
}

// A node's cells are never parted, so that its delta is made in one piece.
static size_t step_end(const struct plan_work *w)
{
	const struct cell_set *set = &w->cells;
	size_t end = w->at, entries = 0;

	while (end < set->count &&
	       (entries < STEP_ENTRIES || set->items[end].node == set->items[end - 1].node)) {
		entries += 1 + set->items[end].links;
		end++;
	}
	return end;
}

static void generate_cells(const struct plan_work *w, size_t end, struct map *links,
			   struct entry_list *out)
{
	for (size_t i = w->at; i < end; i++)
		generate_cell(w->fleet, &w->cells.items[i], links, out);
}

static int step(struct plan_work *w)
{
	CLEAN(entry_list_done) struct entry_list before = { 0 };
	CLEAN(entry_list_done) struct entry_list after = { 0 };
	size_t end = step_end(w);

	generate_cells(w, end, w->links_before, &before);
	if (look_forward(w) < 0)
		return -ENOMEM;
	generate_cells(w, end, w->links_after, &after);
	look_back(w);
	w->at = end;
	return before.failed || after.failed ? -ENOMEM : compare_lists(w, &before, &after);
}

int plan_step(struct plan_work *work, struct err *err)
{
	int rc = work->at < work->cells.count ? step(work) : 0;

	if (rc < 0)
		return err_set(err, rc, "the plan: out of memory");
	return work->at < work->cells.count;
}

void plan_take(struct plan_work *work, struct plan_deltas *ret_deltas)
{
	*ret_deltas = work->deltas;
	work->deltas = (struct plan_deltas){ 0 };
}

// Of nodes with many links, other nodes' plans are asked for as well, when it is the mesh that
// changed.
static struct map *links_kept(struct fleet *fleet, const struct cell_set *set)
{
	size_t links = 0;

	for (size_t i = 0; i < set->count; i++)
		links += set->items[i].links;
	if (links < LINKS_KEPT_MIN)
		return NULL;
	if (!fleet->links)
		fleet->links = made_links_new();
	return fleet->links;
}

int plan_node(struct fleet *fleet, int64_t node_id, plan_entry_fn *each, void *arg)
{
	CLEAN(cell_set_done) struct cell_set set = { 0 };
	CLEAN(entry_list_done) struct entry_list list = { 0 };
	const struct fleet_object *node = fleet_find_id(fleet, FLEET_NODE, node_id);
	int rc = 0;

	if (!node)
		return -ENOENT;
	cells_of_node(&set, fleet, node);
	cell_set_settle(&set);
	struct map *links = links_kept(fleet, &set);
	for (size_t i = 0; i < set.count; i++)
		generate_cell(fleet, &set.items[i], links, &list);
	if (set.failed || list.failed)
		return -ENOMEM;
	entry_list_sort(&list);
	for (size_t i = 0; i < list.count && rc == 0; i++)
		rc = each(arg, list.items[i].key, list.items[i].body);
	return rc;
}
