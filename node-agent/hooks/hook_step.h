// One command of a hook: a process group of its own, without input and with few variables, ended
// when its time is over. On the loop.
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "base/err.h"

enum { HOOK_OUTPUT_MAX = 400 }; // its last bytes are kept

struct hook_outcome {
	bool is_good;
	bool is_late;
	int status; // exit status, or
	int signal; // the signal that ended it
	int64_t took_ms;
	char output[HOOK_OUTPUT_MAX + 1]; // the end of what it printed: one line of printable ASCII
};

struct hook_command {
	char **argv;
	char **env;
	uid_t uid;
	gid_t gid;
	uint32_t timeout_ms;
};

struct hook_step;

typedef void (*hook_step_done_fn)(void *context, const struct hook_outcome *outcome);

// `done` is called once, later, unless the step was stopped. `command` is not needed after.
int hook_step_start(uv_loop_t *loop, const struct hook_command *command, hook_step_done_fn done,
		    void *context, struct hook_step **ret_step, struct err *err);

// Kills it, with what it started. NULL is accepted.
void hook_step_stop(struct hook_step *step);
