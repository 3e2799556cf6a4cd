// What a wire costs the tree of its segment: from its measured round trip and loss, changed only
// when the measurements insist. Pure; each end has its own.
//
// A cost is tenths of a millisecond; what it weighs in the tree is tree_cost() of it. A hundredth
// lost weighs as much as 20 ms, as in the choice of paths (path.h), and each wire costs a
// millisecond by itself: of two ways that take as long, the one over fewer bridges is better.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	COST_MAX = 65535,         // what the kernel and a port entry can hold
	COST_MARGIN_PERCENT = 20, // a change of less, or of less than COST_MARGIN, is none
	COST_MARGIN = 50,
	COST_LOSS_LEAST_PPM = 15000, // less may be one packet of a hundred, which proves nothing
	COST_SAMPLES = 15,           // the least of so many round trips counts,
	COST_SAMPLES_LEAST = 3,      // once there are so many
};

#define COST_INSIST_US INT64_C(60000000) // a change must be wanted for so long
#define COST_REST_US   INT64_C(60000000) // and come at least so long after the last

struct cost {
	uint32_t value;     // in force
	bool is_measured;   // false: `value` is what was configured
	bool is_insisting;  // another value is wanted,
	int64_t since_us;   // from then on
	int64_t changed_us; // when `value` was last changed
	int64_t rtt_us;     // what `value` rests on when it is measured
	uint32_t loss_ppm;
	int64_t samples[COST_SAMPLES]; // round trips
	unsigned taken;
};

// 1 .. COST_MAX.
uint32_t cost_of(int64_t rtt_us, uint32_t loss_ppm);

// Until it is measured a wire costs `configured`.
void cost_init(struct cost *c, uint32_t configured);

// Takes a measurement, one every two seconds; true when it is what `value` rests on from now on.
// The least round trip of the last half minute counts: a tree is to follow how far its nodes are
// from each other, not how busy they are. The first ones are taken at once.
bool cost_measure(struct cost *c, int64_t sample_us, uint32_t loss_ppm, int64_t now_us);
