// Numbers in network byte order at any address, for packets that are made and read by hand.
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Writes the low `size` bytes (1 to 8) of `value`, the highest first.
static inline void octets_put(uint8_t *at, uint64_t value, size_t size)
{
	const uint64_t word = htobe64(value << (64 - 8 * size));
	memcpy(at, &word, size);
}

// Reads `size` bytes (1 to 8), the highest first.
static inline uint64_t octets_get(const uint8_t *at, size_t size)
{
	uint64_t word = 0;
	memcpy(&word, at, size);
	return be64toh(word) >> (64 - 8 * size);
}
