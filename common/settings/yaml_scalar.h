// What a plain YAML scalar means by the 1.2 core schema. Private to settings.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

// The value of an unquoted scalar: null, true, 12, 0x1f, 0o17, 1.5e3, otherwise a string. New
// reference; NULL when it is a number that cannot be held (beyond 64 bits, .inf, .nan), out of
// memory, or no UTF-8. `text` ends with NUL.
json_t *yaml_scalar_value(const char *text, size_t len);

// True if an unquoted `text` would be read as this very string.
bool yaml_scalar_is_string(const char *text);
