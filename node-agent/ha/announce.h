// Tells a LAN that an address moved here: gratuitous ARP (RFC 5227, 3), and unsolicited neighbour
// advertisements (RFC 4861, 7.2.6).
//
// They leave through the same hook of the kernel as all else, so one that is sent too late goes
// nowhere.
#pragma once

#include "kernel/vip.h"

// Ethernet frames. Pure; return the frame's length.
enum { ANNOUNCE_FRAME_MAX = 86 };
size_t announce_arp(const uint8_t mac[6], const struct kernel_ip *ip, bool is_reply,
		    uint8_t ret[ANNOUNCE_FRAME_MAX]);
size_t announce_neighbour(const uint8_t mac[6], const struct kernel_ip *ip,
			  uint8_t ret[ANNOUNCE_FRAME_MAX]);

// Sends them for all addresses of the set.
int announce_send(const struct vip_set *set, struct err *err);
