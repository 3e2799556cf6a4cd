#include "wire/json.h"

#include <errno.h>
#include <stdint.h>

#include "wire/limits.h"

// The deepest nesting of objects and arrays; jansson itself would recurse 2048 deep.
static size_t depth_of(const char *text, size_t len)
{
	size_t depth = 0;
	size_t deepest = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			deepest = ++depth > deepest ? depth : deepest;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return deepest;
}

int wire_json_parse(const char *text, size_t len, json_t **ret_object, struct err *err)
{
	json_error_t error;

	if (depth_of(text, len) > WIRE_DEPTH_MAX)
		return err_set(err, -EBADMSG, "the JSON is nested more than %d deep",
			       WIRE_DEPTH_MAX);
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		return err_set(err, -EBADMSG, "not valid JSON at byte %d", error.position);
	if (!json_is_object(json)) {
		json_decref(json);
		return err_set(err, -EBADMSG, "the JSON is not an object");
	}
	*ret_object = json;
	return 0;
}

// Bytes of the UTF-8 sequence at `s`, 0 when it is none.
static size_t sequence_length(const unsigned char *s, size_t len)
{
	size_t need = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t code = need == 1 ? s[0] : s[0] & (0x7fU >> need);
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4 || need > len)
		return 0;
	for (size_t i = 1; i < need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fU);
	}
	if (code < least[need] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return need;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

void wire_json_add(struct text *out, const char *s, size_t len)
{
	size_t from = 0;
	size_t at = 0;

	text_add(out, "\"");
	while (at < len) {
		unsigned char c = (unsigned char)s[at];
		size_t step =
			is_plain(c) ? 1 : sequence_length((const unsigned char *)s + at, len - at);

		if (step > 0 && c >= 0x20 && c != '"' && c != '\\') {
			at += step;
			continue;
		}
		text_add_bytes(out, s + from, at - from);
		from = at + 1;
		if (step == 0)
			text_add(out, "?");
		else if (c < 0x20)
			text_addf(out, "\\u%04x", c);
		else {
			text_add_bytes(out, "\\", 1);
			from = at; // the character itself goes with what follows
		}
		at++;
	}
	text_add_bytes(out, s + from, len - from);
	text_add(out, "\"");
}

size_t wire_json_size(const char *s, size_t len)
{
	size_t size = len + 2;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20)
			size += 5;
		else if (c == '"' || c == '\\')
			size++;
	}
	return size;
}
