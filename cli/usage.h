// What people read about the verbs, all of it made from the verb table: --help, man pages, shell
// completion.
#pragma once

#include "base/text.h"

#include "cli/verb.h"

// Appends the overview of all verbs.
void usage_overview(struct text *t);

// Appends the overview of the verbs that begin with a word: "dns" of `weft dns status` and others.
// False: none does.
bool usage_group(struct text *t, const char *first);

// Appends the help of one verb, and its one-line form: "plan -f F..." as in "usage: weft plan -f
// F...".
void usage_verb(struct text *t, const struct verb *verb);
void usage_line(struct text *t, const struct verb *verb);

// Appends weft(1) as roff, or the page of one verb, weft-plan(1).
void usage_man(struct text *t, const struct verb *verb_or_null);

// Appends the completion script. `shell` is "bash" or "zsh".
void usage_completion(struct text *t, const char *shell);
