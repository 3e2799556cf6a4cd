// What both later programs say that this tree's do not know.
#pragma once

#include <stddef.h>

#define LATER_TYPE "{\"type\":\"later\",\"what\":{}}"

// A JSON object of `len` bytes with one more field. The caller frees; never NULL.
char *later_field(const char *object, size_t len);
