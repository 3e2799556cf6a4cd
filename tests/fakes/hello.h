// ClientHellos and QUIC Initials made to measure, for tests of what reads them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/quic.h"

enum { HELLO_SIZE = 17000 };

struct hello_form {
	const char *name; // NULL: no server name
	bool has_name_twice;
	bool has_ech;
	size_t key_share; // bytes, as of post-quantum keys
};

// A handshake message; returns its length, at most HELLO_SIZE.
size_t hello_make(const struct hello_form *form, uint8_t ret[HELLO_SIZE]);
// The same in TLS records of at most `piece` bytes each.
size_t hello_records(const uint8_t *hello, size_t len, size_t piece, uint8_t *ret);

struct initial_form {
	uint32_t version;
	const uint8_t *id; // of the destination, as in the header
	size_t id_len;
	const uint8_t *key_id; // whose keys; NULL: the same
	size_t key_id_len;
	size_t token_len;
	uint32_t number;
	bool is_greased; // RFC 9287
};

// A CRYPTO frame of hello[offset, offset + len); returns its size.
size_t initial_crypto(const uint8_t *hello, size_t offset, size_t len, uint8_t *ret);
// A protected packet with these frames; returns its size.
size_t initial_seal(const struct initial_form *form, const uint8_t *frames, size_t len,
		    uint8_t *ret);
