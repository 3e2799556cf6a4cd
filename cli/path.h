// The way packets take between two nodes: through forwarding bridge ports, or over a direct link.
// Pure.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/text.h"

// Appends "rho → bob → epsilon (segment internet)" from a Topology of the API; prefers the first
// segment that joins them, then links. False, appending nothing, when nothing joins them.
bool path_describe(struct text *t, const json_t *topology, const char *from, const char *to);
