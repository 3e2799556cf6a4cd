// ICMP echoes, v4 and v6, asked and answered on the loop without blocking it.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/clean.h"
#include "base/err.h"

struct icmp;

struct icmp_question {
	const char *to;     // address without a prefix length
	const char *device; // interface to leave by, NULL: as the routes say
	uint32_t size; // bytes of the whole IP packet, at least 48 (v4) or 68 (v6), at most 65000
	bool df;       // v4: do-not-fragment set; both: -EMSGSIZE rather than fragments made here
	uint32_t timeout_ms;
};

// `status` 0: answered after rtt_us. -ETIMEDOUT, or what sending said (-EMSGSIZE, -ENETUNREACH …).
typedef void (*icmp_answer_fn)(void *context, int status, int64_t rtt_us);

// A raw socket that gets echo replies of one family only; negative errno. Needs CAP_NET_RAW.
int icmp_socket(int family);

// Needs CAP_NET_RAW. A host without IPv6 asks v4 only.
struct icmp *icmp_new(uv_loop_t *loop, struct err *err);

// Sends one echo; `answer` comes exactly once from the loop, unless icmp_forget or icmp_close came
// before. -EINVAL: no address; -EBUSY: 4096 echoes are unanswered; else `answer` tells.
int icmp_ask(struct icmp *icmp, const struct icmp_question *question, icmp_answer_fn answer,
	     void *context, struct err *err);

// No more answers for this context.
void icmp_forget(struct icmp *icmp, const void *context);

// Closes the handles and frees itself once the loop has let go of them.
void icmp_close(struct icmp *icmp);
