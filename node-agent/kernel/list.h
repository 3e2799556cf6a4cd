// A growing array of plain values, as the parsers fill them.
#pragma once

#include <stddef.h>

// Makes room for one more element behind `len` and returns it zeroed, or NULL when out of memory.
// `items` is the address of the array's pointer; its capacity is always the next power of two, so
// no other number is kept.
void *list_add(void *items, size_t *len, size_t item_size);
