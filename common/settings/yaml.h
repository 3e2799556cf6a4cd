// YAML text to JSON values, strict and bounded; errors name the line.
//
// One document, YAML 1.2 core scalars (true, 12, 0x1f, 1.5, null, ~; quoted is always a string).
// Refused: anchors, aliases, tags, merge keys, duplicate keys, keys that are no plain scalars,
// several documents, invalid UTF-8, control characters, numbers beyond 64 bits.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

struct yaml_limits {
	size_t bytes; // of text
	size_t depth; // of nesting
	size_t nodes; // scalars, lists and maps together
};

// 8 MiB, 32 deep, 500,000 nodes: a fleet file. Settings files use less by themselves.
extern const struct yaml_limits yaml_limits_default;

// `limits` may be NULL (default). New reference in ret_value; an empty document is null.
// -EINVAL with "line 3, column 5: …" (`name`, when not NULL, goes before: "fleet.yaml: line 3: …");
// -EFBIG beyond limits.
int yaml_parse(const char *text, size_t len, const char *name, const struct yaml_limits *limits,
	       json_t **ret_value, struct err *err);

// Reads the file and parses it. "-" is standard input.
int yaml_read_file(const char *path, const struct yaml_limits *limits, json_t **ret_value,
		   struct err *err);
