// The addresses of endpoint names ("home.example.net:51820"), asked off the loop and kept until
// they change.
//
// A look-up never blocks and never forgets: while the name servers are silent the last addresses
// serve. Loop thread.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "kernel/values.h"

struct names;

// `on_change` is called when a name got its first or other addresses. NULL when out of memory.
struct names *names_new(uv_loop_t *loop, void (*on_change)(void *context), void *context);

// The addresses known now, at most `cap`; asks for a name that is new.
size_t names_resolve(struct names *names, const char *name_port, struct kernel_endpoint *ret,
		     size_t cap);

// Asks again for what is older than `max_age_ms`; names that nobody resolved for 10 minutes are
// dropped.
void names_refresh(struct names *names, int64_t max_age_ms);

// Frees itself once outstanding questions are answered.
void names_close(struct names *names);
