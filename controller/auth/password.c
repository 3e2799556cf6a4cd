#include "auth/password.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "auth/secret.h"

#define BLOCK_R    8
#define PARALLEL_P 3
#define SALT_BYTES 16
#define KEY_BYTES  32
#define SALT_TEXT  23 // base64url of 16 bytes and NUL
#define KEY_TEXT   44 // base64url of 32 bytes and NUL
#define LOG_N_MIN  10
#define LOG_N_MAX  20

struct scrypt {
	unsigned log_n;
	unsigned r;
	unsigned p;
	char salt[SALT_TEXT]; // hashed as this very text, so that nothing needs decoding
	char key[KEY_TEXT];
};

static bool is_sane(const struct scrypt *s)
{
	return s->log_n >= LOG_N_MIN && s->log_n <= LOG_N_MAX && s->r >= 1 && s->r <= 32 &&
	       s->p >= 1 && s->p <= 16;
}

// Takes the next field, up to `$` or the end, as a number; 0 for what is none.
static unsigned take_number(const char **at)
{
	char *end = NULL;
	unsigned long value = strtoul(*at, &end, 10);
	bool is_number = **at >= '0' && **at <= '9' && *end == '$' && value <= UINT_MAX;
	*at = is_number ? end + 1 : *at;
	return is_number ? (unsigned)value : 0;
}

static bool take_text(const char **at, char end, char *ret, size_t size)
{
	size_t len = strcspn(*at, "$");
	if (len != size - 1 || (*at)[len] != end)
		return false;
	memcpy(ret, *at, len);
	ret[len] = '\0';
	*at += len + (end ? 1 : 0);
	return true;
}

static bool parse(const char *hash, struct scrypt *ret)
{
	const char *at = NULL;
	struct scrypt s = { 0 };
	if (!text_starts(hash, "scrypt$", &at))
		return false;
	s.log_n = take_number(&at);
	s.r = take_number(&at);
	s.p = take_number(&at);
	if (!take_text(&at, '$', s.salt, sizeof s.salt) ||
	    !take_text(&at, '\0', s.key, sizeof s.key) || !is_sane(&s))
		return false;
	*ret = s;
	return true;
}

static int derive(const char *password, const struct scrypt *s, char *ret_key)
{
	unsigned char key[KEY_BYTES];
	char text[4 * ((KEY_BYTES + 2) / 3) + 1];
	uint64_t n = 1ULL << s->log_n;
	uint64_t memory = 128ULL * s->r * (n + s->p) + (1U << 20);
	if (EVP_PBE_scrypt(password, strlen(password), (const unsigned char *)s->salt,
			   strlen(s->salt), n, s->r, s->p, memory, key, sizeof key) != 1)
		return -ENOMEM;
	secret_base64(key, sizeof key, text);
	(void)snprintf(ret_key, KEY_TEXT, "%s", text);
	OPENSSL_cleanse(key, sizeof key);
	OPENSSL_cleanse(text, sizeof text);
	return 0;
}

int password_hash(const char *password, unsigned log_n, char *ret_hash, struct err *err)
{
	size_t len = strlen(password);
	if (len < AUTH_PASSWORD_MIN || len > AUTH_PASSWORD_MAX)
		return err_set(err, -EINVAL, "password: has %zu characters, not %d to %d", len,
			       AUTH_PASSWORD_MIN, AUTH_PASSWORD_MAX);
	struct scrypt s = { .log_n = log_n, .r = BLOCK_R, .p = PARALLEL_P };
	unsigned char salt[SALT_BYTES];
	char text[4 * ((SALT_BYTES + 2) / 3) + 1];
	if (RAND_bytes(salt, sizeof salt) != 1)
		return err_set(err, -EIO, "no random bytes");
	secret_base64(salt, sizeof salt, text);
	(void)snprintf(s.salt, sizeof s.salt, "%s", text);
	if (!is_sane(&s) || derive(password, &s, s.key) < 0)
		return err_set(err, -ENOMEM, "cannot hash a password with cost %u", log_n);
	(void)snprintf(ret_hash, AUTH_HASH_SIZE, "scrypt$%u$%u$%u$%s$%s", s.log_n, s.r, s.p, s.salt,
		       s.key);
	return 0;
}

bool password_fits(const char *password, const char *hash, unsigned log_n)
{
	struct scrypt s;
	char key[KEY_TEXT];
	bool is_known = hash && parse(hash, &s);
	if (!is_known)
		s = (struct scrypt){ .log_n = log_n,
				     .r = BLOCK_R,
				     .p = PARALLEL_P,
				     .salt = "no-such-user-no-such-u" };
	bool is_derived = strlen(password) <= AUTH_PASSWORD_MAX && derive(password, &s, key) == 0;
	return is_known && is_derived && secret_equal(key, s.key);
}
