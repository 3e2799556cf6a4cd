// Inside of auth, shared by auth.c (checks, reloads) and login.c (work that takes time).
#pragma once

#include <uv.h>

#include "base/limit.h"

#include "auth/auth.h"
#include "auth/tables.h"

struct auth {
	uv_loop_t *loop;
	struct store *store;
	struct auth_settings settings;
	struct auth_tables *tables;
	struct limit *by_source; // failed logins
	struct limit *by_user;
	struct login_job *logins; // whose passwords are being hashed, or wait for it
	struct map *known;        // "source user" of those who signed in well
	uv_timer_t watch;
	bool is_polling;
	unsigned refs; // the owner, the timer, every job under way
	bool is_closing;
};

void auth_unref(struct auth *auth);

// The session of a Cookie header, or NULL; `ret_hash` has SECRET_HASH_SIZE bytes and is set when a
// cookie was there.
struct auth_session *auth_find_session(const struct auth *auth, const char *cookie, char *ret_hash);

void auth_identity_of(const struct auth_user *user, const struct auth_session *session,
		      struct auth_identity *ret_identity);
