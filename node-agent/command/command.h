// The verbs of weft-agent: one file each, one row each in main.c's table, from which --help is
// made.
#pragma once

#include "settings.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
	const char *verb;
	const char *arguments; // after the verb, for --help
	const char *help;      // one line
	// Returns the exit code. `argv` begins behind the verb. NULL settings: the verb needs none.
	int (*run)(const struct agent_settings *settings, int argc, char **argv);
	bool needs_settings;
};

int command_join(const struct agent_settings *settings, int argc, char **argv);
int command_run(const struct agent_settings *settings, int argc, char **argv);
int command_status(const struct agent_settings *settings, int argc, char **argv);
int command_leave(const struct agent_settings *settings, int argc, char **argv);
int command_settings(const struct agent_settings *settings, int argc, char **argv);
int command_version(const struct agent_settings *settings, int argc, char **argv);

// Prints "weft-agent: SENTENCE" on standard error and returns `code`.
int command_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
