// What comes to the port of the HA groups, and what members say behind their probes. The first
// three bytes: bit 0, with a good seal put on it or as it is; from whom; to whom. Then a packet,
// then claims, each with who it is from and how long after the one before.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/octets.h"

#include "ha/packet.h"
#include "path/claim.h"
#include "path/note.h"
#include "probe/hmac.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 3, CLAIM_STEP = 2 + CLAIM_SIZE };

static const uint8_t key[HA_KEY_SIZE] = "0123456789abcdef0123456789abcde";

static void seal(uint32_t from, uint32_t to, uint8_t packet[HA_PACKET_SIZE])
{
	uint8_t whole[8 + LEASE_MESSAGE_SIZE];
	struct hmac_key hmac;
	octets_put(whole, from, 4);
	octets_put(whole + 4, to, 4);
	memcpy(whole + 8, packet, LEASE_MESSAGE_SIZE);
	hmac_key_init(&hmac, key, sizeof key);
	hmac_sum(&hmac, whole, sizeof whole, packet + LEASE_MESSAGE_SIZE);
	hmac_key_done(&hmac);
}

// Nobody else knows the key: a packet counts for one sender and one receiver, and not a bit of it
// can be another.
static void try_sealed(const uint8_t *data, uint32_t from, uint32_t to)
{
	struct lease_message message, again;
	uint8_t packet[HA_PACKET_SIZE], other[HA_PACKET_SIZE];
	uint32_t group;
	memcpy(packet, data, LEASE_MESSAGE_SIZE);
	seal(from, to, packet);
	const bool is_message =
		lease_message_decode(packet, LEASE_MESSAGE_SIZE, &message, NULL) == 0;
	if (ha_packet_decode(key, from, to, packet, sizeof packet, &again) != is_message)
		abort();
	if (!is_message)
		return;
	if (memcmp(&message, &again, sizeof message) != 0 ||
	    !ha_packet_group(packet, sizeof packet, &group) || group != message.group)
		abort();
	if (ha_packet_decode(key, from + 1, to, packet, sizeof packet, &again) ||
	    ha_packet_decode(key, from, to + 1, packet, sizeof packet, &again) ||
	    ha_packet_decode(key, from, to, packet, sizeof packet - 1, &again))
		abort();
	const size_t bit = (size_t)data[LEASE_MESSAGE_SIZE] % (8 * sizeof packet);
	memcpy(other, packet, sizeof other);
	other[bit / 8] ^= (uint8_t)(1u << bit % 8);
	if (ha_packet_decode(key, from, to, other, sizeof other, &again))
		abort();
	// What is made of it is taken for the same by the other end.
	ha_packet_encode(key, from, to, &message, other);
	if (!ha_packet_decode(key, from, to, other, sizeof other, &again) ||
	    memcmp(&message, &again, sizeof message) != 0)
		abort();
}

static void try_as_it_is(const uint8_t *data, size_t size, uint32_t from, uint32_t to)
{
	struct lease_message message;
	uint32_t group;
	(void)ha_packet_group(data, size, &group);
	if (ha_packet_decode(key, from, to, data, size, &message))
		abort();
}

// Whom a node believes: another than before only for a higher epoch, or after a long silence.
static void try_claims(const uint8_t *data, size_t size)
{
	struct claim_belief belief = { .group = 1 };
	int64_t now_us = 1;
	for (; size >= CLAIM_STEP; data += CLAIM_STEP, size -= CLAIM_STEP) {
		const struct claim_belief before = belief;
		uint8_t bytes[CLAIM_SIZE];
		struct path_note note;
		struct claim claim;
		now_us += data[1] * INT64_C(1000000);
		if (note_decode(data + 2, CLAIM_SIZE, 0, &note))
			abort();
		if (!claim_decode(data + 2, CLAIM_SIZE, &claim))
			continue;
		claim_encode(&claim, bytes);
		if (memcmp(bytes, data + 2, sizeof bytes) != 0)
			abort();
		const bool is_silent = now_us - before.heard_us >= CLAIM_FORGOTTEN_US;
		const bool is_other = claim_heard(&belief, 1 + data[0] % 4, claim.epoch, now_us);
		if (is_other != (belief.node != before.node) ||
		    (is_other && before.node && claim.epoch <= before.epoch && !is_silent) ||
		    (belief.epoch < before.epoch && !is_silent))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD)
		return 0;
	const uint32_t from = data[1], to = data[2];
	const bool is_sealed = data[0] & 1;
	data += HEAD;
	size -= HEAD;
	if (!is_sealed)
		try_as_it_is(data, size, from, to);
	else if (size >= HA_PACKET_SIZE)
		try_sealed(data, from, to);
	if (size > HA_PACKET_SIZE)
		try_claims(data + HA_PACKET_SIZE, size - HA_PACKET_SIZE);
	return 0;
}
