// Tables for people: columns aligned, the widest one shortened to fit the terminal.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct table {
	char **cells;
	size_t *row_ends; // index into cells where each row ends
	size_t n_cells, n_rows;
	bool failed;
};

// Zero-initialise; CLEAN(table_done).
void table_done(struct table *t);

// Adds a cell to the present row; NULL and "" show as "-". The first row is the head.
void table_cell(struct table *t, const char *text);
void table_end_row(struct table *t);

// Appends the table; `width` is that of the terminal in columns, 0: as wide as it gets. The head is
// bold if coloured.
void table_render(const struct table *t, size_t width, bool is_coloured, struct text *out);
