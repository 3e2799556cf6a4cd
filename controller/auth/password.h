// Password hashes: scrypt, with its parameters and salt in the text that is stored. Slow on
// purpose; any thread.
#pragma once

#include <stdbool.h>

#include "base/err.h"

#define PASSWORD_LOG_N 15 // 32 MiB, about 0.2 s

// "scrypt$15$8$3$SALT$KEY" into a buffer of AUTH_HASH_SIZE. -EINVAL for a password too short or too
// long.
int password_hash(const char *password, unsigned log_n, char *ret_hash, struct err *err);

// Whether the password fits; with `hash` NULL or unreadable the same work is done and the answer is
// no.
bool password_fits(const char *password, const char *hash, unsigned log_n);
