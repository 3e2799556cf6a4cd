// Allocations: which value of which pool belongs to which owner; stable, and not given twice while
// referenced. Pure.
//
// Fresh values are used up before a freed one is given again, and then the one freed longest ago;
// an owner that comes back gets its own value again. Changes are kept in a log: to be written to
// the store, and to be taken back.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct alloc;

#define ALLOC_IN_USE (-1)

struct alloc *alloc_new(void);
void alloc_free(struct alloc *alloc);

// Puts a row of the store in place, without logging it.
int alloc_load(struct alloc *alloc, const char *pool, const char *owner, const char *value,
	       int64_t freed_revision);

// The value `owner` holds in `pool`, NULL (or 0) when none. Valid until the next change.
const char *alloc_text(const struct alloc *alloc, const char *pool, const char *owner);
int64_t alloc_number(const struct alloc *alloc, const char *pool, const char *owner);

// The value `owner` held in `pool` until it was freed, NULL when it holds one or never did. Another
// may have it by now. Valid until the next change.
const char *alloc_former(const struct alloc *alloc, const char *pool, const char *owner);

// True if an owner holds `value` in `pool`; with `with_freed` also if one did once.
bool alloc_is_held(const struct alloc *alloc, const char *pool, const char *value, bool with_freed);

// Which numbers an owner may get: `first`..`last` without those that `is_free` (may be NULL)
// refuses.
struct alloc_range {
	int64_t first;
	int64_t last;
	bool (*is_free)(void *arg, int64_t value);
	void *arg;
};

// Gives `owner` a number: the one it holds if it is in range, else a fresh one. -ENOSPC when none
// is left, -ENOMEM.
int alloc_take(struct alloc *alloc, const char *pool, const char *owner,
	       const struct alloc_range *range, int64_t *ret_value);

// Gives `owner` exactly `value`.
int alloc_put(struct alloc *alloc, const char *pool, const char *owner, const char *value);

// Frees what `owner` holds in `pool`.
int alloc_release(struct alloc *alloc, const char *pool, const char *owner, int64_t revision);

// Walks the holders of `pool`: for (size_t at = 0; alloc_next(...);). Releasing the one under the
// cursor is allowed.
bool alloc_next(const struct alloc *alloc, const char *pool, size_t *at, const char **ret_owner,
		const char **ret_value);

// One row as it should be in the store.
struct alloc_row {
	const char *pool;
	const char *owner;
	const char *value; // NULL: no row
	int64_t freed_revision;
};

// The log since the last commit: `count` rows in the order of the changes. Valid until the next
// change.
size_t alloc_log_count(const struct alloc *alloc);
struct alloc_row alloc_log_at(const struct alloc *alloc, size_t index);

// Shows the state before the log, and again the one after it; the log stays. For comparing the two.
void alloc_rewind(struct alloc *alloc);
void alloc_replay(struct alloc *alloc);

// Forgets the log: keeping the state, or going back to the one before it.
void alloc_commit(struct alloc *alloc);
void alloc_undo(struct alloc *alloc);
