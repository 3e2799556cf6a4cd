// The families of metrics that the controller knows, and what each is. Pure.
#pragma once

#include <stdbool.h>

#define RTT_FAMILY     "weft_link_rtt_seconds"
#define ONE_WAY_FAMILY "weft_link_one_way_seconds"

// One sentence, also of a family that only nodes know.
const char *family_help(const char *name);

// Whether no sample of a node may stand in it.
bool family_is_ours(const char *name);
