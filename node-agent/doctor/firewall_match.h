// Whether a packet meets one condition of a firewall rule: yes, no, or not to be told. Pure.
#pragma once

#include <jansson.h>

#include "doctor/firewall_walk.h"

enum match { MATCH_NO, MATCH_MAYBE, MATCH_YES };

// `match` is the value of a "match" statement: {"op", "left", "right"}.
enum match firewall_match(const json_t *match, enum walk_hook hook,
			  const struct walk_packet *packet);

// Of a value against what it is compared with (a value, a set, a range), as in a verdict map.
enum match firewall_match_value(const json_t *left, const json_t *right, enum walk_hook hook,
				const struct walk_packet *packet);
