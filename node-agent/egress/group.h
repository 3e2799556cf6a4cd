// One gateway-group: the list, the choice and the routes that follow from it; only for the files of
// this module.
#pragma once

#include "egress/gateway.h"
#include "kernel/route_batch.h"

struct egress_group {
	char *key;
	uint32_t table, mark, mask;
	bool is_blocking;
	struct choice choice;
	struct gateway *gateways[CHOICE_MAX]; // in order; borrowed
	size_t gateways_len;
	int64_t since_ms;
	char cause[2 * EGRESS_TEXT_MAX];
	struct kernel_route routes[2]; // as they were put last; family 0: none
	bool is_wanted;                // mark of the walk from egress_begin() to egress_end()
	bool is_troubled;              // its last routes were refused, and that was told
	bool is_begun;
};

// NULL: out of memory.
struct egress_group *egress_group_new(const char *key);
void egress_group_free(struct egress_group *g);

// Takes over what is desired and what the kernel has. The choice begins anew where the list is
// another, with the gateway that was in use if it still is one of them.
void egress_group_take(struct egress_group *g, const struct reconcile_gateway_group *from,
		       struct gateway *const *gateways, int64_t now_us);

// Decides, and makes the routes of the choice where the kernel has others; true when it moved.
bool egress_group_decide(struct egress_group *g, struct route_batch *batch, int64_t now_us);

// NULL: none.
struct gateway *egress_group_current(const struct egress_group *g);
