// The contents of domain lists that do not stand in the entries of nodes: fetched from URLs on a
// schedule, read from files when they change, written down for long ones of the fleet file. Nodes
// get them by their hash.
//
// What comes is looked at before it counts: what is no list, or cannot be had, leaves the last good
// one in force, is tried again ever less often, and is told. Loop thread only; what takes long runs
// on threads of its own, at most LISTS_AT_ONCE.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

struct uv_loop_s;
struct lists;

enum {
	LISTS_AT_ONCE = 4,
	LISTS_FIRST_WAIT_MS = 5000, // after the first failure, then doubling
	LISTS_LONGEST_WAIT_MS = 3600000,
	LISTS_FILE_LOOK_MS = 2000, // how often a file is looked at
};

struct lists_ops {
	// A list has this content from now on.
	void (*learnt)(void *ctx, int64_t id, const char *sha256, int64_t size);
	// Something to be told to the operator.
	void (*tell)(void *ctx, const char *severity, const char *kind, const char *entry,
		     const char *text);
};

struct lists_settings {
	struct uv_loop_s *loop;
	const char *state_dir; // contents go to state_dir/lists
	const char *files_dir; // what `file` names lies here
	struct lists_ops ops;
	void *ctx;
};

int lists_new(const struct lists_settings *settings, struct lists **ret_lists, struct err *err);

// A list was made or changed: `spec` with its defaults; `inline_text` is NULL, or the content that
// its names make where nodes do not have them in their entries. Strings are copied. -ENOMEM.
struct list_resource {
	int64_t id;
	const char *name;
	const json_t *spec;
	const char *inline_text;
};
int lists_put(struct lists *all, const struct list_resource *resource, struct err *err);

// Forgets those that are not among the ids; their contents go in time.
void lists_keep(struct lists *all, const int64_t *ids, size_t count);

// Looks at its source now. False: there is no such list, or it has no source but itself.
bool lists_refresh(struct lists *all, int64_t id);

// What is known of a list's content; false: it has none of its own.
struct list_status {
	const char *source; // its URL or file; NULL: its own names
	char sha256[65];    // "": there is none yet
	int64_t size, rules, bad, first_bad;
	int64_t fetched_ms; // when this content came, 0: never
	int64_t checked_ms; // when its source was last looked at with success
	int64_t next_ms;    // when it is looked at again, 0: no time is set
	unsigned failures;  // in a row
	const char *error;  // why the last look failed, NULL: it did not
	bool is_busy;
};
bool lists_status(const struct lists *all, int64_t id, struct list_status *ret);

// The path of a content, NULL when it is not here. Caller frees.
char *lists_path(const struct lists *all, const char *sha256);

// Removes contents that no list has; one that came within the hour may yet become a list's. For
// every now and then.
void lists_collect(struct lists *all);

// Gives up what is under way; the loop must run on until nothing is left, then lists_free.
void lists_stop(struct lists *all);
void lists_free(struct lists *all);
CLEAN_FUNC(struct lists, lists_free)
