#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/clean.h"

#include "proxy/quic.h"

enum { SECRET_SIZE = 32, SALT_SIZE = 20, INFO_MAX = 64 };

struct version {
	uint32_t number;
	uint8_t salt[SALT_SIZE];
	const char *key, *iv, *hp; // labels
};

// RFC 9001 §5.2, RFC 9369 §3.3.
static const struct version versions[] = {
	{ QUIC_V1,
	  { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	    0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a },
	  "quic key",
	  "quic iv",
	  "quic hp" },
	{ QUIC_V2,
	  { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	    0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 },
	  "quicv2 key",
	  "quicv2 iv",
	  "quicv2 hp" },
};

struct bytes {
	const uint8_t *at;
	size_t len;
};

static int hmac(struct bytes key, struct bytes data, uint8_t ret[SECRET_SIZE])
{
	unsigned len = SECRET_SIZE;
	return HMAC(EVP_sha256(), key.at, (int)key.len, data.at, data.len, ret, &len) ? 0 : -EIO;
}

// HKDF-Expand-Label of RFC 8446 §7.1 with an empty context, for what fits into one block.
static int expand(const uint8_t secret[SECRET_SIZE], const char *label, size_t len, uint8_t *ret)
{
	uint8_t info[INFO_MAX], block[SECRET_SIZE];
	size_t at = 0, label_len = strlen(label);
	info[at++] = 0;
	info[at++] = (uint8_t)len;
	info[at++] = (uint8_t)(6 + label_len);
	memcpy(info + at, "tls13 ", 6);
	memcpy(info + at + 6, label, label_len);
	at += 6 + label_len;
	info[at++] = 0; // context
	info[at++] = 1; // the first block
	int r = hmac((struct bytes){ secret, SECRET_SIZE }, (struct bytes){ info, at }, block);
	if (r == 0)
		memcpy(ret, block, len);
	return r;
}

int quic_initial_keys(uint32_t version, const uint8_t *id, size_t len, struct quic_keys *ret)
{
	uint8_t initial[SECRET_SIZE], client[SECRET_SIZE];
	struct quic_keys keys;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		const struct version *v = &versions[i];
		if (v->number != version)
			continue;
		if (hmac((struct bytes){ v->salt, SALT_SIZE }, (struct bytes){ id, len }, initial) <
			    0 ||
		    expand(initial, "client in", SECRET_SIZE, client) < 0 ||
		    expand(client, v->key, QUIC_KEY_SIZE, keys.key) < 0 ||
		    expand(client, v->iv, QUIC_IV_SIZE, keys.iv) < 0 ||
		    expand(client, v->hp, QUIC_KEY_SIZE, keys.hp) < 0)
			return -EIO;
		*ret = keys;
		return 0;
	}
	return -EPROTONOSUPPORT;
}
