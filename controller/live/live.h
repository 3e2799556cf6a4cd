// The present as the nodes report it: observed entries, samples, health, links, and the stream that
// browsers follow.
//
// In memory only, bounded per node; one thread (the loop's). Times are milliseconds since 1970 and
// are passed in. Node ids are the resource ids. Functions that return json_t give a new reference
// (NULL when out of memory).
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"
#include "wire/entries.h"
#include "wire/message.h"

struct live;
struct live_subscriber;

enum live_health {
	LIVE_HEALTH_OK,
	LIVE_HEALTH_LAGGING, // connected, but not yet at its target for 2 s and more
	LIVE_HEALTH_ERROR, // connected, and some entries failed, its host has a conflict that stops
			   // traffic, or its resolver or splitter is not as it should be
	LIVE_HEALTH_OFFLINE,
	LIVE_HEALTH_NEVER, // has never been connected
};

#define LIVE_REASON_SIZE 512

// An event to be stored. Strings are borrowed.
struct live_event {
	int64_t node_id; // 0: of the controller itself
	const char *node;
	int64_t at_ms;
	const char *severity; // "info", "warning" or "error"
	const char *kind;
	const char *entry; // NULL when of no entry
	const char *text;
};

struct live_ops {
	// Stores an event. Rate-limited per node before this is called. May be NULL.
	void (*store_event)(void *ctx, const struct live_event *event);

	// Somebody begins (+1) or ceases (-1) to want samples of all nodes (node_id 0) or of one.
	// May be NULL.
	void (*samples_want)(void *ctx, int64_t node_id, int change);

	// Whether there is such a link: what a node tells of others is not shown. NULL: all are.
	bool (*is_link)(void *ctx, const char *network, const char *a, const char *b);
};

// Zero means the default in the comment.
struct live_config {
	size_t node_entries;      // 16384 observed entries of one node
	size_t node_bytes;        // 8 MiB, likewise
	size_t ring_items;        // 8192 recent items for subscribers to resume
	size_t ring_bytes;        // 16 MiB, likewise
	size_t count_at_once;     // 50000 entries of all nodes, beyond which links are counted in
				  // pieces
	unsigned events_burst;    // 50 events of one node at once
	unsigned events_per_hour; // 720 on average
	int64_t now_ms;           // required: start of the sequence numbers
};

// NULL when out of memory. `ops` is copied.
struct live *live_new(const struct live_config *config, const struct live_ops *ops, void *ctx);
void live_free(struct live *live);
CLEAN_FUNC(struct live, live_free)

// ---- What the intent tells ----

// A node exists, or was renamed or moved to another site (NULL: none).
int live_node_put(struct live *live, int64_t node_id, const char *name, const char *site,
		  struct err *err);

// Whether no traffic of others is to pass through it.
void live_node_drain(struct live *live, int64_t node_id, bool is_drained, int64_t now_ms);

// A node was deleted: everything about it goes.
void live_node_drop(struct live *live, int64_t node_id);

// The node's target changed.
void live_node_target(struct live *live, int64_t node_id, int64_t revision, struct digest digest,
		      int64_t now_ms);

// A commit happened; `what` (an object, borrowed) goes out as an item "revision" together with
// "revision": number.
void live_revision(struct live *live, int64_t revision, const json_t *what);

// ---- What the hub tells: same shapes as struct hub_ops ----
void live_connected(struct live *live, int64_t node_id, const char *address,
		    const struct msg_hello *hello, int64_t now_ms);
void live_disconnected(struct live *live, int64_t node_id, const char *reason, int64_t now_ms);
void live_applied(struct live *live, int64_t node_id, const struct msg_applied *applied,
		  int64_t now_ms);

// -EBADMSG when the digest differs after the last part, -E2BIG beyond the bounds of a node, -ENOENT
// for no such node.
int live_observed(struct live *live, int64_t node_id, const struct msg_observe *observe,
		  int64_t now_ms, struct err *err);
void live_samples(struct live *live, int64_t node_id, const struct msg_samples *samples,
		  int64_t now_ms);
void live_event(struct live *live, int64_t node_id, const struct msg_event *event, int64_t now_ms);

// An event of the controller itself (node_id 0) or about a node; not rate-limited.
void live_event_own(struct live *live, const struct live_event *event);

// Once a second: lets a node become lagging by the passing of time, tells of nodes that have been
// away for 3 s (event "node_offline", and "node_online" when they are back), and reports suppressed
// events.
void live_tick(struct live *live, int64_t now_ms);

// ---- Questions ----

// 0 when there is no node of that name.
int64_t live_node_id(const struct live *live, const char *name);

// `ret_reason` (LIVE_REASON_SIZE, may be NULL) gets one line, "" when ok.
enum live_health live_node_health(const struct live *live, int64_t node_id, int64_t now_ms,
				  char *ret_reason);
const char *live_health_name(enum live_health health);

// The last observed entries; NULL when there is no such node. Valid until the next call that
// changes that node.
const struct entry_set *live_node_entries(const struct live *live, int64_t node_id);

// One node as in live_nodes_json; NULL when there is no such node.
json_t *live_node_json(const struct live *live, int64_t node_id, int64_t now_ms);

// {"nodes": [{name, id, site, connected, since, address, version, target, applied, lag, errors:
// [{entry, text, blocked_by}], errors_total, writes, health, reason}], "counts": {"nodes",
// "connected", "ok", "lagging", "error", "offline", "never", "links_up", "links_down"},
// "ha_groups": [{name, active: [node], since, epoch, heard, needed, voters, cause, members: [{node,
// state, connected, cause}]}]}; `since` and other times in ms; ordered by name.
json_t *live_state_json(const struct live *live, int64_t now_ms);

// How much a node reports that there is once for each of its links (itself, peer, wire, port), and
// how many peers, to how many of which its links are up. All 0 when there is no such node.
struct live_links {
	size_t reported;
	size_t peers;
	size_t peers_up;
};
struct live_links live_node_links(const struct live *live, int64_t node_id);

// Goes on counting the links of a fleet that is too large to be counted whenever somebody asks for
// them: call some times a second. It takes at most some 20 ms.
void live_count_links(struct live *live);

// {"entries": {key: body}, "samples": {"at": ms, "values": {...}} or null}; NULL when there is no
// such node.
json_t *live_samples_json(const struct live *live, int64_t node_id); // without the entries
json_t *live_observed_json(const struct live *live, int64_t node_id);

#define LIVE_LINKS_MAX 20000 // in one answer

// {"nodes": [{name, health}], "links": [{network, a, b, state}], "truncated": true when there are
// more links than LIVE_LINKS_MAX, "segments": [{name, ports: [{node, peer, state, role, cost}]}]};
// the state of a link is "up", "down" or "unknown" (neither end is
// there to tell). `has_figures`: each link has "rtt_us", "jitter_us" and "loss" too, the worse of
// what its ends sampled just now, or null.
json_t *live_topology_json(const struct live *live, int64_t now_ms, bool has_figures);

// {"path": [names from a to b], "broken_at": null}; or the way a frame gets and the node where it
// ends, with "reason". -ENOENT when a node is unknown.
int live_segment_path(const struct live *live, const char *segment, const char *from,
		      const char *to, json_t **ret_path, struct err *err);

// ---- The tree of a bridge segment ----

enum { LIVE_TREE_NODES = 64 };

enum live_wire_state {
	LIVE_WIRE_UNKNOWN,    // nobody who is connected tells
	LIVE_WIRE_DOWN,       // an end says that its link is
	LIVE_WIRE_BLOCKED,    // ready, but not part of the tree
	LIVE_WIRE_FORWARDING, // at both ends
};

// A wire as its ends tell; `a` and `b` are places in live_tree.nodes, a < b.
struct live_wire {
	unsigned a, b;
	enum live_wire_state state;
	int blocked_at;    // the end that is closed, -1: none
	int64_t cost;      // the greater of both, -1: not told
	bool is_settled;   // and neither end still waits for what it measures
	int64_t rtt_us;    // the mean of both; of samples where there are some; -1: not known
	uint32_t loss_ppm; // the greater of both
};

struct live_tree_node {
	int64_t id;
	const char *name; // valid until the next call that changes the nodes
	bool is_connected;
	bool is_agreed;    // connected, at its target, and refuses no revision
	int64_t since_ms;  // connected or not since then, wall clock
	int root_port;     // the node at the other end of its root port, -1: it has none
	int64_t root_cost; // -1: not told
	char bridge_id[24], root_id[24];
};

// Nodes are ordered by id, the first LIVE_TREE_NODES of them.
struct live_tree {
	struct live_tree_node nodes[LIVE_TREE_NODES];
	size_t nodes_count;
	struct live_wire *wires;
	size_t wires_count;
	int root; // whom most nodes call it, -1: nobody does
};

// The tree of `segment`, whose wires go over links of `network`, as its nodes tell. Free with
// live_tree_done(). -ENOMEM.
int live_tree_read(const struct live *live, const char *segment, const char *network,
		   struct live_tree *ret, struct err *err);
void live_tree_done(struct live_tree *tree); // may be done twice

// {"root", "nodes": [...], "wires": [...], "pairs": [...]}, as in GET /segments/NAME/tree.
json_t *live_tree_json(const struct live_tree *tree);

// ---- The stream ----

// Kinds and data: node (as live_node_json), entry {"node", "set": {key: body}, "drop": [key]},
// sample {"node", "at", "values"}, revision {"revision", ...}, event {"node", "at", "severity",
// "kind", "entry", "text"}.
struct live_item {
	uint64_t sequence;
	const char *kind;
	const char *data; // one line of JSON, NUL-terminated; valid until the next call into live
	size_t len;
};

// `wake` is called when there is something to read after live_read answered 0; it must not call
// into live. `cursor` is the sequence of the last item the client has seen, 0 to begin now.
// `samples` counts as wanting the samples of all nodes. NULL when out of memory.
struct live_subscriber *live_subscribe(struct live *live, uint64_t cursor, bool samples,
				       void (*wake)(void *ctx), void *ctx);
void live_unsubscribe(struct live_subscriber *subscriber);

// 1 and the next item; 0 when there is none yet; -ESTALE once when items were lost (the cursor was
// too old or is unknown): tell the client "reset"; reading goes on at the present.
int live_read(struct live_subscriber *subscriber, struct live_item *ret_item);

// The sequence of the newest item: a reader that fetched the whole state now follows from here.
uint64_t live_cursor(const struct live *live);
