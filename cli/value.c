#include "cli/value.h"

#include <string.h>

#include "base/clean.h"

static bool is_plain(const char *s)
{
	if (!*s || strchr(" -?", *s))
		return false;
	for (; *s; s++) {
		if ((unsigned char)*s <= ' ' || *s == 0x7f || strchr("\"'[]{},#&*!|>%@`\\", *s))
			return false;
	}
	return true;
}

static void add_string(struct text *t, const json_t *value)
{
	if (is_plain(json_string_value(value))) {
		text_add(t, json_string_value(value));
		return;
	}
	CLEAN(free_ptr) char *quoted = json_dumps(value, JSON_ENCODE_ANY);
	text_add(t, quoted ? quoted : "?");
}

static void add_array(struct text *t, const json_t *value)
{
	size_t at;
	const json_t *item;
	text_add(t, "[");
	json_array_foreach(value, at, item)
	{
		text_add(t, at ? ", " : "");
		value_add(t, item);
	}
	text_add(t, "]");
}

static void add_object(struct text *t, const json_t *value)
{
	const char *key;
	json_t *item;
	bool is_first = true;
	text_add(t, "{");
	json_object_foreach((json_t *)value, key, item)
	{
		text_addf(t, "%s%s: ", is_first ? "" : ", ", key);
		value_add(t, item);
		is_first = false;
	}
	text_add(t, "}");
}

void value_add(struct text *t, const json_t *value)
{
	if (!value) {
		text_add(t, "(none)");
	} else if (json_is_string(value)) {
		add_string(t, value);
	} else if (json_is_array(value)) {
		add_array(t, value);
	} else if (json_is_object(value)) {
		add_object(t, value);
	} else {
		CLEAN(free_ptr) char *s = json_dumps(value, JSON_ENCODE_ANY);
		text_add(t, s ? s : "?");
	}
}

void value_add_clean(struct text *t, const char *s)
{
	for (; *s; s++) {
		char c = (unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s;
		text_add_bytes(t, &c, 1);
	}
}
