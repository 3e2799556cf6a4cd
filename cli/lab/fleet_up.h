// `weft lab up`: boxes, wiring, controller, fleet file, agents; and its undoing.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct up_options {
	const char *lab;
	const char *const *files; // NULL-terminated
	const char *const *nat;   // NULL-terminated
	uint16_t port;            // of 127.0.0.1 for the dashboard; 0: any
	bool is_ipv6;             // names lead to IPv6 addresses
	bool is_bare;             // no agent joins
};

int lab_up(const struct up_options *options, struct err *err);

// Starts the agent of a node that `up` left out or that came later; a box for it must be there.
struct record;
int lab_join(struct record *record, const char *node, struct err *err);

int lab_down(const char *lab, struct err *err);

// The CLI of this build with the lab's credentials; output in *ret_output (may be NULL), caller
// frees.
int lab_weft(const struct record *record, const char *const *words, char **ret_output,
	     struct err *err);
