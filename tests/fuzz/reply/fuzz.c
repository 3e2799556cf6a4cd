// JSON from a controller as `weft` shows it: whatever it holds, what reaches the terminal are
// printable lines without control characters.
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "cli/diff.h"
#include "cli/path.h"
#include "cli/problem.h"
#include "cli/table.h"
#include "cli/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_clean(struct text *t)
{
	for (size_t i = 0; i < t->len; i++) {
		const unsigned char c = (unsigned char)t->data[i];

		if ((c < ' ' && c != '\n') || c == 0x7f)
			abort();
		// C1 in UTF-8: some terminals obey it too.
		if (c == 0xc2 && i + 1 < t->len && ((unsigned char)t->data[i + 1] & 0xe0) == 0x80)
			abort();
	}
	text_free(t);
}

static void show_table(const json_t *json)
{
	CLEAN(table_done) struct table table = { 0 };
	struct text out = { 0 };
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)json, key, value)
	{
		table_cell(&table, key);
		table_cell(&table, json_string_value(value));
		table_end_row(&table);
	}
	table_render(&table, 40, false, &out);
	require_clean(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	const struct diff_style style = { .is_verbose = true };
	struct text out = { 0 };

	if (!json)
		return 0;
	problem_lines(&out, 422, json);
	require_clean(&out);
	value_add(&out, json);
	require_clean(&out);
	diff_render(&out, json, &style);
	require_clean(&out);
	(void)path_describe(&out, json, "a", "b");
	require_clean(&out);
	show_table(json);
	return 0;
}
