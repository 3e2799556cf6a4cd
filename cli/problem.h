// Refusals of the controller (RFC 9457) as lines for a person.
#pragma once

#include <jansson.h>

#include "base/text.h"

// Appends one line per bad field, "networks.home.mesh[2]: there is no node "x"", or the detail when
// there are none. `json` may be NULL or of any shape: then the status stands for it. Control
// characters become spaces.
void problem_lines(struct text *t, long status, const json_t *json);
