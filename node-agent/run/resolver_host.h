// The host's own programs ask its weft-dns: only where the operator said so, only while a question
// put to it just now was answered, and with the end of the agent, of weft-dns or of either's life
// the host's own resolvers again.
//
// Loop thread.
#pragma once

#include <jansson.h>
#include <uv.h>

#include "base/err.h"

struct kernel;
struct resolver_host;

// Its state is another one.
typedef void resolver_host_fn(void *context);

// `note`: path of a file that is there as long as the table may be, so that nothing has to be asked
// of the kernel where there is none. NULL when out of memory.
struct resolver_host *resolver_host_new(uv_loop_t *loop, struct kernel *kernel, const char *note,
					resolver_host_fn *changed, void *context);
// The host asks its own again.
void resolver_host_close(struct resolver_host *host);

// `body`: of the entry dns/…, NULL: none. What it says of `host`, `listen` and `port` holds from
// now on.
void resolver_host_want(struct resolver_host *host, const json_t *body);

// {"state": "redirected" | "own", "error"?: why not}; NULL when it is not wanted.
json_t *resolver_host_state(const struct resolver_host *host);

// Deletes the table, also while no agent runs.
int resolver_host_remove(struct kernel *kernel, struct err *err);
