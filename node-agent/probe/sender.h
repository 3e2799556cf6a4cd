// The asking end of a link's probes: numbers requests, and tells which of them a reply belongs to.
// Pure.
//
// A reply is matched by its session, its sequence number and the very time that the request
// carried; the round trip is measured by our own monotonic clock. Everything else is foreign: it is
// counted, and nothing follows from it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "probe/offset.h"
#include "probe/stamp.h"

enum { SENDER_WINDOW = 64 }; // requests whose reply can still be measured

// A time by both clocks.
struct sender_time {
	int64_t mono_us;
	uint64_t stamp;
	uint16_t error; // estimate of the wall clock's
};

struct sender_counts {
	uint64_t foreign; // replies to nothing that was sent
	uint64_t expired; // replies that came too late to be measured
	uint64_t
		lost_there; // requests that did not get there, as the reflector numbers its replies
};

struct sender_sent {
	int64_t mono_us;
	uint64_t stamp; // 0: nothing was sent here
	uint32_t sequence;
};

struct sender {
	uint64_t session;
	uint64_t confirm;
	uint32_t next;
	struct sender_sent sent[SENDER_WINDOW]; // by sequence modulo the window
	bool has_numbers; // those below: two that belonged together when losses were counted last
	uint32_t request_number, reply_number;
	struct offset offset;
	struct sender_counts counts;
};

enum sender_verdict { SENDER_MATCHED, SENDER_EXPIRED, SENDER_FOREIGN };

// A reply that was matched.
struct sender_reply {
	uint32_t sequence;
	int64_t rtt_us;         // without the time that the reflector took
	int64_t raw_forward_us; // by the two clocks as they are
	int64_t raw_back_us;
	int64_t forward_us, back_us; // OFFSET_UNKNOWN: the clocks do not tell
};

// `session` is random and not 0; `first` is the first sequence number.
void sender_init(struct sender *s, uint64_t session, uint32_t first);

// What a reply says it is the reply to.
struct sender_claim {
	uint64_t session;
	uint32_t sequence;
	uint64_t sent; // the time that the request carried
};

// Whether that is outstanding, or was a moment ago: `*ret_sent`. Counts what is not.
enum sender_verdict sender_match(struct sender *s, const struct sender_claim *claim,
				 const struct sender_sent **ret_sent);

void sender_next(struct sender *s, const struct sender_time *now,
		 struct stamp_request *ret_request);

enum sender_verdict sender_take(struct sender *s, const struct stamp_reply *reply,
				const struct sender_time *now, struct sender_reply *ret_reply);
