// What a domain list holds: its text, kept under the name of its hash. Blocks: for a worker thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CONTENT_UNNAMED "new." // begins the name of a file whose hash is not known yet

enum {
	CONTENT_HASH_SIZE = 65,
	CONTENT_BYTES_MAX = 256 << 20,
};

struct content {
	char sha256[CONTENT_HASH_SIZE]; // "": none
	int64_t size;                   // bytes
	int64_t rules;
	int64_t bad;       // lines that were not understood
	int64_t first_bad; // the first of them, from 1; 0: none
};

// Reads the list in the file `path`, and moves it to DIR/HASH. When it is no list, or has no rule,
// -EINVAL with a sentence and the file stays where it is.
int content_take(const char *dir, const char *path, struct content *ret, struct err *err);

// The same of a text, and of a file that stays where it is.
int content_put(const char *dir, const char *text, size_t len, struct content *ret,
		struct err *err);
int content_copy(const char *dir, const char *path, struct content *ret, struct err *err);

void content_hash(const char *text, size_t len, char ret_hash[CONTENT_HASH_SIZE]);

// Whether `text` is a hash: 64 lower-case hexadecimal digits.
bool content_is_hash(const char *text);
