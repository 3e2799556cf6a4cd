// What the unprivileged programs of a node have in common (weft-dns, weft-proxy): a control socket
// that is asked by lines of JSON, and how it is asked. (What they give up: service/sandbox.h.)
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

#include "service/handover.h"

// ---- control.c: one line of JSON is asked, one is answered, and the connection ends ----

struct service_control;
struct service_talk;

struct service_owner {
	// A request: an object, or NULL when it was no JSON. It is answered by service_say(), at
	// once or later; a talk that nobody answers in time ends by itself.
	void (*on_request)(void *context, struct service_talk *talk, const json_t *request);
	void *context;
	const char *user; // whose programs may ask as well (service_is_owner), NULL: nobody's
	// Taking part in a handover (service/handover.h). Copies out the sockets that are listened
	// at, at most HANDOVER_MAX; returns how many.
	size_t (*sockets)(void *context, int *ret);
	// Another process listens from now on: this one stops, answers, and ends once it has done
	// what it had begun. The control socket is the other's already.
	void (*leave)(void *context, struct service_talk *talk);
};

// Listens at `path`, for its own user, root, and those of the owner's `user`; with the socket of
// the process before if that was handed over. Nothing is answered before service_begin(). One loop
// owns it.
int service_open(uv_loop_t *loop, const char *path, const struct service_owner *owner,
		 struct handover *before, struct service_control **ret, struct err *err);
// The process before has left (or there was none). NULL is fine.
int service_begin(struct service_control *control, struct err *err);
// NULL is fine. Talks under way end without an answer; `path` is deleted as far as it may be, and
// if no other process has it.
void service_close(struct service_control *control);

// Takes `answer` over; NULL ends the talk without one.
void service_say(struct service_talk *talk, json_t *answer);

// Whether who asks is root or the user that the socket was opened by, not `user`.
bool service_is_owner(const struct service_talk *talk);

// For an answer that comes later: a number that names this talk and no other, and the talk that it
// names, NULL when that has ended.
uint64_t service_talk_id(const struct service_talk *talk);
struct service_talk *service_find(struct service_control *control, uint64_t id);

// {"error": sentence}
json_t *service_refusal(const struct err *err);

// ---- question.c: the other end of it, one question and its answer ----

struct service_question;

struct service_at {
	const char *program; // what answers there, for sentences; outlives the question
	const char *path;
};

// The answer, borrowed; NULL with a sentence when there was none. Comes exactly once, from the
// loop, unless cancelled before.
typedef void (*service_answer_fn)(void *context, const json_t *answer, const char *why);

// Takes over `request`. NULL when out of memory.
struct service_question *service_ask(uv_loop_t *loop, const struct service_at *at, json_t *request,
				     service_answer_fn done, void *context);
void service_question_cancel(struct service_question *question); // NULL is fine
