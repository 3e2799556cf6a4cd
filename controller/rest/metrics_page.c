#include "rest/metrics_page.h"

#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "rest/metrics_families.h"

static void family_free(void *family)
{
	text_free(family);
	free(family);
}

struct page page_new(void)
{
	return (struct page){ .families = map_new(family_free) };
}

struct text *page_family(struct page *page, const char *name, const char *type)
{
	struct text *lines = page->families ? map_get(page->families, name) : NULL;
	if (lines)
		return lines;
	lines = calloc(1, sizeof(*lines));
	if (!lines || !page->families || map_set(page->families, name, lines) < 0) {
		free(lines);
		page->failed = true;
		return NULL;
	}
	text_addf(lines, "# HELP %s %s\n# TYPE %s %s\n", name, family_help(name), name, type);
	return lines;
}

void page_put(struct page *page, const char *name, const char *labels, double value)
{
	bool is_counter = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
	struct text *lines = page_family(page, name, is_counter ? "counter" : "gauge");
	if (lines)
		text_addf(lines, *labels ? "%s{%s} %.15g\n" : "%s%s %.15g\n", name, labels, value);
}

char *page_take(struct page *page)
{
	struct text all = { 0 };
	void *lines;
	for (size_t at = 0; page->families && map_next(page->families, &at, NULL, &lines);)
		text_add(&all, ((struct text *)lines)->data);
	map_free(page->families);
	page->families = NULL;
	CLEAN(free_ptr) char *text = text_take(&all);
	return text && *text && !page->failed ? take_ptr(&text) : NULL;
}
