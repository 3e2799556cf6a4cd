// The intent: every resource in memory, and the one queue through which it changes (validate,
// allocate, plan, commit).
//
// Everything here runs on the loop thread. Changes are done one after the other: one is in flight
// at the store while the others wait. What the store refuses is undone in memory as if it never
// was.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/host_numbers.h"

struct intent;
struct schema;
struct store;
struct store_tx;
struct problem_list;
struct uv_loop_s;

struct intent_settings {
	struct uv_loop_s *loop;
	struct store *store;
	const struct schema *schema; // of api/openapi.yaml; outlives the intent
	int vxlan_port;              // 0: 4789
	int wireguard_port;          // first port of the networks, 0: 51820
	int probe_port;              // of the links' probes, 0: 862
	int ha_port;                 // of the HA groups' voters, 0: 863
	struct host_numbers numbers; // each 0: its default
	uint8_t probe_secret[32];    // the keys of both come from it
	int facts_delay_ms;     // facts that arrive within this time become one revision, 0: 200
	unsigned facts_burst;   // changes of one node's facts at once, 0: 30
	unsigned facts_wait_ms; // and then one each, 0: 10000
};

// Reads everything from the store (blocks: for start-up) and brings targets up to date if the
// planner changed. From here on nobody else may write resources or take ids.
int intent_open(const struct intent_settings *settings, struct intent **ret_intent,
		struct err *err);

// Call after the store's last completion ran; requests that still wait are answered
// INTENT_UNAVAILABLE. The loop must run once more after it.
void intent_free(struct intent *intent);

// Plans every node anew and compares with the targets that were kept. Calls `told` with a sentence
// for each that differs. 0 or -ENOMEM.
typedef void intent_fault_fn(void *arg, const char *sentence);
int intent_verify(struct intent *intent, intent_fault_fn *told, void *arg, struct err *err);

// ---- reading ----

struct intent_resource {
	int64_t id; // never changes, never given twice
	const char *kind;
	const char *name;
	const json_t *spec; // as written by the operator
	int64_t revision;   // last change
	const char *set;    // the applied set it belongs to, NULL when none
	int64_t created_ms;
	int64_t updated_ms;
};

int64_t intent_revision(const struct intent *intent);

// NULL when there is none. Pointers are valid until control returns to the loop.
const struct intent_resource *intent_find(const struct intent *intent, const char *kind,
					  const char *name);
const struct intent_resource *intent_find_id(const struct intent *intent, int64_t id);

// Calls `each` for the resources of `kind` with a name greater than `after` ("" or NULL: from the
// first), by name, until it returns false.
typedef bool intent_each_fn(void *arg, const struct intent_resource *resource);
void intent_list(const struct intent *intent, const char *kind, const char *after,
		 intent_each_fn *each, void *arg);
size_t intent_count(const struct intent *intent, const char *kind);

// {"kind","name","id","revision","spec","set","created","updated"} and, if asked, "effective". New
// reference.
json_t *intent_resource_json(const struct intent *intent, const struct intent_resource *resource,
			     bool with_effective);

// What was allocated or defaulted for a resource: addresses, ports, VNIs, devices. New reference;
// {} when nothing.
json_t *intent_effective(const struct intent *intent, const char *kind, const char *name);

// Calls `each` once for every link that the networks ask for, with the lesser name first, until it
// returns a non-zero value, which is returned. A full mesh of many nodes has very many.
typedef int intent_link_fn(void *arg, const char *network, const char *a, const char *b);
int intent_each_link(const struct intent *intent, intent_link_fn *each, void *arg);

// ---- changing ----

enum intent_verb {
	INTENT_PUT,      // body: the spec; creates or replaces
	INTENT_PATCH,    // body: a merge patch (RFC 7396) of the spec
	INTENT_DELETE,   // refused while referenced
	INTENT_RENAME,   // body: {"name": "new"}; references follow, identity and addresses stay
	INTENT_APPLY,    // body: {"resources": {kind: {name: spec}}, "set": name, "prune": bool,
			 // "dry_run": bool}
	INTENT_ROLLBACK, // body: {"revision": n, "dry_run": bool}; the network becomes as it was
			 // right after that revision; users, tokens, keys and secrets stay
	INTENT_CONFIRM,  // body: {"revision": n} or {}; what waits for confirmation is kept
	INTENT_UNDO,     // likewise; it is taken back now
};

enum intent_class {
	INTENT_OK,
	INTENT_INVALID,      // 422: problems say which fields
	INTENT_CONFLICT,     // 409: referenced, name taken
	INTENT_PRECONDITION, // 412: the resource is at another revision than expected
	INTENT_NOT_FOUND,    // 404
	INTENT_UNAVAILABLE,  // 503: the store could not
};

#define INTENT_ANY_REVISION (-1) // no expectation
#define INTENT_NO_RESOURCE  0    // expected not to exist (If-None-Match: *)

// Further writes inside the same transaction (credentials, secrets): on the store's thread, may run
// twice, no outside effects. `id` is the resource of a PUT, PATCH, DELETE or RENAME, 0 for an APPLY
// (rows are already written: SQL_RESOURCE_GET tells an id). `arg` must live until `done`.
typedef int intent_hook_fn(void *arg, struct store_tx *tx, int64_t id, struct err *err);

struct intent_request {
	enum intent_verb verb;
	const char *actor;         // "user/ada", "token/ci", "node/rho", "controller"
	const char *kind;          // NULL for APPLY
	const char *name;          // NULL for APPLY
	json_t *body;              // borrowed; NULL for DELETE
	int64_t expected_revision; // of the resource, or INTENT_ANY_REVISION, INTENT_NO_RESOURCE
	bool dry_run;              // answer in full, write nothing
	const char *op_id;         // store's id of the operation, NULL: a random one. One that was
				   // done before is INTENT_CONFLICT; with it even a change of
				   // nothing makes a transaction
	int64_t confirm_ms;   // APPLY, ROLLBACK: undone after this time unless confirmed; 0: kept
	intent_hook_fn *hook; // NULL: none. A request with a hook always makes a transaction
	void *hook_arg;
};

struct intent_answer {
	enum intent_class status;
	const char *detail;                  // one sentence when the status is not INTENT_OK
	const struct problem_list *problems; // every bad field, for INTENT_INVALID; may be NULL
	int64_t revision; // of the intent now; with dry_run the one it is compared with
	bool is_changed;  // a revision was made (or would be)
	bool is_created;  // PUT made a new resource
	const json_t *
		changes; // [{kind,name,action:"create|update|delete|rename|none",fields:[{path,before,after}]}]
	const json_t *nodes;    // [{name,set:[new keys],changed:[keys],drop:[keys]}]
	const json_t *resource; // after PUT, PATCH, RENAME: as intent_resource_json; NULL otherwise
};

// Called once, on the loop thread, never before intent_submit returned. The answer is valid until
// it returns.
typedef void intent_done_fn(void *arg, const struct intent_answer *answer);

// Queues a change; everything in `request` but the hook and its argument is copied.
// Returns 0, or -ENOMEM and -EBUSY (queue full), with which `done` is not called.
int intent_submit(struct intent *intent, const struct intent_request *request, intent_done_fn *done,
		  void *arg, struct err *err);

// ---- being told ----

struct intent_entry {
	const char *key;
	const char *body; // canonical JSON
};

struct intent_delta {
	int64_t node_id;
	const char *node;     // present name
	char base_digest[33]; // before, 32 hex digits
	char digest[33];      // after
	bool is_whole; // false: too much to list; set and drop are empty, the agent has to resync
	bool is_gone;  // the node was deleted
	const struct intent_entry *set;
	size_t set_count;
	const char *const *drop;
	size_t drop_count;
};

struct intent_commit {
	int64_t revision;
	int64_t at_ms;
	const char *actor;
	const json_t *changes;             // as in intent_answer
	const struct intent_delta *deltas; // only nodes whose digest changed, of this part
	size_t delta_count;
	size_t nodes_touched; // of all parts
	bool is_first;
	bool is_last;
};

// Called after each commit, on the loop thread, before the request's `done`; when very many nodes
// are touched several times, with another part of them each and time for others in between. The
// intent, targets too, is as after the whole commit from the first part on; no other commit comes
// between. Valid until it returns.
typedef void intent_commit_fn(void *arg, const struct intent_commit *commit);
int intent_listen(struct intent *intent, intent_commit_fn *told, void *arg);

// ---- confirmation ----
//
// A revision may be made on condition that somebody confirms it in time; else it is undone, by a
// revision of its own that brings back exactly what it changed. Only one waits at a time. What it
// changed cannot be changed by others meanwhile, nor may they make what would stand in the way of
// undoing it: such a change is refused (INTENT_CONFLICT). The time is counted by the loop's clock
// while the program runs, and by the wall clock over a restart, never longer than was asked for.

struct intent_confirmation {
	int64_t revision;
	const char *actor; // who made it
	int64_t at_ms;     // when, since 1970
	int64_t due_ms;    // when it will be undone
};

// False when nothing waits. Valid until control returns to the loop.
bool intent_confirmation(const struct intent *intent, struct intent_confirmation *ret);

enum intent_news {
	INTENT_WAITS,     // a revision waits for confirmation
	INTENT_CONFIRMED, // by `actor`
	INTENT_UNDONE,    // by `actor`, "controller" when its time was over
	INTENT_STUCK,     // it could not be undone: `detail` says why; it is tried again
};

typedef void intent_news_fn(void *arg, enum intent_news news, const struct intent_confirmation *of,
			    const char *actor, const char *detail);
// One listener, on the loop thread.
void intent_listen_confirmation(struct intent *intent, intent_news_fn *told, void *arg);

// ---- nodes ----

struct intent_target {
	int64_t revision; // the last that changed the digest, 0 when none
	char digest[33];
};

// False when there is no such node.
bool intent_node_target(const struct intent *intent, int64_t node_id,
			struct intent_target *ret_target);

// Makes the node's whole desired state, entry by entry, ordered by key. Stops when `each` returns a
// non-zero value and returns it. -ENOENT when there is no such node, -ENOMEM.
typedef int intent_entry_fn(void *arg, const char *key, const char *body);
int intent_node_entries(struct intent *intent, int64_t node_id, intent_entry_fn *each, void *arg);

// What is known about a node, as a merge patch of
// {"public_key": "base64", "local_addresses": ["192.0.2.7/24"], "seen_address": "192.0.2.7",
//  "endpoints": {network: "ip:port" as public peers see it}, "path_mtu": {"network/peer": bytes},
//  "bridge_priority": {"segment's id": priority}},
// or about an HA group, by its id: {"settled": the generation that all its voters have},
// or about a domain list: {"sha256", "size"} of the content that was fetched for it.
// Visible at once, stored after a short delay; becomes a revision (actor node/NAME) if it changes
// what any node should have. -ENOENT: no such node; -EINVAL: not a fact; -EEXIST: the public key is
// another node's.
int intent_set_facts(struct intent *intent, int64_t node_id, const json_t *patch, struct err *err);

// The facts of a node, NULL when there is no such node. Borrowed.
const json_t *intent_facts(const struct intent *intent, int64_t node_id);

// The node, other than `but`, that has this WireGuard key; 0 when nobody has.
int64_t intent_key_owner(const struct intent *intent, const char *public_key, int64_t but);

// Who votes in an HA group now, as plan_ha_group() has it. False: there is no such group.
struct plan_ha;
bool intent_ha_group(const struct intent *intent, int64_t group_id, struct plan_ha *ret);

// Whether two nodes have a link in a network.
bool intent_is_linked(const struct intent *intent, const char *network, const char *a,
		      const char *b);

// What `observer` reports of its peer in `network`: endpoint "ip:port" (NULL unknown) becomes a
// fact of the peer if the observer is public, the peer has no written address and this is what most
// observers say, those first that agree with where the peer itself speaks from; path_mtu (0:
// unknown or fragments pass) a fact of the observer. -ENOENT when the two have no link there.
int intent_observe_peer(struct intent *intent, int64_t observer_id, const char *network,
			const char *peer, const char *endpoint, int path_mtu);
