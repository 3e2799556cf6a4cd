// BPDUs of IEEE 802.1D-2004 clause 9 (Configuration, Topology Change Notification, RST), as plain
// values and as bytes. Pure; the parser takes anything that may arrive.
//
// A Weft bridge appends to its RST BPDUs what makes its promises provable (rstp.h): whom it hears,
// and which way leads to its root. The standard lets a BPDU be longer than its fields (9.3.4), so
// other bridges do not notice.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	BPDU_PATH_MAX = 40,                          // no larger max age is allowed
	BPDU_SIZE_MAX = 36 + 38 + 6 * BPDU_PATH_MAX, // a whole RST BPDU
	BPDU_FRAME_MAX = 14 + 3 + BPDU_SIZE_MAX,     // with Ethernet and LLC headers
	BPDU_FRAME_MIN = 60,                         // shorter frames are padded
};

struct bpdu_bridge_id {
	uint8_t bytes[8]; // priority (2, network order), MAC
};

// A priority vector (17.6). The lower, the better.
struct bpdu_vector {
	struct bpdu_bridge_id root;
	uint32_t cost; // from the sender to the root
	struct bpdu_bridge_id bridge;
	uint16_t port;
};

// In microseconds; on the wire in 256ths of a second.
struct bpdu_times {
	int64_t message_age, max_age, hello, forward_delay;
};

enum bpdu_type { BPDU_CONFIG, BPDU_TCN, BPDU_RST };

enum bpdu_role { BPDU_UNKNOWN, BPDU_ALTERNATE_OR_BACKUP, BPDU_ROOT, BPDU_DESIGNATED };

// A place in one sender's count of messages. Sessions grow too: a sender that forgot begins a new
// one.
struct bpdu_mark {
	uint64_t session, number; // session 0: none
};

// What Weft appends.
struct bpdu_extension {
	struct bpdu_mark mark; // this message's
	struct bpdu_mark echo; // the last that the sender heard on this link
	uint8_t path_len;      // MACs of the bridges from the root to the sender, both included
	uint8_t path[BPDU_PATH_MAX][6];
};

struct bpdu {
	enum bpdu_type type;
	bool topology_change, topology_change_ack;
	// Of an RST BPDU.
	bool proposal, agreement, learning, forwarding, has_extension;
	enum bpdu_role role;
	// Of all but a TCN.
	struct bpdu_vector vector;
	struct bpdu_times times;
	struct bpdu_extension extension;
};

// Negative when `a` is better, 0 when they are the same.
int bpdu_vector_compare(const struct bpdu_vector *a, const struct bpdu_vector *b);

bool bpdu_times_equal(const struct bpdu_times *a, const struct bpdu_times *b);

// The bytes from the protocol identifier on; returns their number.
size_t bpdu_encode(const struct bpdu *bpdu, uint8_t ret[BPDU_SIZE_MAX]);

// -EBADMSG for what 9.3.4 says to discard: too short, of another protocol, of an unknown type or
// role, older than its own maximum age. Times out of range are brought into it.
int bpdu_decode(const uint8_t *data, size_t size, struct bpdu *ret, struct err *err);

// An Ethernet frame with LLC header 42 42 03 from `source` to 01:80:c2:00:00:00.
size_t bpdu_frame_encode(const struct bpdu *bpdu, const uint8_t source[6],
			 uint8_t ret[BPDU_FRAME_MAX]);

// -ENOMSG for a frame that carries no BPDU, else as bpdu_decode().
int bpdu_frame_decode(const uint8_t *frame, size_t size, struct bpdu *ret, struct err *err);
