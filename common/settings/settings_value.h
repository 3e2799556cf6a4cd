// One setting: from its JSON value, from its default, and what it owns. Private to settings.
#pragma once

#include <jansson.h>

#include "settings/settings.h"

// Reads `value` into the field. The sentence begins with the setting's name. The field must own
// nothing.
int setting_value_set(const struct setting *row, const json_t *value, void *target,
		      struct err *err);

// -EINVAL: the default in the table is itself wrong.
int setting_value_default(const struct setting *row, void *target, struct err *err);

// Frees what the field owns and zeroes it.
void setting_value_done(const struct setting *row, void *target);
