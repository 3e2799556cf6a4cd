// The end of an external link: asks a target that knows nothing of Weft by ICMP echoes, or by
// datagrams that it sends back (RFC 862). Pure.
//
// What is sent carries the number of the request and a code over it that only this end can make:
// what comes back counts only if it is what is outstanding. The link's reflector is not used, its
// key is random.
#pragma once

#include "probe/link.h"

enum external_way { EXTERNAL_UDP, EXTERNAL_ICMP4, EXTERNAL_ICMP6 };

enum { EXTERNAL_SIZE_MAX = 44 };

// As link_send; the length of the packet, 0: none is due.
size_t external_send(struct link *l, enum external_way way, const struct sender_time *now,
		     uint8_t ret_packet[EXTERNAL_SIZE_MAX], bool *ret_changed);

// As link_take; of ICMPv4 with the IP header. Other programs' echoes are passed over.
bool external_take(struct link *l, enum external_way way, const void *data, size_t len,
		   const struct sender_time *arrived, int64_t now_us);
