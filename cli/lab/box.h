// Boxes: hosts of the lab. Each is a process that is the first of its own namespaces and keeps one
// service running.
#pragma once

#include <sys/types.h>

#include "base/err.h"

// Starts a box called `name` that keeps its files in DIR/NAME, and waits until it is ready. Its pid
// in *ret_pid.
int box_start(const char *dir, const char *name, pid_t *ret_pid, struct err *err);

// What the box keeps running from now on: argv, NULL-terminated, started again a second after it
// ended. NULL: nothing; what runs is told to end (SIGTERM) first. Output goes to DIR/NAME/log.
int box_serve(const char *dir, const char *name, pid_t pid, const char *const *argv,
	      struct err *err);

// Runs argv inside the box with our standard streams and returns its exit status, or a negative
// errno.
int box_exec(pid_t pid, char *const *argv, struct err *err);

// Runs argv inside the box to the end; output in *ret_output (may be NULL), caller frees.
int box_run(pid_t pid, const char *const *argv, char **ret_output, struct err *err);

// Ends the box and all that runs in it.
void box_stop(pid_t pid, unsigned long long start_time);

// The box's own first process: `weft lab box DIR NAME`. Does not return while the box lives.
int box_main(const char *dir, const char *name);
