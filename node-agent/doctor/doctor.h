// Examines this host and its ways to controller and peers: one line for each thing looked at, with
// what to do where it is not well.
//
// Blocking, up to some 30 s: for a process of its own. Changes nothing; sends a few small packets.
// A check is one function and one row in doctor.c.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#include "kernel/kernel.h"
#include "uplink/identity.h"

struct doctor_config {
	const json_t *facts; // what the agent tells of itself; when it does not run, what its files
			     // say: name, desired
	const char *not_running; // why nothing could be asked of it, NULL: it runs
	const char *version;     // of this program
	const char *state_dir;
	const struct identity *identity; // NULL: this host has not joined
	struct kernel_config kernel;
	bool only_conflicts; // what else is on this host, nothing is sent

	// Has the controller make other nodes send to this one, and tells what they saw:
	// {"now_ms", "helpers": [{"node", "network", "to", "seen", "error"}]}. NULL: cannot.
	int (*reach)(void *context, const json_t *args, json_t **ret_answer, struct err *err);
	void *context;
};

// {"node": NAME, "ok": no line is bad, "lines": [{"check", "grade": "ok|warn|bad", "text",
// "cure"}]}; `cure` is "" where there is nothing to do. New reference, NULL when out of memory.
json_t *doctor_run(const struct doctor_config *config);

// The lines as a table for people. The caller frees.
char *doctor_table(const json_t *report);
