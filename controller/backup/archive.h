// A tar file (POSIX ustar, plain files only), written and read member by member, with the SHA-256
// of each.
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

#define ARCHIVE_NAME_SIZE 100 // of ustar, with NUL
#define ARCHIVE_HASH_SIZE 65  // hex and NUL

struct archive_member {
	char name[ARCHIVE_NAME_SIZE];
	int64_t size;
	char sha256[ARCHIVE_HASH_SIZE]; // filled by archive_put and archive_take
};

// Appends what `from` holds, from its beginning, as `name`.
int archive_put(FILE *out, const char *name, FILE *from, struct archive_member *ret_member,
		struct err *err);
// Writes the end of the archive.
int archive_end(FILE *out, struct err *err);

// Reads the next header: 1 and the member without its hash, 0 at the end of the archive, -EBADMSG
// for what is no such file or was cut short.
int archive_next(FILE *in, struct archive_member *ret_member, struct err *err);
// Copies the member's content, which follows its header, to `to`, and fills its hash.
int archive_take(FILE *in, struct archive_member *member, FILE *to, struct err *err);
