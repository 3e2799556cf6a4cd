// STAMP test packets in authenticated mode (RFC 8762, 4.2.2 and 4.3.2, with the session identifier
// of RFC 8972): encode and decode. Pure.
//
// Two things more are carried in octets whose content a STAMP receiver has to ignore, under the
// same HMAC: the whole random session (its low 16 bits are the SSID as well), and what confirms it:
// the reflector's challenge in a reply, its echo in a request.
//
// A packet may carry a note for the other end behind it: an extension (RFC 8972) of a type for
// private use, and the one with the HMAC over it that authenticated mode asks for.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/hmac.h"

enum {
	STAMP_SIZE = 112, // of requests and replies alike
	STAMP_NOTE_MAX = 32,
	STAMP_NOTE_OVERHEAD = 24, // two headers and the HMAC
	STAMP_SIZE_MAX = STAMP_SIZE + STAMP_NOTE_OVERHEAD + STAMP_NOTE_MAX,
};

// Times are NTP's 64-bit format: seconds since 1900 and a binary fraction.
struct stamp_request {
	uint32_t sequence;
	uint64_t sent;
	uint16_t error; // estimate, RFC 4656 4.1.2
	uint64_t session;
	uint64_t confirm; // the last challenge, 0: none came yet
};

struct stamp_reply {
	uint32_t sequence; // of the reflector, per session
	uint64_t sent;
	uint16_t error;
	uint64_t received;  // when the request came
	uint64_t challenge; // 0: the session is confirmed
	uint32_t request_sequence;
	uint64_t request_sent;
	uint16_t request_error;
	uint64_t session;
};

void stamp_encode_request(const struct hmac_key *key, const struct stamp_request *request,
			  uint8_t ret_packet[STAMP_SIZE]);
void stamp_encode_reply(const struct hmac_key *key, const struct stamp_reply *reply,
			uint8_t ret_packet[STAMP_SIZE]);

// False: not that long, or not made with this key. A request passes for a reply and the other way
// round: whoever takes a reply compares what it echoes with what was sent.
bool stamp_decode_request(const struct hmac_key *key, const void *data, size_t len,
			  struct stamp_request *ret_request);
bool stamp_decode_reply(const struct hmac_key *key, const void *data, size_t len,
			struct stamp_reply *ret_reply);

// Puts a note behind an encoded packet; returns the length of both. `len` is at most
// STAMP_NOTE_MAX; 0: there is none.
size_t stamp_note_put(const struct hmac_key *key, uint8_t packet[STAMP_SIZE_MAX], const void *note,
		      size_t len);

// The note behind a packet; its length, 0 when there is none or it was not made with this key.
// Without it the packet is the first STAMP_SIZE octets.
size_t stamp_note_get(const struct hmac_key *key, const void *data, size_t len,
		      const uint8_t **ret_note);

uint64_t stamp_time(int64_t wall_ns); // of nanoseconds since 1970

// later - earlier in microseconds, right over the end of an NTP era.
int64_t stamp_between_us(uint64_t earlier, uint64_t later);

// The error estimate of a clock: synchronised to UTC or not, and how far it may be off.
uint16_t stamp_error(bool is_synchronised, int64_t error_us);
// False: that clock is not synchronised, or does not say how well.
bool stamp_error_us(uint16_t estimate, int64_t *ret_us);
