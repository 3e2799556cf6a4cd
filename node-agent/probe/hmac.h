// HMAC-SHA-256 (RFC 2104, FIPS 180-4) under a key that is used often: what depends on the key alone
// is computed once. Pure.
#pragma once

#include <openssl/sha.h>
#include <stddef.h>
#include <stdint.h>

enum { HMAC_SIZE = SHA256_DIGEST_LENGTH, HMAC_KEY_MAX = SHA256_CBLOCK };

// Secret; wipe it with hmac_key_done.
struct hmac_key {
	SHA256_CTX inner, outer;
};

// `len` at most HMAC_KEY_MAX.
void hmac_key_init(struct hmac_key *key, const void *bytes, size_t len);
void hmac_key_done(struct hmac_key *key);

void hmac_sum(const struct hmac_key *key, const void *data, size_t len, uint8_t ret_sum[HMAC_SIZE]);
