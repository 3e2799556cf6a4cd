// A configuration of vpndns turned into resources: the host becomes a node with a resolver, its
// nameservers upstreams and DNS forwards, its blocklists a blocklist, its static records zones.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

struct vpndns_file {
	const char *path;
	json_t *config;
	const char *records; // the text of its static_records file, NULL: it was not found
	const char *node;    // that gets the resolver, NULL: a new one named vpndns
};

struct vpndns_result {
	json_t *resources; // {kind: {name: spec}}
	struct text notes; // what could not be carried over or has another meaning, a line each
};

// The path of the static_records file that it names; NULL: none.
const char *vpndns_records_path(const json_t *config);

// -EINVAL with a sentence that names the option. The caller frees with vpndns_result_done.
int vpndns_import(const struct vpndns_file *file, struct vpndns_result *ret, struct err *err);
void vpndns_result_done(struct vpndns_result *result);
