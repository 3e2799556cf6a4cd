#include "plan/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/generate.h"

#define BATCH_CELLS     20000
#define DELTA_BYTES_MAX (64u << 20) // of all nodes together; beyond it agents resync instead

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
struct change {
	struct fleet *fleet;
	const struct fleet_edit *edits;
	size_t edit_count;
	struct plan_deltas deltas;
	size_t bytes;
};

static void look_back(const struct change *c)
{
	(void)fleet_revert(c->fleet, c->edits, c->edit_count);
	alloc_rewind(c->fleet->alloc);
	fleet_views_drop(c->fleet);
}

static void look_forward(const struct change *c)
{
	alloc_replay(c->fleet->alloc);
	if (fleet_apply(c->fleet, c->edits, c->edit_count) < 0)
		abort(); // the very objects were in these maps a moment ago
}

// ---- comparing ----

static struct plan_delta *delta_of(struct change *c, int64_t node_id)
{
	struct plan_deltas *d = &c->deltas;

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
static int delta_add(struct change *c, struct plan_delta *delta, struct plan_entry entry)
{
	c->bytes += strlen(entry.key) + (entry.body ? strlen(entry.body) : 0);
	if (c->bytes > DELTA_BYTES_MAX) {
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
static int compare_one(struct change *c, struct made_entry *before, struct made_entry *after)
{
	struct made_entry *named = after ? after : before;

	if (!named || (before && after && strcmp(before->body, after->body) == 0))
		return 0;
	struct plan_delta *delta = delta_of(c, named->node);
	if (!delta)
		return -ENOMEM;
	if (before)
		digest_add(&delta->removed,
			   digest_of_entry(before->key, before->body, strlen(before->body)));
	if (after)
		digest_add(&delta->added,
			   digest_of_entry(after->key, after->body, strlen(after->body)));
	return delta_add(c, delta,
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

static int compare_lists(struct change *c, struct entry_list *before, struct entry_list *after)
{
	size_t i = 0, k = 0;
	int rc = 0;

	entry_list_sort(before);
	entry_list_sort(after);
	while (rc == 0 && (i < before->count || k < after->count)) {
		struct made_entry *a = i < before->count ? &before->items[i] : NULL;
		struct made_entry *b = k < after->count ? &after->items[k] : NULL;
		int order = a && b ? made_order(a, b) : a ? -1 : 1;

		rc = compare_one(c, order <= 0 ? a : NULL, order >= 0 ? b : NULL);
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}

static int plan_batch(struct change *c, const struct cell *cells, size_t count)
{
	CLEAN(entry_list_done) struct entry_list before = { 0 };
	CLEAN(entry_list_done) struct entry_list after = { 0 };

	for (size_t i = 0; i < count; i++)
		generate_cell(c->fleet, &cells[i], &after);
	look_back(c);
	for (size_t i = 0; i < count; i++)
		generate_cell(c->fleet, &cells[i], &before);
	look_forward(c);
	if (before.failed || after.failed)
		return -ENOMEM;
	return compare_lists(c, &before, &after);
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

static int find_cells(const struct change *c, struct cell_set *set)
{
	CLEAN(mtu_list_done) struct mtu_list mtus = { 0 };
	int rc;

	for (size_t i = 0; i < c->edit_count; i++)
		cells_touch(set, c->fleet, c->edits[i].after, c->edits[i].before);
	look_back(c);
	for (size_t i = 0; i < c->edit_count; i++)
		cells_touch(set, c->fleet, c->edits[i].before, c->edits[i].after);
	rc = note_mtus(c->fleet, set, &mtus);
	look_forward(c);
	if (rc == 0)
		touch_mtus(c->fleet, set, &mtus);
	cell_set_settle(set);
	return set->failed ? -ENOMEM : rc;
}

// A node's cells are never parted, so that its delta is made in one piece.
static size_t batch_end(const struct cell_set *set, size_t from)
{
	size_t end = from + BATCH_CELLS;

	if (end >= set->count)
		return set->count;
	while (end < set->count && set->items[end].node == set->items[end - 1].node)
		end++;
	return end;
}

int plan_change(struct fleet *fleet, const struct fleet_edit *edits, size_t count,
		struct plan_deltas *ret_deltas, struct err *err)
{
	CLEAN(cell_set_done) struct cell_set set = { 0 };
	struct change c = { .fleet = fleet, .edits = edits, .edit_count = count };
	int rc = find_cells(&c, &set);

	for (size_t at = 0; at < set.count && rc == 0;) {
		size_t end = batch_end(&set, at);

		rc = plan_batch(&c, &set.items[at], end - at);
		at = end;
	}
	if (rc < 0) {
		plan_deltas_done(&c.deltas);
		return err_set(err, rc, "the plan: out of memory");
	}
	*ret_deltas = c.deltas;
	return 0;
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
	for (size_t i = 0; i < set.count; i++)
		generate_cell(fleet, &set.items[i], &list);
	if (set.failed || list.failed)
		return -ENOMEM;
	entry_list_sort(&list);
	for (size_t i = 0; i < list.count && rc == 0; i++)
		rc = each(arg, list.items[i].key, list.items[i].body);
	return rc;
}
