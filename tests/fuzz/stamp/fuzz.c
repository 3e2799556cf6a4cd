// What comes to the ports of the probes. The first byte says to whom: with a good seal put on it,
// so that what lies behind is reached too, or as it is. External links get theirs as it is.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probe/external.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY "0123456789abcdef0123456789abcdef"

enum { AT_MAC = STAMP_SIZE - 16 };

static void seal(const struct hmac_key *key, uint8_t packet[STAMP_SIZE])
{
	uint8_t sum[HMAC_SIZE];
	hmac_sum(key, packet, AT_MAC, sum);
	memcpy(packet + AT_MAC, sum, STAMP_SIZE - AT_MAC);
}

static void to_reflector(struct reflector *r, const struct hmac_key *key, const uint8_t *packet,
			 size_t len)
{
	struct stamp_request request;
	struct stamp_reply reply;
	if (!stamp_decode_request(key, packet, len, &request))
		return;
	const uint64_t session = r->session;
	const enum reflector_verdict verdict = reflector_take(r, key, &request, 1, &reply);
	if (verdict != REFLECTOR_REPLAY &&
	    (reply.session != request.session || reply.request_sequence != request.sequence))
		abort();
	if (verdict == REFLECTOR_UNKNOWN && (r->session != session || reply.challenge == 0))
		abort();
	if (verdict == REFLECTOR_FRESH &&
	    reflector_take(r, key, &request, 1, &reply) != REFLECTOR_REPLAY)
		abort();
}

static void to_sender(struct sender *s, const struct hmac_key *key, const uint8_t *packet,
		      size_t len)
{
	struct stamp_reply reply;
	struct sender_reply measured;
	const struct sender_time now = { INT64_C(2000000), stamp_time(2), 0 };
	if (!stamp_decode_reply(key, packet, len, &reply))
		return;
	if (sender_take(s, &reply, &now, &measured) == SENDER_MATCHED &&
	    (reply.session != s->session || measured.rtt_us < 0 || measured.rtt_us > 2000000))
		abort();
}

// Nobody knows the key: nothing returns.
static void to_external(struct link *l, unsigned way, const uint8_t *packet, size_t len)
{
	const struct sender_time now = { INT64_C(2000000), stamp_time(2), 0 };
	if (external_take(l, way % 3, packet, len, &now, now.mono_us) || l->judge.counts.returned)
		abort();
}

static void init_external(struct link *l)
{
	static const struct link_seed seed = { .session = 0x2122232425262728, .salt = 7 };
	const struct judge_config config = judge_config_default();
	const struct sender_time now = { INT64_C(1000000), stamp_time(1), 0 };
	uint8_t packet[EXTERNAL_SIZE_MAX];
	bool changed;
	link_init(l, (const uint8_t *)KEY, &seed, &config, 0);
	(void)external_send(l, EXTERNAL_UDP, &now, packet, &changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link external;
	struct hmac_key key;
	struct reflector reflector;
	struct sender sender;
	struct stamp_request request;
	hmac_key_init(&key, KEY, strlen(KEY));
	reflector_init(&reflector, 7);
	sender_init(&sender, 0x2122232425262728, 0);
	for (int i = 0; i < 100; i++) {
		const struct sender_time at = { 1000000 + i,
						UINT64_C(0x1112131415161700) + (uint64_t)i, 0 };
		sender_next(&sender, &at, &request);
	}
	init_external(&external);
	// Packet after packet: a byte for whom, then the packet.
	while (size > 0) {
		const uint8_t whom = *data;
		uint8_t packet[STAMP_SIZE] = { 0 };
		size_t len = size - 1 < STAMP_SIZE ? size - 1 : STAMP_SIZE;
		memcpy(packet, data + 1, len);
		data += 1 + len;
		size -= 1 + len;
		if (whom & 2) {
			seal(&key, packet);
			len = STAMP_SIZE;
		}
		if (whom & 4)
			to_external(&external, whom >> 3, packet, len);
		else if (whom & 1)
			to_sender(&sender, &key, packet, len);
		else
			to_reflector(&reflector, &key, packet, len);
	}
	return 0;
}
