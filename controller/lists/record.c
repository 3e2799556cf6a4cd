#include "lists/record.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"

enum { RECORD_BYTES_MAX = 65536, RECORD_MODE = 0600 };

static char *path_of(const char *dir, int64_t id)
{
	return text_format("%s/%lld.json", dir, (long long)id);
}

static void copy_text(char *to, size_t size, const json_t *from, const char *field)
{
	const char *text = json_string_value(json_object_get(from, field));
	if (text && strlen(text) < size)
		(void)snprintf(to, size, "%s", text);
}

static int64_t number(const json_t *from, const char *field)
{
	return json_integer_value(json_object_get(from, field));
}

void list_record_load(const char *dir, int64_t id, struct list_record *ret)
{
	CLEAN(free_ptr) char *path = path_of(dir, id);
	CLEAN(free_ptr) char *text = NULL;
	*ret = (struct list_record){ 0 };
	if (!path || file_read(path, RECORD_BYTES_MAX, &text, NULL, NULL) < 0)
		return;
	json_auto_t *json = json_loads(text, 0, NULL);
	const char *source = json_string_value(json_object_get(json, "source"));
	copy_text(ret->content.sha256, sizeof(ret->content.sha256), json, "sha256");
	if (!source || !content_is_hash(ret->content.sha256) || !(ret->source = strdup(source))) {
		ret->content.sha256[0] = '\0';
		return;
	}
	ret->content.size = number(json, "size");
	ret->content.rules = number(json, "rules");
	ret->content.bad = number(json, "bad");
	ret->content.first_bad = number(json, "first_bad");
	ret->fetched_ms = number(json, "fetched_ms");
	ret->checked_ms = number(json, "checked_ms");
	copy_text(ret->tags.etag, sizeof(ret->tags.etag), json, "etag");
	copy_text(ret->tags.modified, sizeof(ret->tags.modified), json, "modified");
}

int list_record_save(const char *dir, int64_t id, const struct list_record *record, struct err *err)
{
	const struct content *c = &record->content;
	CLEAN(free_ptr) char *path = path_of(dir, id);
	json_auto_t *json = json_pack(
		"{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "source", record->source,
		"sha256", c->sha256, "size", (json_int_t)c->size, "rules", (json_int_t)c->rules,
		"bad", (json_int_t)c->bad, "first_bad", (json_int_t)c->first_bad, "fetched_ms",
		(json_int_t)record->fetched_ms, "checked_ms", (json_int_t)record->checked_ms,
		"etag", record->tags.etag, "modified", record->tags.modified);
	CLEAN(free_ptr) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!path || !text)
		return err_set(err, -ENOMEM, "out of memory");
	return file_replace(path, text, strlen(text), RECORD_MODE, err);
}

void list_record_delete(const char *dir, int64_t id)
{
	CLEAN(free_ptr) char *path = path_of(dir, id);
	if (path)
		(void)unlink(path);
}

void list_record_done(struct list_record *record)
{
	free(record->source);
	*record = (struct list_record){ 0 };
}
