// Numbers in network byte order at any address, for packets that are made and read by hand.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Writes the low `size` bytes (at most 8) of `value`, the highest first.
static inline void octets_put(uint8_t *at, uint64_t value, size_t size)
{
	for (size_t i = size; i-- > 0; value >>= 8)
		at[i] = (uint8_t)value;
}

// Reads `size` bytes (at most 8), the highest first.
static inline uint64_t octets_get(const uint8_t *at, size_t size)
{
	uint64_t value = 0;
	for (size_t i = 0; i < size; i++)
		value = value << 8 | at[i];
	return value;
}
