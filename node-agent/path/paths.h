// The paths to the other nodes of routed segments: probes each from end to end, agrees with the
// other end which one carries the traffic (steer/path.h), and makes its routes.
//
// Each way is probed by packets of its own, which leave by its first wire and are forwarded by the
// node that it leads through like the traffic they stand for; the answer comes back by the same
// nodes. So what is judged is what traffic meets, not what its two halves promise. The notes by
// which the two ends agree ride on all of them.
//
// A way stands as long as there is one: a route of its own to the other node's address, which only
// probes bound to the way's device take. To move is therefore one netlink message with the routes
// of all prefixes of both families, each put in the place of the one before; nothing is ever
// without a route. What the kernel has when this program starts is adopted.
//
// Prefixes outside, which external links lead to, are destinations likewise: their ways are those
// links, which have probes of their own, and no other end is to be agreed with.
//
// The deciding is done on the prober's thread, by its rider; the rest on the loop's.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

#include "probe/prober.h"
#include "reconcile/reconcile.h"
#include "steer/path.h"

enum { PATHS_TEXT_MAX = 2 * PROBER_TEXT_MAX, PATHS_NAME_MAX = 64 };

struct paths;

// Something is other than before.
struct paths_change {
	char key[PROBER_KEY_MAX + 1]; // "path/lan/bob"
	bool is_moved;                // and not only how a way is found
	bool is_bad;                  // it had to move
	bool is_followed; // the LANs of an HA group's site are reached there from now on
	char sentence[PATHS_TEXT_MAX]; // of a move, or of that
};
typedef void (*paths_change_fn)(void *context, const struct paths_change *change);

struct paths_way {
	uint8_t number;
	char by[PATHS_NAME_MAX]; // "": none; outside: the link
	bool is_standby;
	enum judge_state state;
	char cause[PROBER_TEXT_MAX];
	enum path_drain drain;
};

// One destination.
struct paths_reading {
	const char *key, *network; // borrowed, for the call; network NULL: it is outside
	uint8_t current;           // PATH_NONE: none was chosen yet
	int64_t since_ms;          // wall clock
	char cause[PATHS_TEXT_MAX];
	uint64_t moves;
	int64_t rtt_us;    // of the current way, JUDGE_UNMEASURED
	const char *group; // HA group whose site's LANs are reached through its active member; NULL
	bool is_followed;  // this one
	uint64_t epoch;    // in which it said so last, 0: it did not
	struct paths_way ways[PATHS_MAX];
	size_t ways_len;
};
typedef void paths_reading_fn(void *context, const struct paths_reading *reading);

// `own_name` is this node's.
int paths_new(uv_loop_t *loop, const char *own_name, uint8_t route_protocol, paths_change_fn change,
	      void *context, struct paths **ret, struct err *err);

// Who rides with the probes of the ways.
struct prober_rider paths_rider(struct paths *paths);

// This node is the active member of an HA group whose site's LANs follow it, until `until_us`
// (CLOCK_BOOTTIME; past: it is no longer). Any thread; never waits for long. True: the others are
// to be told at once, the prober has to be woken.
bool paths_claim(struct paths *paths, uint32_t group, uint64_t epoch, int64_t until_us);

// Takes over which destinations there are: begin, put each, end. What is put back in the kernel's
// tables on the way was missing there.
void paths_begin(struct paths *paths);
// True: of a way to it nobody has said how it is found (of one outside: see prober_tell).
bool paths_put(struct paths *paths, const struct reconcile_destination *from);
void paths_end(struct paths *paths);

// What prober_target.rider of a way is; 0: there is no such way.
uint64_t paths_rider_of(struct paths *paths, const char *key, uint8_t number);

// The same of an external link, by name; 0: nothing is reached by it.
uint64_t paths_rider_outside(struct paths *paths, const char *link);

void paths_each(struct paths *paths, paths_reading_fn *each, void *context);
// False: no such destination.
bool paths_read(struct paths *paths, const char *key, paths_reading_fn *each, void *context);

// Behind the prober's end. The routes stay.
void paths_close(struct paths *paths);
