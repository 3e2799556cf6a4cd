// A node's part in one HA group: votes for who is the active member and, as a member, is it. Pure:
// time is passed in (microseconds of CLOCK_BOOTTIME), orders come out.
//
// One lease, one holder. A member is active while a majority of the voters (members, witnesses, the
// controller) has promised it the lease; it renews with those it reaches, so two live members of a
// group of three voters need no controller. No majority, no take-over. What makes it safe:
//
// - A span is counted from the moment the member asked, and is shorter than the voter's by drift
//   and margin, so it has always ended before any voter is free again. Clocks need not agree.
// - Being active is an order with an end (LEASE_ACTIVE until_us), which the doer hands to the
// kernel
//   as a time-out: an agent that is killed or stopped does not stay active.
// - Each time somebody else becomes active the epoch is higher, also over restarts.
// - Before a request says "my claim ends after this span", the claim has been cut to it.
//
// The doer carries out the orders of a call one by one, in order, and drops the rest of the list
// when the kernel refuses one: a release must not be sent while the element stands. It calls
// lease_tick at lease_next_us at the latest, and first of all after it was stopped.
//
// The list of voters changes by one voter at a time, with a new generation, after every node has
// the generation before: then the majorities of two neighbouring generations share a voter.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "lease/grantor.h"
#include "lease/message.h"

enum { LEASE_VOTERS_MAX = 16, LEASE_ASKED_MAX = 32 };

struct lease_config {
	uint32_t group;
	uint32_t generation;
	uint32_t self;
	uint32_t voters[LEASE_VOTERS_MAX]; // the members in their order, then the others
	size_t n_members;
	size_t n_voters;
	int64_t lease_us;
	int64_t renew_us;
	int64_t trial_us;     // a member that is not active asks around so often
	int64_t stagger_us;   // each member waits so much longer than the one before it
	int64_t bid_us;       // a bid without a majority is given up after this
	int64_t hold_down_us; // a member before the active one must be well for so long; < 0: never
	int64_t margin_us;    // a member's lease is shorter than the voter's by this ...
	uint32_t drift_ppm;   // ... and by the most that two clocks may drift apart, twice
	bool holds_isolated;  // stay active without a majority: two may be active then
};

// The defaults: taken over within 1 s of a failure, at round trips of up to 100 ms.
void lease_config_init(struct lease_config *c);
int lease_config_check(const struct lease_config *c, struct err *err);

enum lease_state {
	LEASE_FOLLOWS, // votes; as a member it watches for the lease to become free
	LEASE_BIDS,    // asks for the lease in a new epoch
	LEASE_HOLDS,   // active
};

enum lease_cause {
	LEASE_TOOK_FREE,      // nobody had it
	LEASE_TOOK_OVER,      // its holder `node` let it run out
	LEASE_TOOK_HANDED,    // its holder `node` handed it over
	LEASE_RESUMED,        // this node was active before its agent restarted
	LEASE_LOST_MAJORITY,  // inactive: `heard` of `voters` answer, `needed` are needed
	LEASE_HOLDS_ISOLATED, // still active without a majority: may not be the only one
	LEASE_UNIQUE_AGAIN,   // a majority answers again
	LEASE_SUPERSEDED,     // was active without a majority and finds `node` active
	LEASE_HANDED_OVER,    // to `node`
	LEASE_UNFIT,          // gave the lease back: this node is not well
	LEASE_LONG_READY,     // the long lease that was asked for is there
};

// One line of the story, for lease_sentence.
struct lease_event {
	enum lease_cause cause;
	uint32_t node;
	uint64_t epoch;
	size_t heard, needed, voters;
	int64_t span_us; // of silence, or of the long lease
};

enum lease_order {
	LEASE_SEND,     // message to voter `node`
	LEASE_SAVE,     // record to disk, then lease_saved(token)
	LEASE_ACTIVE,   // be active until until_us, no longer; repeated with each renewal
	LEASE_INACTIVE, // at once
	LEASE_TELL,     // event
};

struct lease_action {
	enum lease_order order;
	uint32_t node;
	struct lease_message message;
	struct lease_record record;
	uint64_t token;
	int64_t until_us;
	uint64_t epoch; // LEASE_ACTIVE
	struct lease_event event;
};

enum { LEASE_ACTIONS_MAX = 4 * LEASE_VOTERS_MAX };

// Cleared by the caller before each call.
struct lease_out {
	struct lease_action items[LEASE_ACTIONS_MAX];
	size_t n;
};

// What a member knows about one voter.
struct lease_peer {
	uint32_t id;
	int64_t until_us;            // promised to this node (shortened by drift and margin)
	uint64_t first_epoch, epoch; // it promised in this bid or tenure; 0: not yet
	int64_t heard_us;            // its last answer
	int64_t free_us;             // when its promise to another ends, as it said
	uint32_t holder;             // ... to whom
};

struct lease {
	struct lease_config config;
	size_t needed; // votes
	size_t rank;   // among the voters; a member if < n_members
	struct lease_grantor grantor;
	uint64_t token; // of the save under way
	enum lease_state state;
	uint64_t epoch;           // asked for
	uint64_t first_epoch;     // of this bid or tenure: later ones go on with its promises
	uint64_t held_epoch;      // a majority has it: what others may be told
	uint32_t held_generation; // the list of voters that a majority of has it
	uint64_t seq;
	struct {
		uint64_t seq;
		int64_t at_us, span_us;
	} asked[LEASE_ASKED_MAX];                  // by seq
	struct lease_peer peers[LEASE_VOTERS_MAX]; // as config.voters
	int64_t active_until_us;                   // the last LEASE_ACTIVE; past when inactive
	bool is_unique;                            // false: active without a majority
	bool is_fit;
	bool is_resuming;      // active since before the restart of the agent
	int64_t want_us;       // the span to ask for
	int64_t want_until_us; // when that is a long one: until then
	int64_t bid_since_us, bid_not_before_us;
	int64_t renew_next_us, trial_next_us;
	int64_t fit_since_us, heard_since_us; // for the hold-down
	uint64_t highest;                     // epoch heard of
	struct lease_message release;         // repeated release_left times
	int release_left;
	int64_t release_next_us;
	uint32_t handed_by;    // handed the lease to this node
	uint32_t late_holder;  // had it before this node's bid ...
	int64_t late_since_us; // ... and was last heard by this voter then
	uint64_t trial_seq;
	bool is_long_told;
	uint64_t random;
};

struct lease_boot {
	const struct lease_record *record; // from disk; NULL: none
	int64_t active_until_us;           // the kernel still has this node active; 0: not
	uint64_t seed;
};

// `config` has been checked.
void lease_init(struct lease *l, const struct lease_config *config, const struct lease_boot *boot,
		int64_t now_us);

// The next generation of the same group, with at most one voter more or less.
void lease_reconfigure(struct lease *l, const struct lease_config *config, int64_t now_us,
		       struct lease_out *out);

void lease_tick(struct lease *l, int64_t now_us, struct lease_out *out);
int64_t lease_next_us(const struct lease *l, int64_t now_us);

// `from`: proven by the transport.
void lease_receive(struct lease *l, int64_t now_us, uint32_t from, const struct lease_message *m,
		   struct lease_out *out);

// The record of LEASE_SAVE `token` is on disk, or could not be saved.
void lease_saved(struct lease *l, int64_t now_us, uint64_t token, bool is_ok,
		 struct lease_out *out);

// Whether this member may be active: its LAN is there, it is not drained, it forwards.
void lease_set_fit(struct lease *l, int64_t now_us, bool is_fit, struct lease_out *out);

// Before a planned restart of the agent: asks for a lease of `span_us` (0: no longer) and says
// LEASE_LONG_READY once a majority has promised it. On a node that is not active there is nothing
// to wait for: returns false.
bool lease_prepare_restart(struct lease *l, int64_t now_us, int64_t span_us);

bool lease_is_active(const struct lease *l, int64_t now_us);
// Who is active as far as this node knows; LEASE_NOBODY when it knows of none.
uint32_t lease_holder(const struct lease *l, int64_t now_us);
// How many voters answered lately, itself counted.
size_t lease_heard(const struct lease *l, int64_t now_us);

// ---- lease_sentence.c ----

typedef const char *(*lease_name_fn)(const void *context, uint32_t node);

// "active since rho-a was silent for 0.7 s (2 of 3 voters answer, epoch 7)".
void lease_sentence(const struct lease_event *e, lease_name_fn name, const void *context, char *ret,
		    size_t size);
