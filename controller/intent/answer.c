// What changed, as JSON: per resource and per node.
#include <string.h>

#include "intent/parts.h"

static json_t *fields_json(const struct edit *e)
{
	json_auto_t *before = e->before ? json_incref(e->before->spec) : NULL;
	json_auto_t *after = e->after ? json_incref(e->after->spec) : NULL;
	bool is_facts = e->before && e->after && e->before->facts != e->after->facts;

	// Facts are shown as if they were fields.
	if (is_facts && json_equal(before, after)) {
		json_decref(before);
		json_decref(after);
		before = json_pack("{s:O*}", "facts", e->before->facts);
		after = json_pack("{s:O*}", "facts", e->after->facts);
	}
	json_t *list = json_diff_list(before, after);
	if (list && edit_action(e)[0] == 'r')
		(void)json_array_insert_new(list, 0,
					    json_pack("{s:s, s:s, s:s}", "path", "name", "before",
						      e->before->name, "after", e->after->name));
	return list;
}

json_t *changes_json(const struct edits *edits)
{
	json_t *list = json_array();

	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *e = &edits->items[i];
		const struct resource *r = e->after ? e->after : e->before;

		(void)json_array_append_new(list,
					    json_pack("{s:s, s:s, s:s, s:o}", "kind", r->pub.kind,
						      "name", r->name, "action", edit_action(e),
						      "fields", fields_json(e)));
	}
	return list;
}

static const char *node_name(const struct intent *intent, const struct edits *edits, int64_t id)
{
	const struct resource *now = resource_find_id(intent, id);

	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *e = &edits->items[i];
		const struct resource *r = e->after ? e->after : e->before;

		if (r->pub.id == id)
			return r->name;
	}
	return now ? now->name : "";
}

json_t *deltas_json(const struct intent *intent, const struct edits *edits,
		    const struct plan_deltas *deltas)
{
	json_t *list = json_array();

	for (size_t i = 0; i < deltas->count; i++) {
		const struct plan_delta *d = &deltas->items[i];
		json_t *set = json_array(), *changed = json_array(), *drop = json_array();

		for (size_t k = 0; k < d->count; k++) {
			const struct plan_entry *e = &d->entries[k];
			json_t *of_body = e->is_changed ? changed : set;

			(void)json_array_append_new(e->body ? of_body : drop, json_string(e->key));
		}
		(void)json_array_append_new(list,
					    json_pack("{s:s, s:o, s:o, s:o}", "name",
						      node_name(intent, edits, d->node_id), "set",
						      set, "changed", changed, "drop", drop));
	}
	return list;
}
