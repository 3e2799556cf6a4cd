#include "sim/schedules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOLD_EVERY = 5000, FULL_PROOF = 100000 };

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static bool holds(const struct schedules *p, uint64_t seed, bool is_told)
{
	char why[8192] = "";
	bool is_kept = p->run(seed, is_told, why, sizeof(why));

	if (!is_kept)
		(void)printf("%s: WEFT_SIM_SEED=%" PRIu64 " breaks a promise: %s\n", p->name, seed,
			     why);
	return is_kept;
}

bool schedules_hold(const struct schedules *p)
{
	uint64_t count = setting("WEFT_SIM_SCHEDULES", p->ordinary);
	uint64_t first = setting("WEFT_SIM_FIRST", 1);

	if (getenv("WEFT_SIM_SEED"))
		return holds(p, setting("WEFT_SIM_SEED", 1), true);
	for (uint64_t done = 0; done < count; done++) {
		if (done > 0 && done % TOLD_EVERY == 0) {
			(void)printf("%s: %" PRIu64 " schedules\n", p->name, done);
			(void)fflush(stdout);
		}
		if (!holds(p, first + done, false))
			return false;
	}
	(void)printf("%s: %" PRIu64 " schedules from seed %" PRIu64 " kept every promise%s\n",
		     p->name, count, first,
		     count < FULL_PROOF ? " (WEFT_SIM_SCHEDULES=100000 for the full proof)" : "");
	return true;
}
