// What the first bytes of a flow say about whom it is for: the server name of a TLS ClientHello
// (RFC 6066, RFC 8446) or the host of an HTTP/1 request (RFC 9112). Pure; a reader is handed all
// bytes so far, again and again.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names/name.h"

enum {
	SNIFF_HELLO_MAX = 16384, // of a ClientHello; those with post-quantum keys have some 2,000
	SNIFF_TLS_MAX = SNIFF_HELLO_MAX + 5 * 256, // on the wire, in up to 256 records
	SNIFF_HTTP_MAX = 16384,                    // of a request's head
};

enum sniff_result {
	SNIFF_MORE,    // not before there are `wants` bytes
	SNIFF_NAME,    // `name` is whom it says it is for
	SNIFF_NO_NAME, // of this protocol, and names nobody (or an address)
	SNIFF_FOREIGN, // another protocol
	SNIFF_BAD,     // of this protocol, but broken or too long
};

struct sniff {
	struct name name; // SNIFF_NAME
	bool has_ech; // the hello has an encrypted one inside, or pretends to: the name may be a
		      // front's
	size_t wants; // SNIFF_MORE
};

// TLS records from the client.
enum sniff_result sniff_tls(const uint8_t *data, size_t len, struct sniff *ret);
// Handshake messages without records, as QUIC carries them.
enum sniff_result sniff_handshake(const uint8_t *data, size_t len, struct sniff *ret);
// An HTTP/1 request.
enum sniff_result sniff_http(const uint8_t *data, size_t len, struct sniff *ret);

// Host or server name as written; SNIFF_NO_NAME for an address.
enum sniff_result sniff_host(const char *text, size_t len, struct name *ret);
