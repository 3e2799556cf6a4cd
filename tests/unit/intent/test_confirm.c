// Revisions that are undone unless confirmed, and past ones brought back, over a real store.
// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "desk.h"

#define FLEET                                                                                      \
	"{'resources':{'nodes':{'rho':{'address':'rho.example.net'},'bob':{'address':'bob."        \
	"example.net'}},'networks':{'home':{'mesh':['rho','bob']}},"                               \
	"'segments':{'internet':{'network':'home','mtu':1500}}},'prune':true}"

static char news[200];

static void hear(void *arg, enum intent_news what, const struct intent_confirmation *of,
		 const char *actor, const char *detail)
{
	static const char *const names[] = { "waits", "confirmed", "undone", "stuck" };
	size_t len = strlen(news);

	(void)arg;
	(void)detail;
	(void)snprintf(news + len, sizeof news - len, "%s%s %lld by %s", len ? ", " : "",
		       names[what], (long long)of->revision, actor);
}

static int setup(void **state)
{
	static struct desk desk;

	news[0] = '\0';
	desk_open(&desk);
	intent_listen_confirmation(desk.intent, hear, NULL);
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

static void refused(struct desk *d, enum intent_class status, const char *part)
{
	assert_int_equal(status, INTENT_CONFLICT);
	if (!strstr(d->detail, part))
		fail_msg("not \"%s\": %s", part, d->detail);
}

static enum intent_class apply_waiting(struct desk *d, const char *body, int64_t ms)
{
	struct intent_request request = { .verb = INTENT_APPLY,
					  .actor = "user/ada",
					  .expected_revision = INTENT_ANY_REVISION,
					  .confirm_ms = ms };

	return desk_ask(d, &request, body);
}

static enum intent_class settle(struct desk *d, enum intent_verb verb, const char *body)
{
	return desk_do(d, verb, NULL, NULL, body);
}

// The whole intent as text, without revisions and times.
static bool add_resource(void *arg, const struct intent_resource *r)
{
	char *spec = json_dumps(r->spec, JSON_SORT_KEYS);
	size_t len = strlen(arg);

	(void)snprintf((char *)arg + len, 4000 - len, "%s/%s#%lld %s %s\n", r->kind, r->name,
		       (long long)r->id, r->set ? r->set : "-", spec);
	free(spec);
	return true;
}

static void snapshot(struct desk *d, char ret[4000])
{
	static const char *const all[] = { "nodes", "sites", "networks", "links", "segments" };

	ret[0] = '\0';
	for (size_t i = 0; i < 5; i++)
		intent_list(d->intent, all[i], NULL, add_resource, ret);
}

static void assert_as(struct desk *d, const char *before)
{
	char now[4000];

	snapshot(d, now);
	assert_string_equal(now, before);
	desk_check_targets(d);
}

#define SMALLER                                                                                    \
	"{'resources':{'nodes':{'rho':{'address':'rho.example.net','tags':['eu']},'new':{}},"      \
	"'networks':{'home':{'mesh':['rho','new']}},'sites':{'paris':{}}},'prune':true}"

static void what_nobody_confirms_is_undone_exactly(void **state)
{
	struct desk *d = *state;
	struct intent_confirmation c;
	struct intent_target target, again;
	char before[4000];

	succeeds(d, settle(d, INTENT_APPLY, FLEET));
	snapshot(d, before);
	assert_true(intent_node_target(d->intent, desk_id(d, "nodes", "bob"), &target));
	succeeds(d, apply_waiting(d, SMALLER, 300));
	assert_true(intent_confirmation(d->intent, &c));
	assert_int_equal(c.revision, 2);
	assert_string_equal(c.actor, "user/ada");
	assert_int_equal(c.due_ms - c.at_ms, 300);
	assert_int_equal(desk_id(d, "nodes", "bob"), 0);
	assert_true(desk_wait_commit(d));
	assert_int_equal(intent_revision(d->intent), 3);
	assert_string_equal(d->actor, "controller");
	assert_as(d, before);
	// Bob is himself again, with the addresses he had.
	assert_true(intent_node_target(d->intent, desk_id(d, "nodes", "bob"), &again));
	assert_string_equal(again.digest, target.digest);
	assert_false(intent_confirmation(d->intent, &c));
	assert_string_equal(news, "waits 2 by user/ada, undone 2 by controller");
	desk_restart(d);
	assert_as(d, before);
}

static void what_is_confirmed_stays(void **state)
{
	struct desk *d = *state;
	char after[4000];

	succeeds(d, settle(d, INTENT_APPLY, FLEET));
	succeeds(d, apply_waiting(d, SMALLER, 300));
	snapshot(d, after);
	refused(d, settle(d, INTENT_CONFIRM, "{'revision':1}"), "revision 1 does not wait");
	succeeds(d, settle(d, INTENT_CONFIRM, "{'revision':2}"));
	assert_int_equal(d->revision, 2);
	assert_string_equal(news, "waits 2 by user/ada, confirmed 2 by user/ada");
	refused(d, settle(d, INTENT_CONFIRM, "{}"), "nothing waits");
	desk_idle(d, 500);
	assert_as(d, after);
	desk_restart(d);
	desk_idle(d, 100);
	assert_as(d, after);
}

static void it_survives_a_restart(void **state)
{
	struct desk *d = *state;
	struct intent_confirmation c;
	char before[4000];

	succeeds(d, settle(d, INTENT_APPLY, FLEET));
	snapshot(d, before);
	succeeds(d, apply_waiting(d, SMALLER, 700));
	desk_restart(d);
	assert_true(intent_confirmation(d->intent, &c));
	assert_int_equal(c.revision, 2);
	assert_true(desk_wait_commit(d));
	assert_as(d, before);
	// Its time was over while nobody was there to undo it.
	succeeds(d, apply_waiting(d, SMALLER, 1));
	if (intent_confirmation(d->intent, &c))
		desk_restart(d);
	desk_idle(d, 300);
	assert_as(d, before);
	assert_false(intent_confirmation(d->intent, &c));
}

static void others_change_what_they_like_but_not_what_waits(void **state)
{
	struct desk *d = *state;

	succeeds(d, settle(d, INTENT_APPLY, FLEET));
	succeeds(d, apply_waiting(d,
				  "{'resources':{'nodes':{'rho':{'address':'2.example.net'},"
				  "'new':{}}}}",
				  60000));
	refused(d, desk_do(d, INTENT_PUT, "nodes", "rho", "{}"),
		"nodes/rho was changed by revision 2, which waits for `weft confirm`");
	refused(d, desk_do(d, INTENT_DELETE, "nodes", "new", NULL), "nodes/new was changed by");
	refused(d, apply_waiting(d, "{'resources':{'sites':{'s':{}}}}", 1000),
		"revision 2 still waits");
	// Undoing deletes the new node: nobody may build on it meanwhile.
	refused(d, desk_do(d, INTENT_PUT, "networks", "second", "{'mesh':['bob','new']}"),
		"could not be undone after this change");
	succeeds(d, desk_do(d, INTENT_PUT, "sites", "paris", "{}"));
	succeeds(d, desk_do(d, INTENT_PATCH, "nodes", "bob", "{'tags':['eu']}"));
	succeeds(d, settle(d, INTENT_UNDO, "{}"));
	assert_int_equal(desk_id(d, "nodes", "new"), 0);
	assert_true(desk_id(d, "sites", "paris") > 0);
	const struct intent_resource *bob = intent_find(d->intent, "nodes", "bob");
	assert_non_null(json_object_get(bob->spec, "tags"));
	const struct intent_resource *rho = intent_find(d->intent, "nodes", "rho");
	assert_string_equal(json_string_value(json_object_get(rho->spec, "address")),
			    "rho.example.net");
	assert_string_equal(news, "waits 2 by user/ada, undone 2 by user/ada");
}

static void what_has_secrets_is_not_changed_on_trial(void **state)
{
	struct desk *d = *state;

	succeeds(
		d,
		settle(d, INTENT_APPLY,
		       "{'resources':{'users':{'ada':{'role':'admin'},'eve':{'role':'viewer'}}}}"));
	refused(d, apply_waiting(d, "{'resources':{'users':{'eve':{'role':'operator'}}}}", 60000),
		"users/eve cannot be undone");
	// An apply that changes nothing waits for nothing.
	succeeds(d, apply_waiting(d, "{'resources':{'users':{'eve':{'role':'viewer'}}}}", 60000));
	assert_string_equal(news, "");
}

static void any_past_revision_comes_back_as_a_new_one(void **state)
{
	struct desk *d = *state;
	char first[4000], second[4000];

	succeeds(d, settle(d, INTENT_APPLY, FLEET));
	snapshot(d, first);
	succeeds(d, settle(d, INTENT_APPLY, SMALLER));
	succeeds(d, desk_do(d, INTENT_RENAME, "nodes", "rho", "{'name':'rome'}"));
	snapshot(d, second);
	succeeds(d, desk_do(d, INTENT_PUT, "nodes", "rho", "{}"));
	succeeds(d, desk_do(d, INTENT_DELETE, "sites", "paris", NULL));
	int64_t last = intent_revision(d->intent);
	succeeds(d, settle(d, INTENT_ROLLBACK, "{'revision':1,'dry_run':true}"));
	assert_true(d->is_changed);
	assert_true(json_array_size(d->changes) > 0);
	assert_int_equal(intent_revision(d->intent), last);
	succeeds(d, settle(d, INTENT_ROLLBACK, "{'revision':1}"));
	assert_int_equal(d->revision, last + 1);
	assert_as(d, first);
	succeeds(d, settle(d, INTENT_ROLLBACK, "{'revision':3}"));
	assert_as(d, second);
	desk_restart(d);
	assert_as(d, second);
	succeeds(d, settle(d, INTENT_ROLLBACK, "{'revision':3}"));
	assert_false(d->is_changed);
}

static void a_rollback_leaves_people_and_reports_alone(void **state)
{
	struct desk *d = *state;
	json_auto_t *facts =
		desk_json("{'public_key':'AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI='}");

	succeeds(d, settle(d, INTENT_APPLY, FLEET));
	assert_int_equal(intent_set_facts(d->intent, desk_id(d, "nodes", "rho"), facts, NULL), 0);
	assert_true(desk_wait_commit(d));
	succeeds(d, desk_do(d, INTENT_PUT, "users", "ada", "{'role':'admin'}"));
	succeeds(d, desk_do(d, INTENT_PUT, "sites", "paris", "{}"));
	succeeds(d, settle(d, INTENT_ROLLBACK, "{'revision':1}"));
	assert_int_equal(desk_id(d, "sites", "paris"), 0);
	assert_true(desk_id(d, "users", "ada") > 0);
	assert_non_null(
		json_object_get(intent_facts(d->intent, desk_id(d, "nodes", "rho")), "public_key"));
}

static void a_rollback_that_cannot_be_is_refused(void **state)
{
	struct desk *d = *state;

	succeeds(d, settle(d, INTENT_APPLY, FLEET));
	assert_int_equal(settle(d, INTENT_ROLLBACK, "{'revision':7}"), INTENT_NOT_FOUND);
	assert_non_null(strstr(d->detail, "there is no revision 7: the last one is 1"));
	// A key for a node that the rollback would delete still stands after it.
	succeeds(d, desk_do(d, INTENT_PUT, "nodes", "new", "{}"));
	succeeds(d, apply_waiting(d, "{'resources':{'nodes':{'rho':{}}}}", 60000));
	refused(d, settle(d, INTENT_ROLLBACK, "{'revision':1}"), "nodes/rho was changed by");
	succeeds(d, settle(d, INTENT_CONFIRM, "{}"));
	succeeds(d, settle(d, INTENT_ROLLBACK, "{'revision':1}"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_nobody_confirms_is_undone_exactly),
		TEST(what_is_confirmed_stays),
		TEST(it_survives_a_restart),
		TEST(others_change_what_they_like_but_not_what_waits),
		TEST(what_has_secrets_is_not_changed_on_trial),
		TEST(any_past_revision_comes_back_as_a_new_one),
		TEST(a_rollback_leaves_people_and_reports_alone),
		TEST(a_rollback_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
