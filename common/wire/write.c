#include "wire/write.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "wire/json.h"
#include "wire/limits.h"

static void begin(struct writer *w, const char *field)
{
	text_addf(w->out, ",\"%s\":", field);
}

static void fail(struct writer *w, const char *field, const char *why)
{
	if (w->rc == 0)
		w->rc = err_set(w->err, -EINVAL, "%s.%s: %s", w->what, field, why);
}

void write_text(struct writer *w, const char *field, const char *value, size_t max)
{
	size_t len = value ? strlen(value) : 0;

	if (!value || len > max) {
		fail(w, field, value ? "too long to send" : "missing");
		return;
	}
	begin(w, field);
	wire_json_add(w->out, value, len);
}

void write_sentence(struct writer *w, const char *field, const char *value)
{
	size_t len = value ? strnlen(value, WIRE_TEXT_MAX + 1) : 0;

	begin(w, field);
	if (!value) {
		text_add(w->out, "null");
		return;
	}
	if (len > WIRE_TEXT_MAX) {
		// Not within a character.
		len = WIRE_TEXT_MAX;
		while (len > 0 && ((unsigned char)value[len] & 0xc0) == 0x80)
			len--;
	}
	wire_json_add(w->out, value, len);
}

void write_text_or_null(struct writer *w, const char *field, const char *value, size_t max)
{
	if (value) {
		write_text(w, field, value, max);
		return;
	}
	begin(w, field);
	text_add(w->out, "null");
}

void write_number(struct writer *w, const char *field, int64_t value)
{
	begin(w, field);
	text_addf(w->out, "%" PRId64, value);
}

void write_flag(struct writer *w, const char *field, bool value)
{
	begin(w, field);
	text_add(w->out, value ? "true" : "false");
}

void write_digest(struct writer *w, const char *field, struct digest value)
{
	char text[DIGEST_TEXT_SIZE];

	digest_format(value, text);
	begin(w, field);
	text_addf(w->out, "\"%s\"", text);
}

void write_json(struct writer *w, const char *field, const json_t *value)
{
	CLEAN(free_ptr)
	char *dump = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	begin(w, field);
	if (value && !dump)
		fail(w, field, "cannot be written as JSON");
	text_add(w->out, dump ? dump : "null");
}

void write_changes(struct writer *w, const struct entry_change *changes, size_t count)
{
	const char *comma = "";

	text_add(w->out, ",\"set\":{");
	for (size_t i = 0; i < count; i++) {
		if (!changes[i].body)
			continue;
		text_add(w->out, comma);
		wire_json_add(w->out, changes[i].key, strlen(changes[i].key));
		text_add(w->out, ":");
		wire_json_add(w->out, changes[i].body, changes[i].body_len);
		comma = ",";
	}
	comma = "";
	text_add(w->out, "},\"drop\":[");
	for (size_t i = 0; i < count; i++) {
		if (changes[i].body)
			continue;
		text_add(w->out, comma);
		wire_json_add(w->out, changes[i].key, strlen(changes[i].key));
		comma = ",";
	}
	text_add(w->out, "]");
}
