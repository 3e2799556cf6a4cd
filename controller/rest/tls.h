// Which certificate a TLS client gets: the operator's own, or Weft's for the server name agents
// use.
#pragma once

#include <gnutls/abstract.h>

#include "base/clean.h"
#include "base/err.h"

#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define TLS_PIN_SIZE   64 // "sha256//BASE64" and NUL

struct tls;

// Reads Weft's own PEM files, and the operator's when `operator_cert` is not NULL. There is one of
// it in a process, because libmicrohttpd's certificate callback has no argument; a second tls_new
// replaces it.
int tls_new(const char *own_cert, const char *own_key, const char *operator_cert,
	    const char *operator_key, struct tls **ret_tls, struct err *err);
void tls_free(struct tls *tls);
CLEAN_FUNC(struct tls, tls_free)

// curl's --pinnedpubkey for a client that gives any other server name than Weft's.
const char *tls_default_pin(const struct tls *tls);

// The callback for MHD_OPTION_HTTPS_CERT_CALLBACK.
int tls_choose(gnutls_session_t session, const gnutls_datum_t *ca_names, int ca_count,
	       const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
	       gnutls_pcert_st **ret_chain, unsigned *ret_chain_len, gnutls_privkey_t *ret_key);
