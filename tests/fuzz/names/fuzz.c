// Names in packets, lists of strangers, and damaged images of lists. The first byte says which.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "names/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_name(const uint8_t *data, size_t size)
{
	struct name name, again;
	char text[NAME_TEXT_SIZE];
	int used = name_read(data, size, &name);
	if (used >= 0) {
		if (used != name.len || name_read(name.wire, name.len, &again) != used ||
		    memcmp(name.wire, again.wire, name.len) != 0)
			abort();
		name_text(&name, text);
	}
	struct err err = { 0 };
	if (name_parse((const char *)data, size, &name, &err) < 0) {
		if (err.text[0] == '\0')
			abort();
		return;
	}
	name_text(&name, text);
	if (name_parse(text, strlen(text), &again, NULL) < 0 || again.len != name.len ||
	    memcmp(name.wire, again.wire, name.len) != 0)
		abort();
}

struct names_read {
	struct name_list_builder *builder;
	struct name_rule last;
	bool has_last;
};

static int take(void *context, const struct name_rule *rule)
{
	struct names_read *read = context;
	read->last = *rule;
	read->has_last = true;
	return name_list_add(read->builder, rule, NULL);
}

// Every list that is read can be made into an image, and that finds what was read last.
static void try_lines(const uint8_t *data, size_t size)
{
	struct names_read read = { .builder = name_list_builder_new() };
	struct name_lines lines;
	struct name_list list;
	void *image = NULL;
	size_t len;
	if (name_lines_read((const char *)data, size, take, &read, &lines, NULL) == 0 &&
	    read.has_last) {
		if (name_list_image(read.builder, &image, &len, NULL) < 0 ||
		    name_list_view(image, len, &list, NULL) < 0)
			abort();
		struct name_hit hit = name_list_find(&list, &read.last.name);
		if ((read.last.how & NAME_EXACT) && hit.labels != read.last.name.n_labels)
			abort();
	}
	free(image);
	name_list_builder_free(read.builder);
}

static void try_image(const uint8_t *data, size_t size)
{
	struct name_list list;
	struct name name;
	CLEAN(free_ptr) void *copy = malloc(size + 1); // as aligned as a mapped one
	if (!copy || name_parse("a.b.example", 11, &name, NULL) < 0)
		abort();
	memcpy(copy, data, size);
	if (name_list_view(copy, size, &list, NULL) < 0)
		return;
	name_list_fetch_tables(&list, &name);
	name_list_fetch_entries(&list, &name);
	(void)name_list_find(&list, &name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 3 == 0)
		try_name(data + 1, size - 1);
	else if (data[0] % 3 == 1)
		try_lines(data + 1, size - 1);
	else
		try_image(data + 1, size - 1);
	return 0;
}
