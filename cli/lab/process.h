// Programs run by the lab: to the end, with their output caught, or inside a box's network.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct process_options {
	pid_t net_of;      // run in the network namespace of this process; 0: here
	const char *input; // written to its standard input; NULL: /dev/null
	char **ret_output; // its standard output, caller frees; NULL: discarded
	const char *const
		*environment; // "NAME=VALUE" added to ours, "NAME" taken out; NULL: as it is
};

// Runs argv (found on PATH, NULL-terminated) and waits. 0 when it exits 0; -ECHILD with its exit
// status in ret_status (may be NULL) and what it wrote to standard error in the sentence.
int process_run(const char *const *argv, const struct process_options *options, int *ret_status,
		struct err *err);

// Runs each line of `script` as one `ip` command in the network of `net_of`.
int process_ip(pid_t net_of, const char *script, struct err *err);

// Loads an nft script in the network of `net_of`.
int process_nft(pid_t net_of, const char *script, struct err *err);

// When a process began, in clock ticks since boot (proc(5), field 22): with its pid, its identity.
// 0 when there is none.
unsigned long long process_start_time(pid_t pid);

// The directory of this program, where its sisters lie too.
int process_program_dir(char *buf, size_t size, struct err *err);
