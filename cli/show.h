// How verbs print answers: tables cut to the terminal, JSON as it came, resources as an appliable
// fleet file.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#include "cli/call.h"
#include "cli/table.h"

// All return 0 or a negative errno.
int show_text(const struct call *call, const struct text *t, struct err *err);
int show_table(const struct call *call, const struct table *t, struct err *err);
int show_json(const struct call *call, const json_t *value, struct err *err);
int show_yaml(const struct call *call, const json_t *value, struct err *err);

// Prints `value` as the call's format asks when that is JSON or YAML; false when it asks for a
// table.
bool show_as_asked(const struct call *call, const json_t *value, struct err *err, int *ret_result);

// "2027-01-31T12:00:00Z" to local time "2027-01-31 13:00:00"; the text itself when it is no such
// time.
const char *show_time(const char *text, char *buf, size_t size);

// "3 m", "2 h", "5 d" since that time.
const char *show_age(const char *text, int64_t now_ms, char *buf, size_t size);
