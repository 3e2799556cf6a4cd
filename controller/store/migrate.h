// Brings a database's schema up to date: numbered files, each in one transaction, never backwards.
#pragma once

#include <stddef.h>

#include "store/backend.h"

struct migration {
	int version; // NNN of schema/NNN_*.sql
	const char *file;
	const unsigned char *sql; // NUL-terminated
};

// The files of schema/, ascending; made by the build.
extern const struct migration migrations[];
extern const size_t migration_count;

// -ENOTSUP with a sentence when the database is newer than this program; nothing is changed then.
int migrate(const struct store_backend *backend, void *db, const struct migration *list,
	    size_t count, struct err *err);
