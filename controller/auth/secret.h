// Random secrets, their SHA-256, and comparing without a clue from timing. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"

#define SECRET_HASH_SIZE 65 // SHA-256 in hex and NUL

// `prefix` and 43 characters of base64url (32 random bytes) into a buffer of AUTH_SECRET_SIZE.
int secret_make(const char *prefix, char *ret_secret, struct err *err);

// SHA-256 of the text, hex, into a buffer of SECRET_HASH_SIZE.
void secret_hash(const char *secret, char *ret_hash);

// Constant time for texts of one length.
bool secret_equal(const char *a, const char *b);

// Base64url without padding of `len` <= 64 bytes; `ret` has room for 4 * ((len + 2) / 3) + 1 bytes.
void secret_base64(const unsigned char *bytes, size_t len, char *ret);

// Four groups of five characters that cannot be misread (99 bits) into a buffer of
// AUTH_PASSWORD_SIZE.
int secret_password(char *ret_password, struct err *err);
