// The embedded api/openapi.yaml: its text, the document, and the schemas every body is held
// against.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

struct schema;

struct contract {
	const char *text; // YAML, NUL-terminated
	size_t text_len;
	json_t *document;
	struct schema *schema;
};

// Zeroed on failure. -EINVAL when the file is not understood, which a unit test sees first.
int contract_load(struct contract *ret_contract, struct err *err);
void contract_done(struct contract *contract);
