// Resources in memory and the edits that put one in the place of another.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intent/parts.h"

void id_key(char key[ID_KEY_SIZE], int64_t id)
{
	(void)snprintf(key, ID_KEY_SIZE, "%lld", (long long)id);
}

struct resource *resource_ref(struct resource *r)
{
	if (r)
		r->refs++;
	return r;
}

void resource_unref(struct resource *r)
{
	if (!r || --r->refs > 0)
		return;
	fleet_object_unref(r->object);
	json_decref(r->spec);
	json_decref(r->facts);
	free(r->name);
	free(r->set);
	free(r);
}

struct resource *resource_new(const struct resource *from, const struct resource_parts *parts)
{
	CLEAN(resource_unref_ptr) struct resource *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->refs = 1;
	if (from)
		r->pub = from->pub;
	r->kind = parts->kind;
	r->name = strdup(parts->name);
	r->set = parts->set ? strdup(parts->set) : NULL;
	r->spec = json_incref((json_t *)parts->spec);
	r->facts = json_incref((json_t *)parts->facts);
	if (!r->name || !r->spec || (parts->set && !r->set))
		return NULL;
	r->pub.id = parts->id;
	r->pub.kind = kinds[parts->kind].name;
	r->pub.name = r->name;
	r->pub.set = r->set;
	r->pub.spec = r->spec;
	return take_ptr(&r);
}

struct resource *resource_find(const struct intent *intent, enum kind_id kind, const char *name)
{
	return map_get(intent->by_name[kind], name);
}

struct resource *resource_find_id(const struct intent *intent, int64_t id)
{
	char key[ID_KEY_SIZE];

	id_key(key, id);
	return map_get(intent->by_id, key);
}

void edits_done(struct edits *edits)
{
	for (size_t i = 0; i < edits->count; i++) {
		resource_unref(edits->items[i].before);
		resource_unref(edits->items[i].after);
	}
	free(edits->items);
	*edits = (struct edits){ 0 };
}

int edits_add(struct edits *edits, struct resource *before, struct resource *after)
{
	if (edits->count == edits->cap) {
		size_t cap = edits->cap ? edits->cap * 2 : 8;
		struct edit *items = reallocarray(edits->items, cap, sizeof *items);

		if (!items) {
			resource_unref(after);
			return -ENOMEM;
		}
		edits->items = items;
		edits->cap = cap;
	}
	bool is_none = before && after && strcmp(before->name, after->name) == 0 &&
		       json_equal(before->spec, after->spec) && before->facts == after->facts &&
		       (before->set == after->set ||
			(before->set && after->set && strcmp(before->set, after->set) == 0));
	edits->items[edits->count++] =
		(struct edit){ .before = resource_ref(before), .after = after, .is_none = is_none };
	edits->has_deletion = edits->has_deletion || !after;
	return 0;
}

bool edits_hold(const struct edits *edits, const struct resource *before)
{
	for (size_t i = 0; i < edits->count; i++) {
		if (edits->items[i].before == before)
			return true;
	}
	return false;
}

const char *edit_action(const struct edit *edit)
{
	if (edit->is_none)
		return "none";
	if (!edit->before)
		return "create";
	if (!edit->after)
		return "delete";
	return strcmp(edit->before->name, edit->after->name) == 0 ? "update" : "rename";
}

bool edits_are_empty(const struct edits *edits)
{
	for (size_t i = 0; i < edits->count; i++) {
		if (!edits->items[i].is_none)
			return false;
	}
	return true;
}

int edits_fleet(const struct edits *edits, struct fleet_edit **ret_items, size_t *ret_count)
{
	struct fleet_edit *items = calloc(edits->count + 1, sizeof *items);
	size_t count = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *e = &edits->items[i];
		struct fleet_object *before = e->before ? e->before->object : NULL;
		struct fleet_object *after = e->after ? e->after->object : NULL;

		if (before != after)
			items[count++] = (struct fleet_edit){ before, after };
	}
	*ret_items = items;
	*ret_count = count;
	return 0;
}

static void resource_leave(struct intent *intent, struct resource *r)
{
	char key[ID_KEY_SIZE];

	if (map_get(intent->by_name[r->kind], r->name) == r)
		(void)map_drop(intent->by_name[r->kind], r->name);
	id_key(key, r->pub.id);
	(void)map_drop(intent->by_id, key);
}

static int resource_enter(struct intent *intent, struct resource *r)
{
	char key[ID_KEY_SIZE];

	id_key(key, r->pub.id);
	if (map_set(intent->by_id, key, r) < 0)
		return -ENOMEM;
	(void)resource_ref(r);
	return map_set(intent->by_name[r->kind], r->name, r);
}

static int edits_show(struct intent *intent, const struct edits *edits, bool is_after)
{
	int rc = 0;

	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *e = &edits->items[i];
		struct resource *out = is_after ? e->before : e->after;

		if (out)
			resource_leave(intent, out);
	}
	for (size_t i = 0; i < edits->count && rc == 0; i++) {
		const struct edit *e = &edits->items[i];
		struct resource *in = is_after ? e->after : e->before;

		if (in)
			rc = resource_enter(intent, in);
	}
	return rc;
}

int edits_apply(struct intent *intent, const struct edits *edits)
{
	CLEAN(free_ptr) struct fleet_edit *items = NULL;
	size_t count;

	if (edits_fleet(edits, &items, &count) < 0)
		return -ENOMEM;
	if (edits_show(intent, edits, true) < 0 || fleet_apply(intent->fleet, items, count) < 0) {
		(void)edits_show(intent, edits, false);
		return -ENOMEM;
	}
	return 0;
}

void edits_revert(struct intent *intent, const struct edits *edits)
{
	CLEAN(free_ptr) struct fleet_edit *items = NULL;
	size_t count;

	// What is put back was there a moment ago; without it memory would not tell the truth any
	// more.
	if (edits_show(intent, edits, false) < 0 || edits_fleet(edits, &items, &count) < 0 ||
	    fleet_revert(intent->fleet, items, count) < 0)
		abort();
}
