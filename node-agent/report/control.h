// The agent's control socket: one JSON line asks, one JSON line answers. Server on the loop, client
// blocking.
//
// Only root can open it (mode 0600 in a directory of mode 0755).
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

struct control;

// Returns the answer to {"verb": "...", ...}; the server releases it. NULL: out of memory.
// json_null(): control_answer() with this ticket will bring it.
typedef json_t *(*control_answer_fn)(void *context, const json_t *request, uint64_t ticket);

// -EADDRINUSE when a running agent answers there already. A socket nobody answers on is replaced.
int control_open(uv_loop_t *loop, const char *path, control_answer_fn answer, void *context,
		 struct control **ret_control, struct err *err);

// The answer (borrowed) that was promised; nothing happens when the asker has gone meanwhile.
void control_answer(struct control *control, uint64_t ticket, const json_t *answer);

// True while an answer is still being written.
bool control_is_busy(const struct control *control);

// Deletes the socket, closes every client, and frees itself once the loop has let go of its
// handles.
void control_close(struct control *control);

// Asks the agent behind PATH, at most `timeout_s`. -ENOENT or -ECONNREFUSED: no agent is running.
// The caller releases *ret_answer.
int control_ask(const char *path, const json_t *request, int timeout_s, json_t **ret_answer,
		struct err *err);
