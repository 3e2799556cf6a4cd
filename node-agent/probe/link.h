// One end of a probed link: what it sends, answers, measures and is judged by. Pure: time, random
// numbers and packets are passed in.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/hmac.h"
#include "probe/reflector.h"
#include "probe/sender.h"
#include "steer/judge.h"

enum { LINK_KEY_SIZE = 32, LINK_BUCKETS = 9 };

// Upper bounds of the histograms, us; what is more is counted in the total only.
extern const int64_t link_bounds_us[LINK_BUCKETS];

struct link_histogram {
	uint64_t at_most[LINK_BUCKETS]; // as Prometheus counts: each bucket has those below it too
	uint64_t count;
	double sum_us;
};

// What differs from start to start, random.
struct link_seed {
	uint64_t session; // not 0
	uint64_t salt;
	uint32_t phase; // spreads the links over the interval
};

struct link {
	struct hmac_key key;
	struct sender sender;
	struct reflector reflector;
	struct judge judge;
	int64_t next_us;                     // of the next request
	struct link_histogram histogram;     // of the round trip
	struct link_histogram forward, back; // of each way, while it is known
	int64_t rtt_us, forward_us, back_us; // last; OFFSET_UNKNOWN when not known
	uint64_t garbage;                    // datagrams that were no packet of this link's
};

void link_init(struct link *l, const uint8_t key[LINK_KEY_SIZE], const struct link_seed *seed,
	       const struct judge_config *config, int64_t now_us);
void link_done(struct link *l); // wipes the key
void link_configure(struct link *l, const struct judge_config *config, int64_t now_us);

// When link_send or judge_tick has something to do next.
int64_t link_due_us(const struct link *l);

// Whether a request is due; makes it. The judge hears of it; *ret_changed: its state changed.
bool link_send(struct link *l, const struct sender_time *now, uint8_t ret_packet[STAMP_SIZE],
	       bool *ret_changed);

// The same without a packet: for what is not sent as STAMP.
bool link_ask(struct link *l, const struct sender_time *now, struct stamp_request *ret_request,
	      bool *ret_changed);

// A reply was matched: judges and counts it. True: the judge's state changed.
bool link_measured(struct link *l, const struct sender_reply *measured, int64_t now_us);

// A datagram came to the port that answers. True: `ret_packet` is to be sent back. The time of
// sending is filled in here: `now`; `arrived` is when the kernel had it.
bool link_answer(struct link *l, const struct hmac_key *challenges, const void *data, size_t len,
		 const struct sender_time times[2], uint8_t ret_packet[STAMP_SIZE]);

// A datagram came to the port that asks, at `arrived`; true: the judge's state changed.
bool link_take(struct link *l, const void *data, size_t len, const struct sender_time *arrived,
	       int64_t now_us);
