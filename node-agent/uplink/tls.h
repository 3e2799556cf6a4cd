// The TLS side of the uplink: only the pinned authority is trusted, the node's certificate is
// shown, TLS 1.3 only.
#pragma once

#include <openssl/ssl.h>
#include <stdint.h>

#include "base/err.h"

// The caller frees with SSL_CTX_free.
int tls_client_new(const char *ca_pem, const char *certificate_pem, const char *key_pem,
		   SSL_CTX **ret_tls, struct err *err);

// For the connections from now on; it must belong to the key given before.
int tls_client_set_certificate(SSL_CTX *tls, const char *certificate_pem, struct err *err);

// The time to verify the server's certificate at, seconds since 1970.
void tls_client_set_time(SSL_CTX *tls, int64_t at_s);
