// Resources as they were: noted from edits or from the history, and brought back as edits.
#include <errno.h>
#include <string.h>

#include "intent/parts.h"

static json_t *item_new(const char *kind, int64_t id, const char *name, const json_t *spec,
			const char *set)
{
	return json_pack("{s:s, s:I, s:s, s:O?, s:s?}", "kind", kind, "id", (json_int_t)id, "name",
			 name, "spec", spec, "set", set);
}

json_t *restore_of_edits(const struct edits *edits)
{
	json_t *list = json_array();

	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *e = &edits->items[i];
		const struct resource *r = e->before ? e->before : e->after;

		if (!e->is_none)
			(void)json_array_append_new(list,
						    item_new(r->pub.kind, r->pub.id, r->name,
							     e->before ? e->before->spec : NULL,
							     e->before ? e->before->set : NULL));
	}
	return list;
}

// ---- from the history ----

static bool is_report(const json_t *spec)
{
	return json_object_get(spec, "facts") != NULL;
}

// The item that is about the same resource: by its id, or where rows of an older version have none,
// by the name it goes by at that moment ("now").
static json_t *item_of(const json_t *list, const struct store_change *change, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		json_int_t id = json_integer_value(json_object_get(item, "id"));
		const char *kind = json_string_value(json_object_get(item, "kind"));
		const char *now = json_string_value(json_object_get(item, "now"));

		if (id && change->resource_id) {
			if (id == change->resource_id)
				return item;
		} else if (strcmp(kind, change->kind) == 0 && strcmp(now, name) == 0) {
			return item;
		}
	}
	return NULL;
}

static int add_item(json_t *list, const struct store_change *change, const char *name,
		    const json_t *before, struct err *err)
{
	json_t *item =
		item_new(change->kind, change->resource_id, name, before, change->former_set);

	if (!item || json_object_set_new(item, "now", json_string(change->name)) < 0 ||
	    json_object_set_new(item, "revision", json_integer(change->revision)) < 0 ||
	    json_array_append_new(list, item) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

// A later row about a resource that is listed: only who it is may become clearer.
static int follow_item(json_t *item, const struct store_change *change, struct err *err)
{
	if ((change->resource_id &&
	     json_object_set_new(item, "id", json_integer(change->resource_id)) < 0) ||
	    json_object_set_new(item, "now", json_string(change->name)) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

int restore_add_change(json_t *list, const struct store_change *change, bool is_network,
		       struct err *err)
{
	json_auto_t *before = change->before ? json_loads(change->before, 0, NULL) : NULL;
	json_auto_t *after = change->after ? json_loads(change->after, 0, NULL) : NULL;
	const char *name = change->former_name ? change->former_name : change->name;

	if (is_report(before) || is_report(after) ||
	    (is_network && fleet_kind_parse(change->kind) == FLEET_KIND_COUNT))
		return 0;
	if ((change->before && !before) || (change->after && !after))
		return err_set(err, -EUCLEAN, "revision %lld is damaged in the database",
			       (long long)change->revision);
	if (!change->former_name && strcmp(change->action, "rename") == 0)
		return err_set(
			err, -EUCLEAN,
			"revision %lld renamed something to %s/%s and was written by a "
			"version that did not note the former name: no rollback goes past it",
			(long long)change->revision, change->kind, change->name);
	json_t *item = item_of(list, change, name);
	return item ? follow_item(item, change, err) : add_item(list, change, name, before, err);
}

// ---- as edits ----

static int no_memory(struct outcome *outcome)
{
	return outcome_set(outcome, INTENT_UNAVAILABLE, "out of memory");
}

static struct resource *resource_now(const struct intent *intent, const json_t *item,
				     enum kind_id kind)
{
	int64_t id = json_integer_value(json_object_get(item, "id"));
	const char *now = json_string_value(json_object_get(item, "now"));

	if (id)
		return resource_find_id(intent, id);
	return now ? resource_find(intent, kind, now) : NULL;
}

static int check_spec_again(struct intent *intent, const json_t *item, enum kind_id kind,
			    struct outcome *outcome)
{
	const char *name = json_string_value(json_object_get(item, "name"));
	struct problem_list problems = { 0 };
	struct err err = { 0 };

	// What an earlier version took may not be what this one takes.
	check_spec(intent, kind, name, json_object_get(item, "spec"), &problems);
	bool is_good = !problem_list_any(&problems);
	if (!is_good)
		(void)problem_list_err(&problems, &err);
	problem_list_done(&problems);
	return is_good ? 0
		       : outcome_set(outcome, INTENT_CONFLICT,
				     "%s/%s as it was is not valid any more: %.300s",
				     kinds[kind].name, name, err.text);
}

static int bring_back(struct intent *intent, const json_t *item, enum kind_id kind,
		      struct edits *edits, struct outcome *outcome)
{
	const char *name = json_string_value(json_object_get(item, "name"));
	int64_t id = json_integer_value(json_object_get(item, "id"));
	int64_t left = json_integer_value(json_object_get(item, "revision"));
	struct resource *now = resource_now(intent, item, kind);

	// A certificate names its node by the id.
	if (!now && !id && kind == KIND_NODES)
		return outcome_set(
			outcome, INTENT_CONFLICT,
			"nodes/%s left in revision %lld and would have to join anew: add "
			"it with `weft node add %s` first",
			name, (long long)left, name);
	if (check_spec_again(intent, item, kind, outcome) < 0)
		return -EINVAL;
	if (!now && !id)
		id = ++edits->last_id;
	struct resource_parts parts = {
		.kind = kind,
		.id = now ? now->pub.id : id,
		.name = name,
		.spec = json_object_get(item, "spec"),
		.set = json_string_value(json_object_get(item, "set")),
		.facts = now ? now->facts : NULL,
	};
	struct resource *after = resource_new(now, &parts);
	return after && edits_add(edits, now, after) == 0 ? 0 : no_memory(outcome);
}

// Does an edit make room at this name?
static bool leaves(const struct edits *edits, const struct resource *holder)
{
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *e = &edits->items[i];

		if (e->before == holder)
			return !e->after || strcmp(e->after->name, holder->name) != 0;
	}
	return false;
}

static int check_names(const struct intent *intent, const struct edits *edits,
		       struct outcome *outcome)
{
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *e = &edits->items[i];
		const struct resource *holder =
			e->after ? resource_find(intent, e->after->kind, e->after->name) : NULL;

		if (holder && holder != e->before && !leaves(edits, holder))
			return outcome_set(outcome, INTENT_CONFLICT,
					   "%s/%s is another one now: rename it first",
					   holder->pub.kind, holder->name);
	}
	return 0;
}

int restore_edits(struct intent *intent, const json_t *list, struct edits *edits,
		  struct outcome *outcome)
{
	size_t i;
	json_t *item;

	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		const struct kind *kind =
			kind_by_name(json_string_value(json_object_get(item, "kind")));
		struct resource *now = kind ? resource_now(intent, item, kind_id_of(kind)) : NULL;
		int rc = 0;

		if (kind && !json_is_null(json_object_get(item, "spec")))
			rc = bring_back(intent, item, kind_id_of(kind), edits, outcome);
		else if (now)
			rc = edits_add(edits, now, NULL) < 0 ? no_memory(outcome) : 0;
		if (rc < 0)
			return rc;
	}
	return check_names(intent, edits, outcome);
}
