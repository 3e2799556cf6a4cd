// A row of figures as a row of small bars, for terminals.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/text.h"

// Appends `width` columns that stand for all of `values` (numbers, or null where nothing is known:
// a space), each as high as the highest of its share, the highest of all being `most` (the scale
// goes from 0 to there).
void spark_add(struct text *t, const json_t *values, size_t width, double most);
