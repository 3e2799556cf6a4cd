// The Ethernet frames that probes of wires travel in. Pure.
//
// They go to the nearest bridge (01:80:c2:00:00:0e), which no bridge passes on: they are heard at
// the other end of the wire, whatever the state of its port, and nowhere else. Their EtherType is
// the first one for local experiments (IEEE 802).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_FRAME_TYPE = 0x88b5,
	WIRE_FRAME_HEADER = 18, // in front of the packet
};

// Writes the header in front of the packet, which stands behind it already.
void wire_frame_put(const uint8_t source[6], bool is_reply, uint8_t *frame);

// Where the packet begins in a frame, and how long it is. NULL: it is no such frame.
const uint8_t *wire_frame_get(const uint8_t *frame, size_t len, bool *ret_is_reply,
			      size_t *ret_len);
