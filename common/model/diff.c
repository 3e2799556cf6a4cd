#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/json.h"

struct diff {
	json_diff_fn fn;
	void *data;
	struct text path;
};

static int diff_values(struct diff *d, const json_t *before, const json_t *after);

// Puts the path back to its former length.
static void path_cut(struct text *path, size_t len)
{
	path->len = len;
	if (path->data)
		path->data[len] = '\0';
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Adds the object's names that are not in `other`; returns how many.
static size_t collect_names(const json_t *object, const json_t *other, const char **names)
{
	size_t len = 0;
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)object, key, value)
	{
		if (!other || !json_object_get(other, key))
			names[len++] = key;
	}
	return len;
}

static int diff_objects(struct diff *d, const json_t *before, const json_t *after)
{
	size_t most = json_object_size(before) + json_object_size(after);
	CLEAN(free_ptr) const char **names = calloc(most + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	size_t len = collect_names(before, NULL, names);
	len += collect_names(after, before, names + len);
	qsort(names, len, sizeof(*names), compare_names);
	size_t base = d->path.len;
	for (size_t i = 0; i < len; i++) {
		if (base > 0)
			text_add(&d->path, ".");
		text_add(&d->path, names[i]);
		int r = diff_values(d, json_object_get(before, names[i]),
				    json_object_get(after, names[i]));
		if (r < 0)
			return r;
		path_cut(&d->path, base);
	}
	return 0;
}

static int diff_arrays(struct diff *d, const json_t *before, const json_t *after)
{
	size_t base = d->path.len;
	for (size_t i = 0; i < json_array_size(before); i++) {
		text_addf(&d->path, "[%zu]", i);
		int r = diff_values(d, json_array_get(before, i), json_array_get(after, i));
		if (r < 0)
			return r;
		path_cut(&d->path, base);
	}
	return 0;
}

static int diff_values(struct diff *d, const json_t *before, const json_t *after)
{
	if (json_is_object(before) && json_is_object(after))
		return diff_objects(d, before, after);
	if (json_is_array(before) && json_is_array(after) &&
	    json_array_size(before) == json_array_size(after))
		return diff_arrays(d, before, after);
	if (before && after && json_equal(before, after))
		return 0;
	if (!before && !after)
		return 0;
	if (d->path.failed)
		return -ENOMEM;
	d->fn(d->path.data ? d->path.data : "", before, after, d->data);
	return 0;
}

int json_diff(const json_t *before, const json_t *after, json_diff_fn fn, void *data)
{
	struct diff d = { .fn = fn, .data = data };
	// Something that appears or goes is told field by field as well.
	json_auto_t *nothing = json_object();
	if (!nothing)
		return -ENOMEM;
	if (!before && json_is_object(after))
		before = nothing;
	else if (!after && json_is_object(before))
		after = nothing;
	int r = diff_values(&d, before, after);
	text_free(&d.path);
	return r;
}

struct diff_list {
	json_t *list;
	int failed;
};

static void append_field(const char *path, const json_t *before, const json_t *after, void *data)
{
	struct diff_list *to = data;
	json_t *field = json_pack("{s:s}", "path", path);
	if (before)
		to->failed |= json_object_set(field, "before", (json_t *)before);
	if (after)
		to->failed |= json_object_set(field, "after", (json_t *)after);
	to->failed |= json_array_append_new(to->list, field);
}

json_t *json_diff_list(const json_t *before, const json_t *after)
{
	struct diff_list to = { .list = json_array() };
	if (!to.list || json_diff(before, after, append_field, &to) < 0 || to.failed) {
		json_decref(to.list);
		return NULL;
	}
	return to.list;
}
