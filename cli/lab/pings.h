// The table of all pairs: who reaches whom over the fleet's segments, and how fast.
#pragma once

#include "base/err.h"

struct record;

// Prints the table to standard output, trying for up to `wait_s` seconds until every pair answers.
// Returns 0 when all do, 1 when some do not.
int pings_table(const struct record *record, long wait_s, struct err *err);
