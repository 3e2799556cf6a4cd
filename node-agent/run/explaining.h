// The controller's question why a flow of a client goes where it goes: gathers what is in force,
// what weft-dns knows of the name, what the kernel's sets have and its routes say.
//
// Loop thread.
#pragma once

#include <jansson.h>

#include "base/err.h"

struct agent;
struct explaining;

// The answer, borrowed, or NULL and a sentence; once, from the loop, unless cancelled before.
typedef void explaining_done_fn(void *context, const json_t *answer, const char *why);

// `args`: client, to (a name or an address), port, proto. NULL with a sentence when they are
// malformed.
struct explaining *explaining_start(struct agent *agent, const json_t *args,
				    explaining_done_fn *done, void *context, struct err *err);
void explaining_cancel(struct explaining *x); // NULL is fine
