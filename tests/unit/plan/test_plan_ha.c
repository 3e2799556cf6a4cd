// HA groups: who votes, what the voters are told, and what is refused.
// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "lot.h"

#define PARIS                                                                                      \
	"{'members':['rho','bob'],'witness':['epsilon'],'vip':['10.9.0.1','fd09::1'],'interface':" \
	"'eth1'"

static void a_group_tells_each_voter_of_all(void **state)
{
	struct lot *lot = lot_article();
	char list[512];

	(void)state;
	lot_put(lot, "ha-groups", "paris", PARIS ",'hold_down':'5s','on_active':['move']}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 3);
	lot_says(lot, "rho", "ha/paris", "generation", "1");
	lot_says(lot, "rho", "ha/paris", "members", "2");
	lot_says(lot, "rho", "ha/paris", "vip", "[\"10.9.0.1\",\"fd09::1\"]");
	lot_says(lot, "bob", "ha/paris", "hold_down_ms", "5000");
	lot_says(lot, "bob", "ha/paris", "on_active", "[\"move\"]");
	json_t *body = lot_entry(lot, "epsilon", "ha/paris");
	assert_non_null(body);
	assert_null(json_object_get(body, "vip"));
	json_decref(body);
	(void)snprintf(list, sizeof list,
		       "[{\"address\":\"10.64.0.1\",\"id\":%lld,\"name\":\"rho\"},"
		       "{\"address\":\"10.64.0.3\",\"id\":%lld,\"name\":\"bob\"},"
		       "{\"address\":\"10.64.0.2\",\"id\":%lld,\"name\":\"epsilon\"}]",
		       (long long)lot_id(lot, "nodes", "rho"),
		       (long long)lot_id(lot, "nodes", "bob"),
		       (long long)lot_id(lot, "nodes", "epsilon"));
	lot_says(lot, "epsilon", "ha/paris", "voters", list);
	lot_says(lot, "rho", "ha/paris", "drained", "false");
	lot_put(lot, "nodes", "rho", "{'address':'rho.example.net','drain':true}");
	lot_change(lot);
	lot_says(lot, "rho", "ha/paris", "drained", "true");
	lot_says(lot, "bob", "ha/paris", "drained", "false");
	// An even number is made odd by the controller, which has no address.
	lot_put(lot, "ha-groups", "lyon",
		"{'members':['rho','bob'],'vip':['10.9.0.2'],'interface':'eth1'}");
	lot_change(lot);
	body = lot_entry(lot, "bob", "ha/lyon");
	const json_t *last = json_array_get(json_object_get(body, "voters"), 2);
	assert_int_equal(json_integer_value(json_object_get(last, "id")), 4294967295);
	assert_null(json_object_get(last, "address"));
	json_decref(body);
	lot_rename(lot, "nodes", "bob", "rob");
	lot_put(lot, "networks", "home",
		"{'mesh':['rho','epsilon','rob','vorke'],'links':[['rho','pi0']]}");
	lot_put(lot, "ha-groups", "lyon", NULL);
	lot_put(lot, "ha-groups", "paris",
		"{'members':['rho','rob'],'witness':['epsilon'],'vip':['10.9.0.1'],'interface':'"
		"eth1'"
		"}");
	lot_change(lot);
	lot_says(lot, "rob", "ha/paris", "generation", "1");
	lot_check_whole(lot);
	lot_done(lot);
}

static void voters_change_one_by_one_and_only_when_all_have_the_last(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_put(lot, "ha-groups", "paris", PARIS "}");
	lot_change(lot);
	// vorke instead of epsilon: first one goes, then one comes, neither before the ack.
	lot_put(lot, "ha-groups", "paris",
		"{'members':['rho','bob'],'witness':['vorke'],'vip':['10.9.0.1'],'interface':'eth1'"
		"}");
	lot_change(lot);
	lot_says(lot, "epsilon", "ha/paris", "generation", "1");
	assert_null(lot_entry(lot, "vorke", "ha/paris"));
	lot_facts_of(lot, "ha-groups", "paris", "{'settled':1}");
	lot_change(lot);
	lot_says(lot, "rho", "ha/paris", "generation", "2");
	assert_null(lot_entry(lot, "epsilon", "ha/paris"));
	assert_null(lot_entry(lot, "vorke", "ha/paris"));
	lot_facts_of(lot, "ha-groups", "paris", "{'settled':2}");
	lot_change(lot);
	lot_says(lot, "vorke", "ha/paris", "generation", "3");
	lot_says(lot, "bob", "ha/paris", "generation", "3");
	lot_facts_of(lot, "ha-groups", "paris", "{'settled':3}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 0);
	lot_check_whole(lot);
	lot_done(lot);
}

static void a_group_that_cannot_agree_is_refused(void **state)
{
	static const struct {
		const char *name, *spec, *why;
	} cases[] = {
		{ "a",
		  "{'members':['rho','pi0'],'witness':['bob'],'vip':['10.9.0.1'],'interface':'e'}",
		  "no network links each member with every other voter" },
		{ "b",
		  "{'members':['rho','pi0'],'witness':['bob'],'vip':['10.9.0.1'],'interface':'e',"
		  "'network':'home'}",
		  "home has no link between pi0 and bob: each member needs one with every other "
		  "voter" },
		{ "c", "{'members':['rho','bob'],'vip':['10.64.9.9'],'interface':'e'}",
		  "10.64.9.9 is within the pool of networks.home" },
		{ "d",
		  "{'members':['rho','bob'],'vip':['10.9.0.1'],'interface':'e','site':'nowhere'}",
		  "rho does not stand at site nowhere" },
		{ "e", "{'members':['rho','bob'],'vip':['10.9.0.9'],'interface':'e'}",
		  "10.9.0.9 is already that of ha-groups.first" },
	};
	struct lot *lot = lot_article();
	struct err err;

	(void)state;
	lot_put(lot, "ha-groups", "first",
		"{'members':['rho','bob'],'vip':['10.9.0.9'],'interface':'eth1'}");
	lot_change(lot);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		lot_put(lot, "ha-groups", cases[i].name, cases[i].spec);
		assert_true(lot_commit(lot, &err) < 0);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s: %s", cases[i].name, err.text);
	}
	lot_done(lot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_tells_each_voter_of_all),
		cmocka_unit_test(voters_change_one_by_one_and_only_when_all_have_the_last),
		cmocka_unit_test(a_group_that_cannot_agree_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
