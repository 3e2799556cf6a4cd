// A growing string, and the few string questions asked everywhere.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clean.h"

// Always NUL-terminated once something was added; `data` is NULL before. Zero-initialise. A failed
// allocation sets `failed` and further additions do nothing, so that a writer checks once at the
// end.
struct text {
	char *data;
	size_t len;
	size_t cap;
	bool failed;
};

void text_free(struct text *t);
void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const void *bytes, size_t len);
void text_addf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_vaddf(struct text *t, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

// Hands the string over (caller frees), "" when nothing was added, NULL when an allocation failed.
// `t` is empty after.
char *text_take(struct text *t);

// True if `s` starts with `prefix`; then *ret_rest (may be NULL) points behind it.
bool text_starts(const char *s, const char *prefix, const char **ret_rest);

// The candidate nearest to `word` by edit distance, or NULL when none is within a third of its
// length (at least 2). For "unknown field `adress`, did you mean `address`?". `candidates` ends
// with NULL.
const char *text_nearest(const char *word, const char *const *candidates);

// asprintf that returns NULL on failure. Caller frees.
char *text_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
