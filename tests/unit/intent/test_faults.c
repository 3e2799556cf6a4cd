// Memory that runs out and a disk that fills at each step of a change: an answer with a sentence,
// and what the intent holds is what the database holds.

// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "desk.h"
#include "fault.h"

struct step {
	enum intent_verb verb;
	const char *kind;
	const char *name;
	const char *body;
};

static const struct step steps[] = {
	{ INTENT_PUT, "nodes", "c", "{'address': '192.0.2.3'}" },
	{ INTENT_PATCH, "nodes", "a", "{'comment': 'x'}" },
	{ INTENT_APPLY, NULL, NULL,
	  "{'resources': {'nodes': {'d': {}}, 'networks': {'n': {'mesh': ['a', 'b', 'd']}}}}" },
	{ INTENT_RENAME, "nodes", "a", "{'name': 'aa'}" },
	{ INTENT_DELETE, "segments", "s", NULL },
};

static void prepare(struct desk *d)
{
	desk_open(d);
	assert_int_equal(
		desk_do(d, INTENT_APPLY, NULL, NULL,
			"{'resources': {'nodes': {'a': {'address': '192.0.2.1'}, 'b': {}}, "
			"'networks': {'n': {'mesh': ['a', 'b']}}, 'segments': {'s': {'network': "
			"'n'}}}}"),
		INTENT_OK);
}

static bool add_one(void *arg, const struct intent_resource *resource)
{
	json_array_append_new(arg,
			      json_pack("{s:s, s:s, s:I, s:I, s:O}", "kind", resource->kind, "name",
					resource->name, "id", (json_int_t)resource->id, "revision",
					(json_int_t)resource->revision, "spec", resource->spec));
	return true;
}

static json_t *everything(const struct intent *intent)
{
	static const char *const kinds[] = { "nodes", "networks", "segments" };
	json_t *all = json_array();
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		intent_list(intent, kinds[i], NULL, add_one, all);
	json_array_append_new(all, json_integer(intent_revision(intent)));
	return all;
}

// One change with one fault; true when the fault struck.
static bool attempt(const struct step *step, enum fault_kind kind,
		    void (*arm)(enum fault_kind, unsigned), unsigned n)
{
	struct desk d = { 0 };
	prepare(&d);
	json_auto_t *before = everything(d.intent);
	arm(kind, n);
	enum intent_class status = desk_do(&d, step->verb, step->kind, step->name, step->body);
	bool has_struck = fault_disarm();
	json_auto_t *after = everything(d.intent);
	if (status != INTENT_OK) {
		assert_int_equal(status, INTENT_UNAVAILABLE);
		assert_true(has_struck && d.detail[0]);
		assert_true(json_equal(before, after));
	}
	desk_check_targets(&d);
	desk_restart(&d);
	desk_check_targets(&d);
	json_auto_t *stored = everything(d.intent);
	if (!json_equal(after, stored))
		fail_msg("fault %u: the database holds another state than memory did", n);
	// What could not be done can be done now.
	if (status != INTENT_OK)
		assert_int_equal(desk_do(&d, step->verb, step->kind, step->name, step->body),
				 INTENT_OK);
	desk_close(&d);
	return has_struck;
}

static void walk(enum fault_kind kind, void (*arm)(enum fault_kind, unsigned), unsigned at_least)
{
	unsigned total = 0;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		unsigned n = 1;
		while (attempt(&steps[i], kind, arm, n))
			n++;
		total += n - 1;
	}
	print_message("%u calls were made to fail\n", total);
	assert_true(total >= at_least);
}

static void test_each_write_or_sync_fails(void **state)
{
	(void)state;
	walk(FAULT_FILE, fault_arm, 10);
}

static void test_disk_is_full_from_each_write_on(void **state)
{
	(void)state;
	walk(FAULT_FILE, fault_arm_from, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_write_or_sync_fails),
		cmocka_unit_test(test_disk_is_full_from_each_write_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
