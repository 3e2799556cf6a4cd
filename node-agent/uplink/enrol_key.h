// The one string an operator gives to `join`: "weft1." and base64url of where the controllers are,
// the hash of their certificate authority, and the secret. Pure.
#pragma once

#include <stddef.h>

#include "base/clean.h"
#include "base/err.h"

enum { ENROL_KEY_URLS_MAX = 8, ENROL_KEY_TEXT_MAX = 4096 };

struct enrol_key {
	char *urls[ENROL_KEY_URLS_MAX]; // "https://host:port", in the order to try
	size_t url_count;
	unsigned char ca_sha256[32]; // of the certificate's DER form
	char *id;
	char *secret;
};

// -EINVAL with a sentence for anything that is not such a string. Release with enrol_key_done.
int enrol_key_parse(const char *text, struct enrol_key *ret_key, struct err *err);
void enrol_key_done(struct enrol_key *key);

// Splits "host:port" or "[v6]:port" (a URL's "https://" or "wss://" before it and a path behind it
// are cut off). `default_port` serves where none is written. -EINVAL when there is no host, the
// port is none or the buffer is too small.
int enrol_key_host_port(const char *text, int default_port, char *ret_host, size_t size,
			int *ret_port);
