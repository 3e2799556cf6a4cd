#include "probe/icmp_message.h"

#include <string.h>

#include "base/octets.h"

enum {
	ECHO_REQUEST_4 = 8,
	ECHO_REPLY_4 = 0,
	ECHO_REQUEST_6 = 128,
	ECHO_REPLY_6 = 129,
	AT_CHECKSUM = 2,
	AT_IDENTIFIER = 4,
	AT_SEQUENCE = 6,
};

static uint16_t checksum(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(data[i] << 8 | data[i + 1]);
	if (len % 2)
		sum += (uint32_t)data[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void icmp_message_put(bool is_v6, uint16_t identifier, uint16_t sequence, uint8_t *message,
		      size_t len)
{
	memset(message, 0, ICMP_MESSAGE_HEADER);
	message[0] = is_v6 ? ECHO_REQUEST_6 : ECHO_REQUEST_4;
	octets_put(message + AT_IDENTIFIER, identifier, 2);
	octets_put(message + AT_SEQUENCE, sequence, 2);
	if (!is_v6)
		octets_put(message + AT_CHECKSUM, checksum(message, len), 2);
}

bool icmp_message_get(bool is_v6, const uint8_t *packet, size_t len, struct icmp_reply *ret_reply)
{
	const size_t at = is_v6 || len == 0 ? 0 : (size_t)(packet[0] & 15) * 4;
	if (len < at + ICMP_MESSAGE_HEADER || packet[at] != (is_v6 ? ECHO_REPLY_6 : ECHO_REPLY_4))
		return false;
	*ret_reply = (struct icmp_reply){
		.identifier = (uint16_t)octets_get(packet + at + AT_IDENTIFIER, 2),
		.sequence = (uint16_t)octets_get(packet + at + AT_SEQUENCE, 2),
		.payload = packet + at + ICMP_MESSAGE_HEADER,
		.len = len - at - ICMP_MESSAGE_HEADER,
	};
	return true;
}
