#include "cli/problem.h"

#include <string.h>

#include "cli/value.h"

static const char *status_words(long status)
{
	switch (status) {
	case 401:
		return "not signed in, or the token is no longer valid: run `weft login`";
	case 403:
		return "your role does not allow this";
	case 404:
		return "there is no such thing";
	case 412:
		return "somebody else changed it meanwhile";
	case 413:
		return "the request is too large";
	case 429:
		return "too many attempts, try again later";
	case 503:
		return "the controller cannot answer now; nothing was changed";
	default:
		return "the controller refused the request";
	}
}

void problem_lines(struct text *t, long status, const json_t *json)
{
	const json_t *errors = json_object_get(json, "errors");
	size_t at;
	const json_t *one;
	size_t lines = 0;
	json_array_foreach(errors, at, one)
	{
		const char *field = json_string_value(json_object_get(one, "field"));
		const char *text = json_string_value(json_object_get(one, "text"));
		if (!text)
			continue;
		if (field && *field) {
			value_add_clean(t, field);
			text_add(t, ": ");
		}
		value_add_clean(t, text);
		text_add(t, "\n");
		lines++;
	}
	if (lines)
		return;
	const char *detail = json_string_value(json_object_get(json, "detail"));
	if (detail && *detail)
		value_add_clean(t, detail);
	else
		text_addf(t, "%s (HTTP %ld)", status_words(status), status);
	text_add(t, "\n");
}
