// Which gateway each gateway-group's traffic leaves by: how each gateway is found (its uplink, its
// wire, its check), which is chosen (steer/choice.h), and the default routes of the group's table.
//
// To move is one netlink message with the routes of both families, each put in the place of the one
// before: nothing is ever without a route. What the kernel has when this program starts is adopted.
// All of it is done on the loop's thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

#include "reconcile/reconcile.h"
#include "steer/choice.h"

enum { EGRESS_TEXT_MAX = 256 };

struct egress;

// What is known of a measured link or wire.
struct egress_judgement {
	enum judge_state state;
	int64_t rtt_us; // JUDGE_UNMEASURED when not known
	char cause[EGRESS_TEXT_MAX];
};

// A group's traffic goes another way than before.
struct egress_move {
	const char *key;     // "gateway-group/tv.block"
	const char *gateway; // "gateway/rho-isp"; NULL: none is left
	bool is_bad;         // it had to
	bool is_first;       // there was none before, and none was ever lost
	const char *sentence;
};

struct egress_config {
	uv_loop_t *loop;
	uint8_t route_protocol;
	// Of "home/bob", "wire/gateway:via-bob/bob" or "gateway:rho-isp"; false: nothing yet.
	bool (*judged)(void *context, const char *link, struct egress_judgement *ret);
	void (*moved)(void *context, const struct egress_move *move);
	void (*changed)(void *context); // something that is observed is other than before
	void *context;
};

int egress_new(const struct egress_config *config, struct egress **ret, struct err *err);

// Takes over which gateways and groups there are: begin, put each, end. Of a group that is put, the
// gateways are put with it; its routes stand before this returns.
void egress_begin(struct egress *eg);
void egress_put_gateway(struct egress *eg, const struct reconcile_gateway *from);
void egress_put_group(struct egress *eg, const struct reconcile_gateway_group *from);
void egress_end(struct egress *eg);

// A link or a wire is judged otherwise than before.
void egress_look(struct egress *eg);

// Borrowed, for the call.
struct egress_gateway_reading {
	const char *key;
	enum judge_state state;
	int64_t since_ms; // wall clock
	const char *cause;
	bool is_drained;
};
typedef void egress_gateway_fn(void *context, const struct egress_gateway_reading *reading);
void egress_each_gateway(const struct egress *eg, egress_gateway_fn *each, void *context);

struct egress_group_reading {
	const char *key;
	const char *gateway; // NULL: none
	int64_t since_ms;
	const char *cause;
	uint64_t moves;
};
typedef void egress_group_fn(void *context, const struct egress_group_reading *reading);
void egress_each_group(const struct egress *eg, egress_group_fn *each, void *context);

// The routes stay.
void egress_close(struct egress *eg);
