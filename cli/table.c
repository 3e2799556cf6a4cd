#include "cli/table.h"

#include <string.h>

#include "cli/terminal.h"
#include "cli/value.h"

enum { GAP = 2, NARROWEST = 8, COLUMNS_MAX = 16 };

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->row_ends);
	*t = (struct table){ 0 };
}

void table_cell(struct table *t, const char *text)
{
	struct text clean = { 0 };
	value_add_clean(&clean, text && *text ? text : "-");
	char *cell = text_take(&clean);
	char **cells = realloc(t->cells, (t->n_cells + 1) * sizeof(*cells));
	if (cells)
		t->cells = cells;
	if (!cells || !cell) {
		free(cell);
		t->failed = true;
		return;
	}
	t->cells[t->n_cells++] = cell;
}

void table_end_row(struct table *t)
{
	size_t *ends = realloc(t->row_ends, (t->n_rows + 1) * sizeof(*ends));
	if (!ends) {
		t->failed = true;
		return;
	}
	t->row_ends = ends;
	t->row_ends[t->n_rows++] = t->n_cells;
}

// Characters of UTF-8 text, taken as one column each.
static size_t columns_of(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static size_t measure(const struct table *t, size_t widths[COLUMNS_MAX])
{
	size_t columns = 0;
	for (size_t row = 0, at = 0; row < t->n_rows; row++) {
		for (size_t col = 0; at < t->row_ends[row]; at++, col++) {
			if (col >= COLUMNS_MAX)
				continue;
			size_t w = columns_of(t->cells[at]);
			widths[col] = w > widths[col] ? w : widths[col];
			columns = col + 1 > columns ? col + 1 : columns;
		}
	}
	return columns;
}

// Takes from the widest column until the row fits or nothing is left to take.
static void fit(size_t *widths, size_t columns, size_t width)
{
	for (;;) {
		size_t sum = (columns - 1) * GAP;
		size_t widest = 0;
		for (size_t i = 0; i < columns; i++) {
			sum += widths[i];
			widest = widths[i] > widths[widest] ? i : widest;
		}
		if (sum <= width || widths[widest] <= NARROWEST)
			return;
		widths[widest]--;
	}
}

static void add_cell(struct text *out, const char *cell, size_t width, bool is_last)
{
	size_t n = columns_of(cell);
	size_t shown = n <= width ? n : width - 1;
	const char *end = cell;
	for (size_t i = 0; *end && i < shown; i++) {
		do
			end++;
		while (((unsigned char)*end & 0xc0) == 0x80);
	}
	text_add_bytes(out, cell, (size_t)(end - cell));
	if (n > width) {
		text_add(out, "…");
		shown++;
	}
	if (!is_last)
		text_addf(out, "%*s", (int)(width - shown) + GAP, "");
}

void table_render(const struct table *t, size_t width, bool is_coloured, struct text *out)
{
	size_t widths[COLUMNS_MAX] = { 0 };
	size_t columns = measure(t, widths);
	if (t->failed || columns == 0)
		return;
	if (width)
		fit(widths, columns, width);
	for (size_t row = 0, at = 0; row < t->n_rows; row++) {
		text_add(out, row == 0 && is_coloured ? COLOUR_BOLD : "");
		for (size_t col = 0; at < t->row_ends[row]; at++, col++) {
			if (col < COLUMNS_MAX)
				add_cell(out, t->cells[at], widths[col],
					 at + 1 == t->row_ends[row]);
		}
		text_add(out, row == 0 && is_coloured ? COLOUR_OFF "\n" : "\n");
	}
}
