#include "uplink/tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <time.h>

#include "base/clean.h"

CLEAN_FUNC(X509, X509_free)
CLEAN_FUNC(EVP_PKEY, EVP_PKEY_free)
CLEAN_FUNC(BIO, BIO_free_all)
CLEAN_FUNC(SSL_CTX, SSL_CTX_free)

static int fail(struct err *err, const char *what)
{
	char why[160];
	ERR_error_string_n(ERR_get_error(), why, sizeof why);
	ERR_clear_error();
	return err_set(err, -EINVAL, "%s: %s", what, why);
}

static X509 *read_certificate(const char *pem)
{
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new_mem_buf(pem, -1);
	return bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
}

int tls_client_set_certificate(SSL_CTX *tls, const char *certificate_pem, struct err *err)
{
	CLEAN(X509_free_ptr) X509 *cert = read_certificate(certificate_pem);
	if (!cert || SSL_CTX_use_certificate(tls, cert) != 1)
		return fail(err, "the node's certificate cannot be used");
	return 0;
}

static int use_key(SSL_CTX *tls, const char *key_pem, struct err *err)
{
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new_mem_buf(key_pem, -1);
	CLEAN(EVP_PKEY_free_ptr)
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	if (!key || SSL_CTX_use_PrivateKey(tls, key) != 1)
		return fail(err, "the node's TLS key cannot be used");
	return 0;
}

int tls_client_new(const char *ca_pem, const char *certificate_pem, const char *key_pem,
		   SSL_CTX **ret_tls, struct err *err)
{
	CLEAN(SSL_CTX_free_ptr) SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	CLEAN(X509_free_ptr) X509 *ca = read_certificate(ca_pem);
	if (!tls || !ca || !X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), ca) ||
	    !SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION))
		return fail(err, "the controller's authority cannot be used");
	int r = tls_client_set_certificate(tls, certificate_pem, err);
	if (r == 0)
		r = use_key(tls, key_pem, err);
	if (r < 0)
		return r;
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	*ret_tls = take_ptr(&tls);
	return 0;
}

void tls_client_set_time(SSL_CTX *tls, int64_t at_s)
{
	X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(tls), (time_t)at_s);
}
