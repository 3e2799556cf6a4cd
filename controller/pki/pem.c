// Keys and certificates as PEM text and files.
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"

#include "inside.h"

#define PEM_MAX 65536

int pki_fail(struct err *err, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	ERR_clear_error();
	return err_set(err, -EIO, "%s: %s", what, reason ? reason : "OpenSSL gives no reason");
}

int pki_key_make(EVP_PKEY **ret_key, struct err *err)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	if (!key)
		return pki_fail(err, "cannot make a key");
	*ret_key = key;
	return 0;
}

// Never ask a person: a key with a passphrase is refused.
// NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL's type of callback
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return 0;
}

int pki_key_load(const char *path, EVP_PKEY **ret_key, struct err *err)
{
	CLEAN(free_ptr) char *pem = NULL;
	size_t len = 0;
	int r = file_read(path, PEM_MAX, &pem, &len, err);
	if (r < 0)
		return r;
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	OPENSSL_cleanse(pem, len);
	if (!key) {
		(void)pki_fail(err, "no private key");
		return err_prefix(err, "%s", path);
	}
	*ret_key = key;
	return 0;
}

int pki_key_save(const char *path, EVP_PKEY *key, struct err *err)
{
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new(BIO_s_secmem());
	if (!bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return pki_fail(err, "cannot write a key");
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	return file_replace(path, data, (size_t)len, 0600, err);
}

int pki_cert_parse(const char *pem, X509 **ret_cert, struct err *err)
{
	size_t len = strlen(pem);
	if (len > PEM_MAX)
		return err_set(err, -EFBIG, "a certificate is larger than %d bytes", PEM_MAX);
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new_mem_buf(pem, (int)len);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
	if (!cert) {
		(void)pki_fail(err, "no certificate");
		return err_set(err, -EINVAL, "the text holds no readable certificate");
	}
	*ret_cert = cert;
	return 0;
}

int pki_cert_load(const char *path, X509 **ret_cert, struct err *err)
{
	CLEAN(free_ptr) char *pem = NULL;
	int r = file_read(path, PEM_MAX, &pem, NULL, err);
	if (r < 0)
		return r;
	r = pki_cert_parse(pem, ret_cert, err);
	return r < 0 ? err_prefix(err, "%s", path) : 0;
}

char *pki_cert_text(X509 *cert)
{
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new(BIO_s_mem());
	if (!bio || PEM_write_bio_X509(bio, cert) != 1)
		return NULL;
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	return strndup(data, (size_t)len);
}

int pki_cert_hash(const X509 *cert, char *ret_hash, struct err *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	if (X509_digest(cert, EVP_sha256(), digest, &len) != 1)
		return pki_fail(err, "cannot hash a certificate");
	for (unsigned int i = 0; i < len; i++)
		(void)snprintf(ret_hash + 2UL * i, 3, "%02x", digest[i]);
	return 0;
}

int pki_pin(const char *cert_pem, char *ret_pin, struct err *err)
{
	CLEAN(X509_free_ptr) X509 *cert = NULL;
	int r = pki_cert_parse(cert_pem, &cert, err);
	if (r < 0)
		return r;
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (len <= 0)
		return pki_fail(err, "cannot write a public key");
	unsigned char digest[32];
	unsigned char base64[48];
	int ok = EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	if (ok != 1)
		return pki_fail(err, "cannot hash a public key");
	(void)EVP_EncodeBlock(base64, digest, sizeof digest);
	(void)snprintf(ret_pin, PKI_PIN_SIZE, "sha256//%s", (const char *)base64);
	return 0;
}

int64_t pki_time(const ASN1_TIME *time)
{
	struct tm tm = { 0 };
	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return -1;
	return timegm(&tm);
}
