// One protected Initial packet of a client: its place in a datagram, and its frames in clear. Pure.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "proxy/quic.h"

// A packet with a long header, RFC 9000 §17.2. Pointers are into the datagram.
struct quic_packet {
	uint32_t version;
	enum quic_packet_type { QUIC_INITIAL, QUIC_OTHER } type;
	const uint8_t *id; // of the destination
	size_t id_len;
	const uint8_t *at; // the first byte
	size_t number_at;  // where the packet number begins
	size_t size;       // with the header
};

enum quic_cut {
	QUIC_CUT_PACKET,
	QUIC_CUT_END,     // a short header, padding or nothing: nothing more for us
	QUIC_CUT_FOREIGN, // not QUIC of a version known here
};

// The packet at the start of `data`.
enum quic_cut quic_packet_cut(const uint8_t *data, size_t len, struct quic_packet *ret);

// Takes the protection off: the frames go to `ret_frames` (as large as the packet), their length is
// returned. Below 0: not protected with these keys.
int quic_packet_open(const struct quic_packet *packet, const struct quic_keys *keys,
		     uint8_t *ret_frames);

// A variable-length integer at *at (RFC 9000 §16), which moves behind it; -EINVAL beyond `len`.
int64_t quic_number(const uint8_t *data, size_t len, size_t *at);
