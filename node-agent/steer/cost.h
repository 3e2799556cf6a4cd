// What a wire costs the tree of its segment: from its measured round trip and loss, changed only
// when the measurements insist. Pure; each end has its own.
//
// A cost is tenths of a millisecond, so that the tree's sums are times. A hundredth lost weighs as
// much as 20 ms, as in the choice of paths (path.h), and each wire costs a millisecond by itself:
// of two ways that take as long, the one over fewer bridges is better.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	COST_MAX = 65535,         // what the kernel and a port entry can hold
	COST_MARGIN_PERCENT = 20, // a change of less, or of less than COST_MARGIN, is none
	COST_MARGIN = 20,
};

#define COST_INSIST_US INT64_C(10000000) // a change must be wanted for so long
#define COST_REST_US   INT64_C(30000000) // and come at least so long after the last

struct cost {
	uint32_t value;     // in force
	bool is_measured;   // false: `value` is what was configured
	bool is_insisting;  // another value is wanted,
	int64_t since_us;   // from then on
	int64_t changed_us; // when `value` was last changed
};

// 1 .. COST_MAX.
uint32_t cost_of(int64_t rtt_us, uint32_t loss_ppm);

// Until it is measured a wire costs `configured`.
void cost_init(struct cost *c, uint32_t configured);

// Takes a measurement; true when `value` is another now. The first one is taken at once.
bool cost_measure(struct cost *c, int64_t rtt_us, uint32_t loss_ppm, int64_t now_us);
