#include <inttypes.h>
#include <stdio.h>

#include "steer/figure.h"
#include "steer/judge.h"

static const char *const state_names[] = {
	[JUDGE_UNKNOWN] = "unknown",
	[JUDGE_UP] = "up",
	[JUDGE_DEGRADED] = "degraded",
	[JUDGE_DOWN] = "down",
};

const char *judge_state_name(enum judge_state state)
{
	return state_names[state];
}

static const char *figure(enum judge_measure measure, int64_t value, char buf[FIGURE_SIZE])
{
	if (measure != JUDGE_LOSS)
		return figure_duration(value, buf);
	(void)snprintf(buf, FIGURE_SIZE, "%.3g %%", (double)value / 10000);
	return buf;
}

// ", last reply 612 ms ago"
static const char *last_reply(const struct judge_cause *cause, char *buf, size_t size)
{
	char ago[FIGURE_SIZE];

	if (cause->last_reply_us == JUDGE_UNMEASURED)
		(void)snprintf(buf, size, ", no reply ever");
	else
		(void)snprintf(buf, size, ", last reply %s ago",
			       figure_duration(cause->last_reply_us, ago));
	return buf;
}

static void because_broken(const struct judge_cause *cause, char *buf, size_t size)
{
	static const char *const names[] = {
		[JUDGE_LATENCY] = "latency",
		[JUDGE_JITTER] = "jitter",
		[JUDGE_LOSS] = "loss",
	};
	char value[FIGURE_SIZE], limit[FIGURE_SIZE], lasting[FIGURE_SIZE], usual[FIGURE_SIZE];
	char as_usual[FIGURE_SIZE * 2] = "";

	if (cause->usual != JUDGE_UNMEASURED)
		(void)snprintf(as_usual, sizeof(as_usual), " (usual %s)",
			       figure(cause->measure, cause->usual, usual));
	(void)snprintf(buf, size, "%s %s is more than %s%s, for %s", names[cause->measure],
		       figure(cause->measure, cause->value, value),
		       figure(cause->measure, cause->limit, limit), as_usual,
		       figure_duration(cause->lasting_us, lasting));
}

static void because(const struct judge_cause *cause, char *buf, size_t size)
{
	char a[FIGURE_SIZE], last[FIGURE_SIZE * 2];

	switch (cause->reason) {
	case JUDGE_NO_PROBE:
		(void)snprintf(buf, size, "no probe has come back yet");
		break;
	case JUDGE_RETURNED:
		(void)snprintf(buf, size,
			       "%" PRIu32 " of %" PRIu32 " probes returned, round trip %s",
			       cause->count, cause->count, figure_duration(cause->rtt_us, a));
		break;
	case JUDGE_MISSED:
		(void)snprintf(buf, size, "%" PRIu32 " of %" PRIu32 " probes lost%s", cause->count,
			       cause->count, last_reply(cause, last, sizeof(last)));
		break;
	case JUDGE_SEVERED:
		(void)snprintf(buf, size, "its device is gone or has no carrier%s",
			       last_reply(cause, last, sizeof(last)));
		break;
	case JUDGE_BROKEN:
		because_broken(cause, buf, size);
		break;
	case JUDGE_KEPT:
		(void)snprintf(buf, size, "within its sla for %s",
			       figure_duration(cause->lasting_us, a));
		break;
	}
}

void judge_sentence(const char *link, enum judge_state state, const struct judge_cause *cause,
		    char *ret, size_t size)
{
	char why[256];

	because(cause, why, sizeof(why));
	(void)snprintf(ret, size, "%s %s: %s", link, judge_state_name(state), why);
}
