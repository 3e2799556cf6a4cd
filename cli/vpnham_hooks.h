// The hooks of an imported bridge. For vpnham_import.c.
#pragma once

#include "cli/vpnham_import.h"

struct vpnham_bridge {
	const char *path;      // of the file
	const char *called;    // there
	const json_t *spec;    // its fields
	const json_t *scripts; // default_scripts of the file, or NULL
	const char *name;      // the site, group and network
	const char *node;      // this host
	const json_t *links;   // names of its external links
};

// Adds the files of its hooks. *ret_on_active: the hook for its group's on_active, NULL for none.
int vpnham_hooks(const struct vpnham_bridge *bridge, struct vpnham_result *result,
		 char **ret_on_active, struct err *err);

// One line of result->notes.
void vpnham_note(struct vpnham_result *result, const struct vpnham_bridge *bridge,
		 const char *field, const char *text);
