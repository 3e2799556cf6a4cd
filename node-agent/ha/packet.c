#include "ha/packet.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/octets.h"

#include "probe/hmac.h"

static void sum(const uint8_t key[HA_KEY_SIZE], uint32_t from, uint32_t to, const uint8_t *message,
		uint8_t ret[HMAC_SIZE])
{
	uint8_t whole[8 + LEASE_MESSAGE_SIZE];
	struct hmac_key hmac;

	octets_put(whole, from, 4);
	octets_put(whole + 4, to, 4);
	memcpy(whole + 8, message, LEASE_MESSAGE_SIZE);
	hmac_key_init(&hmac, key, HA_KEY_SIZE);
	hmac_sum(&hmac, whole, sizeof whole, ret);
	hmac_key_done(&hmac);
}

void ha_packet_encode(const uint8_t key[HA_KEY_SIZE], uint32_t from, uint32_t to,
		      const struct lease_message *message, uint8_t ret[HA_PACKET_SIZE])
{
	lease_message_encode(message, ret);
	sum(key, from, to, ret, ret + LEASE_MESSAGE_SIZE);
}

bool ha_packet_group(const uint8_t *data, size_t len, uint32_t *ret_group)
{
	struct lease_message message;

	if (len != HA_PACKET_SIZE || lease_message_decode(data, len, &message, NULL) < 0)
		return false;
	*ret_group = message.group;
	return true;
}

bool ha_packet_decode(const uint8_t key[HA_KEY_SIZE], uint32_t from, uint32_t to,
		      const uint8_t *data, size_t len, struct lease_message *ret)
{
	uint8_t wanted[HMAC_SIZE];

	if (len != HA_PACKET_SIZE)
		return false;
	sum(key, from, to, data, wanted);
	return CRYPTO_memcmp(wanted, data + LEASE_MESSAGE_SIZE, sizeof wanted) == 0 &&
	       lease_message_decode(data, len, ret, NULL) == 0;
}
