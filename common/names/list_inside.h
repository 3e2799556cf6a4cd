// What the reader and the maker of a list's image share.
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "names/name.h"

#define LIST_MAGIC 0x315453494c464557 // "WEFLIST1" where the low byte comes first

struct list_header {
	uint64_t magic;
	uint64_t seed;
	uint64_t names;
	uint64_t entries_size;
	uint32_t slots;
	uint32_t deepest;
};

enum { LIST_ENTRY_HEAD = 2 }; // how, length of wire

static inline uint64_t list_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// The hash of a name from the hash of what is above its leftmost label; the root's is the seed.
// Behind the label NAME_WIRE_BEHIND bytes can be read.
static inline uint64_t list_hash(uint64_t above, const uint8_t *label)
{
	unsigned left = label[0];
	uint64_t hash = above ^ (left * UINT64_C(0x9e3779b97f4a7c15));
	for (const uint8_t *at = label + 1; left > 0; at += sizeof(uint64_t)) {
		const unsigned take = left < sizeof(uint64_t) ? left : (unsigned)sizeof(uint64_t);
		uint64_t word;
		memcpy(&word, at, sizeof(word));
		word = le64toh(word) & UINT64_MAX >> (64 - 8 * take);
		hash = list_mix(hash ^ word, UINT64_C(0xd6e8feb86659fd93));
		left -= take;
	}
	return hash;
}

static inline uint32_t list_slot(uint64_t hash, uint32_t slots)
{
	return (uint32_t)((hash & UINT32_MAX) * slots >> 32);
}

// Never 0, which is a free slot's.
static inline uint8_t list_tag(uint64_t hash)
{
	return (uint8_t)(hash >> 56 | 1);
}
