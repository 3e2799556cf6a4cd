// The verb `ping` of an operator: a few ICMP echoes in a row, answered with times and loss.
#pragma once

#include <jansson.h>

#include "base/err.h"

#include "probe/icmp.h"

// `result` {to, sent, received, loss_percent, rtt_ms: [number or null], errors: [sentence]}; the
// callee's to release.
typedef void (*ping_done_fn)(void *context, json_t *result);

struct ping;

// args {to: address, count: 1..20 (4), size: ICMP payload bytes 16..9000 (56), df: bool (false)}.
// `done` comes once from the loop; `icmp` must live until then or ping_cancel. -EINVAL with a
// sentence for bad arguments.
int ping_start(uv_loop_t *loop, struct icmp *icmp, const json_t *args, ping_done_fn done,
	       void *context, struct ping **ret_ping, struct err *err);

// Ends it without an answer; not after `done`.
void ping_cancel(struct ping *ping);
