// The page of metrics while it is written: all lines of one family stand together, whatever order
// they come in.
#pragma once

#include "base/map.h"
#include "base/text.h"

struct page {
	struct map *families; // name -> struct text; NULL: out of memory
	bool failed;          // something did not fit into memory
};

struct page page_new(void);

// The lines of a family, with their head; NULL: out of memory.
struct text *page_family(struct page *page, const char *name, const char *type);

// Adds a counter (what ends in _total) or a gauge. `labels` without braces, "" for none.
void page_put(struct page *page, const char *name, const char *labels, double value);

// The whole text, to be freed, and the end of the page; NULL: out of memory, or nothing on it.
char *page_take(struct page *page);
