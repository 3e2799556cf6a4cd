// An intent over a real store in a directory of its own, asked and answered one request at a time.
#pragma once

#include <uv.h>

#include "model/schema.h"

#include "intent/intent.h"
#include "store/store.h"

struct desk {
	char dir[64];
	char db[96];
	uv_loop_t loop;
	struct store *store;
	struct schema *schema;
	struct intent *intent;

	// the last answer
	bool is_answered;
	enum intent_class status;
	char detail[512];
	int64_t revision;
	bool is_changed, is_created;
	json_t *changes, *nodes, *problems;

	// the last commit
	size_t commits, commits_before;
	size_t delta_count;
	size_t parts;    // that it was told in
	json_t *touched; // node name -> {key: body or null}
	char actor[64];
};

void desk_open(struct desk *d);
void desk_close(struct desk *d); // also removes the directory

// Closes and opens again, as a restart does.
void desk_restart(struct desk *d);

// Body: JSON with single quotes for double ones, NULL for none. Returns the class.
enum intent_class desk_do(struct desk *d, enum intent_verb verb, const char *kind, const char *name,
			  const char *body);
enum intent_class desk_ask(struct desk *d, struct intent_request *request, const char *body);

// Runs the loop until the number of commits grew, for at most 5 s.
bool desk_wait_commit(struct desk *d);

// Runs the loop for a while.
void desk_idle(struct desk *d, int ms);

// Asserts that every node's target is the digest of its entries.
void desk_check_targets(struct desk *d);

int64_t desk_id(struct desk *d, const char *kind, const char *name);
json_t *desk_json(const char *text);
