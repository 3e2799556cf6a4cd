// The database as a file: a copy of one that is in use, and a look at one that nobody trusts yet.
#pragma once

#include "base/err.h"

// Writes a consistent copy of the database `path`, which others may read and write meanwhile, to
// the new file `to` (mode 0600, synced). A damaged database is copied as it is. Blocks; any thread.
int store_file_copy(const char *path, const char *to, struct err *err);

typedef void store_fault_fn(void *arg, const char *sentence);

// Full integrity check, foreign keys and schema version of a database that nobody else uses;
// writes nothing. Returns the number of faults told, or a negative errno when it cannot be read at
// all.
int store_file_check(const char *path, store_fault_fn *told, void *arg, struct err *err);
