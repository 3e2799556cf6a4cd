// What the kernel says to who sends a datagram to a closed port: ICMP "port unreachable" (RFC 792,
// RFC 4443 §3.1), for flows that a rule refuses.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "service/place.h"

enum { UNREACHABLE_SIZE = 8 + 40 + 8 }; // at most: its head, an IPv6 header, a UDP header

// The message about a datagram of `len` bytes from `client` to `to`; of IPv6 without the checksum,
// which the kernel puts in. Returns its size. Pure.
size_t unreachable_make(const struct place *client, const struct place *to, size_t len,
			uint8_t ret[UNREACHABLE_SIZE]);

// A raw socket that such messages of a family (4 or 6) leave by. A negative errno.
int unreachable_open(uint8_t family, uint32_t mark);
void unreachable_send(int fd, const struct place *client, const uint8_t *message, size_t size);
