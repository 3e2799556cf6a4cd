// A fleet under test, changed in steps; keeps every node's entries as an agent would, from the
// deltas alone.
#pragma once

#include "plan/plan.h"

struct lot {
	struct fleet *fleet;
	struct map *ids;     // "nodes/rho" -> id as text
	struct map *facts;   // node name -> json_t
	struct map *entries; // "id key" -> body: what the deltas made of it
	struct map *digests; // id -> struct digest
	struct plan_deltas last;
	size_t steps; // that the last change was planned in, beside the last
	int64_t next_id;
	int64_t revision;
	struct fleet_edit edits[4096];
	size_t edit_count;
};

void lot_init(struct lot *lot);
// Those to come have these settings; NULL: the defaults.
void lot_number(const struct host_numbers *numbers);
void lot_done(struct lot *lot);

// Notes an edit; spec NULL deletes. JSON with single quotes for double ones.
void lot_put(struct lot *lot, const char *kind, const char *name, const char *spec);
void lot_rename(struct lot *lot, const char *kind, const char *name, const char *to);
void lot_facts(struct lot *lot, const char *node, const char *facts);
void lot_facts_of(struct lot *lot, const char *kind, const char *name, const char *facts);

// Makes the noted edits one change. 0, or what plan_check or plan_allocate refused, then nothing
// changed.
int lot_commit(struct lot *lot, struct err *err);

int64_t lot_id(const struct lot *lot, const char *kind, const char *name);

// An entry's body as the deltas left it, NULL when absent.
json_t *lot_entry(const struct lot *lot, const char *node, const char *key);
bool lot_has(struct lot *lot, const char *node, const char *key);
size_t lot_entry_count(const struct lot *lot, const char *node);

// Asserts that each node's entries and digest are those of a whole plan.
void lot_check_whole(struct lot *lot);

// Number of nodes that the last change touched, and whether it touched one.
size_t lot_touched(const struct lot *lot);
const struct plan_delta *lot_delta(const struct lot *lot, const char *node);

// Makes the noted edits one change, which must not be refused, and checks the whole.
void lot_change(struct lot *lot);

// The private Internet of the examples: four in a mesh, one behind a NAT hanging off rho.
#define ARTICLE_NETWORK "{'mesh':['rho','epsilon','bob','vorke'],'links':[['rho','pi0']]}"
struct lot *lot_article(void);

// A field of a body as text, valid until the next call; and that an entry's field is `value`.
const char *lot_field(json_t *body, const char *name);
void lot_says(struct lot *lot, const char *node, const char *key, const char *name,
	      const char *value);
