// What an apply changes or would change, for a person: resources with their fields, nodes with
// their entries.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/text.h"

struct diff_style {
	bool is_coloured;
	bool is_verbose; // name the entries of each node
	bool is_done;    // it happened: "created", else "to create"
};

// Appends an ApplyResult of the API. Order: as in the result.
void diff_render(struct text *t, const json_t *result, const struct diff_style *style);

// Does it change any resource?
bool diff_any(const json_t *result);
