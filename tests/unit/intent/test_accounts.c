// Users and tokens: who stays, what ends with whom; and the links and keys of nodes.
// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "desk.h"

static int setup(void **state)
{
	static struct desk desk;

	desk_open(&desk);
	*state = &desk;
	return 0;
}

static int teardown(void **state)
{
	desk_close(*state);
	return 0;
}

static void put(struct desk *d, const char *kind, const char *name, const char *spec)
{
	if (desk_do(d, INTENT_PUT, kind, name, spec) != INTENT_OK)
		fail_msg("%s/%s: %s", kind, name, d->detail);
}

static bool is_there(const struct desk *d, const char *token)
{
	return intent_find(d->intent, "tokens", token) != NULL;
}

static void the_last_admin_stays(void **state)
{
	struct desk *d = *state;

	put(d, "users", "ada", "{'role':'admin'}");
	put(d, "users", "bob", "{'role':'viewer'}");
	assert_int_equal(desk_do(d, INTENT_DELETE, "users", "ada", NULL), INTENT_CONFLICT);
	assert_string_equal(d->detail, "ada is the last admin: make another user admin first");
	assert_int_equal(desk_do(d, INTENT_PATCH, "users", "ada", "{'role':'viewer'}"),
			 INTENT_CONFLICT);
	assert_int_equal(desk_do(d, INTENT_RENAME, "users", "ada", "{'name':'eva'}"), INTENT_OK);
	// In one set another takes the place.
	assert_int_equal(desk_do(d, INTENT_APPLY, NULL, NULL,
				 "{'resources':{'users':{'eva':{'role':'viewer'},"
				 "'bob':{'role':'admin'}}}}"),
			 INTENT_OK);
	assert_int_equal(desk_do(d, INTENT_APPLY, NULL, NULL,
				 "{'resources':{'users':{'eva':{'role':'viewer'}}},'prune':true}"),
			 INTENT_CONFLICT);
	assert_non_null(intent_find(d->intent, "users", "bob"));
}

static void tokens_follow_their_owner(void **state)
{
	struct desk *d = *state;

	put(d, "users", "ada", "{'role':'operator'}");
	put(d, "tokens", "one", "{'role':'operator','owner':'ada'}");
	put(d, "tokens", "free", "{'role':'admin'}");
	assert_int_equal(desk_do(d, INTENT_RENAME, "users", "ada", "{'name':'eva'}"), INTENT_OK);
	const struct intent_resource *one = intent_find(d->intent, "tokens", "one");
	assert_string_equal(json_string_value(json_object_get(one->spec, "owner")), "eva");
	put(d, "users", "eva", "{'role':'operator','comment':'as before'}");
	assert_true(is_there(d, "one"));
	put(d, "users", "eva", "{'role':'viewer'}");
	assert_false(is_there(d, "one"));
	put(d, "tokens", "two", "{'role':'viewer','owner':'eva'}");
	assert_int_equal(desk_do(d, INTENT_DELETE, "users", "eva", NULL), INTENT_OK);
	assert_int_equal(json_array_size(d->changes), 2);
	assert_false(is_there(d, "two"));
	assert_true(is_there(d, "free"));
	desk_restart(d);
	assert_false(is_there(d, "two"));
}

static void a_token_is_no_more_than_its_owner(void **state)
{
	struct desk *d = *state;

	put(d, "users", "ada", "{'role':'operator'}");
	assert_int_equal(desk_do(d, INTENT_PUT, "tokens", "t", "{'role':'admin','owner':'ada'}"),
			 INTENT_INVALID);
	assert_int_equal(
		desk_do(d, INTENT_PUT, "tokens", "t", "{'role':'viewer','owner':'nobody'}"),
		INTENT_INVALID);
	put(d, "tokens", "t", "{'role':'operator','owner':'ada'}");
	// A set that has both cannot keep the token while it takes the role.
	assert_int_equal(desk_do(d, INTENT_APPLY, NULL, NULL,
				 "{'resources':{'users':{'ada':{'role':'viewer'}},'tokens':{'t':"
				 "{'role':'operator','owner':'ada'}}}}"),
			 INTENT_INVALID);
	assert_true(is_there(d, "t"));
}

static int count_link(void *arg, const char *network, const char *a, const char *b)
{
	size_t *count = arg;

	assert_string_equal(network, "home");
	assert_true(strcmp(a, b) < 0);
	return ++*count == 5;
}

static void every_link_is_seen_once(void **state)
{
	struct desk *d = *state;
	size_t count = 0;

	assert_int_equal(desk_do(d, INTENT_APPLY, NULL, NULL,
				 "{'resources':{'nodes':{'a':{},'b':{},'c':{},'d':{}},'networks':"
				 "{'home':{'mesh':['c','b','a'],'links':[['d','a'],['a','b']]}}}}"),
			 INTENT_OK);
	assert_int_equal(intent_each_link(d->intent, count_link, &count), 0);
	assert_int_equal(count, 4);
	assert_int_equal(intent_each_link(d->intent, count_link, &count), 1); // stops at the fifth
	assert_int_equal(count, 5);
}

static bool has_peer(const struct desk *d)
{
	return json_object_get(json_object_get(d->touched, "a"), "peer/home/b") != NULL;
}

static void a_key_taken_back_ends_the_peer_elsewhere(void **state)
{
	struct desk *d = *state;
	json_auto_t *key = desk_json("{'public_key':'B'}");
	json_auto_t *none = desk_json("{'public_key':null}");

	assert_int_equal(desk_do(d, INTENT_APPLY, NULL, NULL,
				 "{'resources':{'nodes':{'a':{'address':'192.0.2.1'},'b':{}},"
				 "'networks':{'home':{'mesh':['a','b']}}}}"),
			 INTENT_OK);
	assert_int_equal(intent_set_facts(d->intent, desk_id(d, "nodes", "b"), key, NULL), 0);
	assert_true(desk_wait_commit(d));
	assert_true(has_peer(d) && !json_is_null(json_object_get(json_object_get(d->touched, "a"),
								 "peer/home/b")));
	assert_int_equal(intent_set_facts(d->intent, desk_id(d, "nodes", "b"), none, NULL), 0);
	assert_true(desk_wait_commit(d));
	assert_true(has_peer(d) &&
		    json_is_null(json_object_get(json_object_get(d->touched, "a"), "peer/home/b")));
	desk_restart(d);
	assert_null(
		json_object_get(intent_facts(d->intent, desk_id(d, "nodes", "b")), "public_key"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_last_admin_stays),
		TEST(tokens_follow_their_owner),
		TEST(a_token_is_no_more_than_its_owner),
		TEST(every_link_is_seen_once),
		TEST(a_key_taken_back_ends_the_peer_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
