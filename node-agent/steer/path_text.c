#include <stdbool.h>
#include <stdio.h>

#include "steer/figure.h"
#include "steer/path.h"

// What stands before and after the name of the path that was used before.
static const struct words {
	const char *before, *after;
} words[] = {
	[PATH_FIRST] = { "", "" },
	[PATH_DOWN] = { ": ", " is down" },
	[PATH_DEGRADED] = { ": ", " is degraded" },
	[PATH_DRAINED] = { ": ", " is drained" },
	[PATH_BETTER] = { ": it is better than ", "" },
	[PATH_LIKED] = { ": it is as good as ", " and preferred" },
	[PATH_FOLLOWED] = { " from ", ", as the other end" },
};

void path_sentence(const struct path_cause *cause, const char *to, const char *from, char *ret,
		   size_t size)
{
	const struct words *why = &words[cause->reason];
	bool is_first = cause->reason == PATH_FIRST;
	char rtt[FIGURE_SIZE], measured[FIGURE_SIZE + 2] = "";

	if (cause->rtt_us != JUDGE_UNMEASURED)
		(void)snprintf(measured, sizeof(measured), ", %s",
			       figure_duration(cause->rtt_us, rtt));
	(void)snprintf(ret, size, "%s %s%s%s%s%s", is_first ? "goes by" : "moved to", to, measured,
		       why->before, is_first ? "" : from, why->after);
}
