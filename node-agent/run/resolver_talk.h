// One question to weft-dns's control socket: one line of JSON each way.
//
// Loop thread.
#pragma once

#include <jansson.h>
#include <uv.h>

struct resolver_talk;

// The answer, borrowed; NULL with a sentence when there was none. Comes exactly once, from the
// loop, unless cancelled before.
typedef void (*resolver_talk_fn)(void *context, const json_t *answer, const char *why);

// Takes over `question`. NULL when out of memory.
struct resolver_talk *resolver_talk_start(uv_loop_t *loop, const char *path, json_t *question,
					  resolver_talk_fn done, void *context);
void resolver_talk_cancel(struct resolver_talk *talk); // NULL is fine
