#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/password.h"

int fixture_insert(struct store_tx *tx, void *arg, struct err *err)
{
	const struct new_resource *n = arg;
	int r = store_exec(tx, SQL_RESOURCE_INSERT,
			   STORE_PARAMS(store_int(n->id), store_text(n->kind), store_text(n->name),
					store_text(n->spec), store_null(), store_int(1),
					store_int(1)),
			   err);
	return r < 0 ? r : 0;
}

void fixture_do(const struct fixture *f, store_fn *fn, void *arg)
{
	struct err err = { 0 };
	if (store_transact_sync(f->store, NULL, fn, arg, &err) != STORE_OK)
		fail_msg("%s", err.text);
}

struct new_password {
	int64_t id;
	const char *password;
};

static int set_password(struct store_tx *tx, void *arg, struct err *err)
{
	const struct new_password *n = arg;
	char hash[AUTH_HASH_SIZE];
	assert_int_equal(password_hash(n->password, 10, hash, err), 0);
	return auth_tx_set_password(tx, n->id, hash, 1, err);
}

static void add_user(const struct fixture *f, int64_t id, const char *name, const char *role)
{
	char spec[64];
	char password[64];
	(void)snprintf(spec, sizeof spec, "{\"role\":\"%s\"}", role);
	(void)snprintf(password, sizeof password, "%s-password", name);
	fixture_do(f, fixture_insert, &(struct new_resource){ id, "users", name, spec });
	fixture_do(f, set_password, &(struct new_password){ id, password });
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	(void)snprintf(f->dir, sizeof f->dir, "/tmp/weft-auth.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->db, sizeof f->db, "%s/weft.db", f->dir);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_int_equal(store_open(&f->loop, f->db, &f->store, NULL), 0);
	add_user(f, 1, "admin", "admin");
	add_user(f, 2, "olga", "operator");
	const struct auth_settings settings = { .scrypt_log_n = 10 };
	assert_int_equal(auth_new(&f->loop, f->store, &settings, &f->auth, NULL), 0);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	auth_free(f->auth);
	store_free(f->store);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void note(void *arg)
{
	*(bool *)arg = true;
}

void fixture_reload(struct fixture *f)
{
	bool is_done = false;
	auth_reload(f->auth, note, &is_done);
	while (!is_done)
		(void)uv_run(&f->loop, UV_RUN_ONCE);
}

struct answer {
	bool is_there;
	int code;
	struct auth_login login;
};

static void on_login(void *arg, const struct auth_login *login, const struct err *err)
{
	struct answer *answer = arg;
	answer->is_there = true;
	answer->code = err->code;
	if (login)
		answer->login = *login;
}

int fixture_login(struct fixture *f, const char *user, const char *password,
		  struct auth_login *ret_login)
{
	struct answer answer = { 0 };
	auth_login(f->auth, user, password, "192.0.2.1", on_login, &answer);
	while (!answer.is_there)
		(void)uv_run(&f->loop, UV_RUN_ONCE);
	if (ret_login && answer.code == 0)
		*ret_login = answer.login;
	return answer.code;
}
