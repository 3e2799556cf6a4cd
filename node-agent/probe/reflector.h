// The answering end of a link's probes: which requests are new, and what is answered. Pure.
//
// A session is the sender's random number. One that is not known gets replies with a challenge, and
// becomes the link's session only when a request echoes that challenge: what was recorded in an
// earlier session can never become one again. Within the session each sequence number counts once.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "probe/hmac.h"
#include "probe/stamp.h"

enum { REFLECTOR_WINDOW = 256 }; // sequence numbers that are told apart from replays

enum reflector_verdict {
	REFLECTOR_FRESH,   // answer it; it counts
	REFLECTOR_UNKNOWN, // answer it with a challenge; it does not count
	REFLECTOR_REPLAY,  // seen before, or too old to tell: no answer
};

struct reflector_counts {
	uint64_t fresh, unknown, replayed, reordered;
};

struct reflector {
	uint64_t salt;      // random, of this reflector
	uint64_t session;   // 0: none is confirmed
	uint32_t highest;   // sequence number in the session
	uint32_t answered;  // replies in the session
	uint32_t confirmed; // sessions so far: a challenge is good for one confirmation
	uint64_t seen[REFLECTOR_WINDOW / 64]; // bit by sequence modulo the window
	struct reflector_counts counts;
};

void reflector_init(struct reflector *r, uint64_t salt);

// `key` is that of the challenges, this program's own and random. The reply lacks its time of
// sending and error estimate; nothing is made for a replay.
enum reflector_verdict reflector_take(struct reflector *r, const struct hmac_key *key,
				      const struct stamp_request *request, uint64_t received,
				      struct stamp_reply *ret_reply);
