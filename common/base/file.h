// Whole small files: read, and replace so that a crash leaves the old or the new content, never a
// mix.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

// Reads at most `limit` bytes (-EFBIG beyond) into a NUL-terminated buffer the caller frees.
// `ret_len` may be NULL.
int file_read(const char *path, size_t limit, char **ret_data, size_t *ret_len, struct err *err);

// Writes PATH.tmp with `mode`, fsyncs it, renames it over PATH and fsyncs the directory.
int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

// Like `mkdir -p`; existing directories are left as they are.
int file_make_dirs(const char *path, mode_t mode, struct err *err);
