// The verbs of weft-agent: one file each, one row each in main.c's table, from which --help is
// made.
#pragma once

#include <jansson.h>

#include "settings.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
	const char *verb;
	const char *arguments; // after the verb, for --help
	const char *help;      // one line; NULL: for the agent itself, not told
	// Returns the exit code. `argv` begins behind the verb. NULL settings: the verb needs none.
	int (*run)(const struct agent_settings *settings, int argc, char **argv);
	bool needs_settings;
};

int command_join(const struct agent_settings *settings, int argc, char **argv);
int command_run(const struct agent_settings *settings, int argc, char **argv);
int command_status(const struct agent_settings *settings, int argc, char **argv);
int command_bundle(const struct agent_settings *settings, int argc, char **argv);
int command_doctor(const struct agent_settings *settings, int argc, char **argv);
int command_reach(const struct agent_settings *settings, int argc, char **argv);
int command_boot(const struct agent_settings *settings, int argc, char **argv);
int command_list(const struct agent_settings *settings, int argc, char **argv);
int command_leave(const struct agent_settings *settings, int argc, char **argv);
int command_settings(const struct agent_settings *settings, int argc, char **argv);
int command_version(const struct agent_settings *settings, int argc, char **argv);

// Examines this host, by what the running agent tells or else its files. New reference.
json_t *command_examine(const struct agent_settings *settings, bool only_conflicts);

// Prints "weft-agent: SENTENCE" on standard error and returns `code`.
int command_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// Asks the running agent one question of its control socket. Negative errno, -ENOENT and
// -ECONNREFUSED: none runs; the caller releases *ret_answer.
int command_ask(const struct agent_settings *settings, const json_t *request, int timeout_s,
		json_t **ret_answer, struct err *err);
