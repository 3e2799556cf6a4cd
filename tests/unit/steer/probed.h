// A link with its probes, for tests of the judge: time and sequence numbers go on from where they
// are, and what the judge wants to be told is told to the microsecond.
#pragma once

#include <string.h>

#include "steer/judge.h"

#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)

struct probed {
	struct judge j;
	uint32_t next; // sequence
	int64_t now;
	unsigned changes; // of the state
};

static inline void probed_start(struct probed *l, uint32_t first, const struct judge_config *config)
{
	memset(l, 0, sizeof(*l));
	l->next = first;
	l->now = 1000 * SECOND;
	judge_init(&l->j, config, l->now);
}

// Time passes; deadlines on the way are kept.
static inline void probed_wait(struct probed *l, int64_t until)
{
	while (judge_due_us(&l->j) <= until) {
		int64_t due = judge_due_us(&l->j);

		l->changes += judge_tick(&l->j, due > l->now ? due : l->now);
		l->now = due > l->now ? due : l->now;
	}
	l->now = until;
}

static inline void probed_send(struct probed *l)
{
	l->changes += judge_sent(&l->j, l->next++, l->now);
}

static inline void probed_reply(struct probed *l, uint32_t sequence, int64_t rtt)
{
	const struct judge_reply reply = { rtt, JUDGE_UNMEASURED, JUDGE_UNMEASURED };

	l->changes += judge_reply(&l->j, sequence, &reply, l->now);
}

// `count` intervals: in each a probe leaves; its reply comes after `rtt` or, below 0, never. The
// round trip is shorter than the interval.
static inline void probed_pass(struct probed *l, int count, int64_t rtt)
{
	for (; count > 0; count--) {
		int64_t end = l->now + l->j.config.interval_us;

		probed_send(l);
		if (rtt >= 0) {
			probed_wait(l, l->now + rtt);
			probed_reply(l, l->next - 1, rtt);
		}
		probed_wait(l, end - 1);
		l->now = end;
	}
}
