// One line of a list of names: a name and how much it stands for. Pure.
//
//   example.com      the name and everything below it
//   =example.com     exactly it
//   *.example.com    only what is below it
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "names/name.h"

enum {
	NAME_EXACT = 1, // the name itself
	NAME_BELOW = 2, // what is below it
};

struct name_rule {
	struct name name;
	unsigned how; // NAME_EXACT, NAME_BELOW or both
};

int name_rule_parse(const char *text, size_t len, struct name_rule *ret, struct err *err);

// What was in a downloaded list. A line that is not understood is counted and left out: lists of
// strangers have such lines, and one must not cost the others.
struct name_lines {
	size_t lines; // that should hold names
	size_t rules;
	size_t bad;
	size_t first_bad;     // its number, from 1; 0: none
	struct err first_why; // why
};

// Takes one rule; below 0 ends the reading and is returned.
typedef int (*name_rule_fn)(void *context, const struct name_rule *rule);

// Reads a list of lines: rules as above, `||example.com^` as blockers write them, or hosts lines
// (`0.0.0.0 ads.example tracker.example`), whose names are exact; comments begin with # or !. A
// list that is mostly no list (a sign-in page, an archive) is -EINVAL with a sentence.
int name_lines_read(const char *text, size_t len, name_rule_fn take, void *context,
		    struct name_lines *ret, struct err *err);
