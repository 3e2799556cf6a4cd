// Kinds as a person types and reads them: either number, nearest name, and which columns their
// tables have.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/text.h"
#include "model/kinds.h"

#include "cli/table.h"

// By plural or singular name. -EINVAL with the nearest known kind in the sentence.
int kind_find(const char *typed, const struct kind **ret_kind, struct err *err);

// Heads of this kind's table and the cells of one resource, effective values where `spec` has none.
// The caller may add cells and ends the row.
void kind_table_head(const struct kind *kind, struct table *t);
void kind_table_row(const struct kind *kind, struct table *t, const json_t *resource);
