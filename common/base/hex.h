// Bytes as pairs of hexadecimal digits, in small letters.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Writes 2 * size digits and a NUL.
void hex_write(const void *bytes, size_t size, char *ret);

// Reads `len` digits into len / 2 bytes; false when there is anything else, or half a pair.
bool hex_read(const char *text, size_t len, uint8_t *ret);
