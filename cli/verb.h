// The verbs of `weft`: one row each, from which dispatch, option parsing, --help, completion and
// the man pages come.
//
// A verb is added by a file verb/NAME.c that defines `const struct verb verb_NAME` and one line in
// the table of verbs.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct call;

// What a verb's function returns and the program exits with. A negative errno from a verb exits
// with CLI_FAILED after printing the sentence in `err`.
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,     // the command line was wrong; `err` says how
	CLI_DIFFERENT = 3, // apply: nothing to do; plan: there are differences
};

// What a word of the command line names, for completion.
enum verb_word {
	WORD_ANY,
	WORD_KIND,
	WORD_NAME, // a resource of the kind that the word before names
	WORD_NODE,
	WORD_SECRET,
	WORD_WEBHOOK,
	WORD_CONTEXT,
	WORD_FILE,
	WORD_VERB,
	WORD_CHOICE, // one of `choices`
};

struct verb_arg {
	const char *name; // as help writes it: "KIND"; NULL ends the list
	const char *help;
	enum verb_word word;
	const char *choices; // WORD_CHOICE: separated by '|'
	bool is_optional;
	bool is_many; // the last one: one or more (zero or more if optional)
};

struct verb_option {
	const char *name;  // long name without dashes; NULL ends the list
	const char *value; // what help calls the value; NULL: a switch
	const char *help;  // one line, no full stop
	const char *choices;
	char letter; // short name or 0
	enum verb_word word;
	bool is_many; // may be given several times; otherwise twice is refused
	bool is_required;
};

struct verb {
	const char *name;    // one or two words: "plan", "node add"
	const char *summary; // one line, no full stop
	const char *text; // paragraphs separated by an empty line; a line that begins with a space
			  // is an example
	const struct verb_arg *args;       // NULL: takes none
	const struct verb_option *options; // besides verb_common_options; NULL: none

	// Exactly one is set. `main` parses its words itself: argv[0] is the verb's name.
	int (*run)(struct call *call, struct err *err);
	int (*main)(int argc, char **argv);
	bool is_hidden; // serves completion; not in help and man
};

// Taken by every verb with a `run`.
extern const struct verb_option verb_common_options[];

// All rows in the order of help; ends with NULL.
extern const struct verb *const verb_table[];

// Finds the verb that argv begins with; *ret_words is how many words its name took (1 or 2). NULL
// when there is none.
const struct verb *verb_find(int argc, char *const *argv, int *ret_words);

// Fills `err` with one sentence about the unknown verb in argv, with the nearest known one if any.
// Returns CLI_USAGE.
int verb_unknown(int argc, char *const *argv, struct err *err);
