// The desired state on disk: {"format": 1, "revision": N, "digest": "…", "entries": {key: "the
// body's exact bytes"}}. A file without a format is one of format 1.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/json.h"

#include "desired/state.h"

CLEAN_FUNC(json_t, json_decref)

enum { DESIRED_FORMAT = 1 };

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

static int check_format(const json_t *json, struct err *err)
{
	const json_t *format = json_object_get(json, "format");
	if (!format || json_integer_value(format) == DESIRED_FORMAT)
		return 0;
	if (json_integer_value(format) > DESIRED_FORMAT)
		return err_set(
			err, -EPROTONOSUPPORT,
			"it is of format %lld, written by a later weft-agent; this one reads "
			"format %d",
			(long long)json_integer_value(format), DESIRED_FORMAT);
	return err_set(err, -EINVAL, "its format is no version number");
}

static int parse(const char *text, size_t len, struct desired *desired, struct err *err)
{
	json_error_t where;
	struct digest told;
	CLEAN(json_decref_ptr) json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	CLEAN(entry_set_free_ptr) struct entry_set *entries = entry_set_new();
	if (!entries)
		return err_set(err, -ENOMEM, "out of memory");
	if (!json && json_error_code(&where) == json_error_out_of_memory)
		return err_set(err, -ENOMEM, "out of memory");
	if (!json)
		return err_set(err, -EINVAL, "line %d: %s", where.line, where.text);
	int r = check_format(json, err);
	if (r < 0)
		return r;
	const char *digest = json_string_value(json_object_get(json, "digest"));
	const json_t *revision = json_object_get(json, "revision");
	if (!digest || digest_parse(digest, &told) < 0 || !json_is_integer(revision))
		return err_set(err, -EINVAL, "the revision or the digest is missing");
	r = read_entries(json_object_get(json, "entries"), entries, err);
	if (r < 0)
		return r;
	if (!digest_equal(entry_set_digest(entries), told))
		return err_set(err, -EINVAL, "the entries do not fit the digest");
	desired_set(desired, json_integer_value(revision), take_ptr(&entries));
	return 0;
}

// A file_take_fn.
static int load_one(void *context, const char *path, struct err *err)
{
	CLEAN(free_ptr) char *text = NULL;
	size_t len = 0;
	// Escaping at most sextuples a byte; what we wrote ourselves is never that dense.
	int r = file_read(path, (size_t)DESIRED_BYTES_MAX * 2, &text, &len, err);
	if (r < 0)
		return r;
	r = parse(text, len, context, err);
	if (r == -EPROTONOSUPPORT || r == -ENOMEM) {
		(void)err_prefix(err, "%s cannot be used", path);
		return r;
	}
	if (r < 0)
		(void)err_prefix(err, "%s is damaged", path);
	return r < 0 ? -EINVAL : 0;
}

enum file_source desired_load(struct desired *desired, const char *path, struct err *err)
{
	return file_load_kept(path, load_one, desired, err);
}

// By hand: when memory is short, jansson's writer leaves parts out and calls it a success.
static void dump(const struct desired *desired, struct text *t)
{
	char digest[DIGEST_TEXT_SIZE];
	const char *comma = "";
	struct entry_change entry;
	digest_format(entry_set_digest(desired->entries), digest);
	text_addf(t,
		  "{\n \"format\": %d,\n \"revision\": %" PRId64
		  ",\n \"digest\": \"%s\",\n \"entries\": {",
		  DESIRED_FORMAT, desired->revision, digest);
	for (size_t at = 0; entry_set_next(desired->entries, &at, &entry); comma = ",") {
		text_addf(t, "%s\n  ", comma);
		wire_json_add(t, entry.key, strlen(entry.key));
		text_add(t, ": ");
		wire_json_add(t, entry.body, entry.body_len);
	}
	text_add(t, "\n }\n}\n");
}

int desired_save(const struct desired *desired, const char *path, struct err *err)
{
	CLEAN(text_free) struct text text = { 0 };
	dump(desired, &text);
	if (text.failed)
		return err_set(err, -ENOMEM, "out of memory");
	return file_replace_kept(path, text.data, text.len, 0600, err);
}
