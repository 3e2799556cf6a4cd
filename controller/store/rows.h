// Plain values for the rows of each table, their readers, and the few steps of transactions on
// `meta`.
//
// Strings point into the row: copy what must outlive the row function.
#pragma once

#include <stdint.h>

#include "store/store.h"

struct store_resource {
	int64_t id;
	const char *kind; // plural: "nodes"
	const char *name;
	const char *spec;     // canonical JSON
	const char *set_name; // the applied set it belongs to, NULL when none
	int64_t revision;     // last change
	int64_t created_ms;
	int64_t updated_ms;
};

struct store_change {
	int64_t revision;
	int64_t seq; // 0, 1, ... inside the revision
	int64_t at_ms;
	const char *actor; // "user/admin", "token/ci"
	const char *kind;
	const char *name;
	const char *action;      // create, update, delete, rename
	const char *before;      // canonical JSON, NULL at create
	const char *after;       // canonical JSON, NULL at delete
	int64_t resource_id;     // 0 where an older version did not write it
	const char *former_name; // NULL likewise, and at create
	const char *former_set;  // NULL likewise, and when it was in none
};

struct store_allocation {
	const char *pool;
	const char *owner;
	const char *value;
	int64_t size;
	int64_t freed_revision; // -1 while in use
};

struct store_target {
	int64_t node_id;
	int64_t revision;
	const char *digest;
};

struct store_fact {
	int64_t node_id;
	const char *name;
	const char *value; // canonical JSON
	int64_t updated_ms;
};

struct store_credential {
	int64_t resource_id;
	const char
		*hash; // scrypt string of a password, SHA-256 hex of a token or an enrolment secret
	int64_t uses_left;  // -1 unlimited
	int64_t expires_ms; // wall clock, 0 never
	int64_t updated_ms;
};

struct store_certificate {
	const char *serial; // hex
	int64_t node_id;
	int64_t not_after;       // seconds since 1970
	int64_t revoked_ms;      // 0 when not revoked
	const char *fingerprint; // SHA-256 of the DER, hex
};

struct store_session {
	const char *hash; // SHA-256 hex of the cookie
	int64_t user_id;
	const char *role; // the user's role at sign-in
	const char *csrf;
	int64_t created_ms;
	int64_t used_ms;
	int64_t expires_ms;
};

struct store_event {
	int64_t id;
	int64_t at_ms;
	const char *node; // name, NULL for the controller's own
	const char *severity;
	const char *kind;
	const char *entry; // NULL when none
	const char *text;
};

struct store_pending {
	const char *name;
	int64_t key_id;
	const char *csr;
	const char *public_key;
	const char *source; // address the request came from
	int64_t created_ms;
	int64_t approved_ms; // 0 while it waits
};

void store_read_resource(const struct store_row *row, struct store_resource *ret);
void store_read_change(const struct store_row *row, struct store_change *ret);
void store_read_allocation(const struct store_row *row, struct store_allocation *ret);
void store_read_target(const struct store_row *row, struct store_target *ret);
void store_read_fact(const struct store_row *row, struct store_fact *ret);
void store_read_credential(const struct store_row *row, struct store_credential *ret);
void store_read_certificate(const struct store_row *row, struct store_certificate *ret);
void store_read_session(const struct store_row *row, struct store_session *ret);
void store_read_event(const struct store_row *row, struct store_event *ret);
void store_read_pending(const struct store_row *row, struct store_pending *ret);

// A number kept in `meta` ("revision"); -ENOENT when the key is absent.
int store_meta_int(struct store_tx *tx, const char *key, int64_t *ret_value, struct err *err);

// Adds one to a number kept in `meta`; `ret_value` (may be NULL) gets the new one.
int store_meta_bump(struct store_tx *tx, const char *key, int64_t *ret_value, struct err *err);

// Moves the revision from `expected` to `next`; -EAGAIN when somebody else moved it.
int store_revision_advance(struct store_tx *tx, int64_t expected, int64_t next, struct err *err);

// A fresh resource id: never given twice, also not after a delete.
int store_next_id(struct store_tx *tx, int64_t *ret_id, struct err *err);
