// This very program run once more, with another verb, for what is slow or risky: looking at other
// people's rules, waiting for names, trying paths.
//
// Loop thread. Nothing a child does can hold up or bring down the agent; its memory goes with it.
#pragma once

#include <jansson.h>
#include <uv.h>

#include "base/err.h"

struct child;

// `output` is what the child printed as JSON, borrowed; NULL with a sentence when it printed none,
// failed to start or took too long.
typedef void (*child_done_fn)(void *context, const json_t *output, const char *why);

// Starts `weft-agent ARG...` (NULL-terminated). `done` comes exactly once from the loop, unless
// child_cancel came before. A child still running after `timeout_ms` is killed.
int child_start(uv_loop_t *loop, const char *const *args, unsigned timeout_ms, child_done_fn done,
		void *context, struct child **ret_child, struct err *err);

// Kills it; `done` does not come.
void child_cancel(struct child *child);
