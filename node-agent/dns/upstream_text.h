// Where questions go, as an operator writes it: a resolver's address and how it is spoken to. Pure.
//
//   9.9.9.9  9.9.9.9:5353  [2620:fe::fe]:53            plain, TCP where an answer was cut
//   tls://1.1.1.1#cloudflare-dns.com                   DNS over TLS (RFC 7858), its name checked
//   https://dns.quad9.net/dns-query@9.9.9.9            DNS over HTTPS (RFC 8484), at that address
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/net.h"

enum upstream_kind { UPSTREAM_PLAIN, UPSTREAM_TLS, UPSTREAM_HTTPS };

enum { UPSTREAM_PATH_SIZE = 128, UPSTREAM_TEXT_SIZE = 512 };

struct upstream_text {
	enum upstream_kind kind;
	struct address address;
	uint16_t port;
	char host[HOST_MAX_LEN + 1];   // whose certificate it must have; "" where it is known by
				       // its address alone
	char path[UPSTREAM_PATH_SIZE]; // of HTTPS, from its first slash on
	char text[UPSTREAM_TEXT_SIZE]; // as it was written
};

// -EINVAL with a sentence that quotes the text.
int upstream_text_parse(const char *text, struct upstream_text *ret, struct err *err);
