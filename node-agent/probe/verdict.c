#include "probe/verdict.h"

enum verdict verdict_round(struct verdict_state *state, uint32_t summed, uint32_t unsummed)
{
	if (summed > 0) {
		state->suspect_rounds = 0;
		return VERDICT_WHOLE;
	}
	// A path that loses many packets must not look like one that breaks checksums.
	if (unsummed < VERDICT_TRIES - 1)
		return VERDICT_OPEN;
	state->suspect_rounds++;
	return state->suspect_rounds >= VERDICT_ROUNDS ? VERDICT_BROKEN : VERDICT_SUSPECT;
}
