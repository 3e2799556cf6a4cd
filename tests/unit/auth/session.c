// Signing in and out, what ends a session, tokens, the first start and the rescue.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "fixture.h"

static char cookie[128];

static const char *cookie_of(const struct auth_login *login)
{
	(void)snprintf(cookie, sizeof cookie, "theme=dark; " AUTH_COOKIE_NAME "=%s; x=y",
		       login->session);
	return cookie;
}

// 0 or the error code of a reading request with this session.
static int check(const struct fixture *f, const struct auth_login *login, int64_t now_ms)
{
	struct auth_identity who;
	const struct auth_credentials c = { .cookie = cookie_of(login) };
	return auth_check(f->auth, &c, now_ms, &who, NULL);
}

static struct auth_login sign_in(struct fixture *f, const char *user, const char *password)
{
	struct auth_login login = { 0 };
	assert_int_equal(fixture_login(f, user, password, &login), 0);
	return login;
}

static void test_sign_in(void **state)
{
	struct fixture *f = *state;
	struct auth_login login = sign_in(f, "admin", "admin-password");
	struct auth_identity who;
	const struct auth_credentials c = { .cookie = cookie_of(&login) };
	assert_int_equal(auth_check(f->auth, &c, clock_wall_ms(), &who, NULL), 0);
	assert_string_equal(who.actor, "user/admin");
	assert_int_equal(who.role, AUTH_ROLE_ADMIN);
	assert_true(who.is_session);
	assert_string_equal(who.csrf, login.identity.csrf);
	assert_string_not_equal(who.csrf, login.session);
	CLEAN(free_ptr) char *header = auth_set_cookie(f->auth, login.session);
	assert_non_null(
		strstr(header, "; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=604800"));
}

static void test_wrong_answers(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_login(f, "admin", "olga-password", NULL), -EACCES);
	assert_int_equal(fixture_login(f, "nobody", "admin-password", NULL), -EACCES);
	assert_int_equal(fixture_login(f, "", "", NULL), -EACCES);
	struct auth_login none = { .session = "AAAA" };
	assert_int_equal(check(f, &none, clock_wall_ms()), -EACCES);
	struct auth_identity who;
	assert_int_equal(auth_check(f->auth, &(struct auth_credentials){ 0 }, 1, &who, NULL),
			 -EACCES);
}

static void test_csrf(void **state)
{
	struct fixture *f = *state;
	struct auth_login login = sign_in(f, "olga", "olga-password");
	struct auth_identity who;
	struct auth_credentials c = { .cookie = cookie_of(&login), .is_write = true };
	assert_int_equal(auth_check(f->auth, &c, clock_wall_ms(), &who, NULL), -EPERM);
	c.csrf = "wrong";
	assert_int_equal(auth_check(f->auth, &c, clock_wall_ms(), &who, NULL), -EPERM);
	c.csrf = login.identity.csrf;
	assert_int_equal(auth_check(f->auth, &c, clock_wall_ms(), &who, NULL), 0);
}

static void test_expiry(void **state)
{
	struct fixture *f = *state;
	struct auth_login login = sign_in(f, "olga", "olga-password");
	int64_t now = clock_wall_ms();
	assert_int_equal(check(f, &login, now + DAY_MS / 2 + 1000), -EACCES); // idle
	for (int64_t at = now; at < now + 6 * DAY_MS; at += DAY_MS / 3)
		assert_int_equal(check(f, &login, at), 0);
	for (int64_t at = now + 6 * DAY_MS; at < now + 7 * DAY_MS; at += DAY_MS / 3)
		(void)check(f, &login, at);
	assert_int_equal(check(f, &login, now + 7 * DAY_MS + 1000), -EACCES); // absolute
}

static void test_sessions_survive_a_restart(void **state)
{
	struct fixture *f = *state;
	struct auth_login login = sign_in(f, "olga", "olga-password");
	struct auth *again = NULL;
	assert_int_equal(auth_new(&f->loop, f->store, NULL, &again, NULL), 0);
	auth_free(f->auth);
	f->auth = again;
	assert_int_equal(check(f, &login, clock_wall_ms()), 0);
}

static void test_too_many_attempts(void **state)
{
	struct fixture *f = *state;
	int code = 0;
	int tries = 0;
	while ((code = fixture_login(f, "admin", "wrong-password", NULL)) == -EACCES)
		tries++;
	assert_int_equal(code, -EBUSY);
	assert_int_equal(tries, 10);
	assert_int_equal(fixture_login(f, "admin", "admin-password", NULL), -EBUSY);
}

static void test_good_logins_are_not_limited(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 15; i++)
		assert_int_equal(fixture_login(f, "admin", "admin-password", NULL), 0);
}

// ---- what ends a session ----

static void mark(void *arg)
{
	*(bool *)arg = true;
}

static void test_sign_out(void **state)
{
	struct fixture *f = *state;
	struct auth_login login = sign_in(f, "olga", "olga-password");
	bool is_done = false;
	auth_logout(f->auth, cookie_of(&login), mark, &is_done);
	assert_int_equal(check(f, &login, clock_wall_ms()), -EACCES);
	while (!is_done)
		(void)uv_run(&f->loop, UV_RUN_ONCE);
	fixture_reload(f);
	assert_int_equal(check(f, &login, clock_wall_ms()), -EACCES);
}

static int demote_olga(struct store_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	int r = store_exec(tx, SQL_RESOURCE_UPDATE,
			   STORE_PARAMS(store_int(2), store_text("{\"role\":\"viewer\"}"),
					store_null(), store_int(2), store_int(2)),
			   err);
	return r < 0 ? r : 0;
}

static int delete_olga(struct store_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	int r = store_exec(tx, SQL_RESOURCE_DELETE, STORE_PARAMS(store_int(2)), err);
	return r < 0 ? r : 0;
}

static void ends_only_olga(struct fixture *f, store_fn *fn)
{
	struct auth_login olga = sign_in(f, "olga", "olga-password");
	struct auth_login admin = sign_in(f, "admin", "admin-password");
	fixture_do(f, fn, NULL);
	fixture_reload(f);
	assert_int_equal(check(f, &olga, clock_wall_ms()), -EACCES);
	assert_int_equal(check(f, &admin, clock_wall_ms()), 0);
}

static void test_another_role_ends_it(void **state)
{
	ends_only_olga(*state, demote_olga);
}

static void test_deleting_the_user_ends_it(void **state)
{
	ends_only_olga(*state, delete_olga);
	assert_int_equal(fixture_login(*state, "olga", "olga-password", NULL), -EACCES);
}

// As `weft-controller reset-password` does, in another process: nobody calls auth_reload.
static void test_a_reset_elsewhere_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct auth_login olga = sign_in(f, "olga", "olga-password");
	struct store *other = NULL;
	char password[AUTH_PASSWORD_SIZE];
	assert_int_equal(store_open(NULL, f->db, &other, NULL), 0);
	assert_int_equal(auth_reset_password(other, "olga", password, NULL), 0);
	struct err err = { 0 };
	assert_int_equal(auth_reset_password(other, "igor", password, &err), -ENOENT);
	assert_string_equal(err.text, "there is no user igor");
	store_free(other);
	int64_t deadline = clock_mono_ms() + 10000;
	while (check(f, &olga, clock_wall_ms()) == 0 && clock_mono_ms() < deadline)
		(void)uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(check(f, &olga, clock_wall_ms()), -EACCES);
	assert_int_equal(fixture_login(f, "olga", "olga-password", NULL), -EACCES);
	assert_int_equal(fixture_login(f, "olga", password, NULL), 0);
}

// ---- tokens ----

static struct new_resource ci = { 10, "tokens", "ci",
				  "{\"role\":\"operator\",\"scopes\":[\"read\",\"nodes\"]}" };

struct new_token {
	const char *hash;
	int64_t expires_ms;
};

static int set_token(struct store_tx *tx, void *arg, struct err *err)
{
	const struct new_token *n = arg;
	return auth_tx_set_token(tx, 10, n->hash, n->expires_ms, 1, err);
}

static int check_token(const struct fixture *f, const char *token, struct auth_identity *who)
{
	char header[128];
	(void)snprintf(header, sizeof header, "Bearer %s", token);
	const struct auth_credentials c = { .authorization = header, .is_write = true };
	return auth_check(f->auth, &c, 1000, who, NULL);
}

static void test_tokens(void **state)
{
	struct fixture *f = *state;
	char token[AUTH_SECRET_SIZE];
	char hash[AUTH_HASH_SIZE];
	struct auth_identity who;
	assert_int_equal(auth_token_make(token, hash, NULL), 0);
	fixture_do(f, fixture_insert, &ci);
	fixture_do(f, set_token, &(struct new_token){ hash, 0 });
	fixture_reload(f);
	assert_int_equal(check_token(f, token, &who), 0);
	assert_string_equal(who.actor, "token/ci");
	assert_false(who.is_session);
	assert_int_equal(auth_allow(&who, AUTH_WRITE, "nodes", NULL), 0);
	assert_int_equal(auth_allow(&who, AUTH_READ, "sites", NULL), 0);
	assert_int_equal(auth_allow(&who, AUTH_WRITE, "sites", NULL), -EPERM);
	assert_int_equal(check_token(f, hash, &who),
			 -EACCES); // what the database holds opens nothing
	assert_int_equal(check_token(f, "", &who), -EACCES);
	fixture_do(f, set_token, &(struct new_token){ hash, 999 });
	fixture_reload(f);
	assert_int_equal(check_token(f, token, &who), -EACCES);
}

static void test_other_authorizations(void **state)
{
	struct fixture *f = *state;
	struct auth_login login = sign_in(f, "olga", "olga-password");
	struct auth_identity who;
	const struct auth_credentials c = { .cookie = cookie_of(&login),
					    .authorization = "Basic YTpi" };
	assert_int_equal(auth_check(f->auth, &c, clock_wall_ms(), &who, NULL), -EACCES);
}

// ---- the first user ----

static int delete_admin(struct store_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	int r = store_exec(tx, SQL_RESOURCE_DELETE, STORE_PARAMS(store_int(1)), err);
	return r < 0 ? r : 0;
}

static int ids_from_100(struct store_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	int r = store_exec(tx, SQL_META_PUT, STORE_PARAMS(store_text("last_id"), store_text("100")),
			   err);
	return r < 0 ? r : 0;
}

static void test_first_start(void **state)
{
	struct fixture *f = *state;
	bool is_made = false;
	char password[AUTH_PASSWORD_SIZE] = "";
	assert_int_equal(auth_first_start(f->store, &is_made, password, NULL), 0);
	assert_false(is_made);
	assert_string_equal(password, "");
	fixture_do(f, ids_from_100, NULL);
	fixture_do(f, delete_olga, NULL);
	fixture_do(f, delete_admin, NULL);
	assert_int_equal(auth_first_start(f->store, &is_made, password, NULL), 0);
	assert_true(is_made);
	fixture_reload(f);
	assert_int_equal(fixture_login(f, "admin", "admin-password", NULL), -EACCES);
	struct auth_login login = sign_in(f, "admin", password);
	assert_int_equal(login.identity.resource_id, 101);
	assert_int_equal(auth_first_start(f->store, &is_made, password, NULL), 0);
	assert_false(is_made);
}

static void test_a_deleted_admin_comes_back(void **state)
{
	struct fixture *f = *state;
	char password[AUTH_PASSWORD_SIZE];
	fixture_do(f, ids_from_100, NULL);
	fixture_do(f, delete_admin, NULL);
	assert_int_equal(auth_reset_password(f->store, "admin", password, NULL), 0);
	fixture_reload(f);
	assert_int_equal(sign_in(f, "admin", password).identity.role, AUTH_ROLE_ADMIN);
}

// Closing while a login is under way answers it and leaks nothing.
static void on_cut_off(void *arg, const struct auth_login *login, const struct err *err)
{
	assert_null(login);
	*(int *)arg = err->code;
}

static void test_closing_answers_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	struct auth *second = NULL;
	int code = 0;
	assert_int_equal(auth_new(&f->loop, f->store, NULL, &second, NULL), 0);
	auth_login(second, "admin", "admin-password", "192.0.2.1", on_cut_off, &code);
	auth_free(second);
	while (code == 0)
		(void)uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(code, -ESHUTDOWN);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sign_in),
		TEST(test_wrong_answers),
		TEST(test_csrf),
		TEST(test_expiry),
		TEST(test_sessions_survive_a_restart),
		TEST(test_too_many_attempts),
		TEST(test_good_logins_are_not_limited),
		TEST(test_sign_out),
		TEST(test_another_role_ends_it),
		TEST(test_deleting_the_user_ends_it),
		TEST(test_a_reset_elsewhere_is_noticed),
		TEST(test_tokens),
		TEST(test_other_authorizations),
		TEST(test_first_start),
		TEST(test_a_deleted_admin_comes_back),
		TEST(test_closing_answers_what_is_under_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
