// Names for what is imported, made of what it is called elsewhere.
#pragma once

#include <stddef.h>

enum { IMPORT_NAME_SIZE = 64, IMPORT_NAME_LEN = 56 };

// Makes a resource name of any text: lower case, other characters become one "-"; at most
// IMPORT_NAME_LEN long. "" when nothing is left.
void import_name(const char *text, size_t len, char ret[IMPORT_NAME_SIZE]);
