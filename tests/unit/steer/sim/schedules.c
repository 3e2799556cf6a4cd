#include "sim/schedules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

	if (getenv("WEFT_SIM_SEED"))
		return holds(p, setting("WEFT_SIM_SEED", 1), true);
	for (uint64_t seed = 1; seed <= count; seed++) {
		if (!holds(p, seed, false))
			return false;
	}
	(void)printf("%s: %" PRIu64 " schedules kept every promise%s\n", p->name, count,
		     count < 100000 ? " (WEFT_SIM_SCHEDULES=100000 for the full proof)" : "");
	return true;
}
