// Parameters going in and columns coming out.
#include <string.h>

#include "store/store.h"

struct store_value store_int(int64_t value)
{
	return (struct store_value){ .type = STORE_INT, .integer = value };
}

struct store_value store_text(const char *text)
{
	if (!text)
		return store_null();
	return (struct store_value){ .type = STORE_TEXT, .bytes = text, .len = strlen(text) };
}

struct store_value store_blob(const void *bytes, size_t len)
{
	return (struct store_value){ .type = STORE_BLOB, .bytes = bytes, .len = len };
}

struct store_value store_null(void)
{
	return (struct store_value){ .type = STORE_NULL };
}

static const struct store_value *column_of(const struct store_row *row, size_t column,
					   enum store_type type)
{
	if (column >= row->count || row->values[column].type != type)
		return NULL;
	return &row->values[column];
}

int64_t store_row_int(const struct store_row *row, size_t column)
{
	const struct store_value *v = column_of(row, column, STORE_INT);
	return v ? v->integer : 0;
}

const char *store_row_text(const struct store_row *row, size_t column)
{
	const struct store_value *v = column_of(row, column, STORE_TEXT);
	return v ? v->bytes : NULL;
}

const void *store_row_blob(const struct store_row *row, size_t column, size_t *ret_len)
{
	const struct store_value *v = column_of(row, column, STORE_BLOB);
	*ret_len = v ? v->len : 0;
	return v ? v->bytes : NULL;
}

bool store_row_is_null(const struct store_row *row, size_t column)
{
	return column >= row->count || row->values[column].type == STORE_NULL;
}
