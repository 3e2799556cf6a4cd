// A configuration of vpndns turned into resources: the host becomes a node with a resolver, its
// nameservers upstreams and DNS forwards, its blocklists a blocklist, its static records zones.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

#include "cli/import.h"

struct vpndns_file {
	const char *path;
	json_t *config;
	const char *records; // the text of its static_records file, NULL: it was not found
	const char *node;    // that gets the resolver, NULL: a new one named vpndns
};

// The path of the static_records file that it names; NULL: none.
const char *vpndns_records_path(const json_t *config);

// -EINVAL with a sentence that names the option. The caller frees with import_result_done.
int vpndns_import(const struct vpndns_file *file, struct import_result *ret, struct err *err);
