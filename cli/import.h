// What the importers share: names of what is called otherwise elsewhere, the resources being made,
// and what is to be said of them.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/text.h"

enum { IMPORT_NAME_SIZE = 64, IMPORT_NAME_LEN = 56 };

// Makes a resource name of any text: lower case, other characters become one "-"; at most
// IMPORT_NAME_LEN long. "" when nothing is left.
void import_name(const char *text, size_t len, char ret[IMPORT_NAME_SIZE]);

// The resources of a kind ("nodes") among all of them, by name; made when there is none. Borrowed.
json_t *import_kind(json_t *resources, const char *kind);

struct import_result {
	const char *path;  // of the file that was read
	json_t *resources; // {kind: {name: spec}}
	struct text notes; // what could not be carried over or has another meaning, a line each
};
void import_result_done(struct import_result *result);

// Adds the line "PATH: WHAT: sentence".
void import_note(struct import_result *result, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
