// A split.yaml of envoy-split-proxy turned into resources: its interface becomes an uplink with a
// gateway, its names domain lists, and a policy sends the lists by that gateway.
#pragma once

#include <jansson.h>

#include "base/err.h"

#include "cli/import.h"

struct split_file {
	const char *path;
	const char *text;
	const json_t *config; // what the text holds
	const char *node;     // that has the interface, NULL: a new one named split
	const json_t *lans;   // prefixes of the clients, for a new node
};

// -EINVAL with a sentence that names the option. The caller frees with import_result_done.
int split_import(const struct split_file *file, struct import_result *ret, struct err *err);
