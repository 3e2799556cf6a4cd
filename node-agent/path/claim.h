// The word of an HA group's active member, and whom a node believes. Pure.
//
// A site's LANs follow the active member of its group. It says so to every node of the segment,
// with the epoch of its lease, as a note behind its probes: these are authenticated, so nobody says
// it of another. The higher epoch is the later one, and only one node has it. Who was active and is
// no longer says nothing: the routes stay with it until another speaks, so that what still comes
// there is not lost on the way to nobody.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct claim {
	uint32_t group;
	uint64_t epoch;
};

// Other than a path's note by its length, so that who does not know of it takes it for none.
enum { CLAIM_SIZE = 13 };

void claim_encode(const struct claim *claim, uint8_t ret[CLAIM_SIZE]);
bool claim_decode(const uint8_t *data, size_t len, struct claim *ret);

// Who is followed as the active member of a group.
struct claim_belief {
	uint32_t group;
	uint64_t node; // 0: nobody has said it
	uint64_t epoch;
	int64_t heard_us;
};

// A member that lost all it had on its disk begins anew with low epochs: they count when whoever
// had the higher one has been silent for longer than any lease lasts.
#define CLAIM_FORGOTTEN_US INT64_C(70000000)

// True: another node is followed from now on.
bool claim_heard(struct claim_belief *belief, uint64_t node, uint64_t epoch, int64_t now_us);
