// Runs many schedules of one simulation, one for each seed: a scaled number in the ordinary run,
// WEFT_SIM_SCHEDULES of them (from seed WEFT_SIM_FIRST on) for a proof, or only WEFT_SIM_SEED to
// replay one.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schedules {
	const char *name;
	uint64_t ordinary; // how many in the ordinary run
	// One schedule. False when a promise was broken: `ret_why` then says which, when and how.
	// `is_told`: a replay, which may print all it does.
	bool (*run)(uint64_t seed, bool is_told, char *ret_why, size_t size);
};

// Stops at the first broken promise and prints its seed. Prints how many it ran.
bool schedules_hold(const struct schedules *schedules);
