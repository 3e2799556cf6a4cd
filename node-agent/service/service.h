// What the unprivileged programs of a node have in common (weft-dns, weft-proxy): a control socket
// that is asked by lines of JSON, and what such a program gives up for good when it starts.
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

// ---- control.c: one line of JSON is asked, one is answered, and the connection ends ----

struct control;
struct control_talk;

struct control_owner {
	// A request: an object, or NULL when it was no JSON. It is answered by control_say(), at
	// once or later; a talk that nobody answers in time ends by itself.
	void (*on_request)(void *context, struct control_talk *talk, const json_t *request);
	void *context;
};

// Listens at `path`, for its own user only. One loop owns it.
int control_open(uv_loop_t *loop, const char *path, const struct control_owner *owner,
		 struct control **ret, struct err *err);
// NULL is fine. Talks under way end without an answer; `path` is deleted as far as it may be.
void control_close(struct control *control);
// The same, but `path` stays: another process listens there by now.
void control_leave(struct control *control);

// Takes `answer` over; NULL ends the talk without one.
void control_say(struct control_talk *talk, json_t *answer);
// The same with files (SCM_RIGHTS) beside the line's first byte; they stay the caller's as well.
void control_say_files(struct control_talk *talk, json_t *answer, const int *files, size_t n_files);

// For an answer that comes later: a number that names this talk and no other, and the talk that it
// names, NULL when that has ended.
uint64_t control_talk_id(const struct control_talk *talk);
struct control_talk *control_find(struct control *control, uint64_t id);

// {"error": sentence}
json_t *control_refusal(const struct err *err);

// ---- sandbox.c ----

// Becomes `user`, who keeps these capabilities (a mask of 1 << CAP_…) and can have no others, for
// good. When not started by root only new privileges are ruled out.
int sandbox_enter(const char *user, uint32_t capabilities, struct err *err);
