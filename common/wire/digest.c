// The low-level functions neither allocate nor fail, which EVP may.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "wire/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static uint64_t little_endian(const unsigned char *bytes)
{
	uint64_t value = 0;

	for (size_t i = 8; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static struct digest finish(SHA256_CTX *sha)
{
	unsigned char bytes[SHA256_DIGEST_LENGTH];

	(void)SHA256_Final(bytes, sha);
	return (struct digest){ .low = little_endian(bytes), .high = little_endian(bytes + 8) };
}

struct digest digest_of_entry(const char *key, const char *body, size_t body_len)
{
	SHA256_CTX sha;

	(void)SHA256_Init(&sha);
	(void)SHA256_Update(&sha, key, strlen(key) + 1); // with its NUL, which parts key and body
	(void)SHA256_Update(&sha, body, body_len);
	return finish(&sha);
}

struct digest digest_of_bytes(const void *bytes, size_t len)
{
	SHA256_CTX sha;

	(void)SHA256_Init(&sha);
	(void)SHA256_Update(&sha, bytes, len);
	return finish(&sha);
}

void digest_add(struct digest *d, struct digest term)
{
	d->low += term.low;
	d->high += term.high + (d->low < term.low ? 1 : 0);
}

void digest_sub(struct digest *d, struct digest term)
{
	uint64_t borrow = d->low < term.low ? 1 : 0;

	d->low -= term.low;
	d->high -= term.high + borrow;
}

bool digest_equal(struct digest a, struct digest b)
{
	return a.low == b.low && a.high == b.high;
}

int digest_compare(struct digest a, struct digest b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	if (a.low != b.low)
		return a.low < b.low ? -1 : 1;
	return 0;
}

void digest_format(struct digest d, char ret_text[DIGEST_TEXT_SIZE])
{
	(void)snprintf(ret_text, DIGEST_TEXT_SIZE, "%016" PRIx64 "%016" PRIx64, d.high, d.low);
}

static int parse_half(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (size_t i = 0; i < 16; i++) {
		unsigned nibble;

		if (text[i] >= '0' && text[i] <= '9')
			nibble = (unsigned)(text[i] - '0');
		else if (text[i] >= 'a' && text[i] <= 'f')
			nibble = (unsigned)(text[i] - 'a' + 10);
		else
			return -EINVAL;
		value = value << 4 | nibble;
	}
	*ret_value = value;
	return 0;
}

int digest_parse(const char *text, struct digest *ret_digest)
{
	struct digest d;

	if (strnlen(text, DIGEST_TEXT_SIZE) != DIGEST_TEXT_SIZE - 1)
		return -EINVAL;
	if (parse_half(text, &d.high) < 0 || parse_half(text + 16, &d.low) < 0)
		return -EINVAL;
	*ret_digest = d;
	return 0;
}
