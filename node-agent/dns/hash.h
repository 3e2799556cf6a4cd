// Places in tables for what strangers choose: the seed keeps them from choosing the places. Pure.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t dns_hash_word(uint64_t hash, uint64_t word, uint64_t seed)
{
	__extension__ unsigned __int128 product =
		(unsigned __int128)(hash ^ word) * UINT64_C(0xa0761d6478bd642f);
	return (uint64_t)product ^ (uint64_t)(product >> 64) ^ seed;
}

static inline uint64_t dns_hash(uint64_t hash, const uint8_t *bytes, size_t len, uint64_t seed)
{
	uint64_t word;
	for (; len >= sizeof(word); bytes += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = dns_hash_word(hash, word, seed);
	}
	word = 0;
	for (size_t i = 0; i < len; i++)
		word = word << 8 | bytes[i];
	return len > 0 ? dns_hash_word(hash, word, seed) : hash;
}
