// A set of name rules as one immutable image, the same bytes on disk and in memory: made once,
// mapped by every program that asks it. A million names take about 30 MB, shared; a look-up reads
// one byte of a table for each label and the name itself only for a likely hit. Pure (list_file.c
// maps it).
//
//   header, tags[slots] (0: free), offsets[slots] (u32, native), then entries: how, length, wire
//
// Images are for the host that made them (native byte order; checked).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "names/rule.h"

// Over an image that must outlive it. By value; nothing to free.
struct name_list {
	const uint8_t *tags;
	const uint32_t *offsets;
	const uint8_t *entries;
	size_t entries_size;
	uint32_t slots;
	uint64_t names, seed;
	unsigned deepest; // labels of the longest entry: deeper suffixes need no look
};

struct name_hit {
	unsigned how;    // of the matching rule, 0: none
	unsigned labels; // how many labels it has: of two lists the longer match is the closer one
};

// -EINVAL with a sentence when it is no image, or of another version or byte order. Damage inside
// it is noticed as names that do not match, never as a wild read.
int name_list_view(const void *image, size_t size, struct name_list *ret, struct err *err);

// The closest rule for `name`.
struct name_hit name_list_find(const struct name_list *list, const struct name *name);

// Has the processor fetch what name_list_find() will read of the tables and, when these are there,
// of the entries. Who calls the one, then the other for many names before the first is looked up
// waits for memory about once, and not for each.
void name_list_fetch_tables(const struct name_list *list, const struct name *name);
void name_list_fetch_entries(const struct name_list *list, const struct name *name);

// ---- list_build.c ----

struct name_list_builder;

// NULL when out of memory.
struct name_list_builder *name_list_builder_new(void);
void name_list_builder_free(struct name_list_builder *builder);

// Rules for the same name add up.
int name_list_add(struct name_list_builder *builder, const struct name_rule *rule, struct err *err);

// The image of what was added; the caller frees it. The builder can go on.
int name_list_image(struct name_list_builder *builder, void **ret_image, size_t *ret_size,
		    struct err *err);

// ---- list_file.c ----

// A mapped image; it stays as it is when another takes its place on disk.
struct name_list_file {
	struct name_list list;
	void *map;
	size_t size;
};

int name_list_open(const char *path, struct name_list_file *ret, struct err *err);
void name_list_close(struct name_list_file *file);
