// JSON values on one line, as YAML's flow style writes them, with quotes only where they are
// needed.
#pragma once

#include <jansson.h>

#include "base/text.h"

// Of json_dumps: 48.9 is not 48.899999999999999.
#define VALUE_REALS JSON_REAL_PRECISION(12)

// `value` NULL is written "(none)". Control characters become escapes, so a terminal is safe from
// it.
void value_add(struct text *t, const json_t *value);

// A string with control characters made spaces.
void value_add_clean(struct text *t, const char *s);
