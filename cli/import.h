// What the importers share: names of what is called otherwise elsewhere, and the resources being
// made.
#pragma once

#include <jansson.h>
#include <stddef.h>

enum { IMPORT_NAME_SIZE = 64, IMPORT_NAME_LEN = 56 };

// Makes a resource name of any text: lower case, other characters become one "-"; at most
// IMPORT_NAME_LEN long. "" when nothing is left.
void import_name(const char *text, size_t len, char ret[IMPORT_NAME_SIZE]);

// The resources of a kind ("nodes") among all of them, by name; made when there is none. Borrowed.
json_t *import_kind(json_t *resources, const char *kind);
