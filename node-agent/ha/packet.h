// A lease message on its way between two nodes: authenticated under the group's key, from whom to
// whom included. Pure.
//
// The tunnel already proves which node a packet is from and lets none through twice. The key keeps
// out what else runs on that node, so that nobody but its agent votes.
#pragma once

#include <stdbool.h>

#include "ha/config.h"
#include "lease/message.h"

enum { HA_PACKET_SIZE = LEASE_MESSAGE_SIZE + 32 };

void ha_packet_encode(const uint8_t key[HA_KEY_SIZE], uint32_t from, uint32_t to,
		      const struct lease_message *message, uint8_t ret[HA_PACKET_SIZE]);

// The group that a packet says it is of; false when it is no lease message at all.
bool ha_packet_group(const uint8_t *data, size_t len, uint32_t *ret_group);

// False: not made by `from` for `to` under this key.
bool ha_packet_decode(const uint8_t key[HA_KEY_SIZE], uint32_t from, uint32_t to,
		      const uint8_t *data, size_t len, struct lease_message *ret);
