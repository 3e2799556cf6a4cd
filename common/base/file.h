// Whole small files: read, and replace so that a crash leaves the old or the new content, never a
// mix.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

// Reads at most `limit` bytes (-EFBIG beyond) into a NUL-terminated buffer the caller frees.
// `ret_len` may be NULL.
int file_read(const char *path, size_t limit, char **ret_data, size_t *ret_len, struct err *err);

// Writes PATH.tmp with `mode`, fsyncs it, renames it over PATH and fsyncs the directory. After a
// failure PATH is as it was.
int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

// The same, and the generation before stays as PATH.old (where the file system has hard links).
int file_replace_kept(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

enum file_source {
	FILE_FOUND,
	FILE_NONE, // neither PATH nor PATH.old is there
	FILE_OLD,  // PATH was damaged or missing: PATH.old was taken; `err` says so
	FILE_LOST, // nothing could be taken; `err` says so
};

// Takes what is at PATH. 0, or what is wrong with it: -EINVAL and -EFBIG for a file whose content
// is no good, -EPROTONOSUPPORT for one of a later version, anything else when it could not be read.
typedef int (*file_take_fn)(void *context, const char *path, struct err *err);

// What file_replace_kept wrote, or the generation before. A PATH whose content is no good is set
// aside as PATH.bad, for a person to look at.
enum file_source file_load_kept(const char *path, file_take_fn take, void *context,
				struct err *err);

// Deletes PATH and what the functions above leave beside it.
int file_delete_kept(const char *path, struct err *err);

// Like `mkdir -p`; existing directories are left as they are.
int file_make_dirs(const char *path, mode_t mode, struct err *err);
