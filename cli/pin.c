#include "cli/pin.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

CLEAN_FUNC(X509, X509_free)
CLEAN_FUNC(BIO, BIO_free_all)
CLEAN_FUNC(EVP_PKEY, EVP_PKEY_free)

char *pin_of_certificate(const char *pem)
{
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new_mem_buf(pem, -1);
	CLEAN(X509_free_ptr) X509 *x509 = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	if (!x509)
		return NULL;
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
	if (len <= 0)
		return NULL;
	unsigned char hash[SHA256_DIGEST_LENGTH];
	SHA256(der, (size_t)len, hash);
	OPENSSL_free(der);
	unsigned char base64[4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1];
	EVP_EncodeBlock(base64, hash, sizeof(hash));
	return text_format("sha256//%s", (const char *)base64);
}

// 43 characters of the alphabet and one "="; the last one's low two bits must be zero.
static bool decode_key(const char *text, unsigned char ret[33])
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	if (strlen(text) != 44 || strspn(text, alphabet) != 43 || text[43] != '=')
		return false;
	const char *last = strchr(alphabet, text[42]);
	if (!last || ((last - alphabet) & 3) != 0)
		return false;
	return EVP_DecodeBlock(ret, (const unsigned char *)text, 44) == 33;
}

bool wireguard_key_is_valid(const char *text)
{
	unsigned char raw[33];
	bool is_valid = decode_key(text, raw);
	explicit_bzero(raw, sizeof(raw));
	return is_valid;
}

bool wireguard_public_key(const char *private_key, char ret[WIREGUARD_KEY_TEXT_SIZE])
{
	unsigned char raw[33];
	if (!decode_key(private_key, raw))
		return false;
	CLEAN(EVP_PKEY_free_ptr)
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, raw, 32);
	explicit_bzero(raw, sizeof(raw));
	unsigned char public_key[32];
	size_t len = sizeof(public_key);
	if (!key || EVP_PKEY_get_raw_public_key(key, public_key, &len) != 1 || len != 32)
		return false;
	EVP_EncodeBlock((unsigned char *)ret, public_key, 32);
	return true;
}
