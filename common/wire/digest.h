// The order-free hash over a node's entries, so that two ends tell in one comparison whether they
// agree.
//
// A digest is the sum, modulo 2^128, over the entries of the first 16 bytes of SHA-256(key, 0x00,
// body), read as a little-endian number. It is printed as the 32 hex digits of the number, most
// significant first. Empty = all zeros.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_TEXT_SIZE 33 // 32 hex digits and the NUL

struct digest {
	uint64_t low;
	uint64_t high;
};

// The term of one entry. `body` need not end with a NUL.
struct digest digest_of_entry(const char *key, const char *body, size_t body_len);

// The first 16 bytes of SHA-256 over `len` bytes: the key and body hashes of the message `keys`.
struct digest digest_of_bytes(const void *bytes, size_t len);

void digest_add(struct digest *d, struct digest term);
void digest_sub(struct digest *d, struct digest term);
bool digest_equal(struct digest a, struct digest b);

// Total order, for sorting lists of hashes: negative, 0 or positive.
int digest_compare(struct digest a, struct digest b);

void digest_format(struct digest d, char ret_text[DIGEST_TEXT_SIZE]);

// Exactly 32 lower-case hex digits; -EINVAL otherwise, with *ret_digest untouched.
int digest_parse(const char *text, struct digest *ret_digest);
