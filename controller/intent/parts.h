// Inside of the intent; only for the files of this module.
#pragma once

#include <uv.h>

#include "base/limit.h"
#include "base/map.h"
#include "base/text.h"
#include "model/json.h"
#include "model/kinds.h"
#include "model/net.h"
#include "model/problem.h"
#include "model/schema.h"

#include "intent/intent.h"
#include "plan/plan.h"
#include "store/rows.h"

#define QUEUE_MAX     1000
#define LISTENERS_MAX 8

// One resource in one state. Immutable and counted: a change makes another.
struct resource {
	size_t refs;
	struct intent_resource pub;
	enum kind_id kind;
	char *name;
	char *set;
	json_t *spec;
	json_t *facts;               // of a node, may be NULL
	struct fleet_object *object; // of kinds that the planner knows
};

struct resource *resource_ref(struct resource *r);
void resource_unref(struct resource *r);
CLEAN_FUNC(struct resource, resource_unref)

// A copy of `from` (NULL: a new one) with other contents; `set` and `name` are copied, `spec` is
// referenced.
struct resource_parts {
	enum kind_id kind;
	int64_t id;
	const char *name;
	const json_t *spec;
	const char *set;
	const json_t *facts;
};
struct resource *resource_new(const struct resource *from, const struct resource_parts *parts);

// What happens to one resource. `before` NULL: created; `after` NULL: deleted. The list owns
// references.
struct edit {
	struct resource *before;
	struct resource *after;
	bool is_none; // named by an apply, but nothing differs
};

struct edits {
	struct edit *items;
	size_t count, cap;
	int64_t last_id; // greatest id given, for new resources
	bool has_deletion;
};

void edits_done(struct edits *edits);

// Takes the reference to `after`, adds one to `before`.
int edits_add(struct edits *edits, struct resource *before, struct resource *after);

// Whether one of them is about `before`.
bool edits_hold(const struct edits *edits, const struct resource *before);

// The action's name: "create", "update", "delete", "rename", "none".
const char *edit_action(const struct edit *edit);
bool edits_are_empty(const struct edits *edits);

// A request in the queue.
struct job {
	struct job *next;
	struct intent_request request; // strings and body are copies
	char *actor, *kind, *name;
	char *op_id; // may be NULL
	json_t *body;
	intent_done_fn *done; // NULL: facts
	void *done_arg;
	struct map *facts;     // of a job made of facts: node id -> json_t
	json_t *restore;       // of a rollback: what was read from the history, as restore.c has it
	int64_t read_revision; // the intent's when it was read
	unsigned reads;
};

void job_free(struct job *job);
CLEAN_FUNC(struct job, job_free)

// What came of a request so far.
struct outcome {
	enum intent_class status;
	char detail[ERR_TEXT_SIZE];
	struct problem_list problems;
};

int outcome_set(struct outcome *outcome, enum intent_class status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct node_target {
	int64_t revision;
	struct digest digest;
};

struct listener {
	intent_commit_fn *told;
	void *arg;
};

// ---- rows of a transaction: statements with their values, made on the loop, run on the store's
// thread ----
#define ROW_VALUES_MAX 12
struct row_value {
	char *text; // owned; NULL with is_text: SQL NULL
	int64_t integer;
	bool is_text;
};
struct row {
	enum store_sql sql;
	struct row_value values[ROW_VALUES_MAX];
	size_t count;
};
struct rows {
	struct row *items;
	size_t count, cap;
	bool failed;
};
void rows_done(struct rows *rows);

// `format`: 't' a string (may be NULL), 'i' an int64_t, 'j' a json_t * (canonical; NULL: SQL NULL).
void rows_add(struct rows *rows, enum store_sql sql, const char *format, ...);
int rows_run(const struct rows *rows, struct store_tx *tx, struct err *err);

// What the listeners are told of. The memory is taken before the store has the change: afterwards
// nobody may miss it.
struct told {
	struct intent_delta *deltas;
	struct intent_entry *set;
	const char **drop;
	size_t entry_count;
	size_t at; // the first that was not told
};
void told_done(struct told *told);
int told_init(struct told *told, const struct plan_deltas *deltas); // -ENOMEM

// A job from its planning until everybody was told.
struct transaction {
	struct intent *intent;
	struct job *job;
	struct edits edits;
	struct fleet_edit *fleet_edits; // what the planner sees of them
	size_t fleet_edit_count;
	struct plan_work *work; // NULL: nothing is left to plan
	struct plan_deltas deltas;
	struct told told;
	struct rows rows;
	struct outcome outcome;
	json_t *changes; // as in intent_answer
	json_t *nodes;
	int64_t resource_id; // of a request about one resource
	int64_t revision;    // to be made; the present one if none is
	int64_t at_ms;
	bool is_changed;
	bool is_created;
	bool is_unknown;   // the store could not say whether it is written
	bool is_looked_up; // and is being asked
	bool is_stored;    // but not everybody was told
	char op_id[STORE_OPERATION_MAX + 1];
};

void transaction_free(struct transaction *t);
CLEAN_FUNC(struct transaction, transaction_free)

// Plans the job piece by piece, all without a lasting effect. 1: there is more for
// transaction_plan_on(), and nothing may change the intent meanwhile; 0: done; or a negative number
// with the outcome set.
int transaction_plan(struct transaction *t);
int transaction_plan_on(struct transaction *t);

// Makes the rows that the store is to write, and room for what is told then. -ENOMEM.
int transaction_rows(struct transaction *t);

// Whether it deletes the resource.
bool transaction_deletes(const struct transaction *t, int64_t id);

// What the node's digest is after it.
struct digest digest_after(const struct intent *intent, const struct plan_delta *d);

// Makes it true in memory after the store did, and tells the listeners. True: of a part only;
// transaction_publish_on() goes on.
bool transaction_publish(struct transaction *t);
bool transaction_publish_on(struct transaction *t);

// What waits for confirmation.
struct pending {
	int64_t revision;
	char *actor;
	int64_t at_ms, due_ms;
	json_t *restore; // how to take it back
	bool is_stuck;   // and it was told that it is
};

struct intent {
	struct intent_settings settings;
	struct fleet *fleet;
	struct map *by_name[KIND_COUNT]; // -> struct resource, borrowed from by_id
	struct map *by_id;               // -> struct resource
	struct map *targets;             // node id -> struct node_target
	int64_t revision;
	int64_t last_id;
	struct job *first, *last;
	size_t queued;
	struct transaction *in_flight;
	struct map *pending_facts; // node id -> json_t: what facts will be
	struct limit *fact_limit;  // changes of facts, by node id
	struct map *claims;        // "peer id/network" -> struct claims
	struct listener listeners[LISTENERS_MAX];
	size_t listener_count;
	uv_timer_t *pump;        // starts the next job, and goes on with the one in flight
	uv_timer_t *facts;       // makes a job of the pending facts
	uv_timer_t *due;         // undoes what waits for confirmation
	struct pending *pending; // NULL: nothing waits
	intent_news_fn *news;
	void *news_arg;
};

#define ID_KEY_SIZE 24
void id_key(char key[ID_KEY_SIZE], int64_t id);

struct resource *resource_find(const struct intent *intent, enum kind_id kind, const char *name);
struct resource *resource_find_id(const struct intent *intent, int64_t id);

// Shows the edits in the maps and in the fleet, or takes them back. -ENOMEM leaves everything as it
// was.
int edits_apply(struct intent *intent, const struct edits *edits);
void edits_revert(struct intent *intent, const struct edits *edits);

// Edits of the fleet among them; the caller frees the array, not what it points to.
int edits_fleet(const struct edits *edits, struct fleet_edit **ret_items, size_t *ret_count);

// Request to edits; 0, or a negative number with the outcome set.
int request_edits(struct intent *intent, const struct job *job, struct edits *edits,
		  struct outcome *outcome);
int request_apply(struct intent *intent, const struct job *job, struct edits *edits,
		  struct outcome *outcome);
bool job_is_dry(const struct job *job);

// The spec as it is stored: without what may only be written. New reference.
json_t *spec_stored(const struct intent *intent, enum kind_id kind, const json_t *spec);

// Checks a spec by itself: name, schema, and what schemas cannot say.
void check_spec(struct intent *intent, enum kind_id kind, const char *name, const json_t *spec,
		struct problem_list *problems);

// Makes the planner's objects of what the edits put in place.
int edits_parse(struct intent *intent, const struct edits *edits, struct outcome *outcome);

// Checks references of the state that is shown. For edits that were applied.
int check_references(struct intent *intent, const struct edits *edits, struct outcome *outcome);

// ---- users and tokens ----
// Adds what an edit of a user does to the tokens that act for him.
int accounts_follow(const struct intent *intent, struct edits *edits, struct outcome *outcome);

// An admin is left, and no token has more than its owner. For edits that were applied.
int accounts_check(const struct intent *intent, const struct edits *edits, struct outcome *outcome);

// ---- enrolment keys ----
// Adds the end of the keys that were made for deleted nodes.
int enrolment_follow(const struct intent *intent, struct edits *edits, struct outcome *outcome);

// ---- restore.c: resources as they were ----
// A list of {"kind", "id" (0: not known), "name", "spec" (null: was not there), "set" or null}; one
// made of the history also tells "now", the name that the resource goes by at its end.

// Notes what the edits replace.
json_t *restore_of_edits(const struct edits *edits);

// Adds what a row of the history replaced, unless a row before it was about the same resource.
// `is_network`: only resources of the network, and nothing that nodes reported.
// -EUCLEAN with a sentence when the row does not tell enough.
int restore_add_change(json_t *list, const struct store_change *change, bool is_network,
		       struct err *err);

// The edits that bring the list back; 0, or a negative number with the outcome set.
int restore_edits(struct intent *intent, const json_t *list, struct edits *edits,
		  struct outcome *outcome);

// ---- rollback.c: the history read for a rollback ----
// Takes the job, and queues or answers it once its list is read. On failure (-EBUSY, -ENOMEM) the
// job stays the caller's.
int rollback_read(struct intent *intent, struct job *job);

// ---- confirm.c: what waits for confirmation ----
void pending_free(struct pending *pending);
int pending_load(struct intent *intent, struct store_tx *tx, struct err *err);
void pending_start(struct intent *intent); // after loading
void pending_due(uv_timer_t *timer);

// May the job's edits be made while something waits? 0, or a negative number with the outcome set.
int pending_check(struct transaction *t);
// And could it still be undone after them? For edits that were applied.
int pending_check_undo(struct transaction *t);
void pending_rows(struct transaction *t);
void pending_publish(struct transaction *t);
// For INTENT_CONFIRM and INTENT_UNDO.
int pending_edits(struct intent *intent, const struct job *job, struct edits *edits,
		  struct outcome *outcome);

// ---- facts ----
void facts_drop(void *json); // for maps of facts
void facts_settled(struct intent *intent, const struct job *job, bool is_stored);
int facts_edits(struct intent *intent, const struct job *job, struct edits *edits,
		struct outcome *outcome);
void facts_due(uv_timer_t *timer);

// ---- claims: where several observers see one node ----
void claims_drop(void *claims); // for the map of them

// Notes what an observer says (an address and a port) and tells what is to be believed; NULL when
// out of memory. The text is the claims' own.
const char *claims_note(struct intent *intent, const struct resource *observer,
			const struct resource *peer, const char *network,
			const struct endpoint *endpoint);

// ---- queue and commit ----
int queue_add(struct intent *intent, struct job *job); // takes it
void queue_pump(uv_timer_t *timer);
void queue_close(struct intent *intent);

// ---- answers ----
json_t *changes_json(const struct edits *edits);
json_t *deltas_json(const struct intent *intent, const struct edits *edits,
		    const struct plan_deltas *deltas);

int intent_load(struct intent *intent, struct err *err);
