// Many routes in one call: a socket of its own, for one thread, that sends all changes together and
// then reads what the kernel says to each.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

#include "kernel/values.h"

struct route_batch;

int route_batch_open(uint8_t route_protocol, struct route_batch **ret, struct err *err);
void route_batch_close(struct route_batch *batch);
CLEAN_FUNC(struct route_batch, route_batch_close)

// Puts each route in the place of another to the same prefix with the same table and metric, or
// drops it. Goes on after a failure and returns the first; a route that is to be dropped and is not
// there is none.
int route_batch_put(struct route_batch *batch, const struct kernel_route *routes, size_t len,
		    struct err *err);
int route_batch_drop(struct route_batch *batch, const struct kernel_route *routes, size_t len,
		     struct err *err);
