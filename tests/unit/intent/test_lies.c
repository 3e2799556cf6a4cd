// What a node in hostile hands can bring about for others by what it reports.
// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "desk.h"

// pi roams and has links with three public nodes; eve is public too, but no neighbour of pi's.
#define FLEET                                                                                      \
	"{'resources':{'nodes':{'ann':{'address':'192.0.2.1'},'ben':{'address':'192.0.2.2'},"      \
	"'cat':{'address':'192.0.2.3'},'eve':{'address':'192.0.2.66'},'pi':{}},"                   \
	"'networks':{'home':{'mesh':['ann','ben','cat'],'links':[['ann','pi'],['ben','pi'],"       \
	"['cat','pi'],['ann','eve']]}}}}"

static int setup(void **state)
{
	static struct desk desk;

	desk_open(&desk);
	*state = &desk;
	assert_int_equal(desk_do(&desk, INTENT_APPLY, NULL, NULL, FLEET), INTENT_OK);
	return 0;
}

static int teardown(void **state)
{
	desk_close(*state);
	return 0;
}

static int say(struct desk *d, const char *observer, const char *network, const char *endpoint)
{
	return intent_observe_peer(d->intent, desk_id(d, "nodes", observer), network, "pi",
				   endpoint, 0);
}

static int set_facts(struct desk *d, const char *node, const char *facts, struct err *err)
{
	json_auto_t *json = desk_json(facts);

	return intent_set_facts(d->intent, desk_id(d, "nodes", node), json, err);
}

static void assert_believed(struct desk *d, const char *endpoint)
{
	const json_t *facts = intent_facts(d->intent, desk_id(d, "nodes", "pi"));
	const json_t *all = json_object_get(facts, "endpoints");

	if (endpoint)
		assert_string_equal(json_string_value(json_object_get(all, "home")), endpoint);
	else
		assert_null(json_object_get(all, "home"));
	assert_true(json_object_size(all) <= 1);
}

// So that what the planner knows of pi's addresses is what its facts say.
static void pi_speaks_from(struct desk *d, const char *address)
{
	char facts[128];

	(void)snprintf(facts, sizeof facts, "{'public_key':'PI','seen_address':'%s'}", address);
	assert_int_equal(set_facts(d, "pi", facts, NULL), 0);
	assert_true(desk_wait_commit(d));
}

static void only_neighbours_are_heard(void **state)
{
	struct desk *d = *state;

	assert_int_equal(say(d, "eve", "home", "203.0.113.66:1"), -ENOENT);
	assert_int_equal(say(d, "ann", "other", "203.0.113.66:1"), -ENOENT);
	assert_int_equal(say(d, "pi", "home", "203.0.113.66:1"), -ENOENT);
	assert_int_equal(
		intent_observe_peer(d->intent, desk_id(d, "nodes", "eve"), "home", "pi", NULL, 600),
		-ENOENT);
	assert_believed(d, NULL);
	assert_int_equal(say(d, "ann", "home", "198.51.100.7:4242"), 0);
	assert_believed(d, "198.51.100.7:4242");
}

static void only_places_are_endpoints(void **state)
{
	struct desk *d = *state;

	assert_int_equal(say(d, "ann", "home", "evil.example.net:51820"), -EINVAL);
	assert_int_equal(say(d, "ann", "home", "198.51.100.7"), -EINVAL);
	assert_int_equal(say(d, "ann", "home", "nonsense nonsense"), -EINVAL);
	assert_believed(d, NULL);
}

static void who_agrees_with_the_node_itself_is_believed(void **state)
{
	struct desk *d = *state;

	pi_speaks_from(d, "198.51.100.7");
	assert_int_equal(say(d, "ann", "home", "198.51.100.7:4242"), 0);
	assert_int_equal(say(d, "ben", "home", "203.0.113.66:1"), 0);
	assert_int_equal(say(d, "cat", "home", "203.0.113.66:1"), 0);
	assert_believed(d, "198.51.100.7:4242");
}

static void one_voice_does_not_outvote_two(void **state)
{
	struct desk *d = *state;

	// As where the controller sits behind the same NAT: nothing of pi's own agrees with either.
	pi_speaks_from(d, "10.0.0.5");
	assert_int_equal(say(d, "ann", "home", "203.0.113.66:1"), 0);
	assert_believed(d, "203.0.113.66:1");
	assert_int_equal(say(d, "ben", "home", "198.51.100.7:4242"), 0);
	assert_int_equal(say(d, "cat", "home", "198.51.100.7:4242"), 0);
	assert_believed(d, "198.51.100.7:4242");
	for (int i = 0; i < 50; i++) {
		char lie[64];

		(void)snprintf(lie, sizeof lie, "203.0.113.66:%d", i + 2);
		assert_int_equal(say(d, "ann", "home", lie), 0);
	}
	assert_believed(d, "198.51.100.7:4242");
}

static void a_restart_forgets_no_honest_word(void **state)
{
	struct desk *d = *state;

	pi_speaks_from(d, "198.51.100.7");
	assert_int_equal(say(d, "ben", "home", "198.51.100.7:4242"), 0);
	assert_true(desk_wait_commit(d));
	desk_restart(d);
	assert_int_equal(say(d, "ann", "home", "203.0.113.66:1"), 0);
	assert_believed(d, "198.51.100.7:4242");
	// It moved: the same observer says so, and the node itself agrees.
	assert_int_equal(set_facts(d, "pi", "{'seen_address':'198.51.100.99'}", NULL), 0);
	desk_idle(d, 200); // noted, but no revision: nobody gets another entry for it
	assert_int_equal(say(d, "ben", "home", "198.51.100.99:7"), 0);
	assert_believed(d, "198.51.100.99:7");
}

static void what_nobody_agrees_with_is_tried_last(void **state)
{
	struct desk *d = *state;

	assert_int_equal(set_facts(d, "pi",
				   "{'public_key':'PI','seen_address':'198.51.100.7',"
				   "'local_addresses':['198.51.100.7/24']}",
				   NULL),
			 0);
	assert_int_equal(say(d, "ann", "home", "203.0.113.66:1"), 0);
	assert_true(desk_wait_commit(d));
	const char *body = json_string_value(
		json_object_get(json_object_get(d->touched, "ben"), "peer/home/pi"));
	assert_non_null(body);
	assert_non_null(strstr(body, "[\"198.51.100.7:51820\",\"203.0.113.66:1\"]"));
}

static void nobody_takes_anothers_key(void **state)
{
	struct desk *d = *state;
	struct err err = { 0 };

	pi_speaks_from(d, "198.51.100.7");
	assert_int_equal(set_facts(d, "eve", "{'public_key':'PI'}", &err), -EEXIST);
	assert_non_null(strstr(err.text, "nodes/pi"));
	assert_null(
		json_object_get(intent_facts(d->intent, desk_id(d, "nodes", "eve")), "public_key"));
	assert_int_equal(intent_key_owner(d->intent, "PI", 0), desk_id(d, "nodes", "pi"));
	assert_int_equal(intent_key_owner(d->intent, "PI", desk_id(d, "nodes", "pi")), 0);
	// Its own it may tell as often as it likes, and another may have it once it is free.
	assert_int_equal(set_facts(d, "pi", "{'public_key':'PI'}", NULL), 0);
	assert_int_equal(set_facts(d, "pi", "{'public_key':'PI2'}", NULL), 0);
	assert_int_equal(set_facts(d, "eve", "{'public_key':'PI'}", NULL), 0);
}

// The desk gathers facts for 20 ms: without a bound each round would be a revision.
static void who_changes_all_the_time_is_slowed_down_and_nobody_else(void **state)
{
	struct desk *d = *state;
	int64_t before = intent_revision(d->intent);
	char facts[64];

	for (int i = 0; i < 60; i++) {
		(void)snprintf(facts, sizeof facts, "{'public_key':'EVE%d'}", i);
		assert_int_equal(set_facts(d, "eve", facts, NULL), 0);
		desk_idle(d, 45);
	}
	int64_t made = intent_revision(d->intent) - before;
	assert_in_range(made, 2, 32);
	pi_speaks_from(d, "198.51.100.7");
	assert_string_equal(d->actor, "node/pi");
}

static void reporting_every_prefix_keeps_nobody_from_a_pool(void **state)
{
	struct desk *d = *state;

	assert_int_equal(set_facts(d, "eve",
				   "{'local_addresses':['10.0.0.1/8','172.16.0.1/12',"
				   "'100.64.0.1/10','192.168.0.1/16']}",
				   NULL),
			 0);
	desk_idle(d, 100);
	assert_int_equal(desk_do(d, INTENT_PUT, "networks", "two", "{'mesh':['ann','ben']}"),
			 INTENT_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_neighbours_are_heard),
		TEST(only_places_are_endpoints),
		TEST(who_agrees_with_the_node_itself_is_believed),
		TEST(one_voice_does_not_outvote_two),
		TEST(a_restart_forgets_no_honest_word),
		TEST(what_nobody_agrees_with_is_tried_last),
		TEST(nobody_takes_anothers_key),
		TEST(who_changes_all_the_time_is_slowed_down_and_nobody_else),
		TEST(reporting_every_prefix_keeps_nobody_from_a_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
