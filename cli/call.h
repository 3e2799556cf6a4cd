// One invocation of a verb: its words and options, parsed by the verb's row, and what every verb
// needs to answer.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

#include "cli/verb.h"

struct client;

enum call_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_YAML };

struct call_option {
	const struct verb_option *row;
	const char *value; // points into argv; "" for a switch
};

struct call {
	const struct verb *verb;
	const char **args; // point into argv
	size_t n_args;
	struct call_option *options;
	size_t n_options;
	enum call_format format;
	bool wants_help;
	bool is_coloured;
	FILE *out;
	struct client *client; // opened by call_client()
};

// Parses the words after the verb's name. `call` is zero-initialised and afterwards cleaned with
// call_done, also after a failure. Returns 0, or CLI_USAGE with the sentence in err.
int call_parse(struct call *call, const struct verb *verb, int argc, char **argv, struct err *err);
void call_done(struct call *call);

// The value of an option ("" for a switch that is on), NULL when absent. `call_option_at` is for
// options that may be given several times.
const char *call_option(const struct call *call, const char *name);
const char *call_option_at(const struct call *call, const char *name, size_t at);
bool call_has(const struct call *call, const char *name);

// NULL beyond the last word.
const char *call_arg(const struct call *call, size_t at);

// An option that is a whole number within min..max. Returns 0 and leaves *ret as it was when
// absent, or CLI_USAGE.
int call_number(const struct call *call, const char *name, long min, long max, long *ret,
		struct err *err);

// The client for the context in force, opened at the first use and owned by the call.
int call_client(struct call *call, struct client **ret_client, struct err *err);
