// Finding the largest packet that a path carries: decides what size to try next. Pure.
//
// A small packet first: a peer that does not answer it tells nothing. Then the full size, on which
// everything hangs: it leaves as fragments of the outer packet, and where these survive nothing
// else matters. Only when three of them are lost is the largest size searched by halving.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { MTU_TRIES = 3, MTU_SMALL = 100, MTU_GRAIN = 4 };

enum mtu_phase {
	MTU_SMALL_FIRST, // does the peer answer at all
	MTU_FULL,        // does the full size pass
	MTU_SEARCH,      // between a size that passes and one that does not
	MTU_DONE,
};

struct mtu_search {
	enum mtu_phase phase;
	uint32_t full;   // bytes of the whole packet
	uint32_t passes; // largest size known to pass, 0 when none
	uint32_t fails;  // smallest size known to fail, above full when none
	uint32_t trying;
	uint32_t lost; // tries of this size that were lost in a row
};

// `full` is in bytes of the whole packet, at least MTU_SMALL.
void mtu_start(struct mtu_search *search, uint32_t full);

// The size of the packet to send now, 0 when the search is over.
uint32_t mtu_next(const struct mtu_search *search);

void mtu_answer(struct mtu_search *search, bool answered);

// What came of it: false when the peer answered nothing. *ret_whole: the full size passes.
bool mtu_result(const struct mtu_search *search, uint32_t *ret_path_mtu, bool *ret_whole);
