#include "probe/external.h"

#include <string.h>

#include "base/octets.h"

#include "probe/icmp_message.h"

// The payload.
enum {
	AT_SESSION = 0,
	AT_SEQUENCE = 8,
	AT_SENT = 12,
	AT_CODE = 20,
	PAYLOAD_SIZE = 36,
	CODE_SIZE = PAYLOAD_SIZE - AT_CODE,
};

_Static_assert(EXTERNAL_SIZE_MAX == ICMP_MESSAGE_HEADER + PAYLOAD_SIZE, "the two do not agree");

static uint16_t identifier_of(const struct link *l)
{
	return (uint16_t)l->sender.session;
}

size_t external_send(struct link *l, enum external_way way, const struct sender_time *now,
		     uint8_t ret_packet[EXTERNAL_SIZE_MAX], bool *ret_changed)
{
	uint8_t *payload = ret_packet + (way == EXTERNAL_UDP ? 0 : ICMP_MESSAGE_HEADER);
	uint8_t sum[HMAC_SIZE];
	struct stamp_request request;
	if (!link_ask(l, now, &request, ret_changed))
		return 0;
	octets_put(payload + AT_SESSION, request.session, 8);
	octets_put(payload + AT_SEQUENCE, request.sequence, 4);
	octets_put(payload + AT_SENT, request.sent, 8);
	hmac_sum(&l->key, payload, AT_CODE, sum);
	memcpy(payload + AT_CODE, sum, CODE_SIZE);
	if (way == EXTERNAL_UDP)
		return PAYLOAD_SIZE;
	icmp_message_put(way == EXTERNAL_ICMP6, identifier_of(l), (uint16_t)request.sequence,
			 ret_packet, EXTERNAL_SIZE_MAX);
	return EXTERNAL_SIZE_MAX;
}

static bool is_own(const struct link *l, const uint8_t *payload, size_t len)
{
	uint8_t sum[HMAC_SIZE];
	if (len != PAYLOAD_SIZE)
		return false;
	hmac_sum(&l->key, payload, AT_CODE, sum);
	return memcmp(payload + AT_CODE, sum, CODE_SIZE) == 0;
}

bool external_take(struct link *l, enum external_way way, const void *data, size_t len,
		   const struct sender_time *arrived, int64_t now_us)
{
	const struct sender_sent *sent;
	struct icmp_reply echo = { .payload = data, .len = len };
	if (way != EXTERNAL_UDP && (!icmp_message_get(way == EXTERNAL_ICMP6, data, len, &echo) ||
				    echo.identifier != identifier_of(l)))
		return false;
	if (!is_own(l, echo.payload, echo.len)) {
		l->garbage++;
		return false;
	}
	const struct sender_claim claim = {
		.session = octets_get(echo.payload + AT_SESSION, 8),
		.sequence = (uint32_t)octets_get(echo.payload + AT_SEQUENCE, 4),
		.sent = octets_get(echo.payload + AT_SENT, 8),
	};
	if (sender_match(&l->sender, &claim, &sent) != SENDER_MATCHED)
		return false;
	const struct sender_reply measured = { .sequence = sent->sequence,
					       .rtt_us = arrived->mono_us - sent->mono_us,
					       .raw_forward_us = JUDGE_UNMEASURED,
					       .raw_back_us = JUDGE_UNMEASURED,
					       .forward_us = OFFSET_UNKNOWN,
					       .back_us = OFFSET_UNKNOWN };
	return link_measured(l, &measured, now_us);
}
