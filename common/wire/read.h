// Typed reading of a message's fields. The first thing that is wrong is kept as a sentence; later
// reads then give zeros, so that a decoder checks once at its end. Private to wire.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/entries.h"

struct reader {
	const json_t *object;
	const char *what; // the message's type, begins each sentence
	const char *part; // name of the inner object that is being read, or NULL
	struct err *err;
	int rc;
};

// Records a failure (only the first one) about a field. Always returns the code.
int read_fail(struct reader *r, int code, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

const char *read_text(struct reader *r, const char *field, size_t max);
const char *read_text_or_null(struct reader *r, const char *field, size_t max);
const char *read_key_or_null(struct reader *r, const char *field);
int64_t read_count(struct reader *r, const char *field); // 0..2^53
int64_t read_count_or(struct reader *r, const char *field, int64_t otherwise);
bool read_flag(struct reader *r, const char *field);
bool read_flag_or(struct reader *r, const char *field, bool otherwise);
struct digest read_digest(struct reader *r, const char *field);
struct digest read_digest_or_zero(struct reader *r, const char *field);
const json_t *read_object(struct reader *r, const char *field);

// An array of at most WIRE_ENTRIES_MAX; absent is NULL unless needed.
const json_t *read_array(struct reader *r, const char *field, bool is_needed);

// "drop" and "set" of a change, drops first. The list is malloced, its strings belong to the JSON.
// Dropped keys may be hashes where `takes_hashes`.
struct entry_change *read_changes(struct reader *r, bool takes_hashes, size_t *ret_count);
