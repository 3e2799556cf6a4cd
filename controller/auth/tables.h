// What auth keeps in memory: users, tokens and sessions, read from the store in one transaction.
#pragma once

#include "base/map.h"

#include "auth/auth.h"

struct auth_user {
	int64_t id;
	char name[AUTH_NAME_SIZE];
	enum auth_role role;
	char hash[AUTH_HASH_SIZE]; // "" while no password is set
};

struct auth_token {
	struct auth_identity identity; // ready to hand out
};

struct auth_session {
	char hash[80];
	int64_t user_id;
	enum auth_role role; // at sign-in: another role of the user ends the session
	char csrf[AUTH_SECRET_SIZE];
	int64_t created_ms;
	int64_t used_ms;
	int64_t saved_ms; // used_ms on disk
	int64_t expires_ms;
};

struct auth_tables {
	struct map *users_by_name; // owns struct auth_user
	struct map *users_by_id;   // decimal id -> the same
	struct map *tokens;        // SHA-256 hex -> struct auth_token, owned
	struct map *sessions;      // SHA-256 hex -> struct auth_session, owned
	int64_t version[2];        // meta: auth_revision, revision
};

struct auth_tables *tables_new(void);
void tables_free(struct auth_tables *tables);
CLEAN_FUNC(struct auth_tables, tables_free)

// Fills empty tables (store's thread).
int tables_load(struct auth_tables *tables, struct store_tx *tx, struct err *err);

// The numbers that change whenever the tables might (store's thread).
int tables_version(struct store_tx *tx, int64_t ret_version[2], struct err *err);

const struct auth_user *tables_user(const struct auth_tables *tables, int64_t id);

// Takes the session over.
int tables_add_session(struct auth_tables *tables, struct auth_session *session);
