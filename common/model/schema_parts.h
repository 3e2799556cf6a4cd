// What the files of the schema checker share. Private to model.
#pragma once

#include <jansson.h>
#include <regex.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/map.h"
#include "model/schema.h"

// Neither a chain of $ref nor a nest of allOf is deeper in a sane document.
#define SCHEMA_DEPTH_MAX 64

struct schema {
	json_t *document;
	const json_t *components; // components.schemas
	struct map *patterns;     // pattern text -> regex_t *
};

// Follows $ref; NULL when it leads nowhere or in a circle. Borrowed.
const json_t *schema_resolve(const struct schema *s, const json_t *node);

// Fails on keywords that are not understood, dangling $ref and bad patterns; compiles the patterns.
int schema_verify(struct schema *s, struct err *err);

// Whether `text` has the format that `node` asks for. Unknown formats were refused by
// schema_verify.
int schema_format_check(const json_t *node, const char *text, struct err *err);
bool schema_format_is_known(const char *name);
