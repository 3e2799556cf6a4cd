// Inside of reconcile: the entry kinds' struct of functions, and what a run keeps in hand for them.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/map.h"
#include "base/text.h"

#include "kernel/kernel.h"
#include "reconcile/reconcile.h"

struct entry_kind;

enum entry_outcome { ENTRY_PENDING, ENTRY_STANDS, ENTRY_FAILED };

// One desired entry.
struct entry {
	char *key;
	char *text;                    // the body as it came
	const struct entry_kind *kind; // NULL: not known here
	void *body;                    // the kind's own struct; NULL when it could not be parsed
	char **needs;
	size_t needs_len;
	enum entry_outcome outcome;
	struct err error;
	char *blocked_by;
	char *drift; // what was set right, when it stood before
};

enum entry_match { ENTRY_SAME, ENTRY_MISSING, ENTRY_DIFFERENT };

struct finding {
	enum entry_match match;
	bool remake;    // the object cannot be changed into what is wanted
	bool is_news;   // what is wanted changed, not the kernel: no drift
	char what[160]; // of a difference: "the MTU was 1400 instead of 1500"
};

struct entry_kind {
	const char *name; // first part of the key
	int rank;
	size_t body_size;
	// Fills a zeroed body. What it allocates, `done` frees (also after a failure); NULL:
	// nothing to free.
	int (*parse)(const json_t *json, void *body, struct err *err);
	void (*done)(void *body);
	// What the snapshot says of the entry. An error is a conflict with something that is not
	// Weft's.
	int (*compare)(struct reconcile *r, const struct entry *e, struct finding *ret,
		       struct err *err);
	// Makes or changes it. On failure what it made is gone again.
	int (*apply)(struct reconcile *r, const struct entry *e, const struct finding *f,
		     struct err *err);
	// Drops what Weft owns of this kind and no entry wants.
	int (*sweep)(struct reconcile *r, struct err *err);
	// New reference to the observed body, NULL when there is nothing to observe. A NULL hook:
	// {"ok":true} while it stands.
	json_t *(*observe)(struct reconcile *r, const struct entry *e);
	// New reference, or NULL. A NULL hook: has no samples.
	json_t *(*sample)(struct reconcile *r, const struct entry *e);
};

extern const struct entry_kind kind_sysctl, kind_wireguard, kind_peer, kind_guard, kind_wire,
	kind_bridge, kind_port, kind_address, kind_route, kind_probe_key, kind_ha_key, kind_probe,
	kind_echo, kind_ha, kind_rule, kind_path, kind_path_key, kind_uplink, kind_gateway,
	kind_gateway_group, kind_policy, kind_exit, kind_outside, kind_names, kind_dns_zone,
	kind_dns_forward, kind_dns_block, kind_dns, kind_splitter;

extern const struct entry_kind *const entry_kinds[]; // ascending by rank
extern const size_t entry_kinds_len;

// reconcile.c: a bridge or port as the agent's spanning tree knows it, where there is one.
struct kernel_link seen_by_tree(const struct reconcile *r, const struct kernel_link *link);

// bridge.c: whether the desired bridge of that name has one.
bool bridge_has_tree(const struct reconcile *r, const char *name);

struct guard_state {
	struct text rules; // rendered once a run
	char digest[65];
	char written[65];    // the digest that the table had when it was as wanted
	uint64_t written_at; // the dump before the last write
	uint64_t rules_sum;  // of the kernel's listing of our own rules
	bool rules_sum_is_known;
	struct err refused; // code 0 unless the table was refused in this run
};

// Table `inet weft_policy`, of policies, exits and gateway wires (policy.c).
struct policy_state {
	struct text rules; // rendered once a run
	char digest[80];
	uint32_t mask; // of the marks in it
	struct kernel_policy seen;
	uint64_t read_at; // the dump that `seen` is as old as
	bool is_known_absent;
	bool is_sum_known;
	uint64_t rules_sum; // of the kernel's listing of our own table
	char written[80];
	struct err refused; // code 0 unless the table was refused in this run
};

struct reconcile {
	struct reconcile_config config;
	struct kernel *kernel;
	struct kernel_snapshot seen;
	struct reconcile_now now;
	uint64_t dumps;   // how often `seen` was read
	uint64_t moves;   // writes that only tried to reach a silent peer
	unsigned hellos;  // of this run: new peers made anew
	int64_t again_ms; // how soon another run is wanted, 0: no matter
	struct entry *entries;
	size_t entries_len;
	struct map *by_key; // key -> struct entry of `entries`
	struct map *stood;  // key -> body text, of what stood after the last run
	struct map *tracks; // peer's key -> struct endpoint_track
	json_t *former;     // sysctl name -> value before Weft
	struct guard_state guard;
	struct policy_state policy;
};

// The protocol that marks Weft's routes and rules.
uint8_t reconcile_protocol(const struct reconcile *r);

// NULL when absent.
const struct entry_kind *entry_kind_of_key(const char *key);
struct entry *reconcile_entry(const struct reconcile *r, const char *key);

// Walks the parsed entries of one kind: `for (size_t at = 0; (e = entry_next(r, &kind, &at));)`.
const struct entry *entry_next(const struct reconcile *r, const struct entry_kind *kind,
			       size_t *at);

// The entries of a set, ascending by rank and then key. Errors of single entries are kept in them.
int entries_load(const struct entry_set *set, struct entry **ret, size_t *ret_len, struct err *err);
void entries_free(struct entry *entries, size_t len);

void finding_missing(struct finding *f);
// The first difference is the one told.
void finding_differs(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// Reads the kernel again into r->seen.
int reconcile_look(struct reconcile *r, struct err *err);

// Whether an address of a device that Weft made is the active member's of an HA group (ha.c), which
// adds it and takes it away by itself.
bool ha_wants_address(const struct reconcile *r, const struct kernel_address *seen);

// resolver.c: whether plain DNS of some interface is redirected here, and the chain that does it.
// Where weft-proxy listens; 0: it is not wanted.
uint16_t splitter_port(const struct reconcile *r);
bool resolver_intercepts(const struct reconcile *r);
void resolver_intercept_render(struct text *out, const struct reconcile *r);

void guard_run_begin(struct reconcile *r);
void guard_done(struct reconcile *r);
json_t *guard_counters(const struct reconcile *r);

// policy_table.c
void policy_run_begin(struct reconcile *r);
void policy_done(struct reconcile *r);

// control.c: the rule of the agent's own connection, in both families. An error is a conflict with
// another's rule, or the kernel's refusal. One of former settings goes as a stray (rule.c).
int control_run(struct reconcile *r, struct err *err);
bool control_wants_rule(const struct reconcile *r, const struct kernel_rule *seen);
int control_remove(struct reconcile *r, struct err *err);

// rule.c: the same for rules that are no entry's of their own.
bool rule_stands(const struct reconcile *r, const struct kernel_rule *want);
int rule_make(struct reconcile *r, const struct kernel_rule *want, struct err *err);

// uplink.c, policy.c: whether their entries want this rule.
bool uplink_wants_rule(const struct reconcile *r, const struct kernel_rule *seen);
bool policy_wants_rule(const struct reconcile *r, const struct kernel_rule *seen);

// wire.c: the link that carries the wire of that entry, "home/bob"; "": not known.
void wire_over(const struct reconcile *r, const char *key, char ret[WIRE_KEY_MAX + 1]);

// uplink.c, gateway_group.c: whether this route is in a table that is theirs to keep.
bool uplink_keeps_table(const struct reconcile *r, uint32_t table);
bool gateway_group_keeps_table(const struct reconcile *r, uint32_t table);

// The observed state of node/self.
json_t *self_observe(struct reconcile *r, const struct reconcile_self *self);
