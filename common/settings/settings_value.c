#include "settings/settings_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/net.h"

// The field of the caller's struct. Its type is that of the row.
static void *field_of(const struct setting *row, void *target)
{
	return (char *)target + row->offset;
}

// Values are copied byte-wise: the offset says nothing about alignment to the compiler.
static void put(const struct setting *row, void *target, const void *value, size_t size)
{
	memcpy(field_of(row, target), value, size);
}

// The value as it was written, for "7 is not in 20..60000".
static int refuse(const struct setting *row, const json_t *value, struct err *err,
		  const char *wanted)
{
	CLEAN(free_ptr) char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	bool is_scalar = !json_is_object(value) && !json_is_array(value);
	const char *what = json_is_object(value) ? "a mapping" : "a list";
	return err_set(err, -EINVAL, "%s: %.80s is not %s", row->name,
		       is_scalar && shown ? shown : what, wanted);
}

static int set_bool(const struct setting *row, const json_t *value, void *target, struct err *err)
{
	if (!json_is_boolean(value))
		return refuse(row, value, err, "true or false");
	bool is_on = json_is_true(value);
	put(row, target, &is_on, sizeof(is_on));
	return 0;
}

static int set_u32(const struct setting *row, const json_t *value, void *target, struct err *err)
{
	char range[64];
	json_int_t number = json_integer_value(value);
	if (!json_is_integer(value))
		return refuse(row, value, err, "a whole number");
	(void)snprintf(range, sizeof(range), "in %" PRIu32 "..%" PRIu32, row->min, row->max);
	if (number < row->min || number > row->max)
		return refuse(row, value, err, range);
	uint32_t small = (uint32_t)number;
	put(row, target, &small, sizeof(small));
	return 0;
}

static int set_duration(const struct setting *row, const json_t *value, void *target,
			struct err *err)
{
	char low[DURATION_TEXT_SIZE], high[DURATION_TEXT_SIZE], range[64];
	int64_t ms;
	const char *text = json_string_value(value);
	if (!text || duration_parse(text, &ms, NULL) < 0)
		return refuse(row, value, err, "a duration such as 200ms, 30s or 5m");
	if (ms < row->min || ms > row->max) {
		(void)snprintf(range, sizeof(range), "%s..%s", duration_format(row->min, low),
			       duration_format(row->max, high));
		return err_set(err, -EINVAL, "%s: %s is not in %s", row->name, text, range);
	}
	uint32_t small = (uint32_t)ms;
	put(row, target, &small, sizeof(small));
	return 0;
}

static int put_text(const struct setting *row, const char *text, void *target, struct err *err)
{
	char *copy = strdup(text);
	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	put(row, target, &copy, sizeof(copy));
	return 0;
}

static int set_string(const struct setting *row, const json_t *value, void *target, struct err *err)
{
	const char *text = json_string_value(value);
	if (!text)
		return refuse(row, value, err, "a text");
	size_t len = strlen(text);
	if (row->max > 0 && (len < row->min || len > row->max))
		return err_set(err, -EINVAL, "%s: it has %zu characters, not %" PRIu32 "..%" PRIu32,
			       row->name, len, row->min, row->max);
	return put_text(row, text, target, err);
}

// True if `text` is one of "a|b|c".
static bool is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);
	while (*choices) {
		size_t one = strcspn(choices, "|");
		if (one == len && strncmp(choices, text, len) == 0)
			return true;
		choices += one + (choices[one] == '|');
	}
	return false;
}

static int set_choice(const struct setting *row, const json_t *value, void *target, struct err *err)
{
	const char *text = json_string_value(value);
	if (text && is_choice(row->choices, text))
		return put_text(row, text, target, err);
	CLEAN(text_free) struct text wanted = { 0 };
	text_add(&wanted, "one of ");
	for (const char *c = row->choices; *c; c++)
		text_addf(&wanted, *c == '|' ? ", " : "%c", *c);
	return refuse(row, value, err, wanted.data ? wanted.data : "allowed");
}

static int set_path(const struct setting *row, const json_t *value, void *target, struct err *err)
{
	const char *text = json_string_value(value);
	if (!text || text[0] != '/')
		return refuse(row, value, err, "an absolute path");
	return put_text(row, text, target, err);
}

static int set_log_level(const struct setting *row, const json_t *value, void *target,
			 struct err *err)
{
	enum log_level level;
	const char *text = json_string_value(value);
	if (!text || log_level_parse(text, &level) < 0)
		return refuse(row, value, err, "one of error, warn, info, debug");
	put(row, target, &level, sizeof(level));
	return 0;
}

static void list_done(struct setting_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct setting_list){ 0 };
}

static int list_add(struct setting_list *list, const char *text, size_t len, struct err *err)
{
	char **items = realloc(list->items, (list->len + 1) * sizeof(*items));
	if (!items)
		return err_set(err, -ENOMEM, "out of memory");
	list->items = items;
	items[list->len] = strndup(text, len);
	if (!items[list->len])
		return err_set(err, -ENOMEM, "out of memory");
	list->len++;
	return 0;
}

static int set_list(const struct setting *row, const json_t *value, void *target, struct err *err)
{
	CLEAN(list_done) struct setting_list list = { 0 };
	const char *single = json_string_value(value);
	json_t *item;
	size_t i;
	if (!single && !json_is_array(value))
		return refuse(row, value, err, "a list of texts");
	int r = single ? list_add(&list, single, strlen(single), err) : 0;
	json_array_foreach(value, i, item)
	{
		const char *text = json_string_value(item);
		if (!text)
			return refuse(row, item, err, "a text");
		r = list_add(&list, text, strlen(text), err);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	put(row, target, &list, sizeof(list));
	list = (struct setting_list){ 0 };
	return 0;
}

static int default_list(const struct setting *row, void *target, struct err *err)
{
	CLEAN(list_done) struct setting_list list = { 0 };
	const char *at = row->text ? row->text : "";
	for (;;) {
		at += strspn(at, " ");
		size_t len = strcspn(at, " ");
		if (len == 0)
			break;
		int r = list_add(&list, at, len, err);
		if (r < 0)
			return r;
		at += len;
	}
	put(row, target, &list, sizeof(list));
	list = (struct setting_list){ 0 };
	return 0;
}

int setting_value_set(const struct setting *row, const json_t *value, void *target, struct err *err)
{
	static int (*const setters[])(const struct setting *, const json_t *, void *,
				      struct err *) = {
		[SETTING_BOOL] = set_bool,           [SETTING_U32] = set_u32,
		[SETTING_STRING] = set_string,       [SETTING_CHOICE] = set_choice,
		[SETTING_STRING_LIST] = set_list,    [SETTING_DURATION_MS] = set_duration,
		[SETTING_LOG_LEVEL] = set_log_level, [SETTING_PATH] = set_path,
	};
	return setters[row->type](row, value, target, err);
}

int setting_value_default(const struct setting *row, void *target, struct err *err)
{
	bool is_on = row->number != 0;
	enum log_level level = LOG_LEVEL_INFO;
	switch (row->type) {
	case SETTING_BOOL:
		put(row, target, &is_on, sizeof(is_on));
		return 0;
	case SETTING_U32:
	case SETTING_DURATION_MS:
		put(row, target, &row->number, sizeof(row->number));
		return 0;
	case SETTING_LOG_LEVEL:
		if (row->text && log_level_parse(row->text, &level) < 0)
			return err_set(err, -EINVAL, "%s: the default is no log level", row->name);
		put(row, target, &level, sizeof(level));
		return 0;
	case SETTING_STRING_LIST:
		return default_list(row, target, err);
	case SETTING_STRING:
	case SETTING_CHOICE:
	case SETTING_PATH:
		memset(field_of(row, target), 0, sizeof(char *));
		return row->text ? put_text(row, row->text, target, err) : 0;
	case SETTING_END:
		break;
	}
	return 0;
}

static void text_done(void *field)
{
	char *text;
	memcpy(&text, field, sizeof(text));
	free(text);
	memset(field, 0, sizeof(text));
}

void setting_value_done(const struct setting *row, void *target)
{
	void *field = field_of(row, target);
	struct setting_list list;
	switch (row->type) {
	case SETTING_STRING:
	case SETTING_CHOICE:
	case SETTING_PATH:
		text_done(field);
		break;
	case SETTING_STRING_LIST:
		memcpy(&list, field, sizeof(list));
		list_done(&list);
		memcpy(field, &list, sizeof(list));
		break;
	case SETTING_BOOL:
	case SETTING_U32:
	case SETTING_DURATION_MS:
	case SETTING_LOG_LEVEL:
	case SETTING_END:
		break;
	}
}
