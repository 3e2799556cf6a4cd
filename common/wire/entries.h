// A keyed set of entries with its running digest: a node's desired or observed state; and the
// deltas between two sets.
//
// Not thread safe; one owner. A key is 1..200 characters of [a-z0-9./:_@-]; a body is at most 16
// KiB, a JSON object without control characters, never re-serialised. Keys are kept in byte order.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"
#include "wire/digest.h"

struct entry_set;

// One thing a delta does. `body` NULL drops the key. A dropped key may be "#" and 32 hex digits:
// the key with that hash (used where the other end knows only the hash of a key that is in its
// way).
struct entry_change {
	const char *key;
	const char *body;
	size_t body_len;
};

// What turns the set with digest `base` into the set with digest `digest`. Owns its strings.
struct entry_delta {
	struct digest base;
	struct digest digest;
	struct entry_change *changes;
	size_t count;
	size_t cap;
};

// (hash of the key, hash of the body): what an end tells about an entry without sending it.
struct entry_hash {
	struct digest key;
	struct digest body;
};

// Whether a key is well formed; the sentence says what is wrong.
int entry_key_check(const char *key, struct err *err);

// Whether what stands under a key may be seen by nobody but the node itself.
bool entry_is_secret(const char *key);

// Whether a body is within the limits, valid UTF-8 and one JSON object without control characters.
int entry_body_check(const char *body, size_t len, struct err *err);

// NULL when out of memory.
struct entry_set *entry_set_new(void);
void entry_set_free(struct entry_set *set);
CLEAN_FUNC(struct entry_set, entry_set_free)

// Adds or replaces; copies both. The key must be well formed (-EINVAL); the body is only held to
// its size (-E2BIG). Returns 1 when the set changed, 0 when it already held the very body, or a
// negative errno.
int entry_set_put(struct entry_set *set, const char *key, const char *body, size_t body_len,
		  struct err *err);

// False when absent. Takes "#hash" too.
bool entry_set_drop(struct entry_set *set, const char *key);

// The NUL-terminated body, owned by the set until the key changes; NULL when absent. `ret_len` may
// be NULL.
const char *entry_set_get(const struct entry_set *set, const char *key, size_t *ret_len);

// A byte beside the body for what the owner has found out about it, and would rather not read
// again: 0 when the body is new, shared with the set's copies. NULL when the key is absent.
unsigned char *entry_set_note(const struct entry_set *set, const char *key);

void entry_set_clear(struct entry_set *set);
size_t entry_set_count(const struct entry_set *set);
size_t entry_set_bytes(const struct entry_set *set); // keys and bodies
struct digest entry_set_digest(const struct entry_set *set);

// NULL when out of memory.
struct entry_set *entry_set_copy(const struct entry_set *set);

// Walks in key order: `for (size_t at = 0; entry_set_next(set, &at, &e);)`. The set must not change
// meanwhile.
bool entry_set_next(const struct entry_set *set, size_t *at, struct entry_change *ret_entry);

// Walks the entries whose key starts with `prefix`, in the same way.
bool entry_set_next_under(const struct entry_set *set, const char *prefix, size_t *at,
			  struct entry_change *ret_entry);

// The hashes of the entry with index `at` (0 <= at < count).
struct entry_hash entry_set_hash_at(const struct entry_set *set, size_t at);

// Applies changes in order, without a look at digests: for messages that come in parts.
int entry_set_change(struct entry_set *set, const struct entry_change *changes, size_t count,
		     struct err *err);

// Applies a whole delta: -ESTALE when the set's digest is not `base`, -EBADMSG when the result's is
// not `digest`. On failure the set is as before.
int entry_set_apply(struct entry_set *set, const struct entry_delta *delta, struct err *err);

void entry_delta_done(struct entry_delta *delta);

// Copies key and body (NULL: a drop) behind the others. Digests are the caller's to set. -ENOMEM.
int entry_delta_add(struct entry_delta *delta, const char *key, const char *body, size_t body_len);

// What turns `from` into `to`; drops first. `ret_delta` must be zeroed. -ENOMEM.
int entry_delta_between(const struct entry_set *from, const struct entry_set *to,
			struct entry_delta *ret_delta);

// What turns the set that `have` describes into `to`; entries that `to` lacks are dropped by hash.
// The base is set to `base`, which the other end told. Sorts `have`. `ret_delta` must be zeroed.
// -ENOMEM.
int entry_delta_from_hashes(struct entry_hash *have, size_t count, struct digest base,
			    const struct entry_set *to, struct entry_delta *ret_delta);
