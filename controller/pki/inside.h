// Inside of the PKI: OpenSSL objects with cleanup, PEM text, and the one function that builds a
// certificate.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/map.h"

#include "pki/pki.h"

CLEAN_FUNC(EVP_PKEY, EVP_PKEY_free)
CLEAN_FUNC(X509, X509_free)
CLEAN_FUNC(X509_REQ, X509_REQ_free)
CLEAN_FUNC(BIO, BIO_free_all)
CLEAN_FUNC(GENERAL_NAMES, GENERAL_NAMES_free)

struct pki {
	EVP_PKEY *key;
	X509 *cert;
	char *pem;
	char hash[PKI_HASH_SIZE];
	char *dir;
	char *ca_path;
	char *key_path;
	char *cert_path;
	struct map *revoked; // serial -> (void *)1
	int64_t node_life;   // seconds
};

// ---- pem.c ----
// -EIO with OpenSSL's reason, whose queue it empties.
int pki_fail(struct err *err, const char *what);
int pki_key_make(EVP_PKEY **ret_key, struct err *err); // ECDSA P-256
int pki_key_load(const char *path, EVP_PKEY **ret_key, struct err *err);
int pki_key_save(const char *path, EVP_PKEY *key, struct err *err); // mode 0600
int pki_cert_load(const char *path, X509 **ret_cert, struct err *err);
int pki_cert_parse(const char *pem, X509 **ret_cert, struct err *err);
char *pki_cert_text(X509 *cert); // PEM; caller frees; NULL: no memory
int pki_cert_hash(const X509 *cert, char *ret_hash, struct err *err);
int64_t pki_time(const ASN1_TIME *time); // seconds since 1970, -1 when unreadable

// ---- certificate.c ----
struct pki_wish {
	const char *common_name;
	EVP_PKEY *subject_key;
	int64_t not_before;
	int64_t not_after;
	bool is_ca;
	const char *extended_use; // "clientAuth", "serverAuth"; NULL for the CA
	GENERAL_NAMES *names;     // subject alternative names or NULL
};
// `issuer` NULL: self-signed. The serial is random.
int pki_build(const struct pki_wish *wish, X509 *issuer, EVP_PKEY *issuer_key, X509 **ret_cert,
	      struct err *err);
void pki_serial_text(const X509 *cert, char *ret_serial);
// Takes `text`; an IP address or DNS name by its look, or a URI.
int pki_names_add(GENERAL_NAMES *names, int type, const char *text, struct err *err);
