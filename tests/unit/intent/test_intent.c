// What an operator's change does, and which are refused, over a real store.
// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk.h"

#define FLEET                                                                                      \
	"{'resources':{'nodes':{'rho':{'address':'rho.example.net'},'bob':{'address':'bob."        \
	"example.net'},"                                                                           \
	"'pi0':{}},'networks':{'home':{'mesh':['rho','bob'],'links':[['rho','pi0']]}},"            \
	"'segments':{'internet':{'network':'home','mtu':1500}}},'prune':true}"

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

static void succeeds(struct desk *d, enum intent_class status)
{
	if (status != INTENT_OK)
		fail_msg("refused (%d): %s", (int)status, d->detail);
	desk_check_targets(d);
}

static void apply_fleet(struct desk *d)
{
	succeeds(d, desk_do(d, INTENT_APPLY, NULL, NULL, FLEET));
}

static void set_facts(struct desk *d, const char *node, const char *facts)
{
	json_auto_t *json = desk_json(facts);

	assert_int_equal(intent_set_facts(d->intent, desk_id(d, "nodes", node), json, NULL), 0);
}

static void an_apply_is_one_revision_and_the_same_again_none(void **state)
{
	struct desk *d = *state;

	apply_fleet(d);
	assert_int_equal(d->revision, 1);
	assert_int_equal(d->commits, 1);
	assert_int_equal(d->delta_count, 3);
	apply_fleet(d);
	assert_false(d->is_changed);
	assert_int_equal(d->revision, 1);
	assert_int_equal(d->commits, 1);
	assert_int_equal(json_array_size(d->changes), 5);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(d->changes, 0), "action")),
		"none");
}

static void a_restart_finds_everything_as_it_was(void **state)
{
	struct desk *d = *state;
	struct intent_target before, after;

	apply_fleet(d);
	set_facts(d, "bob", "{'public_key':'BOB'}");
	assert_true(desk_wait_commit(d));
	assert_true(intent_node_target(d->intent, desk_id(d, "nodes", "rho"), &before));
	desk_restart(d);
	assert_int_equal(intent_revision(d->intent), 2);
	assert_true(intent_node_target(d->intent, desk_id(d, "nodes", "rho"), &after));
	assert_string_equal(before.digest, after.digest);
	assert_int_equal(after.revision, 2);
	desk_check_targets(d);
	apply_fleet(d);
	assert_false(d->is_changed);
}

static void a_dry_run_answers_and_writes_nothing(void **state)
{
	struct desk *d = *state;
	struct intent_request request = { .verb = INTENT_APPLY,
					  .actor = "user/ada",
					  .dry_run = true,
					  .expected_revision = INTENT_ANY_REVISION };

	assert_int_equal(desk_ask(d, &request, FLEET), INTENT_OK);
	assert_true(d->is_changed);
	assert_int_equal(json_array_size(d->nodes), 3);
	assert_int_equal(intent_revision(d->intent), 0);
	assert_null(intent_find(d->intent, "nodes", "rho"));
	apply_fleet(d); // and gives what it said: the same ids and addresses
	json_auto_t *effective = intent_effective(d->intent, "networks", "home");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(effective, "pool"), 0)),
		"10.64.0.0/16");
}

static void prune_removes_only_what_the_set_applied(void **state)
{
	struct desk *d = *state;

	apply_fleet(d);
	succeeds(d, desk_do(d, INTENT_PUT, "nodes", "own", "{}"));
	assert_true(d->is_created);
	succeeds(d, desk_do(d, INTENT_APPLY, NULL, NULL,
			    "{'resources':{'nodes':{'rho':{'address':'rho.example.net'},'bob':{'"
			    "address':'bob.example.net'}},"
			    "'networks':{'home':{'mesh':['rho','bob']}},'segments':{'internet':{'"
			    "network':'home','mtu':1500}}},"
			    "'prune':true}"));
	assert_null(intent_find(d->intent, "nodes", "pi0"));
	assert_non_null(intent_find(d->intent, "nodes", "own"));
	const json_t *rho = json_object_get(d->touched, "rho");
	assert_true(json_is_null(json_object_get(rho, "wire/internet/pi0")));
}

static void every_bad_field_is_named(void **state)
{
	struct desk *d = *state;

	assert_int_equal(desk_do(d, INTENT_APPLY, NULL, NULL,
				 "{'resources':{'nodes':{'rho':{'adress':'x'},'Bad':{}},'sites':{'"
				 "p':{'lan':['10.0.0.1/8']}}}}"),
			 INTENT_INVALID);
	assert_int_equal(json_array_size(d->problems), 3);
	assert_int_equal(intent_revision(d->intent), 0);
	apply_fleet(d);
	assert_int_equal(desk_do(d, INTENT_PUT, "networks", "two", "{'mesh':['rho','bab']}"),
			 INTENT_INVALID);
	assert_string_equal(d->detail,
			    "networks.two.mesh[1]: there is no node bab, did you mean bob?");
	assert_int_equal(desk_do(d, INTENT_PUT, "segments", "s", "{'network':'nowhere'}"),
			 INTENT_INVALID);
	assert_string_equal(d->detail, "segments.s.network: there is no network nowhere");
}

static void overlaps_and_exhausted_pools_are_conflicts(void **state)
{
	struct desk *d = *state;

	apply_fleet(d);
	assert_int_equal(desk_do(d, INTENT_PUT, "sites", "p", "{'lan':['10.64.0.0/24']}"),
			 INTENT_CONFLICT);
	assert_string_equal(
		d->detail, "sites.p.lan[0]: 10.64.0.0/24 overlaps networks.home.pool 10.64.0.0/16");
	assert_int_equal(desk_do(d, INTENT_PUT, "networks", "two",
				 "{'mesh':['rho','bob','pi0'],'pool':['10.9.0.0/30']}"),
			 INTENT_CONFLICT);
	assert_int_equal(intent_revision(d->intent), 1);
	desk_check_targets(d);
	succeeds(d, desk_do(d, INTENT_PUT, "networks", "two", "{'mesh':['rho','bob']}"));
	json_auto_t *effective = intent_effective(d->intent, "networks", "two");
	assert_int_equal(json_integer_value(json_object_get(effective, "port")), 51821);
}

static void what_is_referenced_stays(void **state)
{
	struct desk *d = *state;

	apply_fleet(d);
	assert_int_equal(desk_do(d, INTENT_DELETE, "nodes", "bob", NULL), INTENT_CONFLICT);
	assert_string_equal(d->detail, "nodes.bob: still referenced by network/home");
	assert_int_equal(desk_do(d, INTENT_DELETE, "nodes", "nobody", NULL), INTENT_NOT_FOUND);
	succeeds(d, desk_do(d, INTENT_DELETE, "segments", "internet", NULL));
	succeeds(d, desk_do(d, INTENT_DELETE, "networks", "home", NULL));
	succeeds(d, desk_do(d, INTENT_DELETE, "nodes", "bob", NULL));
}

static void a_rename_takes_references_along_and_keeps_the_id(void **state)
{
	struct desk *d = *state;

	apply_fleet(d);
	succeeds(d, desk_do(d, INTENT_PUT, "links", "home.bob.rho",
			    "{'network':'home','ends':['rho','bob'],'cost':5}"));
	int64_t id = desk_id(d, "nodes", "bob");
	succeeds(d, desk_do(d, INTENT_RENAME, "nodes", "bob", "{'name':'zoe'}"));
	assert_int_equal(desk_id(d, "nodes", "zoe"), id);
	assert_non_null(intent_find(d->intent, "links", "home.rho.zoe"));
	const struct intent_resource *home = intent_find(d->intent, "networks", "home");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(home->spec, "mesh"), 1)), "zoe");
	assert_int_equal(desk_do(d, INTENT_RENAME, "nodes", "zoe", "{'name':'rho'}"),
			 INTENT_CONFLICT);
	desk_restart(d);
	assert_int_equal(desk_id(d, "nodes", "zoe"), id);
	desk_check_targets(d);
}

static void an_expected_revision_guards_a_change(void **state)
{
	struct desk *d = *state;
	struct intent_request request = { .verb = INTENT_PATCH,
					  .actor = "user/ada",
					  .kind = "nodes",
					  .name = "pi0",
					  .expected_revision = 1 };

	apply_fleet(d);
	assert_int_equal(desk_ask(d, &request, "{'comment':'attic'}"), INTENT_OK);
	assert_int_equal(desk_ask(d, &request, "{'comment':'cellar'}"), INTENT_PRECONDITION);
	request.verb = INTENT_PUT;
	request.expected_revision = INTENT_NO_RESOURCE;
	assert_int_equal(desk_ask(d, &request, "{}"), INTENT_PRECONDITION);
	request.expected_revision = INTENT_ANY_REVISION;
	assert_int_equal(desk_ask(d, &request, "{'comment':'attic'}"), INTENT_OK);
	assert_false(d->is_changed);
	assert_int_equal(intent_find(d->intent, "nodes", "pi0")->revision, 2);
}

static void facts_become_a_revision_only_if_they_matter(void **state)
{
	struct desk *d = *state;

	apply_fleet(d);
	set_facts(d, "pi0", "{'public_key':'PI0','seen_address':'198.51.100.7'}");
	assert_true(desk_wait_commit(d));
	assert_string_equal(d->actor, "node/pi0");
	assert_int_equal(d->delta_count, 1);
	assert_non_null(json_object_get(json_object_get(d->touched, "rho"), "peer/home/pi0"));
	desk_check_targets(d);
	set_facts(d, "bob", "{'local_addresses':['192.0.2.1/24']}");
	desk_idle(d, 100);
	assert_int_equal(intent_revision(d->intent), 2);
	assert_int_equal(intent_observe_peer(d->intent, desk_id(d, "nodes", "rho"), "home", "pi0",
					     "198.51.100.7:4242", 0),
			 0);
	assert_true(desk_wait_commit(d));
	assert_int_equal(intent_revision(d->intent), 3);
	desk_restart(d);
	const json_t *facts = intent_facts(d->intent, desk_id(d, "nodes", "bob"));
	assert_int_equal(json_array_size(json_object_get(facts, "local_addresses")), 1);
	desk_check_targets(d);
	json_auto_t *bad = desk_json("{'path_mtu':{'home/rho':5}}");
	assert_int_equal(intent_set_facts(d->intent, desk_id(d, "nodes", "bob"), bad, NULL),
			 -EINVAL);
}

static int refuse_hook(void *arg, struct store_tx *tx, int64_t id, struct err *err)
{
	(void)tx;
	*(int64_t *)arg = id;
	return err_set(err, -EIO, "no credential could be written");
}

static void what_the_store_refuses_never_was(void **state)
{
	struct desk *d = *state;
	int64_t id = 0;
	struct intent_request request = { .verb = INTENT_PUT,
					  .actor = "user/ada",
					  .kind = "networks",
					  .name = "two",
					  .expected_revision = INTENT_ANY_REVISION,
					  .hook = refuse_hook,
					  .hook_arg = &id };

	apply_fleet(d);
	assert_int_equal(desk_ask(d, &request, "{'mesh':['rho','bob']}"), INTENT_UNAVAILABLE);
	assert_string_equal(d->detail, "no credential could be written");
	assert_true(id > 0);
	assert_null(intent_find(d->intent, "networks", "two"));
	desk_check_targets(d);
	request.hook = NULL;
	succeeds(d, desk_ask(d, &request, "{'mesh':['rho','bob']}"));
	assert_int_equal(desk_id(d, "networks", "two"), id);
	desk_restart(d);
	desk_check_targets(d);
}

static void a_password_is_never_kept_in_a_spec(void **state)
{
	struct desk *d = *state;

	succeeds(d, desk_do(d, INTENT_PUT, "users", "eve",
			    "{'role':'viewer','password':'a long password'}"));
	assert_null(json_object_get(intent_find(d->intent, "users", "eve")->spec, "password"));
	char *changes = json_dumps(d->changes, 0);
	assert_null(strstr(changes, "a long password"));
	free(changes);
}

static void a_key_made_for_a_node_ends_with_it(void **state)
{
	struct desk *d = *state;

	apply_fleet(d);
	succeeds(d, desk_do(d, INTENT_PUT, "nodes", "own", "{}"));
	succeeds(d, desk_do(d, INTENT_PUT, "enrolment-keys", "join-own", "{'node':'own'}"));
	succeeds(d, desk_do(d, INTENT_PUT, "enrolment-keys", "any", "{}"));
	succeeds(d, desk_do(d, INTENT_DELETE, "nodes", "own", NULL));
	assert_null(intent_find(d->intent, "enrolment-keys", "join-own"));
	assert_non_null(intent_find(d->intent, "enrolment-keys", "any"));
	assert_int_equal(json_array_size(d->changes), 2);
}

static void noted(void *arg, const struct intent_answer *answer)
{
	*(enum intent_class *)arg = answer->status;
}

static void ask_for_mesh(struct desk *d, const json_t *spec, enum intent_class *ret)
{
	const struct intent_request request = { .verb = INTENT_PUT,
						.actor = "user/ada",
						.kind = "networks",
						.name = "wide",
						.body = (json_t *)(uintptr_t)spec,
						.expected_revision = INTENT_ANY_REVISION };

	assert_int_equal(intent_submit(d->intent, &request, noted, ret, NULL), 0);
}

// A mesh takes long to plan and to tell: it is done in pieces, and a stop in between leaves
// nothing.
static void a_wide_change_is_made_in_pieces(void **state)
{
	enum { NODES = 120 };
	struct desk *d = *state;
	json_auto_t *nodes = json_object();
	json_auto_t *names = json_array();
	enum intent_class status = INTENT_CONFLICT;

	for (int i = 0; i < NODES; i++) {
		json_auto_t *name = json_sprintf("n%d", i);

		(void)json_object_set_new(nodes, json_string_value(name), json_object());
		(void)json_array_append(names, name);
	}
	json_auto_t *all = json_pack("{s:{s:O}}", "resources", "nodes", nodes);
	json_auto_t *mesh = json_pack("{s:O}", "mesh", names);
	char *text = json_dumps(all, 0);
	succeeds(d, desk_do(d, INTENT_APPLY, NULL, NULL, text));
	free(text);
	for (int i = 0; i < NODES; i++) {
		char name[16], facts[64];

		(void)snprintf(name, sizeof name, "n%d", i);
		(void)snprintf(facts, sizeof facts, "{'public_key':'K%d'}", i);
		set_facts(d, name, facts);
	}
	desk_idle(d, 500);
	int64_t revision = intent_revision(d->intent);
	ask_for_mesh(d, mesh, &status);
	for (int i = 0; i < 3; i++)
		(void)uv_run(&d->loop, UV_RUN_NOWAIT);
	desk_restart(d);
	assert_int_equal(status, INTENT_UNAVAILABLE);
	assert_int_equal(intent_revision(d->intent), revision);
	assert_null(intent_find(d->intent, "networks", "wide"));
	desk_check_targets(d);
	text = json_dumps(mesh, 0);
	succeeds(d, desk_do(d, INTENT_PUT, "networks", "wide", text));
	free(text);
	assert_int_equal(d->delta_count, NODES);
	assert_int_equal(json_object_size(d->touched), NODES);
	assert_true(d->parts > 2);
	desk_restart(d);
	desk_check_targets(d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_apply_is_one_revision_and_the_same_again_none),
		TEST(a_restart_finds_everything_as_it_was),
		TEST(a_dry_run_answers_and_writes_nothing),
		TEST(prune_removes_only_what_the_set_applied),
		TEST(every_bad_field_is_named),
		TEST(overlaps_and_exhausted_pools_are_conflicts),
		TEST(what_is_referenced_stays),
		TEST(a_rename_takes_references_along_and_keeps_the_id),
		TEST(an_expected_revision_guards_a_change),
		TEST(facts_become_a_revision_only_if_they_matter),
		TEST(what_the_store_refuses_never_was),
		TEST(a_password_is_never_kept_in_a_spec),
		TEST(a_key_made_for_a_node_ends_with_it),
		TEST(a_wide_change_is_made_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
