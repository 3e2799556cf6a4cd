// wg-quick files of several hosts turned into one fleet file: peers are matched by the public keys
// of their private keys.
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

#include "cli/wg_quick.h"

enum { WG_IMPORT_INTERFACES_MAX = 2000 };

struct wg_import_file {
	const char *path; // names the node: "rho.conf", or the directory of "rho/wg0.conf"
	struct wg_quick *conf;
};

// Appends a fleet file; what could not be carried over stands in comments at its head. No private
// key goes into it. -EINVAL when two files have the same private key, -EFBIG for more than
// WG_IMPORT_INTERFACES_MAX keys.
int wg_import(const struct wg_import_file *files, size_t n, struct text *ret, struct err *err);
