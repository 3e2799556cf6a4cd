// JSON values to YAML text for people: block style, quotes only where they are needed, read back to
// the same value.
#pragma once

#include <jansson.h>

#include "base/text.h"

// Appends to `t`; object keys keep their order. Ends with a newline.
void yaml_emit(struct text *t, const json_t *value);

// The same as a string. Caller frees; NULL when out of memory.
char *yaml_format(const json_t *value);
