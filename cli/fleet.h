// Fleet files: several YAML files and directories read as one set of resources, and where in them a
// resource stands.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct fleet_file {
	char *name; // as given; "-" is called "standard input"
	char *text;
	size_t len;
};

struct fleet {
	struct fleet_file *files;
	size_t n_files;
	json_t *resources; // {kind: {name: spec}}
};

// Zero-initialise; afterwards clean with fleet_done, also after a failure.
void fleet_done(struct fleet *f);

// Reads PATH into the fleet: a file, "-" for standard input, or a directory, of which all *.yaml
// and *.yml are taken in the order of their names. -EINVAL with "file:line: …".
int fleet_read(struct fleet *f, const char *path, struct err *err);

// Merges one file's text, a copy of which is kept. A resource that another file has already is
// refused, naming both.
int fleet_add(struct fleet *f, const char *name, const char *text, size_t len, struct err *err);

// "fleet.yaml:12" of a problem's field ("networks.home.mesh[2]"): the line of the deepest part that
// can be found. False when no file has it. `buf` gets at most `size` bytes.
bool fleet_locate(const struct fleet *f, const char *field, char *buf, size_t size);
