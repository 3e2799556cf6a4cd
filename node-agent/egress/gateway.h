// One gateway and how it is found; only for the files of this module.
#pragma once

#include "egress/egress.h"

struct gateway {
	char *key;
	// As the kernel has it.
	bool has_way[2];
	char device[2][IFNAMSIZ];
	struct kernel_ip via[2];
	char why[EGRESS_TEXT_MAX]; // it cannot be used; "": it can
	bool is_drained;
	// The measured links that it rests on; NULL: none.
	char *over, *wire, *checks[RECONCILE_CHECKS_MAX];

	enum judge_state state;
	int64_t rtt_us;
	int64_t since_ms;
	char cause[EGRESS_TEXT_MAX];
	bool is_wanted; // mark of the walk from egress_begin() to egress_end()
};

// NULL: out of memory.
struct gateway *gateway_new(const char *key);
void gateway_free(struct gateway *g);

// False: no memory; then it is as before.
bool gateway_take(struct gateway *g, const struct reconcile_gateway *from);

// Finds how it is; true when that is other than before.
bool gateway_judge(struct gateway *g, const struct egress_config *config);
