// What members, witnesses and the controller say to each other about one HA group's lease: a
// datagram of LEASE_MESSAGE_SIZE bytes, big-endian. Pure.
//
// There is no clock value in it, only spans, so that the clocks need not agree. Who sent it is for
// the transport to prove; the message itself does not say.
//
//   0  'W' 'L', version 1, type       4  group          8  generation     12  node
//  16  epoch                         24  seq           32  span_us        36  verdict, flags, 0, 0
//  40  highest
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	LEASE_MESSAGE_SIZE = 48,
	LEASE_MESSAGE_MAX = 512, // a later version may append fields, which are skipped
	LEASE_NOBODY = 0,        // no node has this number
	LEASE_LONGEST_US = 60000000,
};

enum lease_type {
	LEASE_ASK = 1,     // promise me the lease for span_us
	LEASE_TRIAL = 2,   // would you? Changes nothing
	LEASE_ANSWER = 3,  // to either
	LEASE_RELEASE = 4, // I am no longer active: the promise is void
};

enum lease_verdict {
	LEASE_GRANTED = 0,
	LEASE_HELD = 1,  // promised to `node` for another span_us
	LEASE_QUIET = 2, // restarted: promises nothing new for another span_us
	LEASE_STALE = 3, // the epoch is not above `highest`
};

enum {
	LEASE_FLAG_TRIAL = 1, // ANSWER: to a trial
	LEASE_FLAG_WANTS = 2, // TRIAL: I come before the holder and have been well for long enough
};

struct lease_message {
	enum lease_type type;
	uint32_t group;
	uint32_t generation; // of the list of voters
	uint32_t node; // ANSWER: who holds the promise; RELEASE: the successor, or LEASE_NOBODY
	uint64_t epoch;
	uint64_t seq; // of the asker, grows within its epoch; an answer repeats it
	int64_t span_us;
	enum lease_verdict verdict; // ANSWER
	unsigned flags;
	uint64_t highest; // ANSWER: the highest epoch the voter has promised
};

void lease_message_encode(const struct lease_message *m, uint8_t ret[LEASE_MESSAGE_SIZE]);

// The same in hexadecimal digits.
enum { LEASE_TEXT_SIZE = 2 * LEASE_MESSAGE_SIZE + 1 };
void lease_message_format(const struct lease_message *m, char ret[LEASE_TEXT_SIZE]);
int lease_message_parse(const char *text, struct lease_message *ret, struct err *err);

// -EINVAL with a sentence for anything that is not such a message.
int lease_message_decode(const uint8_t *data, size_t len, struct lease_message *ret,
			 struct err *err);
