// Where a value stands in a YAML text, to name the line of what is wrong with it.
#pragma once

#include <stddef.h>

// One step into a map (`key` of `len` bytes) or, when `key` is NULL, into a list.
struct yaml_step {
	const char *key;
	size_t len;
	size_t index; // from 0
};

// The line (from 1) of the deepest part of a path that is there: that of a map's key or a list's
// item, in block and in flow style. *ret_found: how many of the steps lead there. 0: not even the
// first is there. The text is one that yaml_parse() (settings/yaml.h) takes.
size_t yaml_place(const char *text, size_t len, const struct yaml_step *path, size_t depth,
		  size_t *ret_found);
