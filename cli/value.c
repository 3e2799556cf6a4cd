#include "cli/value.h"

#include <string.h>

#include "base/clean.h"

// Bytes of the control character at `s`: C0 and DEL, or one of C1, which in UTF-8 are two; 0: it is
// none.
static size_t control_length(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	if (u[0] < 0x20 || u[0] == 0x7f)
		return 1;
	return u[0] == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0 ? 2 : 0;
}

static bool is_plain(const char *s)
{
	if (!*s || strchr(" -?", *s))
		return false;
	for (; *s; s++) {
		if (*s == ' ' || control_length(s) || strchr("\"'[]{},#&*!|>%@`\\", *s))
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
	// JSON itself escapes only C0.
	CLEAN(free_ptr) char *quoted = json_dumps(value, JSON_ENCODE_ANY);
	for (const char *s = quoted ? quoted : "?"; *s;) {
		const size_t len = control_length(s);
		if (len)
			text_addf(t, "\\u%04x", (unsigned char)s[len - 1]);
		else
			text_add_bytes(t, s, 1);
		s += len ? len : 1;
	}
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
		json_t *name = json_string_nocheck(key);
		text_add(t, is_first ? "" : ", ");
		add_string(t, name);
		text_add(t, ": ");
		value_add(t, item);
		json_decref(name);
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
		CLEAN(free_ptr) char *s = json_dumps(value, JSON_ENCODE_ANY | VALUE_REALS);
		text_add(t, s ? s : "?");
	}
}

void value_add_clean(struct text *t, const char *s)
{
	while (*s) {
		const size_t len = control_length(s);
		text_add_bytes(t, len ? " " : s, 1);
		s += len ? len : 1;
	}
}
