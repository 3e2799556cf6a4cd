// The planner: an edit of the fleet in, the entries that appear, change and disappear on each node
// out. Pure.
//
// Desired state is made of cells (node n; member n of network; link n-peer; wire; owner, ...), each
// made by one generator from the fleet. An edit touches some cells; only those are made, before and
// after, and compared. Nothing enumerates a network's links for the change of one of its nodes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"
#include "model/problem.h"
#include "wire/digest.h"

#include "plan/fleet.h"

// Changes when the same intent gives other entries: targets of an older generation are computed
// anew at start.
#define PLAN_GENERATION 5

struct plan_entry {
	char *key;
	char *body;      // canonical JSON; NULL: the entry is dropped
	bool is_changed; // the node has it already, with another body
};

struct plan_delta {
	int64_t node_id;
	struct digest added;   // sum over the entries set
	struct digest removed; // sum over the former bodies of entries set and dropped
	bool is_whole; // false: more than the limit, `entries` was let go, the digests still hold
	struct plan_entry *entries; // ordered by key
	size_t count;
};

struct plan_deltas {
	struct plan_delta *items; // only nodes with a difference, by node id
	size_t count;
};

void plan_deltas_done(struct plan_deltas *deltas);

// What only the whole fleet can tell about the edits (applied, every reference resolves): prefixes
// and ports that clash, links that are not there, segments that are too large. Adds problems.
// -ENOMEM.
int plan_check(struct fleet *fleet, const struct fleet_edit *edits, size_t count,
	       struct problem_list *problems);

// Gives every object the numbers and addresses it lacks and frees those of objects that went;
// `revision` is the one being made. The results are in the log of fleet_alloc(). Call with the
// edits applied. One sentence when something is exhausted.
int plan_allocate(struct fleet *fleet, const struct fleet_edit *edits, size_t count,
		  int64_t revision, struct err *err);

// A change being planned, piece by piece: what it changes on each node. Linking a thousand nodes
// takes seconds, and who plans has others to answer meanwhile.
struct plan_work;

// Call with the edits applied and allocated, and take both back (fleet_revert(), alloc_rewind())
// behind it, also when it failed. `edits` must outlive the work.
int plan_begin(struct fleet *fleet, const struct fleet_edit *edits, size_t count,
	       struct plan_work **ret_work, struct err *err);

// One piece, some thousand entries. Call in the state before the edits, in which it leaves the
// fleet; nothing may change the fleet between two pieces. 1: there is more, 0: that was all;
// -ENOMEM.
int plan_step(struct plan_work *work, struct err *err);

// Hands over what was found when there is no more.
void plan_take(struct plan_work *work, struct plan_deltas *ret_deltas);
void plan_work_free(struct plan_work *work);
CLEAN_FUNC(struct plan_work, plan_work_free)

// Everything a node should have. `each` gets entries ordered by key; a non-zero value stops and is
// returned.
typedef int plan_entry_fn(void *arg, const char *key, const char *body);
int plan_node(struct fleet *fleet, int64_t node_id, plan_entry_fn *each, void *arg);

// Calls `each` once for every link that the networks ask for, with the lesser name first, until it
// returns a non-zero value, which is returned.
typedef int plan_link_fn(void *arg, const char *network, const char *a, const char *b);
int plan_each_link(const struct fleet *fleet, plan_link_fn *each, void *arg);

// Who votes in an HA group now.
#define PLAN_HA_MAX 16
struct plan_ha {
	int64_t generation; // of the list of voters
	int64_t settled;    // the last that all of them were known to have
	int64_t lease_ms;
	int64_t voters[PLAN_HA_MAX]; // node ids, without the controller
	size_t n_voters;
	int64_t members[PLAN_HA_MAX]; // those of them that may be active
	size_t n_members;
	bool has_controller; // it votes, too
};
bool plan_ha_group(const struct fleet *fleet, int64_t group_id, struct plan_ha *ret);

// {} or what was allocated and defaulted for an object: addresses, ports, VNIs, devices. New
// reference, NULL: no memory.
json_t *plan_effective(struct fleet *fleet, enum fleet_kind kind, const char *name);

// The text of a domain list that is written in its spec, one rule a line. Caller frees; NULL: no
// memory.
char *plan_list_text(const json_t *spec);

// Whether it stands in the entries of nodes: else they fetch it by its hash.
bool plan_list_is_inline(const json_t *spec);
