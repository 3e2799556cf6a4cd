#include "cli/diff.h"

#include <string.h>

#include "base/clean.h"

#include "cli/terminal.h"
#include "cli/value.h"

struct diff_action {
	const char *name;
	const char *mark;
	const char *colour;
	const char *done;
	const char *planned;
	bool has_both; // its fields have a value before and one after
	bool is_rare;  // the summary names it only if there is one
};

static const struct diff_action actions[] = {
	{ "create", "+", COLOUR_GREEN, "created", "to create", false, false },
	{ "update", "~", COLOUR_YELLOW, "updated", "to update", true, false },
	{ "delete", "-", COLOUR_RED, "deleted", "to delete", false, false },
	{ "rename", ">", COLOUR_YELLOW, "renamed", "to rename", true, true },
};

static const struct diff_action *action_of(const json_t *change)
{
	const char *name = json_string_value(json_object_get(change, "action"));
	for (size_t i = 0; name && i < ARRAY_LEN(actions); i++) {
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	}
	return NULL;
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));
	return s ? s : "?";
}

static void add_field(struct text *t, const json_t *field, const struct diff_action *action)
{
	text_add(t, "    ");
	value_add_clean(t, string_of(field, "path"));
	text_add(t, ": ");
	const json_t *before = json_object_get(field, "before");
	const json_t *after = json_object_get(field, "after");
	if (before || action->has_both) {
		value_add(t, before);
		text_add(t, *action->mark == '-' ? "" : " → ");
	}
	if (after || action->has_both)
		value_add(t, after);
	text_add(t, "\n");
}

static void add_change(struct text *t, const json_t *change, const struct diff_style *style)
{
	const struct diff_action *action = action_of(change);
	if (!action)
		return;
	text_add(t, style->is_coloured ? action->colour : "");
	text_addf(t, "%s ", action->mark);
	value_add_clean(t, string_of(change, "kind"));
	text_add(t, "/");
	value_add_clean(t, string_of(change, "name"));
	text_add(t, style->is_coloured ? COLOUR_OFF "\n" : "\n");
	size_t at;
	const json_t *field;
	json_array_foreach(json_object_get(change, "fields"), at, field)
	{
		add_field(t, field, action);
	}
}

static void add_keys(struct text *t, const json_t *keys, const struct diff_action *action,
		     bool is_coloured)
{
	size_t at;
	const json_t *key;
	json_array_foreach(keys, at, key)
	{
		text_add(t, is_coloured ? action->colour : "");
		text_addf(t, "    %s ", action->mark);
		value_add_clean(t, json_is_string(key) ? json_string_value(key) : "?");
		text_add(t, is_coloured ? COLOUR_OFF "\n" : "\n");
	}
}

// An answer that tells new from changed entries has them apart as `changed`; else both are in
// `set`.
static void add_node(struct text *t, const json_t *node, const struct diff_style *style)
{
	const json_t *set = json_object_get(node, "set");
	const json_t *changed = json_object_get(node, "changed");
	const json_t *drop = json_object_get(node, "drop");
	text_add(t, "  ");
	value_add_clean(t, string_of(node, "name"));
	if (changed)
		text_addf(t, ": +%zu ~%zu -%zu entries\n", json_array_size(set),
			  json_array_size(changed), json_array_size(drop));
	else
		text_addf(t, ": %zu set, %zu dropped\n", json_array_size(set),
			  json_array_size(drop));
	if (!style->is_verbose)
		return;
	add_keys(t, set, &actions[changed ? 0 : 1], style->is_coloured);
	add_keys(t, changed, &actions[1], style->is_coloured);
	add_keys(t, drop, &actions[2], style->is_coloured);
}

static void add_summary(struct text *t, const json_t *result, const struct diff_style *style)
{
	size_t counts[ARRAY_LEN(actions)] = { 0 };
	size_t at;
	const json_t *change;
	json_array_foreach(json_object_get(result, "changes"), at, change)
	{
		const struct diff_action *action = action_of(change);
		if (action)
			counts[action - actions]++;
	}
	text_add(t, style->is_coloured ? COLOUR_BOLD : "");
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (counts[i] > 0 || !actions[i].is_rare)
			text_addf(t, "%s%zu %s", i ? ", " : "", counts[i],
				  style->is_done ? actions[i].done : actions[i].planned);
	}
	text_addf(t, " on %zu node%s", json_array_size(json_object_get(result, "nodes")),
		  json_array_size(json_object_get(result, "nodes")) == 1 ? "" : "s");
	const json_t *revision = json_object_get(result, "revision");
	if (style->is_done && json_is_integer(revision))
		text_addf(t, ", revision %lld", (long long)json_integer_value(revision));
	text_add(t, style->is_coloured ? COLOUR_OFF "\n" : "\n");
}

bool diff_any(const json_t *result)
{
	size_t at;
	const json_t *change;
	json_array_foreach(json_object_get(result, "changes"), at, change)
	{
		if (action_of(change))
			return true;
	}
	return false;
}

void diff_render(struct text *t, const json_t *result, const struct diff_style *style)
{
	size_t at;
	const json_t *one;
	if (!diff_any(result)) {
		text_add(t, style->is_done ? "Nothing to do.\n" : "No differences.\n");
		return;
	}
	json_array_foreach(json_object_get(result, "changes"), at, one)
	{
		add_change(t, one, style);
	}
	const json_t *nodes = json_object_get(result, "nodes");
	if (json_array_size(nodes) > 0)
		text_add(t, "\n");
	json_array_foreach(nodes, at, one)
	{
		add_node(t, one, style);
	}
	text_add(t, "\n");
	add_summary(t, result, style);
}
