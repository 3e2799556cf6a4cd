// Configurations of vpnham, one a host, turned into resources and hook files: hosts become nodes, a
// bridge a site with an HA group, a tunnel an external link, scripts hooks.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

struct vpnham_file {
	const char *path;
	json_t *config; // that vpnham_check has found well
};

struct vpnham_result {
	json_t *resources; // {kind: {name: spec}}
	json_t *hooks;     // {"NODE/HOOK.yaml": text}
	struct text notes; // what could not be carried over, a line each
};

// -EINVAL when two files are of the same host. The caller frees with vpnham_result_done.
int vpnham_import(const struct vpnham_file *files, size_t n, struct vpnham_result *ret,
		  struct err *err);
void vpnham_result_done(struct vpnham_result *result);
