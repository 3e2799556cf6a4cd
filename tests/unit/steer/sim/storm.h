// A schedule of random faults for a simulation: each begins at a random time, lasts for a while and
// ends; after the last everything is as at the beginning.
#pragma once

#include "sim/sim.h"

enum storm_kind {
	STORM_CUT,       // a link, both directions
	STORM_ONE_WAY,   // a link, one direction
	STORM_LOSS,      // 5 to 100 %, both or one direction
	STORM_DELAY,     // up to 6 s more
	STORM_REORDER,   // jitter, repeats
	STORM_PARTITION, // all links between two sets of nodes
	STORM_CRASH,
	STORM_STOP,
	STORM_DRIFT, // a clock up to 500 ppm wrong
	STORM_KINDS,
};

struct storm_plan {
	uint32_t weight[STORM_KINDS]; // how often relative to the others; 0: never
	unsigned faults;
	int64_t from_us, until_us; // all are over by the latter
	int64_t longest_us;        // of one fault
};

struct storm;

// Puts the faults into the simulation, by its own dice. Faults of one thing do not overlap. Lives
// until the simulation has run past `until_us`. NULL when out of memory.
struct storm *storm_new(struct sim *s, const struct storm_plan *plan);
void storm_free(struct storm *storm);

// One line for each fault: for a person who replays a seed. `ret` is filled with at most `size`
// characters.
void storm_tell(const struct storm *storm, char *ret, size_t size);
