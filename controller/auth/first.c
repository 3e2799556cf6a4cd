// The first user, and a way back in for who lost the password.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "auth/auth.h"
#include "auth/password.h"
#include "auth/secret.h"
#include "store/rows.h"

#define ADMIN      "admin"
#define ADMIN_SPEC "{\"role\":\"admin\"}"

struct rescue {
	const char *user;
	bool is_first_start; // act only when there is no user
	char hash[AUTH_HASH_SIZE];
	bool is_made;
};

static int copy_id(const struct store_row *row, void *arg, struct err *err)
{
	(void)err;
	*(int64_t *)arg = store_row_int(row, 0);
	return 1;
}

static int make_admin(struct store_tx *tx, int64_t *ret_id, struct err *err)
{
	int64_t revision = 0;
	int64_t id = 0;
	int64_t now = clock_wall_ms();
	int r = store_next_id(tx, &id, err);
	if (r == 0)
		r = store_meta_bump(tx, "revision", &revision, err);
	if (r == 0)
		r = store_exec(tx, SQL_RESOURCE_INSERT,
			       STORE_PARAMS(store_int(id), store_text("users"), store_text(ADMIN),
					    store_text(ADMIN_SPEC), store_null(),
					    store_int(revision), store_int(now)),
			       err);
	if (r < 0)
		return r;
	r = store_exec(tx, SQL_CHANGE_INSERT,
		       STORE_PARAMS(store_int(revision), store_int(0), store_int(now),
				    store_text("controller"), store_text("users"),
				    store_text(ADMIN), store_text("create"), store_null(),
				    store_text(ADMIN_SPEC), store_int(id), store_null(),
				    store_null()),
		       err);
	if (r >= 0)
		*ret_id = id;
	return r < 0 ? r : 0;
}

static int find_user(struct store_tx *tx, const struct rescue *rescue, int64_t *ret_id,
		     struct err *err)
{
	if (!rescue->is_first_start)
		return store_query(tx, SQL_RESOURCE_GET,
				   STORE_PARAMS(store_text("users"), store_text(rescue->user)),
				   copy_id, ret_id, err);
	return store_query(tx, SQL_RESOURCE_LIST,
			   STORE_PARAMS(store_text("users"), store_text(""), store_text(""),
					store_text(""), store_int(1)),
			   copy_id, ret_id, err);
}

static int rescue_write(struct store_tx *tx, void *arg, struct err *err)
{
	struct rescue *rescue = arg;
	int64_t id = 0;
	rescue->is_made = false;
	int found = find_user(tx, rescue, &id, err);
	if (found < 0)
		return found;
	if (found > 0 && rescue->is_first_start)
		return 0;
	if (found == 0 && strcmp(rescue->user, ADMIN) != 0)
		return err_set(err, -ENOENT, "there is no user %s", rescue->user);
	int r = found > 0 ? 0 : make_admin(tx, &id, err);
	if (r == 0)
		r = auth_tx_set_password(tx, id, rescue->hash, clock_wall_ms(), err);
	rescue->is_made = r == 0;
	return r;
}

static int set_fresh(struct store *store, struct rescue *rescue, char *ret_password,
		     struct err *err)
{
	char password[AUTH_PASSWORD_SIZE];
	int r = secret_password(password, err);
	if (r == 0)
		r = password_hash(password, PASSWORD_LOG_N, rescue->hash, err);
	if (r < 0)
		return r;
	struct err why = { 0 };
	if (store_transact_sync(store, NULL, rescue_write, rescue, &why) != STORE_OK) {
		if (err)
			*err = why;
		return why.code;
	}
	if (rescue->is_made)
		(void)snprintf(ret_password, AUTH_PASSWORD_SIZE, "%s", password);
	return 0;
}

static int look_for_users(struct store_tx *tx, void *arg, struct err *err)
{
	const struct rescue any = { .is_first_start = true };
	int r = find_user(tx, &any, arg, err);
	return r < 0 ? r : 0;
}

int auth_first_start(struct store *store, bool *ret_made, char *ret_password, struct err *err)
{
	struct rescue rescue = { .user = ADMIN, .is_first_start = true };
	int64_t id = 0;
	// Hashing is slow on purpose: not at every start.
	if (store_read_sync(store, look_for_users, &id, NULL) == STORE_OK && id != 0) {
		*ret_made = false;
		return 0;
	}
	int r = set_fresh(store, &rescue, ret_password, err);
	if (r == 0)
		*ret_made = rescue.is_made;
	return r;
}

int auth_reset_password(struct store *store, const char *user, char *ret_password, struct err *err)
{
	struct rescue rescue = { .user = user };
	return set_fresh(store, &rescue, ret_password, err);
}
