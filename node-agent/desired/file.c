// The desired state on disk: {"revision": N, "digest": "…", "entries": {key: "the body's exact
// bytes"}}.
#include "base/file.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#include "desired/state.h"

CLEAN_FUNC(json_t, json_decref)

static int read_entries(const json_t *json, struct entry_set *entries, struct err *err)
{
	const char *key;
	json_t *body;
	json_object_foreach((json_t *)(uintptr_t)json, key, body)
	{
		if (!json_is_string(body))
			return err_set(err, -EINVAL, "entry %s is no string", key);
		int r = entry_set_put(entries, key, json_string_value(body),
				      json_string_length(body), err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse(const char *text, size_t len, struct desired *desired, struct err *err)
{
	json_error_t where;
	struct digest told;
	CLEAN(json_decref_ptr) json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	CLEAN(entry_set_free_ptr) struct entry_set *entries = entry_set_new();
	if (!entries)
		return err_set(err, -ENOMEM, "out of memory");
	if (!json)
		return err_set(err, -EINVAL, "line %d: %s", where.line, where.text);
	const char *digest = json_string_value(json_object_get(json, "digest"));
	const json_t *revision = json_object_get(json, "revision");
	if (!digest || digest_parse(digest, &told) < 0 || !json_is_integer(revision))
		return err_set(err, -EINVAL, "the revision or the digest is missing");
	int r = read_entries(json_object_get(json, "entries"), entries, err);
	if (r < 0)
		return r;
	if (!digest_equal(entry_set_digest(entries), told))
		return err_set(err, -EINVAL, "the entries do not fit the digest");
	desired_set(desired, json_integer_value(revision), take_ptr(&entries));
	return 0;
}

static int load_one(struct desired *desired, const char *path, struct err *err)
{
	CLEAN(free_ptr) char *text = NULL;
	size_t len = 0;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return err_set(err, -ENOENT, "there is no %s", path);
	// Escaping at most sextuples a byte; what we wrote ourselves is never that dense.
	int r = file_read(path, (size_t)DESIRED_BYTES_MAX * 2, &text, &len, err);
	if (r < 0)
		return r;
	r = parse(text, len, desired, err);
	if (r < 0)
		(void)err_prefix(err, "%s is damaged", path);
	return r;
}

int desired_load(struct desired *desired, const char *path, struct err *err)
{
	struct err why = { 0 };
	CLEAN(free_ptr) char *old = text_format("%s.old", path);
	CLEAN(free_ptr) char *bad = text_format("%s.bad", path);
	if (!old || !bad)
		return err_set(err, -ENOMEM, "out of memory");
	int r = load_one(desired, path, &why);
	if (r == 0)
		return 0;
	bool missing = r == -ENOENT;
	if (!missing && r != -EINVAL && r != -EFBIG)
		return err_set(err, r, "%s", why.text);
	if (!missing)
		(void)rename(path, bad);
	struct err old_why = { 0 };
	r = load_one(desired, old, &old_why);
	if (missing && r == -ENOENT)
		return 0;
	if (r < 0)
		(void)err_set(err, r,
			      "%s; it is set aside as %s, and no earlier generation can be read",
			      why.text, bad);
	else
		(void)err_set(err, 0, "%s; the generation before it is used%s%s", why.text,
			      missing ? "" : ", the damaged file is set aside as ",
			      missing ? "" : bad);
	return 1;
}

static char *dump(const struct desired *desired)
{
	char digest[DIGEST_TEXT_SIZE];
	digest_format(entry_set_digest(desired->entries), digest);
	CLEAN(json_decref_ptr) json_t *entries = json_object();
	struct entry_change entry;
	for (size_t at = 0; entries && entry_set_next(desired->entries, &at, &entry);) {
		if (json_object_set_new_nocheck(entries, entry.key,
						json_stringn_nocheck(entry.body, entry.body_len)) <
		    0)
			return NULL;
	}
	CLEAN(json_decref_ptr)
	json_t *json = json_pack("{s:I, s:s, s:O}", "revision", (json_int_t)desired->revision,
				 "digest", digest, "entries", entries);
	return json ? json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
}

// A second name for the present generation, so that replacing it leaves both. Where the file system
// has no hard links the generation before is simply not kept.
static void keep_generation(const char *path)
{
	CLEAN(free_ptr) char *old = text_format("%s.old", path);
	if (!old || access(path, F_OK) < 0)
		return;
	(void)unlink(old);
	(void)link(path, old);
}

int desired_save(const struct desired *desired, const char *path, struct err *err)
{
	CLEAN(free_ptr) char *text = dump(desired);
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	keep_generation(path);
	return file_replace(path, text, strlen(text), 0600, err);
}

int desired_delete(const char *path, struct err *err)
{
	static const char *const endings[] = { "", ".old", ".bad", ".tmp" };
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		CLEAN(free_ptr) char *name = text_format("%s%s", path, endings[i]);
		if (!name)
			return err_set(err, -ENOMEM, "out of memory");
		if (unlink(name) < 0 && errno != ENOENT)
			return err_set(err, -errno, "cannot delete %s: %s", name, strerror(errno));
	}
	return 0;
}
