// Roles, limits, hashes and secrets: no store, no loop.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limit.h"

#include "auth/password.h"
#include "auth/secret.h"

static void test_roles(void **state)
{
	(void)state;
	static const struct {
		enum auth_role role;
		enum auth_method method;
		const char *kind;
		bool is_allowed;
	} table[] = {
		{ AUTH_ROLE_NONE, AUTH_READ, "nodes", false },
		{ AUTH_ROLE_VIEWER, AUTH_READ, "nodes", true },
		{ AUTH_ROLE_VIEWER, AUTH_WRITE, "nodes", false },
		{ AUTH_ROLE_VIEWER, AUTH_WRITE, "apply", false },
		{ AUTH_ROLE_OPERATOR, AUTH_WRITE, "nodes", true },
		{ AUTH_ROLE_OPERATOR, AUTH_WRITE, "apply", true },
		{ AUTH_ROLE_OPERATOR, AUTH_WRITE, "some-later-kind", true },
		{ AUTH_ROLE_OPERATOR, AUTH_WRITE, "users", false },
		{ AUTH_ROLE_OPERATOR, AUTH_WRITE, "tokens", false },
		{ AUTH_ROLE_VIEWER, AUTH_WRITE_OWN, "tokens", true },
		{ AUTH_ROLE_VIEWER, AUTH_WRITE_OWN, "nodes", false },
		{ AUTH_ROLE_OPERATOR, AUTH_WRITE_OWN, "nodes", true },
		{ AUTH_ROLE_OPERATOR, AUTH_WRITE_OWN, "users", false },
		{ AUTH_ROLE_OPERATOR, AUTH_WRITE_OWN, "secrets", false },
		{ AUTH_ROLE_OPERATOR, AUTH_WRITE, "secrets", false },
		{ AUTH_ROLE_OPERATOR, AUTH_WRITE, "enrolment-keys", false },
		{ AUTH_ROLE_OPERATOR, AUTH_WRITE, "revoke", false },
		{ AUTH_ROLE_ADMIN, AUTH_WRITE, "users", true },
		{ AUTH_ROLE_ADMIN, AUTH_WRITE, "secrets", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct auth_identity who = { .role = table[i].role, .actor = "user/x" };
		struct err err = { 0 };
		int r = auth_allow(&who, table[i].method, table[i].kind, &err);
		assert_int_equal(r, table[i].is_allowed ? 0 : -EPERM);
		assert_int_equal(err.text[0] != '\0', !table[i].is_allowed);
	}
	assert_int_equal(auth_role_parse("operator"), AUTH_ROLE_OPERATOR);
	assert_int_equal(auth_role_parse("none"), AUTH_ROLE_NONE);
	assert_int_equal(auth_role_parse("root"), AUTH_ROLE_NONE);
	assert_int_equal(auth_role_parse(NULL), AUTH_ROLE_NONE);
}

static void test_scopes(void **state)
{
	(void)state;
	static const struct {
		const char *scope;
		enum auth_method method;
		const char *kind;
		bool is_allowed;
	} table[] = {
		{ "read", AUTH_READ, "nodes", true },    { "read", AUTH_WRITE, "nodes", false },
		{ "nodes", AUTH_READ, "nodes", true },   { "nodes", AUTH_WRITE, "nodes", true },
		{ "nodes", AUTH_WRITE, "sites", false }, { "nodes", AUTH_READ, "sites", false },
		{ "users", AUTH_WRITE, "users", false }, // a scope never gives what the role does
							 // not
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct auth_identity who = { .role = AUTH_ROLE_OPERATOR, .scope_count = 1 };
		(void)snprintf(who.scopes[0], AUTH_SCOPE_SIZE, "%s", table[i].scope);
		assert_int_equal(auth_allow(&who, table[i].method, table[i].kind, NULL),
				 table[i].is_allowed ? 0 : -EPERM);
	}
}

static void test_limit(void **state)
{
	(void)state;
	CLEAN(limit_free_ptr) struct limit *limit = limit_new(3, 1000);
	for (int i = 0; i < 3; i++)
		assert_true(limit_take(limit, "192.0.2.1", 10));
	assert_false(limit_take(limit, "192.0.2.1", 10));
	assert_false(limit_take(limit, "192.0.2.1", 1009));
	assert_true(limit_take(limit, "192.0.2.2", 10));
	assert_true(limit_take(limit, "192.0.2.1", 1010));
	assert_false(limit_take(limit, "192.0.2.1", 1011));
	limit_give(limit, "192.0.2.1", 1011);
	assert_true(limit_take(limit, "192.0.2.1", 1011));
	for (int i = 0; i < 3; i++)
		assert_true(limit_take(limit, "192.0.2.1", 100000));
	assert_false(limit_take(limit, "192.0.2.1", 100000));
}

// A flood of other names uses no more memory, and does not set a spent name free.
static void test_limit_under_a_flood(void **state)
{
	(void)state;
	CLEAN(limit_free_ptr) struct limit *limit = limit_new(3, 1000000);
	char name[32];
	for (int i = 0; i < 3; i++)
		assert_true(limit_take(limit, "victim", 0));
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(name, sizeof name, "flood-%d", i);
		(void)limit_take(limit, name, 1);
	}
	assert_false(limit_take(limit, "victim", 2));
}

static void test_passwords(void **state)
{
	(void)state;
	char hash[AUTH_HASH_SIZE];
	char again[AUTH_HASH_SIZE];
	assert_int_equal(password_hash("correct horse", 10, hash, NULL), 0);
	assert_int_equal(password_hash("correct horse", 10, again, NULL), 0);
	assert_string_not_equal(hash, again);
	assert_true(password_fits("correct horse", hash, 10));
	assert_true(password_fits("correct horse", again, 10));
	assert_true(password_fits("correct horse", hash, 12)); // the hash's own cost counts
	assert_false(password_fits("correct horsf", hash, 10));
	assert_false(password_fits("", hash, 10));
	assert_false(password_fits("correct horse", NULL, 10));
	assert_false(password_fits("correct horse", "", 10));
	assert_false(password_fits("correct horse", "scrypt$10$8$3$salt", 10));
	assert_false(password_fits("correct horse", "scrypt$63$8$3$c2FsdA$a2V5", 10));
	struct err err = { 0 };
	assert_int_equal(password_hash("short", 10, hash, &err), -EINVAL);
	assert_string_equal(err.text, "password: has 5 characters, not 8 to 256");
}

static void test_secrets(void **state)
{
	(void)state;
	char token[AUTH_SECRET_SIZE];
	char hash[AUTH_HASH_SIZE];
	char other[AUTH_SECRET_SIZE];
	assert_int_equal(auth_token_make(token, hash, NULL), 0);
	assert_int_equal(strncmp(token, "weftt_", 6), 0);
	assert_int_equal(strlen(token), 6 + 43);
	assert_int_equal(strlen(hash), 64);
	assert_int_equal(auth_token_make(other, hash, NULL), 0);
	assert_string_not_equal(token, other);
	secret_hash("abc", hash);
	assert_string_equal(hash,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(secret_equal("abc", "abc"));
	assert_false(secret_equal("abc", "abd"));
	assert_false(secret_equal("abc", "ab"));
	char password[AUTH_PASSWORD_SIZE];
	assert_int_equal(secret_password(password, NULL), 0);
	assert_int_equal(strlen(password), 23);
	assert_int_equal(strspn(password, "abcdefghjkmnpqrstuvwxyz23456789-"), 23);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),     cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_limit),     cmocka_unit_test(test_limit_under_a_flood),
		cmocka_unit_test(test_passwords), cmocka_unit_test(test_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
