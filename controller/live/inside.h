// What live's files share. Private to live.
#pragma once

#include "base/map.h"
#include "base/text.h"

#include "live/live.h"

struct node_error {
	char *entry;
	char *text;
	char *blocked_by; // or NULL
};

// Whether the log has been told that a node is away.
enum away_told { AWAY_UNTOLD, AWAY_TOLD, AWAY_AMONG_MANY };

#define NODE_ERRORS_MAX 64 // kept of what a node tells; the total is kept too

struct node {
	int64_t id;
	char *name;
	char *site; // or NULL
	bool is_drained;
	bool is_connected;
	int64_t since_ms; // connected or disconnected; 0: never
	char *address;
	char *version;
	char *away_reason;
	enum away_told told_away;
	int64_t target_revision;
	struct digest target_digest;
	int64_t target_ms; // when it became so
	int64_t applied_revision;
	struct digest applied_digest;
	bool has_applied;
	int64_t refused_revision; // it went back from this one and does not try it again; 0: none
	char *refused_text;
	int64_t writes;
	struct node_error *errors;
	size_t errors_count;
	int64_t errors_total;
	struct entry_set *entries;
	struct entry_set *staging; // a reset whose last part has not come
	json_t *samples;
	int64_t samples_ms;      // by the node's clock
	int64_t samples_seen_ms; // by ours
	size_t samples_numbers;  // told of that moment
	enum live_health told;   // health in the last item "node"
	int64_t event_allowance; // thousandths of an event
	int64_t event_allowance_ms;
	int64_t events_suppressed;
};

struct ring_item {
	uint64_t sequence;
	const char *kind;
	char *data;
	size_t len;
};

// The most recent items; the oldest go when there are too many or too large.
struct ring {
	struct ring_item *items;
	size_t cap;
	size_t first;
	size_t count;
	size_t bytes;
	size_t bytes_max;
	uint64_t lost; // sequence of the newest item that went, 0: none
};

struct link_counts {
	size_t up;
	size_t down;
};

struct live {
	struct live_config config;
	struct live_ops ops;
	void *ctx;
	struct map *by_id;
	struct map *by_name;
	struct ring items;
	struct ring
		samples; // apart, so that a second of samples does not push out an hour of changes
	uint64_t sequence;
	struct live_subscriber *subscribers;
	struct link_counts counted;  // of a fleet too large to be counted when somebody asks
	struct link_counts counting; // so far
	size_t counting_at;          // in by_id
};

// live.c: the items
void item_send(struct live *live, struct ring *ring, const char *kind, struct text *data);
void item_node(struct live *live, struct node *node, int64_t now_ms);
void add_json(struct text *out, const json_t *json);
void add_string(struct text *out, const char *s); // NULL is null

// nodes.c
struct node *node_find(const struct live *live, int64_t id);
struct node *node_named(const struct live *live, const char *name);
void node_free(void *value);
void node_clear_errors(struct node *node);

// away.c: once a second, and when a node is back (before its since_ms is set).
void away_tick(struct live *live, int64_t now_ms);
void away_back(struct live *live, struct node *node, int64_t now_ms);

// health.c
bool node_refuses(const struct node *node);
enum live_health node_health(const struct node *node, int64_t now_ms, char *ret_reason);

// state.c
json_t *node_json(const struct node *node, int64_t now_ms);

// topology.c
struct link_counts topology_counts(const struct live *live);

// ring.c
int ring_init(struct ring *ring, size_t items, size_t bytes);
void ring_done(struct ring *ring);
// Takes `data`.
void ring_add(struct ring *ring, const struct ring_item *item);
// The first item after `sequence`, or NULL.
const struct ring_item *ring_after(const struct ring *ring, uint64_t sequence);

// stream.c
void stream_wake(struct live *live);

// path.c
struct hop {
	const char *from;
	const char *to;
	bool is_forwarding; // at `from`, towards `to`
};
struct path_question {
	const struct hop *hops;
	size_t count;
	const char *from;
	const char *to;
};

// Finds the way over edges that forward at both ends. Returns the number of names put into
// `ret_way` (at most `max`), ending with `to` when there is a way; else the shortest way over any
// edges, up to where it breaks. 0: no wire leads there. Pure.
size_t path_find(const struct path_question *question, const char **ret_way, size_t max,
		 bool *ret_is_whole);

// groups.c: [{name, active: [node], since, epoch, heard, needed, voters, cause, members: [{node,
// state, connected, cause}]}] of all HA groups that these nodes (sorted) report.
json_t *groups_json(struct node *const *nodes, size_t count);

// topology.c: "port/lan/bob" with kind "port/" -> "lan", "bob".
bool split_key(const char *key, const char *kind, char owner[WIRE_KEY_MAX + 1],
	       const char **ret_peer);

// tree_ways.c: how long the ways between a tree's nodes take. Pure.
#define WAY_NONE    INT64_C(-1) // there is no way
#define WAY_UNKNOWN INT64_C(-2) // there is, but nobody knows how long a part of it takes

struct tree_ways {
	int64_t along[LIVE_TREE_NODES][LIVE_TREE_NODES];  // the tree
	int64_t best[LIVE_TREE_NODES][LIVE_TREE_NODES];   // over any wires; never WAY_UNKNOWN
	int64_t direct[LIVE_TREE_NODES][LIVE_TREE_NODES]; // over their own wire
	short before[LIVE_TREE_NODES][LIVE_TREE_NODES];   // [a][b]: on the way from a, before b
};

void tree_ways_find(const struct live_tree *tree, struct tree_ways *ret);

// How much longer the tree's way is than that over their own wire, or, where they have none, than
// the best over any wires; negative when not known.
double tree_ways_stretch(const struct tree_ways *ways, unsigned a, unsigned b);
