#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "model/kinds.h"
#include "model/net.h"

struct walk {
	const struct kind_reference *reference;
	struct text path;
	kind_reference_fn fn;
	void *data;
	// Set for a rename: the spec is changed in place.
	const char *old_name;
	const char *new_name;
	int renamed;
};

// Whether the first `len` bytes name the kind of what a reference is to.
static bool is_of_kind(const struct kind *k, const char *text, size_t len)
{
	return (strlen(k->singular) == len && strncmp(k->singular, text, len) == 0) ||
	       (k->word && strlen(k->word) == len && strncmp(k->word, text, len) == 0);
}

const char *kind_reference_name(enum kind_id to, const char *text, struct err *err)
{
	const char *slash = strchr(text, '/');
	if (!slash)
		return text;
	if (is_of_kind(&kinds[to], text, (size_t)(slash - text)))
		return slash + 1;
	(void)err_set(err, -EINVAL, "\"%.200s\" does not name a %s", text, kinds[to].singular);
	return NULL;
}

// The plain name in `text`, which stays valid as long as `copy`; NULL with `ret_is_other` when the
// text is no reference of this kind at all.
static const char *name_in(const struct kind_reference *ref, const char *text,
			   char copy[KIND_NAME_MAX + 1], bool *ret_is_other)
{
	const char *slash = strchr(text, '/');
	const size_t len = slash ? (size_t)(slash - text) : strlen(text);

	*ret_is_other = false;
	if (ref->form == KIND_FORM_NAME)
		return kind_reference_name(ref->to, text, NULL);
	if (ref->form == KIND_FORM_HEAD) {
		(void)snprintf(copy, KIND_NAME_MAX + 1, "%.*s", (int)len, text);
		return copy;
	}
	*ret_is_other = !slash || !is_of_kind(&kinds[ref->to], text, len);
	return *ret_is_other ? NULL : slash + 1;
}

// The text with another name in it, in the form in which it was written. The caller frees; NULL:
// out of memory.
static char *text_renamed(const struct walk *w, const char *text)
{
	const char *slash = strchr(text, '/');

	if (w->reference->form == KIND_FORM_HEAD)
		return text_format("%s%s", w->new_name, slash ? slash : "");
	if (!slash)
		return text_format("%s", w->new_name);
	return text_format("%.*s/%s", (int)(slash - text), text, w->new_name);
}

static int visit_string(struct walk *w, json_t *value)
{
	const char *text = json_string_value(value);
	char copy[KIND_NAME_MAX + 1];
	bool is_other;
	if (!text)
		return 0;
	const char *name = name_in(w->reference, text, copy, &is_other);
	if (w->path.failed)
		return -ENOMEM;
	if (is_other)
		return 0;
	if (w->fn) {
		struct kind_reference_at at = { .path = w->path.data ? w->path.data : "",
						.text = text,
						.name = name,
						.to = w->reference->to };
		return w->fn(&at, w->data);
	}
	if (!name || strcmp(name, w->old_name) != 0)
		return 0;
	CLEAN(free_ptr) char *renamed = text_renamed(w, text);
	if (!renamed || json_string_set(value, renamed) < 0)
		return -ENOMEM;
	w->renamed++;
	return 0;
}

static void path_cut(struct text *path, size_t len)
{
	path->len = len;
	if (path->data)
		path->data[len] = '\0';
}

// Follows `pattern` ("links[][]", "a.b[]") below `value`.
static int walk_value(struct walk *w, json_t *value, const char *pattern)
{
	size_t base = w->path.len;
	int r = 0;
	if (!value)
		return 0;
	if (*pattern == '\0')
		return visit_string(w, value);
	if (*pattern == '[') {
		for (size_t i = 0; r == 0 && i < json_array_size(value); i++) {
			text_addf(&w->path, "[%zu]", i);
			r = walk_value(w, json_array_get(value, i), pattern + 2);
			path_cut(&w->path, base);
		}
		return r;
	}
	if (*pattern == '.') {
		text_add(&w->path, ".");
		pattern++;
	}
	size_t len = strcspn(pattern, ".[");
	char name[64];
	(void)snprintf(name, sizeof(name), "%.*s", (int)len, pattern);
	text_add(&w->path, name);
	r = walk_value(w, json_object_get(value, name), pattern + len);
	path_cut(&w->path, base);
	return r;
}

static int walk_all(struct walk *w, const struct kind *k, json_t *spec)
{
	int r = 0;
	for (w->reference = k->references; r == 0 && w->reference->path; w->reference++)
		r = walk_value(w, spec, w->reference->path);
	text_free(&w->path);
	return r;
}

int kind_walk_references(const struct kind *k, const json_t *spec, kind_reference_fn fn, void *data)
{
	struct walk w = { .fn = fn, .data = data };
	return walk_all(&w, k, (json_t *)spec);
}

int kind_rename_references(const struct kind *k, json_t *spec, enum kind_id to,
			   const char *old_name, const char *new_name)
{
	int total = 0;
	for (const struct kind_reference *ref = k->references; ref->path; ref++) {
		if (ref->to != to)
			continue;
		struct walk w = { .reference = ref, .old_name = old_name, .new_name = new_name };
		int r = walk_value(&w, spec, ref->path);
		text_free(&w.path);
		if (r < 0)
			return r;
		total += w.renamed;
	}
	return total;
}
