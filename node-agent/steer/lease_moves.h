// The moves of the lease machine: bidding, renewing, leaving. Its inputs are in lease.c.
#pragma once

#include "steer/lease.h"

bool lease_is_member(const struct lease *l);

// When this member may bid; INT64_MAX when nothing that it knows speaks for it.
int64_t lease_turn_us(const struct lease *l, int64_t now_us);
void lease_start_bid(struct lease *l, int64_t now_us, struct lease_out *out);
// Without a majority: tries again after a pause.
void lease_end_bid(struct lease *l, int64_t now_us, struct lease_out *out);
void lease_renew(struct lease *l, int64_t now_us, struct lease_out *out);
void lease_ask_round(struct lease *l, int64_t now_us, struct lease_out *out);

// Inactive at once. `event.node` is the successor when the cause is a wish.
void lease_give_up(struct lease *l, int64_t now_us, struct lease_event event,
		   struct lease_out *out);

void lease_send(const struct lease *l, uint32_t node, const struct lease_message *m,
		struct lease_out *out);
void lease_send_trial(struct lease *l, int64_t now_us, struct lease_out *out);
void lease_send_release(struct lease *l, int64_t now_us, struct lease_out *out);
void lease_order_save(struct lease *l, struct lease_out *out);

// Voter `at` answered.
void lease_take_answer(struct lease *l, int64_t now_us, size_t at, const struct lease_message *m,
		       struct lease_out *out);
