// Writing of a message's fields, each with the comma before it. The first failure is kept. Private
// to wire.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/entries.h"

struct writer {
	struct text *out;
	const char *what; // the message's type
	struct err *err;
	int rc;
};

// A word: must be there and within `max` bytes.
void write_text(struct writer *w, const char *field, const char *value, size_t max);
// A sentence: cut to WIRE_TEXT_MAX; NULL is null.
void write_sentence(struct writer *w, const char *field, const char *value);
// A word, or null.
void write_text_or_null(struct writer *w, const char *field, const char *value, size_t max);
void write_number(struct writer *w, const char *field, int64_t value);
void write_flag(struct writer *w, const char *field, bool value);
void write_digest(struct writer *w, const char *field, struct digest value);
void write_json(struct writer *w, const char *field, const json_t *value); // NULL is null
// "set" and "drop".
void write_changes(struct writer *w, const struct entry_change *changes, size_t count);
