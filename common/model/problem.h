// A list of everything wrong with an input: the field's path and one sentence each.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clean.h"
#include "base/err.h"

// Beyond this many only `is_cut` is set, so that a hostile body cannot make a large answer.
#define PROBLEM_LIST_MAX 100

struct problem {
	char *field; // "networks.home.mesh[2]"; "" is the whole body
	char *text;  // one sentence without the field and without a final newline
};

// Zero-initialise; `CLEAN(problem_list_done)`.
struct problem_list {
	struct problem *items;
	size_t len;
	bool is_cut; // there were more
};

void problem_list_done(struct problem_list *l);

// Appends; copies both strings (invalid UTF-8 in them becomes `?`). Out of memory sets `is_cut`, so
// the list is never taken for empty: ask problem_list_any(), not `len`.
void problem_add(struct problem_list *l, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

bool problem_list_any(const struct problem_list *l);

// [{"field":…,"text":…},…] as in a Problem's `errors`. New reference; NULL when out of memory.
json_t *problem_list_json(const struct problem_list *l);

// "field: text" of the first one, and how many more there are. Returns -EINVAL (0 when the list is
// empty).
int problem_list_err(const struct problem_list *l, struct err *err);
