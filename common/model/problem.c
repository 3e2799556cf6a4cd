#include "model/problem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void problem_list_done(struct problem_list *l)
{
	for (size_t i = 0; i < l->len; i++) {
		free(l->items[i].field);
		free(l->items[i].text);
	}
	free(l->items);
	*l = (struct problem_list){ 0 };
}

// The length of the UTF-8 sequence that `s` begins with, 0 when it is none or a control character.
static size_t utf8_length(const unsigned char *s)
{
	size_t len = s[0] < 0x80                   ? 1
		     : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		     : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
						   : 4;
	if (s[0] < 0x20 || s[0] == 0x7f || (s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	bool is_overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
	bool is_beyond = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
	return is_overlong || is_beyond ? 0 : len;
}

// A problem is shown on terminals and in JSON: whatever a text cannot hold becomes `?`.
static void make_printable(char *s)
{
	while (*s) {
		size_t len = utf8_length((const unsigned char *)s);
		if (len == 0)
			*s = '?';
		s += len > 0 ? len : 1;
	}
}

static bool grow(struct problem_list *l)
{
	if (l->len >= PROBLEM_LIST_MAX)
		return false;
	struct problem *items = realloc(l->items, (l->len + 1) * sizeof(*items));
	if (!items)
		return false;
	l->items = items;
	return true;
}

void problem_add(struct problem_list *l, const char *field, const char *fmt, ...)
{
	struct text sentence = { 0 };
	va_list args;
	va_start(args, fmt);
	text_vaddf(&sentence, fmt, args);
	va_end(args);
	CLEAN(free_ptr) char *text = text_take(&sentence);
	CLEAN(free_ptr) char *copy = strdup(field);
	if (!text || !copy || !grow(l)) {
		l->is_cut = true;
		return;
	}
	make_printable(text);
	make_printable(copy);
	l->items[l->len++] = (struct problem){ .field = take_ptr(&copy), .text = take_ptr(&text) };
}

bool problem_list_any(const struct problem_list *l)
{
	return l->len > 0 || l->is_cut;
}

json_t *problem_list_json(const struct problem_list *l)
{
	json_auto_t *list = json_array();
	for (size_t i = 0; list && i < l->len; i++) {
		json_t *one = json_pack("{s:s, s:s}", "field", l->items[i].field, "text",
					l->items[i].text);
		if (json_array_append_new(list, one) < 0)
			return NULL;
	}
	return json_incref(list);
}

int problem_list_err(const struct problem_list *l, struct err *err)
{
	if (!problem_list_any(l))
		return 0;
	if (l->len == 0)
		return err_set(err, -EINVAL, "too many fields are wrong");
	const struct problem *first = &l->items[0];
	const char *colon = first->field[0] ? ": " : "";
	if (l->len == 1)
		return err_set(err, -EINVAL, "%.200s%s%s", first->field, colon, first->text);
	return err_set(err, -EINVAL, "%.200s%s%.240s (and %zu more)", first->field, colon,
		       first->text, l->len - 1);
}
