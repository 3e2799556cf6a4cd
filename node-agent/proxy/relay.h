// The bytes of one direction of a flow, from one socket to the other: few are copied, many are
// spliced. What the taker does not take waits in one place, and nothing more is read until it is
// gone: so a slow taker slows the giver.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/pipes.h"

enum {
	RELAY_CHUNK = 16384,  // is copied at a time
	RELAY_TURN = 4 << 20, // bytes, then it is another flow's turn
};

// What the flows of a thread share.
struct relay_tools {
	struct pipe_pool pipes;
	uint8_t chunk[RELAY_CHUNK];
};

struct relay_way {
	struct pipe *pipe; // NULL: nothing is being spliced
	uint8_t *rest;     // read and not taken yet, NULL: nothing
	uint32_t rest_len, rest_at;
	uint64_t bytes;  // taken so far
	bool is_bulk;    // there is much: splice
	bool is_blocked; // the taker has no room
	bool is_over;    // the giver has said its last byte
	bool is_cut;     // its turn was over before it was dry
};

// How far a giver is read: an event that was told is not told again (epoll(7), edge-triggered).
enum relay_reading {
	RELAY_READ_SHORT, // until less came than could have: what follows has an event of its own
	RELAY_READ_DRY,   // until there is nothing
	RELAY_READ_END, // until its last byte, which is there: the end goes along with what it ends
};

enum relay_result {
	RELAY_WAITS,  // for either socket
	RELAY_AGAIN,  // there is more, but it was enough for a turn
	RELAY_OVER,   // the giver has said its last byte, and the taker has it
	RELAY_BROKEN, // a socket has failed
};

// Goes on as far as it can.
enum relay_result relay_go(struct relay_tools *tools, struct relay_way *way, int from, int to,
			   enum relay_reading reading);
// Writes what was read and not taken, and reads nothing. Waits or is broken.
enum relay_result relay_flush(struct relay_way *way, int to);
// Bytes that come before all others. They are copied. False when out of memory.
bool relay_put(struct relay_way *way, const uint8_t *data, size_t len);
// Has it anything that was read and not taken?
bool relay_holds(const struct relay_way *way);
void relay_done(struct relay_tools *tools, struct relay_way *way);
