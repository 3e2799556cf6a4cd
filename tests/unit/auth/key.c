// Enrolment keys: each reason to refuse one has its sentence, and a refusal costs no use.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define NOW_MS 1000

static char secret[AUTH_SECRET_SIZE];
static char hash[AUTH_HASH_SIZE];

static int set_key(struct store_tx *tx, void *arg, struct err *err)
{
	return auth_tx_set_key(tx, 20, arg, 1, err);
}

static void make_key(const struct fixture *f, int64_t uses, int64_t expires_ms)
{
	struct new_resource branch = { 20, "enrolment-keys", "branch", "{\"tags\":[\"eu\"]}" };
	struct auth_key key = { .hash = hash, .uses = uses, .expires_ms = expires_ms };
	assert_int_equal(auth_key_secret_make(secret, hash, NULL), 0);
	fixture_do(f, fixture_insert, &branch);
	fixture_do(f, set_key, &key);
}

struct attempt {
	const char *name;
	const char *secret;
	bool take;
	struct auth_key_grant grant;
};

static int use_key(struct store_tx *tx, void *arg, struct err *err)
{
	struct attempt *a = arg;
	const struct auth_key_claim claim = { a->name, a->secret,
					      a->take ? AUTH_KEY_TAKE : AUTH_KEY_LOOK, NOW_MS };
	return auth_tx_use_key(tx, &claim, &a->grant, err);
}

static void accepted(const struct fixture *f, bool take)
{
	struct attempt a = { .name = "branch", .secret = secret, .take = take };
	fixture_do(f, use_key, &a);
	assert_int_equal(a.grant.id, 20);
	assert_string_equal(a.grant.spec, "{\"tags\":[\"eu\"]}");
	free(a.grant.spec);
}

static void refused(const struct fixture *f, const char *name, const char *with,
		    const char *sentence)
{
	struct attempt a = { .name = name, .secret = with, .take = true };
	struct err err = { 0 };
	assert_int_equal(store_transact_sync(f->store, NULL, use_key, &a, &err), STORE_FAILED);
	assert_int_equal(err.code, -EACCES);
	assert_string_equal(err.text, sentence);
	assert_null(a.grant.spec);
}

static void test_uses_run_out(void **state)
{
	const struct fixture *f = *state;
	make_key(f, 2, 0);
	refused(f, "branch", "guess", "the secret of enrolment key branch is wrong");
	accepted(f, false); // looking takes nothing
	accepted(f, true);
	accepted(f, true);
	refused(f, "branch", secret, "the enrolment key branch is used up");
	refused(f, "branch", "guess", "the secret of enrolment key branch is wrong");
}

static void test_unlimited(void **state)
{
	const struct fixture *f = *state;
	make_key(f, -1, 0);
	for (int i = 0; i < 5; i++)
		accepted(f, true);
}

static void test_expired(void **state)
{
	const struct fixture *f = *state;
	make_key(f, 5, NOW_MS);
	refused(f, "branch", secret, "the enrolment key branch has expired");
}

static void test_unknown(void **state)
{
	const struct fixture *f = *state;
	refused(f, "branch", "x", "there is no enrolment key branch");
}

// Made, but its secret was never stored: nothing opens it, not even nothing.
static void test_without_a_secret(void **state)
{
	const struct fixture *f = *state;
	struct new_resource branch = { 20, "enrolment-keys", "branch", "{}" };
	fixture_do(f, fixture_insert, &branch);
	refused(f, "branch", "", "the secret of enrolment key branch is wrong");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_uses_run_out), TEST(test_unlimited),        TEST(test_expired),
		TEST(test_unknown),      TEST(test_without_a_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
