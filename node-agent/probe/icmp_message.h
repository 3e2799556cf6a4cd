// Messages of ICMP echoes, v4 and v6. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ICMP_MESSAGE_HEADER = 8 };

struct icmp_reply {
	uint16_t identifier, sequence;
	const uint8_t *payload; // borrowed
	size_t len;
};

// Writes the header of an echo request in front of the payload, which stands behind it already;
// `len` is that of both. The kernel itself fills in ICMPv6 checksums.
void icmp_message_put(bool is_v6, uint16_t identifier, uint16_t sequence, uint8_t *message,
		      size_t len);

// Reads an echo reply as a raw socket has it: of v4 with the IP header, of v6 without. False: it is
// none.
bool icmp_message_get(bool is_v6, const uint8_t *packet, size_t len, struct icmp_reply *ret_reply);
