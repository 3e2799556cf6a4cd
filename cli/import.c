#include "cli/import.h"

#include <stdarg.h>
#include <stdbool.h>

void import_name(const char *text, size_t len, char ret[IMPORT_NAME_SIZE])
{
	size_t n = 0;
	for (size_t i = 0; i < len && n < IMPORT_NAME_LEN; i++) {
		char c = text[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (is_word)
			ret[n++] = c;
		else if (n > 0 && ret[n - 1] != '-')
			ret[n++] = '-';
	}
	while (n > 0 && ret[n - 1] == '-')
		n--;
	ret[n] = '\0';
}

json_t *import_kind(json_t *resources, const char *kind)
{
	json_t *all = json_object_get(resources, kind);
	if (!all) {
		all = json_object();
		(void)json_object_set_new(resources, kind, all);
	}
	return all;
}

void import_result_done(struct import_result *result)
{
	json_decref(result->resources);
	text_free(&result->notes);
	*result = (struct import_result){ 0 };
}

void import_note(struct import_result *result, const char *what, const char *fmt, ...)
{
	va_list args;
	text_addf(&result->notes, "%s: %s: ", result->path, what);
	va_start(args, fmt);
	text_vaddf(&result->notes, fmt, args);
	va_end(args);
	text_add(&result->notes, "\n");
}
