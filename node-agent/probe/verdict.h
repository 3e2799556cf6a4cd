// What the counts of answered datagrams say about the checksum offload. Pure.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { VERDICT_TRIES = 3, VERDICT_ROUNDS = 2 };

enum verdict {
	VERDICT_OPEN,    // nothing answered, or not often enough to tell
	VERDICT_WHOLE,   // datagrams with a checksum arrive
	VERDICT_SUSPECT, // only those without arrive: another round is needed
	VERDICT_BROKEN,  // the same in every round
};

// Zero-initialise; `suspect_rounds` counts the rounds in a row in which only the unsummed ones
// arrived.
struct verdict_state {
	uint32_t suspect_rounds;
};

// One round: how many of VERDICT_TRIES datagrams with and without a checksum were answered.
enum verdict verdict_round(struct verdict_state *state, uint32_t summed, uint32_t unsummed);
