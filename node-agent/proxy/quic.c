#include "proxy/quic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/quic_packet.h"

enum {
	DATAGRAM_MAX = 65535,
	CRYPTO_MAX = SNIFF_HELLO_MAX + 4,
	// RFC 9000 §19: the frames an Initial may hold.
	FRAME_PADDING = 0x00,
	FRAME_PING = 0x01,
	FRAME_ACK = 0x02,
	FRAME_ACK_ECN = 0x03,
	FRAME_CRYPTO = 0x06,
};

struct quic_flow {
	bool has_keys;
	uint32_t version;
	uint8_t id[QUIC_ID_MAX]; // the keys are of
	size_t id_len;
	struct quic_keys keys;
	size_t known; // bytes of `hello` without a gap
	uint8_t have[(CRYPTO_MAX + 7) / 8];
	uint8_t hello[CRYPTO_MAX];
};

// What is left of a packet's frames.
struct frames {
	const uint8_t *data;
	size_t len, at;
};

struct quic_flow *quic_flow_new(void)
{
	return calloc(1, sizeof(struct quic_flow));
}

void quic_flow_free(struct quic_flow *flow)
{
	free(flow);
}

static void put_crypto(struct quic_flow *flow, size_t offset, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len && offset + i < CRYPTO_MAX; i++) {
		size_t at = offset + i;
		uint8_t bit = (uint8_t)(1u << at % 8);
		if (flow->have[at / 8] & bit)
			continue;
		flow->have[at / 8] |= bit;
		flow->hello[at] = data[i];
	}
	while (flow->known < CRYPTO_MAX && (flow->have[flow->known / 8] & 1u << flow->known % 8))
		flow->known++;
}

static bool skip_numbers(struct frames *frames, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		if (quic_number(frames->data, frames->len, &frames->at) < 0)
			return false;
	return true;
}

// RFC 9000 §19.3: largest, delay, how many ranges, the first range; two numbers a range; three
// counts.
static bool skip_ack(struct frames *frames, bool has_ecn)
{
	if (!skip_numbers(frames, 2))
		return false;
	int64_t ranges = quic_number(frames->data, frames->len, &frames->at);
	return ranges >= 0 && (uint64_t)ranges <= frames->len &&
	       skip_numbers(frames, 1 + 2 * ranges + (has_ecn ? 3 : 0));
}

static bool take_crypto(struct quic_flow *flow, struct frames *frames)
{
	int64_t offset = quic_number(frames->data, frames->len, &frames->at);
	int64_t len = quic_number(frames->data, frames->len, &frames->at);
	if (offset < 0 || len < 0 || (uint64_t)len > frames->len - frames->at)
		return false;
	if (offset < CRYPTO_MAX)
		put_crypto(flow, (size_t)offset, frames->data + frames->at, (size_t)len);
	frames->at += (size_t)len;
	return true;
}

static void take_frames(struct quic_flow *flow, struct frames frames)
{
	bool goes_on = true;
	while (goes_on && frames.at < frames.len) {
		uint8_t type = frames.data[frames.at++];
		if (type == FRAME_CRYPTO)
			goes_on = take_crypto(flow, &frames);
		else if (type == FRAME_ACK || type == FRAME_ACK_ECN)
			goes_on = skip_ack(&frames, type == FRAME_ACK_ECN);
		else
			goes_on = type == FRAME_PADDING || type == FRAME_PING;
	}
}

static bool is_of_keys(const struct quic_flow *flow, const struct quic_packet *packet)
{
	return flow->has_keys && flow->version == packet->version &&
	       flow->id_len == packet->id_len && memcmp(flow->id, packet->id, packet->id_len) == 0;
}

// Once the server has answered, the client says the id that the server chose, under the keys of the
// one before; after a Retry it begins anew, under those of the new id.
static int open_packet(struct quic_flow *flow, const struct quic_packet *packet, uint8_t *frames)
{
	int r = flow->has_keys && flow->version == packet->version
			? quic_packet_open(packet, &flow->keys, frames)
			: -EBADMSG;
	struct quic_keys keys;
	if (r >= 0 || is_of_keys(flow, packet))
		return r;
	r = quic_initial_keys(packet->version, packet->id, packet->id_len, &keys);
	if (r == 0)
		r = quic_packet_open(packet, &keys, frames);
	if (r < 0)
		return r;
	flow->has_keys = true;
	flow->version = packet->version;
	memcpy(flow->id, packet->id, packet->id_len);
	flow->id_len = packet->id_len;
	flow->keys = keys;
	return r;
}

enum sniff_result quic_flow_take(struct quic_flow *flow, const uint8_t *datagram, size_t len,
				 struct sniff *ret)
{
	uint8_t clear[DATAGRAM_MAX];
	*ret = (struct sniff){ 0 };
	if (len > sizeof(clear))
		return SNIFF_FOREIGN;
	// A flow whose first packet was missed is as good as another protocol's.
	if (!flow->has_keys && (len == 0 || !(datagram[0] & 0x80)))
		return SNIFF_FOREIGN;
	for (size_t at = 0; at < len;) {
		struct quic_packet packet;
		enum quic_cut cut = quic_packet_cut(datagram + at, len - at, &packet);
		if (cut == QUIC_CUT_FOREIGN && at == 0 && !flow->has_keys)
			return SNIFF_FOREIGN;
		if (cut != QUIC_CUT_PACKET)
			break;
		int size =
			packet.type == QUIC_INITIAL ? open_packet(flow, &packet, clear) : -EBADMSG;
		if (size >= 0)
			take_frames(flow, (struct frames){ clear, (size_t)size, 0 });
		at += packet.size;
	}
	enum sniff_result result = sniff_handshake(flow->hello, flow->known, ret);
	ret->wants = 0;
	return result;
}
