// Who is asking and what they may do: users, sessions, API tokens, enrolment keys, roles, login
// limits.
//
// State lives in the store; a copy in memory answers auth_check() at once. Loop thread, unless said
// otherwise. Functions named auth_tx_* are steps of a transaction and run on the store's thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

#include "auth/roles.h"
#include "store/store.h"

struct auth;
struct uv_loop_s;

#define AUTH_NAME_SIZE 64 // resource name and NUL
#define AUTH_SECRET_SIZE                                                                           \
	64 // any generated secret (cookie, CSRF token, API token, enrolment secret) and NUL
#define AUTH_HASH_SIZE    256 // a stored hash and NUL
#define AUTH_PASSWORD_MIN 8
#define AUTH_PASSWORD_MAX 256
#define AUTH_SCOPES_MAX   16
#define AUTH_SCOPE_SIZE   32
#define AUTH_COOKIE_NAME  "__Host-weft"
#define AUTH_CSRF_HEADER  "X-CSRF-Token"

struct auth_settings {
	int64_t idle_ms;       // a session unused for this long ends; 0 = 12 hours
	int64_t absolute_ms;   // and in any case after this; 0 = 7 days
	unsigned scrypt_log_n; // cost of new password hashes, 2^n; 0 = 15
	// Failed sign-ins at once, and the time for one more; 0: 10 and 6 s from one source, 20 and
	// 3 s of one user.
	unsigned source_attempts;
	unsigned source_wait_ms;
	unsigned user_attempts;
	unsigned user_wait_ms;
};

struct auth_identity {
	char actor[AUTH_NAME_SIZE + 8]; // "user/admin", "token/ci": what history names
	char name[AUTH_NAME_SIZE];
	char user[AUTH_NAME_SIZE]; // who is acted for: a token's owner; "" when there is none
	int64_t resource_id;
	enum auth_role role;
	bool is_session; // signed in by cookie (and then csrf is set)
	char csrf[AUTH_SECRET_SIZE];
	int64_t expires_ms;                            // wall clock, 0 never
	size_t scope_count;                            // 0: everything the role may
	char scopes[AUTH_SCOPES_MAX][AUTH_SCOPE_SIZE]; // kinds, or "read"
};

// Loads users, tokens and sessions (blocks) and watches for changes made by other processes once a
// second. `settings` may be NULL. At the end: auth_free, then store_free, then run the loop once
// more: what was under way still gets its completion (-ESHUTDOWN).
int auth_new(struct uv_loop_s *loop, struct store *store, const struct auth_settings *settings,
	     struct auth **ret_auth, struct err *err);
void auth_free(struct auth *auth);
CLEAN_FUNC(struct auth, auth_free)

// Reads users and tokens again; call after every commit that touched `users` or `tokens`. `done`
// (may be NULL) follows.
void auth_reload(struct auth *auth, void (*done)(void *arg), void *arg);

// ---- requests ----

struct auth_credentials {
	const char *cookie;        // the Cookie header, or NULL
	const char *authorization; // the Authorization header, or NULL
	const char *csrf;          // the X-CSRF-Token header, or NULL
	bool is_write;             // anything but GET and HEAD: a cookie then needs the CSRF token
};

// 0, or -EACCES (nobody signed in, expired: answer 401), -EPERM (CSRF token missing or wrong: 403).
// `now_ms` is wall.
int auth_check(struct auth *auth, const struct auth_credentials *credentials, int64_t now_ms,
	       struct auth_identity *ret_identity, struct err *err);

// 0 or -EPERM with a sentence: role, then scopes. `kind` is a resource kind ("nodes") or an area of
// roles.h ("apply").
int auth_allow(const struct auth_identity *identity, enum auth_method method, const char *kind,
	       struct err *err);

struct auth_login {
	char session[AUTH_SECRET_SIZE]; // the cookie's value
	struct auth_identity identity;
};

// `login` is NULL on failure: -EACCES (user or password wrong: 401), -EBUSY (too many attempts:
// 429), -EIO.
typedef void auth_login_fn(void *arg, const struct auth_login *login, const struct err *err);

// Checks the password on a worker thread and makes a session. All strings are copied. `source` is
// the peer's address, or the network that it stands for.
void auth_login(struct auth *auth, const char *user, const char *password, const char *source,
		auth_login_fn *done, void *arg);

// Ends the session of this Cookie header; `done` (may be NULL) is called when it is gone from disk
// too.
void auth_logout(struct auth *auth, const char *cookie, void (*done)(void *arg), void *arg);

// The Set-Cookie value for a session, or the one that clears it when `session` is "". Caller frees;
// NULL: no memory.
char *auth_set_cookie(const struct auth *auth, const char *session);

// ---- making and storing credentials ----

// Hashes on a worker thread; `hash` is NULL on failure (a password too short or too long: -EINVAL).
typedef void auth_hash_fn(void *arg, const char *hash, const struct err *err);
void auth_hash_password(struct auth *auth, const char *password, auth_hash_fn *done, void *arg);

// Fresh secrets with the hash to store. Buffers of AUTH_SECRET_SIZE and AUTH_HASH_SIZE.
int auth_token_make(char *ret_token, char *ret_hash, struct err *err); // "weftt_..."
int auth_key_secret_make(char *ret_secret, char *ret_hash,
			 struct err *err); // base64url of 32 bytes

// Store a credential of the resource `id` (insert or replace; deleted with the resource). A new
// password ends the user's sessions. `expires_ms` 0: never; `uses` -1: unlimited.
int auth_tx_set_password(struct store_tx *tx, int64_t id, const char *hash, int64_t now_ms,
			 struct err *err);
int auth_tx_set_token(struct store_tx *tx, int64_t id, const char *hash, int64_t expires_ms,
		      int64_t now_ms, struct err *err);
struct auth_key {
	const char *hash;
	int64_t uses;       // -1 unlimited
	int64_t expires_ms; // 0 never
};
int auth_tx_set_key(struct store_tx *tx, int64_t id, const struct auth_key *key, int64_t now_ms,
		    struct err *err);

// What an enrolment key that was accepted allows.
struct auth_key_grant {
	int64_t id;
	char *spec; // canonical JSON of the enrolment-keys resource; caller frees
};
enum auth_key_use {
	AUTH_KEY_LOOK,  // would it be accepted?
	AUTH_KEY_TAKE,  // and one use is taken
	AUTH_KEY_AGAIN, // by who has taken a use before: that none is left does not matter
};

// A key as a host shows it.
struct auth_key_claim {
	const char *name;
	const char *secret;
	enum auth_key_use use;
	int64_t now_ms;
};

// Verifies name and secret, and takes a use in the same transaction if so asked. -EACCES with a
// sentence for an unknown, wrong, used up or expired key; nothing is changed then.
int auth_tx_use_key(struct store_tx *tx, const struct auth_key_claim *claim,
		    struct auth_key_grant *ret_grant, struct err *err);

// ---- first start and rescue (blocking; other process or before the loop runs) ----

#define AUTH_PASSWORD_SIZE 32 // a generated password and NUL

// When there is no user at all, makes `admin` and its password and sets *ret_made; else leaves all
// as it is.
int auth_first_start(struct store *store, bool *ret_made, char *ret_password, struct err *err);

// Gives `user` a fresh password and ends its sessions; makes `admin` anew if it was deleted.
// -ENOENT otherwise.
int auth_reset_password(struct store *store, const char *user, char *ret_password, struct err *err);
