// Shared by the files of this module.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct state_file {
	const char *name; // in the state directory
	bool is_needed;   // nothing works without it; the others are made anew
};

// Everything that makes up a state; the database is the last, so that a restore that breaks off
// leaves none.
extern const struct state_file state_files[];
extern const size_t state_files_count;

// "dir/name"; NULL when out of memory. Caller frees.
char *state_file_path(const char *dir, const char *name);

// "cannot VERB PATH: why" of errno; its code.
int file_failed(struct err *err, const char *verb, const char *path);

// With all that is in it.
void directory_remove(const char *path);
