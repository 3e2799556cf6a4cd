// What a bug report needs, in one compressed archive, without secrets.
#pragma once

#include <stddef.h>

#include "base/clean.h"
#include "base/err.h"

struct bundle;

// `name` is the directory inside the archive.
int bundle_new(const char *name, struct bundle **ret_bundle, struct err *err);

// Deletes what was gathered; the archive stays.
void bundle_free(struct bundle *bundle);
CLEAN_FUNC(struct bundle, bundle_free)

// A secret that is known word for word: taken out of everything added from now on. Copied.
int bundle_hide(struct bundle *bundle, const char *secret, struct err *err);

// Adds a file with `text`, redacted.
int bundle_add(struct bundle *bundle, const char *file, const char *text, struct err *err);

// Adds version.txt: the name of the program and its version.
int bundle_add_version(struct bundle *bundle, const char *program, struct err *err);

// Adds what a program prints; when there is none or it fails, why.
int bundle_add_output(struct bundle *bundle, const char *file, const char *const *argv,
		      struct err *err);

// Writes the archive to `path` (tar, gzip), readable by its owner only.
int bundle_write(const struct bundle *bundle, const char *path, struct err *err);
