#include "settings/yaml_emit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "settings/yaml_scalar.h"

static void emit_value(struct text *t, const json_t *value, unsigned indent, bool is_in_line);

static void emit_indent(struct text *t, unsigned indent)
{
	text_addf(t, "%*s", (int)indent, "");
}

// Plain only where nobody could take it for anything else: letters and digits with a few signs
// inside. Prefixes and IPv6 addresses are plain in block style, since `:` counts only before a
// space or at the end.
static bool is_plain(const char *s)
{
	static const char inside[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"_./:@+=-";
	size_t len = strlen(s);
	if (len == 0 || len > 200 || s[strspn(s, inside)] != '\0' || s[len - 1] == ':')
		return false;
	if (strchr(":-@=", s[0]))
		return false;
	return yaml_scalar_is_string(s);
}

// Characters that YAML refuses to read raw, or takes for line breaks and folds.
static const struct {
	const char *bytes;
	const char *escape;
} escapes[] = {
	{ "\"", "\\\"" },
	{ "\\", "\\\\" },
	{ "\n", "\\n" },
	{ "\xe2\x80\xa8", "\\u2028" },
	{ "\xe2\x80\xa9", "\\u2029" },
	{ "\xef\xbb\xbf", "\\ufeff" },
	{ "\xef\xbf\xbe", "\\ufffe" },
	{ "\xef\xbf\xbf", "\\uffff" },
};

// Writes the escape of what stands at `s` and returns how many bytes that was, 0 when it needs
// none.
static size_t emit_escape(struct text *t, const char *s)
{
	unsigned char c = (unsigned char)s[0];
	for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
		if (text_starts(s, escapes[i].bytes, NULL)) {
			text_add(t, escapes[i].escape);
			return strlen(escapes[i].bytes);
		}
	}
	// The C1 controls U+0080..U+009F are two bytes.
	bool is_c1 = c == 0xc2 && (unsigned char)s[1] < 0xa0;
	if (c >= 0x20 && c != 0x7f && !is_c1)
		return 0;
	text_addf(t, "\\x%02x", is_c1 ? (unsigned char)s[1] : c);
	return is_c1 ? 2 : 1;
}

// Valid UTF-8, as jansson guarantees.
static void emit_quoted(struct text *t, const char *s, size_t len)
{
	text_add(t, "\"");
	for (size_t i = 0; i < len;) {
		size_t escaped = emit_escape(t, s + i);
		if (escaped == 0)
			text_add_bytes(t, s + i, 1);
		i += escaped > 0 ? escaped : 1;
	}
	text_add(t, "\"");
}

static void emit_string(struct text *t, const char *s, size_t len)
{
	if (is_plain(s) && strlen(s) == len)
		text_add(t, s);
	else
		emit_quoted(t, s, len);
}

// The fewest digits that read back as the same number.
static void emit_real(struct text *t, double value)
{
	char buf[40];
	for (int precision = 15; precision <= 17; precision++) {
		(void)snprintf(buf, sizeof(buf), "%.*g", precision, value);
		if (strtod(buf, NULL) >= value && strtod(buf, NULL) <= value)
			break;
	}
	text_add(t, buf);
	if (!strpbrk(buf, ".e"))
		text_add(t, ".0");
}

static void emit_scalar(struct text *t, const json_t *value)
{
	if (json_is_real(value)) {
		emit_real(t, json_real_value(value));
		return;
	}
	if (json_is_string(value)) {
		emit_string(t, json_string_value(value), json_string_length(value));
		return;
	}
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	text_add(t, text ? text : "null");
	free(text);
}

static void emit_mapping(struct text *t, const json_t *map, unsigned indent, bool is_in_line)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)map, key, value)
	{
		if (!is_in_line)
			emit_indent(t, indent);
		is_in_line = false;
		emit_string(t, key, strlen(key));
		text_add(t, ":");
		if (json_object_size(value) > 0 || json_array_size(value) > 0) {
			text_add(t, "\n");
			// A list stands at its key's own column, as people write it.
			emit_value(t, value, json_is_array(value) ? indent : indent + 2, false);
		} else {
			text_add(t, " ");
			emit_value(t, value, indent, true);
		}
	}
}

static void emit_sequence(struct text *t, const json_t *list, unsigned indent, bool is_in_line)
{
	json_t *value;
	size_t i;
	json_array_foreach(list, i, value)
	{
		if (!is_in_line)
			emit_indent(t, indent);
		is_in_line = false;
		text_add(t, "- ");
		emit_value(t, value, indent + 2, true);
	}
}

// `is_in_line`: the cursor stands where the value begins, not at the start of a line.
static void emit_value(struct text *t, const json_t *value, unsigned indent, bool is_in_line)
{
	if (json_object_size(value) > 0) {
		emit_mapping(t, value, indent, is_in_line);
		return;
	}
	if (json_array_size(value) > 0) {
		emit_sequence(t, value, indent, is_in_line);
		return;
	}
	emit_scalar(t, value);
	text_add(t, "\n");
}

void yaml_emit(struct text *t, const json_t *value)
{
	emit_value(t, value, 0, true);
}

char *yaml_format(const json_t *value)
{
	struct text t = { 0 };
	yaml_emit(&t, value);
	return text_take(&t);
}
