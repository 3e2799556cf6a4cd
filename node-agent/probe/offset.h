// How far the clock of the other end is ahead of ours, as bounds, and what that makes of one-way
// delays. Pure.
//
// No packet arrives before it left. So each exchange bounds the offset from both sides, and clocks
// that say that they are synchronised bound it by what they admit. Only where the bounds are close
// enough compared with the round trip is a delay in one direction known.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define OFFSET_UNKNOWN INT64_MIN

// One exchange: from our sending to its receipt there, and back, each by the two clocks as they
// are.
struct offset_exchange {
	int64_t forward_us, back_us;
	int64_t error_us; // what both clocks admit together; OFFSET_UNKNOWN when one is not
			  // synchronised
};

// Zero-initialise.
struct offset {
	int64_t low_us, high_us; // the other clock minus ours lies between
	int64_t at_us;           // when that was; 0: nothing is known
};

// `now_us` of a monotonic clock, more than 0.
void offset_take(struct offset *offset, const struct offset_exchange *exchange, int64_t now_us);

// The delays of an exchange that was taken; false when the offset is not known well enough.
bool offset_delays(const struct offset *offset, const struct offset_exchange *exchange,
		   int64_t *ret_forward_us, int64_t *ret_back_us);
