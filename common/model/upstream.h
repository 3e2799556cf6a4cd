// How an operator writes a resolver to ask: where it is, and how it is spoken to. Pure.
//
//   9.9.9.9   9.9.9.9:5353   2620:fe::fe   [2620:fe::fe]:5353    DNS, UDP and TCP (RFC 1035)
//   tls://1.1.1.1   tls://1.1.1.1:853#cloudflare-dns.com         DNS over TLS (RFC 7858)
//   https://dns.quad9.net/dns-query@9.9.9.9                      DNS over HTTPS (RFC 8484)
//
// Addresses stand in it, so that asking a resolver never begins with asking another one.
#pragma once

#include "base/err.h"
#include "model/net.h"

enum { UPSTREAM_PATH_SIZE = 128, UPSTREAM_TEXT_MAX = 400 };

enum upstream_kind {
	UPSTREAM_PLAIN,
	UPSTREAM_TLS,
	UPSTREAM_HTTPS,
};

struct upstream {
	enum upstream_kind kind;
	struct address address;
	uint16_t port;               // never 0
	char host[HOST_MAX_LEN + 1]; // TLS, HTTPS: whom its certificate must name; "": its address
	char path[UPSTREAM_PATH_SIZE]; // HTTPS: begins with /
};

// -EINVAL with a sentence that quotes the text; `ret` is then untouched.
int upstream_parse(const char *text, struct upstream *ret, struct err *err);
