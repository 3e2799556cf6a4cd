// Statements with their values: made on the loop, run on the store's thread.
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "intent/parts.h"

void rows_done(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		for (size_t k = 0; k < rows->items[i].count; k++)
			free(rows->items[i].values[k].text);
	}
	free(rows->items);
	*rows = (struct rows){ 0 };
}

static struct row *rows_next(struct rows *rows)
{
	if (rows->count == rows->cap) {
		size_t cap = rows->cap ? rows->cap * 2 : 32;
		struct row *items = reallocarray(rows->items, cap, sizeof *items);

		if (!items)
			return NULL;
		rows->items = items;
		rows->cap = cap;
	}
	struct row *row = &rows->items[rows->count++];
	*row = (struct row){ 0 };
	return row;
}

static void value_text(struct rows *rows, struct row_value *value, char *text, bool is_null)
{
	value->is_text = true;
	value->text = text;
	if (!text && !is_null)
		rows->failed = true;
}

void rows_add(struct rows *rows, enum store_sql sql, const char *format, ...)
{
	struct row *row = rows_next(rows);
	va_list args;

	if (!row) {
		rows->failed = true;
		return;
	}
	row->sql = sql;
	va_start(args, format);
	for (const char *f = format; *f && row->count < ROW_VALUES_MAX; f++) {
		struct row_value *value = &row->values[row->count++];

		if (*f == 'i') {
			value->integer = va_arg(args, int64_t);
		} else if (*f == 't') {
			const char *text = va_arg(args, const char *);

			value_text(rows, value, text ? strdup(text) : NULL, !text);
		} else {
			const json_t *json = va_arg(args, const json_t *);

			value_text(rows, value, json ? json_canonical(json) : NULL, !json);
		}
	}
	va_end(args);
}

int rows_run(const struct rows *rows, struct store_tx *tx, struct err *err)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->items[i];
		struct store_value values[ROW_VALUES_MAX];

		for (size_t k = 0; k < row->count; k++) {
			const struct row_value *v = &row->values[k];

			values[k] = v->is_text ? store_text(v->text) : store_int(v->integer);
		}
		int rc = store_exec(tx, row->sql, (struct store_params){ values, row->count }, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
