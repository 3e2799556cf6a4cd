#include "probe/stamp.h"

#include <string.h>

#include "base/octets.h"

// Offsets of the authenticated formats.
enum {
	AT_SEQUENCE = 0,
	AT_SENT = 16,
	AT_ERROR = 24,
	AT_SSID = 26,
	AT_MAC = 96,

	REQUEST_SESSION = 28,
	REQUEST_CONFIRM = 36,

	REPLY_RECEIVED = 32,
	REPLY_CHALLENGE = 40,
	REPLY_REQUEST_SEQUENCE = 48,
	REPLY_SESSION = 56,
	REPLY_REQUEST_SENT = 64,
	REPLY_REQUEST_ERROR = 72,
	REPLY_TTL = 80,

	MAC_SIZE = STAMP_SIZE - AT_MAC,

	// RFC 8972: flags, type and length, then the value.
	AT_TLV_TYPE = 1,
	AT_TLV_LENGTH = 2,
	TLV_HEADER = 4,
	TLV_HMAC = 8,
	TLV_NOTE = 252, // for private use
};

#define TTL_UNKNOWN    255                  // RFC 8762, 4.3: the request's is not looked at
#define NTP_UNIX_S     UINT64_C(2208988800) // 1900 to 1970
#define ERROR_SYNC     0x8000               // the S bit; Z stays 0: the times are NTP's
#define ERROR_SCALE_AT 8
#define ERROR_SCALE    0x3f
#define ERROR_MANTISSA 0xff

static void seal(const struct hmac_key *key, uint8_t packet[STAMP_SIZE])
{
	uint8_t sum[HMAC_SIZE];
	hmac_sum(key, packet, AT_MAC, sum);
	memcpy(packet + AT_MAC, sum, MAC_SIZE);
}

// In a time that does not tell how much of it agrees.
static bool is_equal(const uint8_t *sum, const uint8_t *mac)
{
	uint8_t differs = 0;
	for (size_t i = 0; i < MAC_SIZE; i++)
		differs |= (uint8_t)(sum[i] ^ mac[i]);
	return differs == 0;
}

static bool is_sealed(const struct hmac_key *key, const uint8_t *packet, size_t len)
{
	uint8_t sum[HMAC_SIZE];
	if (len != STAMP_SIZE)
		return false;
	hmac_sum(key, packet, AT_MAC, sum);
	return is_equal(sum, packet + AT_MAC);
}

void stamp_encode_request(const struct hmac_key *key, const struct stamp_request *request,
			  uint8_t ret_packet[STAMP_SIZE])
{
	memset(ret_packet, 0, STAMP_SIZE);
	octets_put(ret_packet + AT_SEQUENCE, request->sequence, 4);
	octets_put(ret_packet + AT_SENT, request->sent, 8);
	octets_put(ret_packet + AT_ERROR, request->error, 2);
	octets_put(ret_packet + AT_SSID, request->session & 0xffff, 2);
	octets_put(ret_packet + REQUEST_SESSION, request->session, 8);
	octets_put(ret_packet + REQUEST_CONFIRM, request->confirm, 8);
	seal(key, ret_packet);
}

void stamp_encode_reply(const struct hmac_key *key, const struct stamp_reply *reply,
			uint8_t ret_packet[STAMP_SIZE])
{
	memset(ret_packet, 0, STAMP_SIZE);
	octets_put(ret_packet + AT_SEQUENCE, reply->sequence, 4);
	octets_put(ret_packet + AT_SENT, reply->sent, 8);
	octets_put(ret_packet + AT_ERROR, reply->error, 2);
	octets_put(ret_packet + AT_SSID, reply->session & 0xffff, 2);
	octets_put(ret_packet + REPLY_RECEIVED, reply->received, 8);
	octets_put(ret_packet + REPLY_CHALLENGE, reply->challenge, 8);
	octets_put(ret_packet + REPLY_REQUEST_SEQUENCE, reply->request_sequence, 4);
	octets_put(ret_packet + REPLY_SESSION, reply->session, 8);
	octets_put(ret_packet + REPLY_REQUEST_SENT, reply->request_sent, 8);
	octets_put(ret_packet + REPLY_REQUEST_ERROR, reply->request_error, 2);
	ret_packet[REPLY_TTL] = TTL_UNKNOWN;
	seal(key, ret_packet);
}

bool stamp_decode_request(const struct hmac_key *key, const void *data, size_t len,
			  struct stamp_request *ret_request)
{
	const uint8_t *packet = data;
	if (!is_sealed(key, packet, len))
		return false;
	*ret_request = (struct stamp_request){
		.sequence = (uint32_t)octets_get(packet + AT_SEQUENCE, 4),
		.sent = octets_get(packet + AT_SENT, 8),
		.error = (uint16_t)octets_get(packet + AT_ERROR, 2),
		.session = octets_get(packet + REQUEST_SESSION, 8),
		.confirm = octets_get(packet + REQUEST_CONFIRM, 8),
	};
	return true;
}

bool stamp_decode_reply(const struct hmac_key *key, const void *data, size_t len,
			struct stamp_reply *ret_reply)
{
	const uint8_t *packet = data;
	if (!is_sealed(key, packet, len))
		return false;
	*ret_reply = (struct stamp_reply){
		.sequence = (uint32_t)octets_get(packet + AT_SEQUENCE, 4),
		.sent = octets_get(packet + AT_SENT, 8),
		.error = (uint16_t)octets_get(packet + AT_ERROR, 2),
		.received = octets_get(packet + REPLY_RECEIVED, 8),
		.challenge = octets_get(packet + REPLY_CHALLENGE, 8),
		.request_sequence = (uint32_t)octets_get(packet + REPLY_REQUEST_SEQUENCE, 4),
		.request_sent = octets_get(packet + REPLY_REQUEST_SENT, 8),
		.request_error = (uint16_t)octets_get(packet + REPLY_REQUEST_ERROR, 2),
		.session = octets_get(packet + REPLY_SESSION, 8),
	};
	return true;
}

// ---- the note ----

static void put_header(uint8_t *tlv, unsigned type, size_t len)
{
	memset(tlv, 0, TLV_HEADER);
	tlv[AT_TLV_TYPE] = (uint8_t)type;
	octets_put(tlv + AT_TLV_LENGTH, len, 2);
}

static bool is_header(const uint8_t *tlv, unsigned type, size_t len)
{
	return tlv[AT_TLV_TYPE] == type && octets_get(tlv + AT_TLV_LENGTH, 2) == len;
}

// RFC 8972, 4.8: over the sequence number and the extensions before it. The packet's own HMAC
// stands there too, so that a note belongs to one packet.
static void note_sum(const struct hmac_key *key, const uint8_t *packet, size_t note_len,
		     uint8_t ret_sum[HMAC_SIZE])
{
	uint8_t text[4 + MAC_SIZE + TLV_HEADER + STAMP_NOTE_MAX];
	memcpy(text, packet + AT_SEQUENCE, 4);
	memcpy(text + 4, packet + AT_MAC, MAC_SIZE);
	memcpy(text + 4 + MAC_SIZE, packet + STAMP_SIZE, TLV_HEADER + note_len);
	hmac_sum(key, text, 4 + MAC_SIZE + TLV_HEADER + note_len, ret_sum);
}

size_t stamp_note_put(const struct hmac_key *key, uint8_t packet[STAMP_SIZE_MAX], const void *note,
		      size_t len)
{
	uint8_t sum[HMAC_SIZE];
	uint8_t *tlv = packet + STAMP_SIZE, *mac = tlv + TLV_HEADER + len;
	if (len == 0 || len > STAMP_NOTE_MAX)
		return STAMP_SIZE;
	put_header(tlv, TLV_NOTE, len);
	memcpy(tlv + TLV_HEADER, note, len);
	put_header(mac, TLV_HMAC, MAC_SIZE);
	note_sum(key, packet, len, sum);
	memcpy(mac + TLV_HEADER, sum, MAC_SIZE);
	return STAMP_SIZE + STAMP_NOTE_OVERHEAD + len;
}

size_t stamp_note_get(const struct hmac_key *key, const void *data, size_t len,
		      const uint8_t **ret_note)
{
	uint8_t sum[HMAC_SIZE];
	const uint8_t *packet = data, *tlv = packet + STAMP_SIZE;
	if (len <= STAMP_SIZE + STAMP_NOTE_OVERHEAD || len > STAMP_SIZE_MAX)
		return 0;
	const size_t note_len = len - STAMP_SIZE - STAMP_NOTE_OVERHEAD;
	const uint8_t *mac = tlv + TLV_HEADER + note_len;
	if (!is_header(tlv, TLV_NOTE, note_len) || !is_header(mac, TLV_HMAC, MAC_SIZE))
		return 0;
	note_sum(key, packet, note_len, sum);
	if (!is_equal(sum, mac + TLV_HEADER))
		return 0;
	*ret_note = tlv + TLV_HEADER;
	return note_len;
}

uint64_t stamp_time(int64_t wall_ns)
{
	const int64_t second = INT64_C(1000000000);
	int64_t s = wall_ns / second;
	int64_t ns = wall_ns % second;
	if (ns < 0) {
		s--;
		ns += second;
	}
	return ((uint64_t)s + NTP_UNIX_S) << 32 | ((uint64_t)ns << 32) / (uint64_t)second;
}

int64_t stamp_between_us(uint64_t earlier, uint64_t later)
{
	const int64_t ticks = (int64_t)(later - earlier);
	const int64_t s = ticks >> 32; // rounded down, so that the fraction is not negative
	const int64_t fraction = ticks & 0xffffffff;
	return s * 1000000 + (fraction * 1000000 >> 32);
}

uint16_t stamp_error(bool is_synchronised, int64_t error_us)
{
	// error = mantissa * 2^scale / 2^32 seconds
	const uint64_t most = UINT64_C(1000000) * 3600;
	const uint64_t us = error_us < 1                ? 1
			    : (uint64_t)error_us < most ? (uint64_t)error_us
							: most;
	uint64_t mantissa = (us << 32) / 1000000 + 1;
	unsigned scale = 0;
	for (; mantissa > ERROR_MANTISSA; mantissa = (mantissa + 1) >> 1)
		scale++;
	return (uint16_t)((is_synchronised ? ERROR_SYNC : 0) | scale << ERROR_SCALE_AT | mantissa);
}

bool stamp_error_us(uint16_t estimate, int64_t *ret_us)
{
	const unsigned scale = estimate >> ERROR_SCALE_AT & ERROR_SCALE;
	const uint64_t mantissa = estimate & ERROR_MANTISSA;
	// More than a minute is no synchronised clock, and a mantissa of 0 says nothing at all.
	if (!(estimate & ERROR_SYNC) || mantissa == 0 || scale > 30)
		return false;
	*ret_us = (int64_t)((mantissa << scale) * 1000000 >> 32) + 1;
	return true;
}
