#include "plan/overlap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "plan/numbers.h"

void prefix_list_done(struct prefix_list *list)
{
	free(list->items);
	*list = (struct prefix_list){ 0 };
}

static int list_add(struct prefix_list *list, const struct prefix *prefix,
		    const struct fleet_object *owner, int index)
{
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 32;
		struct prefix_use *items = reallocarray(list->items, cap, sizeof *items);

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->cap = cap;
	}
	list->items[list->count++] =
		(struct prefix_use){ prefix_of(&prefix->address, prefix->length), owner, index };
	return 0;
}

// Position of the written prefix of a family in `pool`, -1 when it was allocated.
static int pool_position(const struct fleet_object *owner, int family)
{
	const json_t *list = json_object_get(owner->spec, "pool"), *item;
	struct prefix p;
	size_t i;

	json_array_foreach((json_t *)list, i, item)
	{
		if (json_is_string(item) && prefix_parse(json_string_value(item), &p, NULL) == 0 &&
		    p.address.family == family)
			return (int)i;
	}
	return -1;
}

static int add_pools(const struct fleet *fleet, struct prefix_list *list, enum fleet_kind kind)
{
	struct fleet_object *o;
	struct prefix pool;

	for (size_t at = 0; fleet_next(fleet, kind, &at, &o);) {
		for (int family = 4; family <= 6; family += 2) {
			if (fleet_pool(fleet, o, family, &pool) &&
			    list_add(list, &pool, o, pool_position(o, family)) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int add_lans(const struct fleet *fleet, struct prefix_list *list)
{
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_SITE, &at, &o);) {
		for (size_t i = 0; i < o->as.site.lan_count; i++) {
			if (list_add(list, &o->as.site.lan[i], o, (int)i) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int add_reported(const struct fleet *fleet, struct prefix_list *list)
{
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_NODE, &at, &o);) {
		for (size_t i = 0; i < o->as.node.local_count; i++) {
			if (list_add(list, &o->as.node.locals[i], o, -1) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

int prefix_list_of_fleet(const struct fleet *fleet, struct prefix_list *list, bool with_reported)
{
	if (add_pools(fleet, list, FLEET_NETWORK) < 0 ||
	    add_pools(fleet, list, FLEET_SEGMENT) < 0 || add_lans(fleet, list) < 0)
		return -ENOMEM;
	return with_reported ? add_reported(fleet, list) : 0;
}

// ---- the check ----

static int use_compare(const void *x, const void *y)
{
	const struct prefix_use *a = x, *b = y;
	int order = address_compare(&a->prefix.address, &b->prefix.address);

	if (order == 0)
		order = (int)a->prefix.length - (int)b->prefix.length;
	return order ? order : (a < b ? -1 : a > b);
}

static char *use_field(const struct prefix_use *use)
{
	const char *field = use->owner->kind == FLEET_SITE ? "lan" : "pool";

	if (use->index < 0)
		return text_format("%s.%s.%s", fleet_kind_name(use->owner->kind), use->owner->name,
				   field);
	return text_format("%s.%s.%s[%d]", fleet_kind_name(use->owner->kind), use->owner->name,
			   field, use->index);
}

static bool is_edited(const struct map *edited, const struct fleet_object *owner)
{
	char key[OWNER_TEXT_SIZE];

	owner_text(key, fleet_kind_name(owner->kind), owner->id);
	return map_get(edited, key) != NULL;
}

// The field at fault is one that the edits wrote; a written one rather than an allocated one.
static bool is_at_fault(const struct prefix_use *a, const struct prefix_use *b,
			const struct map *edited)
{
	bool a_edited = is_edited(edited, a->owner), b_edited = is_edited(edited, b->owner);

	if (a_edited != b_edited)
		return a_edited;
	if ((a->index < 0) != (b->index < 0))
		return a->index >= 0;
	// Pools are named before LANs, as they are easier to change.
	return (a->owner->kind != FLEET_SITE) >= (b->owner->kind != FLEET_SITE);
}

static void report_overlap(const struct prefix_use *a, const struct prefix_use *b,
			   const struct map *edited, struct problem_list *problems)
{
	const struct prefix_use *at = is_at_fault(a, b, edited) ? a : b;
	const struct prefix_use *other = at == a ? b : a;
	CLEAN(free_ptr) char *field = use_field(at);
	CLEAN(free_ptr) char *other_field = use_field(other);
	char text[PREFIX_TEXT_SIZE], other_text[PREFIX_TEXT_SIZE];

	if (field && other_field)
		problem_add(problems, field, "%s overlaps %s %s", prefix_format(&at->prefix, text),
			    other_field, prefix_format(&other->prefix, other_text));
}

void prefix_list_check(struct prefix_list *list, struct map *edited, struct problem_list *problems)
{
	const struct prefix_use *open = NULL;

	if (list->count > 1)
		qsort(list->items, list->count, sizeof *list->items, use_compare);
	// Sorted by address, a prefix stands before those that it contains.
	for (size_t i = 0; i < list->count; i++) {
		const struct prefix_use *use = &list->items[i];

		if (!open || !prefix_overlaps(&open->prefix, &use->prefix)) {
			open = use;
			continue;
		}
		if (is_edited(edited, open->owner) || is_edited(edited, use->owner))
			report_overlap(open, use, edited, problems);
	}
}
