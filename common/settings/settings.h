// Typed settings: a table of rows parsed from a YAML file into a struct, with one form of error for
// every bad value.
//
//     struct agent_settings { char *state_dir; uint32_t route_protocol; struct setting_list
//     controllers; ... }; #define AT(field) offsetof(struct agent_settings, field) static const
//     struct setting agent_settings[] = {
//             { "state_dir",      SETTING_PATH, AT(state_dir), .text = "/var/lib/weft-agent", .help
//             = "..." }, { "route_protocol", SETTING_U32,  AT(route_protocol), .min = 5, .max =
//             255, .number = 87, .help = "..." }, { 0 },
//     };
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

enum setting_type {
	SETTING_END,    // last row of a table
	SETTING_BOOL,   // bool; default in .number
	SETTING_U32,    // uint32_t; .min .max .number
	SETTING_STRING, // char *, NULL when .text is NULL; .min .max are lengths in bytes when .max
			// is not 0
	SETTING_CHOICE, // char *, one of .choices ("auto|kernel|wireguard-go")
	SETTING_STRING_LIST, // struct setting_list; .text is the default, split at spaces; a single
			     // string is a list of one
	SETTING_DURATION_MS, // uint32_t, milliseconds from "5m"; .min .max .number in milliseconds
	SETTING_LOG_LEVEL,   // enum log_level; .text is the default
	SETTING_PATH,        // char *, absolute; NULL when .text is NULL
};

struct setting_list {
	char **items;
	size_t len;
};

struct setting {
	const char *name; // dotted: "rest.listen"
	enum setting_type type;
	size_t offset; // of the field in the caller's struct
	uint32_t min, max;
	uint32_t number;     // default of bool, u32 and duration
	const char *text;    // default of the others
	const char *choices; // of SETTING_CHOICE, separated by |
	const char *help;    // one line for the man page
};

// Sets every field to its default. `target` must be zeroed or freshly declared. -ENOMEM.
int settings_default(const struct setting *table, void *target, struct err *err);

// Defaults, then what `file` (a mapping; null is empty) says. On failure `target` is left with
// nothing allocated. "probe.interval_ms: 7 is not in 20..60000"; "rest.lisen is no setting, did you
// mean rest.listen?"
int settings_parse(const struct setting *table, const json_t *file, void *target, struct err *err);

// Reads PATH; when it does not exist, the defaults hold if `may_be_absent`.
int settings_read(const struct setting *table, const char *path, bool may_be_absent, void *target,
		  struct err *err);

// Frees what the fields own and zeroes them.
void settings_done(const struct setting *table, void *target);

// Appends a commented YAML file with every setting at its default, for /etc and the man page.
void settings_describe(const struct setting *table, struct text *t);
