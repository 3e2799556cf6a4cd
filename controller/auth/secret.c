#include "auth/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define SECRET_BYTES 32
#define GROUPS       4
#define GROUP_LEN    5

void secret_base64(const unsigned char *bytes, size_t len, char *ret)
{
	int n = EVP_EncodeBlock((unsigned char *)ret, bytes, (int)len);
	while (n > 0 && ret[n - 1] == '=')
		n--;
	ret[n] = '\0';
	for (char *p = ret; *p; p++) {
		if (*p == '+')
			*p = '-';
		else if (*p == '/')
			*p = '_';
	}
}

int secret_make(const char *prefix, char *ret_secret, struct err *err)
{
	unsigned char raw[SECRET_BYTES];
	char text[4 * ((SECRET_BYTES + 2) / 3) + 1];
	if (RAND_bytes(raw, sizeof raw) != 1)
		return err_set(err, -EIO, "no random bytes");
	secret_base64(raw, sizeof raw, text);
	(void)snprintf(ret_secret, AUTH_SECRET_SIZE, "%s%s", prefix, text);
	OPENSSL_cleanse(raw, sizeof raw);
	OPENSSL_cleanse(text, sizeof text);
	return 0;
}

void secret_hash(const char *secret, char *ret_hash)
{
	unsigned char digest[32] = { 0 };
	if (EVP_Digest(secret, strlen(secret), digest, NULL, EVP_sha256(), NULL) != 1)
		abort(); // SHA-256 of memory fails only when OpenSSL cannot work at all
	for (size_t i = 0; i < sizeof digest; i++)
		(void)snprintf(ret_hash + 2 * i, 3, "%02x", digest[i]);
}

bool secret_equal(const char *a, const char *b)
{
	size_t len = strlen(a);
	return len == strlen(b) && CRYPTO_memcmp(a, b, len) == 0;
}

int secret_password(char *ret_password, struct err *err)
{
	static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz23456789"; // without i, l, o, 0, 1
	char *p = ret_password;
	for (int i = 0; i < GROUPS * GROUP_LEN;) {
		unsigned char byte = 0;
		if (RAND_bytes(&byte, 1) != 1)
			return err_set(err, -EIO, "no random bytes");
		byte &= 31;
		if (byte >= sizeof alphabet - 1)
			continue;
		if (i > 0 && i % GROUP_LEN == 0)
			*p++ = '-';
		*p++ = alphabet[byte];
		i++;
	}
	*p = '\0';
	return 0;
}
