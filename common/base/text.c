#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}

static bool text_reserve(struct text *t, size_t more)
{
	if (t->failed)
		return false;
	if (more < t->cap - t->len && t->cap > 0)
		return true;
	size_t cap = t->cap ? t->cap : 64;
	while (cap - t->len <= more) {
		if (cap > SIZE_MAX / 2) {
			t->failed = true;
			return false;
		}
		cap *= 2;
	}
	char *data = realloc(t->data, cap);
	if (!data) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->cap = cap;
	return true;
}

void text_add_bytes(struct text *t, const void *bytes, size_t len)
{
	if (!text_reserve(t, len))
		return;
	memcpy(t->data + t->len, bytes, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void text_vaddf(struct text *t, const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	if (n >= 0 && text_reserve(t, (size_t)n)) {
		(void)vsnprintf(t->data + t->len, (size_t)n + 1, fmt, again);
		t->len += (size_t)n;
	}
	va_end(again);
}

void text_addf(struct text *t, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	text_vaddf(t, fmt, args);
	va_end(args);
}

char *text_take(struct text *t)
{
	if (!t->failed && !t->data)
		text_add_bytes(t, "", 0);
	if (t->failed) {
		text_free(t);
		return NULL;
	}
	char *data = t->data;
	*t = (struct text){ 0 };
	return data;
}

bool text_starts(const char *s, const char *prefix, const char **ret_rest)
{
	size_t len = strlen(prefix);
	if (strncmp(s, prefix, len) != 0)
		return false;
	if (ret_rest)
		*ret_rest = s + len;
	return true;
}

enum { NEAREST_WORD_MAX = 63 };

// Levenshtein distance of two words of at most NEAREST_WORD_MAX characters.
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NEAREST_WORD_MAX + 1];
	size_t width = strlen(b);
	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[width];
}

const char *text_nearest(const char *word, const char *const *candidates)
{
	if (strlen(word) > NEAREST_WORD_MAX)
		return NULL;
	size_t limit = strlen(word) / 3;
	if (limit < 2)
		limit = 2;
	const char *best = NULL;
	for (; *candidates; candidates++) {
		if (strlen(*candidates) > NEAREST_WORD_MAX)
			continue;
		size_t distance = edit_distance(word, *candidates);
		if (distance <= limit && distance < strlen(*candidates)) {
			best = *candidates;
			if (distance == 0)
				break;
			limit = distance - 1;
		}
	}
	return best;
}

char *text_format(const char *fmt, ...)
{
	struct text t = { 0 };
	va_list args;
	va_start(args, fmt);
	text_vaddf(&t, fmt, args);
	va_end(args);
	return text_take(&t);
}
