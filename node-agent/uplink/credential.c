#include "uplink/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clean.h"
#include "base/clock.h"

// A clock that is a little behind is set by NTP all the time.
enum { CLOCK_SLACK_S = 3600 };

CLEAN_FUNC(EVP_PKEY, EVP_PKEY_free)
CLEAN_FUNC(X509, X509_free)
CLEAN_FUNC(X509_REQ, X509_REQ_free)
CLEAN_FUNC(X509_STORE, X509_STORE_free)
CLEAN_FUNC(X509_STORE_CTX, X509_STORE_CTX_free)
CLEAN_FUNC(BIO, BIO_free_all)

static int crypto_fail(struct err *err, const char *what)
{
	char why[160];
	ERR_error_string_n(ERR_get_error(), why, sizeof why);
	ERR_clear_error();
	return err_set(err, -EINVAL, "%s: %s", what, why);
}

static int take_bio(BIO *bio, char **ret_text, struct err *err)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	char *copy = len > 0 ? strndup(data, (size_t)len) : NULL;
	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	*ret_text = copy;
	return 0;
}

int credential_make_key(char **ret_pem, struct err *err)
{
	CLEAN(EVP_PKEY_free_ptr) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new(BIO_s_secmem());
	if (!key || !bio || !PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return crypto_fail(err, "cannot make a TLS key");
	return take_bio(bio, ret_pem, err);
}

static EVP_PKEY *read_key(const char *pem)
{
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new_mem_buf(pem, -1);
	return bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
}

static X509 *read_certificate(const char *pem)
{
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new_mem_buf(pem, -1);
	return bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
}

int credential_make_csr(const char *key_pem, const char *common_name, char **ret_pem,
			struct err *err)
{
	CLEAN(EVP_PKEY_free_ptr) EVP_PKEY *key = read_key(key_pem);
	CLEAN(X509_REQ_free_ptr) X509_REQ *req = X509_REQ_new();
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new(BIO_s_mem());
	if (!key || !req || !bio)
		return crypto_fail(err, "cannot read the TLS key");
	X509_NAME *subject = X509_REQ_get_subject_name(req);
	if (!X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
					(const unsigned char *)common_name, -1, -1, 0) ||
	    !X509_REQ_set_pubkey(req, key) || !X509_REQ_sign(req, key, EVP_sha256()) ||
	    !PEM_write_bio_X509_REQ(bio, req))
		return crypto_fail(err, "cannot make a certificate request");
	return take_bio(bio, ret_pem, err);
}

int credential_make_wg_key(char ret_private[CREDENTIAL_WG_KEY_SIZE], struct err *err)
{
	CLEAN(EVP_PKEY_free_ptr) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	unsigned char raw[32];
	size_t len = sizeof raw;
	if (!key || !EVP_PKEY_get_raw_private_key(key, raw, &len) || len != sizeof raw)
		return crypto_fail(err, "cannot make a WireGuard key");
	// WireGuard stores the clamped form (RFC 7748, section 5).
	raw[0] &= 248;
	raw[31] = (unsigned char)((raw[31] & 127) | 64);
	(void)EVP_EncodeBlock((unsigned char *)ret_private, raw, sizeof raw);
	OPENSSL_cleanse(raw, sizeof raw);
	return 0;
}

int credential_wg_public(const char *private_key, char ret_public[CREDENTIAL_WG_KEY_SIZE],
			 struct err *err)
{
	unsigned char raw[36];
	if (strlen(private_key) != CREDENTIAL_WG_KEY_SIZE - 1 ||
	    EVP_DecodeBlock(raw, (const unsigned char *)private_key, CREDENTIAL_WG_KEY_SIZE - 1) <
		    32)
		return err_set(err, -EINVAL, "the WireGuard key is not 32 bytes in base64");
	CLEAN(EVP_PKEY_free_ptr)
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, raw, 32);
	OPENSSL_cleanse(raw, sizeof raw);
	size_t len = 32;
	if (!key || !EVP_PKEY_get_raw_public_key(key, raw, &len) || len != 32)
		return crypto_fail(err, "cannot compute the WireGuard public key");
	(void)EVP_EncodeBlock((unsigned char *)ret_public, raw, 32);
	return 0;
}

static int64_t time_ms(const ASN1_TIME *at)
{
	struct tm tm = { 0 };
	if (!ASN1_TIME_to_tm(at, &tm))
		return 0;
	return (int64_t)timegm(&tm) * 1000;
}

int credential_life(const char *certificate_pem, int64_t *ret_from_ms, int64_t *ret_to_ms,
		    struct err *err)
{
	CLEAN(X509_free_ptr) X509 *cert = read_certificate(certificate_pem);
	if (!cert)
		return crypto_fail(err, "the certificate cannot be read");
	*ret_from_ms = time_ms(X509_get0_notBefore(cert));
	*ret_to_ms = time_ms(X509_get0_notAfter(cert));
	return 0;
}

static int check_chain(X509 *cert, X509 *ca, int64_t at_s, struct err *err)
{
	CLEAN(X509_STORE_free_ptr) X509_STORE *store = X509_STORE_new();
	CLEAN(X509_STORE_CTX_free_ptr) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	if (!store || !ctx || !X509_STORE_add_cert(store, ca) ||
	    !X509_STORE_CTX_init(ctx, store, cert, NULL))
		return crypto_fail(err, "cannot verify a certificate");
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)at_s);
	if (X509_verify_cert(ctx) == 1)
		return 0;
	return err_set(err, -EINVAL, "the certificate was not issued by the trusted authority: %s",
		       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
}

int credential_check_certificate(const char *pem, struct err *err)
{
	CLEAN(X509_free_ptr) X509 *cert = read_certificate(pem);
	ERR_clear_error();
	return cert ? 0 : err_set(err, -EINVAL, "it is no certificate");
}

static int check_key(const X509 *cert, EVP_PKEY *key, struct err *err)
{
	int matches = X509_check_private_key(cert, key);
	ERR_clear_error();
	return matches == 1 ? 0 : err_set(err, -EINVAL, "the certificate belongs to another key");
}

int credential_check_key(const char *certificate_pem, const char *key_pem, struct err *err)
{
	CLEAN(X509_free_ptr) X509 *cert = read_certificate(certificate_pem);
	CLEAN(EVP_PKEY_free_ptr) EVP_PKEY *key = read_key(key_pem);
	ERR_clear_error();
	if (!cert || !key)
		return err_set(err, -EINVAL, "it is no private key");
	return check_key(cert, key, err);
}

int credential_check(const char *certificate_pem, const char *key_pem, const char *ca_pem,
		     int64_t at_s, struct err *err)
{
	CLEAN(X509_free_ptr) X509 *cert = read_certificate(certificate_pem);
	CLEAN(X509_free_ptr) X509 *ca = read_certificate(ca_pem);
	CLEAN(EVP_PKEY_free_ptr) EVP_PKEY *key = read_key(key_pem);
	if (!cert || !ca || !key)
		return crypto_fail(err, "a certificate or key cannot be read");
	int r = check_key(cert, key, err);
	return r < 0 ? r : check_chain(cert, ca, at_s, err);
}

int64_t credential_renew_at(int64_t from_ms, int64_t to_ms)
{
	return from_ms + (to_ms - from_ms) / 3 * 2;
}

static int64_t saved_time(const char *clock_path)
{
	struct stat st;
	return stat(clock_path, &st) == 0 ? st.st_mtim.tv_sec : 0;
}

int64_t credential_verify_time(const char *clock_path)
{
	int64_t now = clock_wall_ms() / 1000;
	int64_t saved = saved_time(clock_path);
	int64_t best = saved > now ? saved : now;
	return best > WEFT_BUILD_TIME ? best : WEFT_BUILD_TIME;
}

static void format_day(int64_t at_s, char *ret, size_t size)
{
	struct tm tm;
	time_t at = (time_t)at_s;
	if (!gmtime_r(&at, &tm) || strftime(ret, size, "%Y-%m-%d %H:%M", &tm) == 0)
		(void)snprintf(ret, size, "?");
}

bool credential_clock_is_behind(const char *clock_path, struct err *err)
{
	char now_text[32];
	char saved_text[32];
	int64_t now = clock_wall_ms() / 1000;
	int64_t saved = saved_time(clock_path);
	if (saved <= now + CLOCK_SLACK_S || saved <= WEFT_BUILD_TIME)
		return false;
	format_day(now, now_text, sizeof now_text);
	format_day(saved, saved_text, sizeof saved_text);
	(void)err_set(
		err, -EINVAL,
		"this host's clock says %s, but a controller was last seen at %s UTC: set the "
		"clock, or delete %s if the clock is right",
		now_text, saved_text, clock_path);
	return true;
}

int credential_save_time(const char *clock_path, int64_t at_s, struct err *err)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = at_s } };
	if (saved_time(clock_path) >= at_s)
		return 0;
	CLEAN(close_fd) int fd = open(clock_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || futimens(fd, times) < 0)
		return err_set(err, -errno, "cannot save the time in %s: %s", clock_path,
			       strerror(errno));
	return 0;
}
