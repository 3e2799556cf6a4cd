// Which rule a flow or a name goes by: the order of rules, whose client it is, and what is not
// known.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "model/host_numbers.h"

#include "decide/decide.h"
#include "decide/marks.h"
#include "fault.h"
#include "list_image.h"

CLEAN_FUNC(json_t, json_decref)

#define FILMS "/tmp/test_decide_films.image"
#define WORK  "/tmp/test_decide_work.image"

static const char policies[] =
	"[{'id': 3, 'name': 'home', 'from': ['10.1.0.0/16', 'fd00:1::/48'],"
	"  'split': [{'proto': 'tcp', 'first': 443, 'last': 443}], 'rules': ["
	"  {'number': 1, 'to': ['192.0.2.0/24'], 'ports': [{'proto': 'udp', 'first': 500, 'last': "
	"600}],"
	"   'verdict': 'block', 'block': 'drop'},"
	"  {'number': 2, 'to': [], 'ports': [], 'lists': [{'id': 7, 'name': 'films', 'path': "
	"'" FILMS "'}],"
	"   'verdict': 'mark', 'mark': 17039360},"
	"  {'number': 3, 'to': ['198.51.100.0/24'], 'ports': [], 'unknown': true,"
	"   'lists': [{'id': 9, 'name': 'work', 'path': '" WORK
	"'}, {'id': 11, 'name': 'unfetched'}],"
	"   'verdict': 'direct'},"
	"  {'number': 4, 'to': ['203.0.113.0/24'], 'ports': [], 'verdict': 'block', 'nxdomain': "
	"true}]},"
	" {'id': 4, 'name': 'tablet', 'from': ['10.1.7.9/32'], 'rules': ["
	"  {'number': 1, 'to': [], 'ports': [], 'verdict': 'mark', 'mark': 17104896}]}]";

static struct decide *decide_of(const char *text, struct err *err)
{
	CLEAN(json_decref_ptr) json_t *json = list_image_json(text);
	return decide_new(json, err);
}

static struct address address_of(const char *text)
{
	struct address address;
	assert_int_equal(address_parse(text, &address, NULL), 0);
	return address;
}

static const struct decide_policy *policy_of(const struct decide *decide, const char *client)
{
	const struct address address = address_of(client);
	return decide_policy_of(decide, &address);
}

static struct decide_set lists_of(const struct decide *decide, const char *text)
{
	struct decide_set set;
	struct name name;
	assert_int_equal(name_parse(text, strlen(text), &name, NULL), 0);
	decide_lists_of(decide, &name, &set);
	return set;
}

static void a_client_is_subject_to_who_names_it_most_closely(void **state)
{
	(void)state;
	CLEAN(decide_free_ptr) struct decide *decide = decide_of(policies, NULL);
	assert_non_null(decide);
	assert_string_equal(policy_of(decide, "10.1.7.9")->name, "tablet");
	assert_string_equal(policy_of(decide, "10.1.7.8")->name, "home");
	assert_string_equal(policy_of(decide, "fd00:1::5")->name, "home");
	assert_null(policy_of(decide, "10.2.0.1"));
	assert_true(policy_of(decide, "10.1.7.8")->has_lists);
	assert_false(policy_of(decide, "10.1.7.9")->has_lists);
}

static void a_name_leads_to_its_list_s_rule(void **state)
{
	(void)state;
	CLEAN(decide_free_ptr) struct decide *decide = decide_of(policies, NULL);
	const struct decide_policy *home = policy_of(decide, "10.1.0.1");
	struct decide_set lists = lists_of(decide, "www.films.example");
	assert_int_equal(decide->n_lists, 3);
	assert_true(decide_set_has(&lists, 0));
	assert_int_equal(decide_by_name(home, &lists)->number, 2);
	assert_int_equal(decide_by_name(home, &lists)->mark, 17039360);
	lists = lists_of(decide, "work.example");
	assert_int_equal(decide_by_name(home, &lists)->number, 3);
	assert_int_equal(decide_by_name(home, &lists)->mark, decide->marks.direct);
	lists = lists_of(decide, "other.example");
	assert_true(decide_set_is_empty(&lists));
	assert_null(decide_by_name(home, &lists));
	// A rule for anything is for every name.
	assert_int_equal(decide_by_name(policy_of(decide, "10.1.7.9"), &lists)->number, 1);
}

static void the_first_rule_that_fits_is_taken(void **state)
{
	static const struct {
		const char *name; // NULL: it names nobody
		const char *to;
		uint8_t protocol;
		uint16_t port;
		const char *learned; // its address is in the lists of this name
		uint32_t number;     // 0: none
	} rows[] = {
		{ NULL, "192.0.2.5", 17, 500, NULL, 1 },
		{ NULL, "192.0.2.5", 17, 600, NULL, 1 },
		{ "x.example", "192.0.2.5", 17, 601, NULL, 0 },
		{ "x.example", "192.0.2.5", 6, 500, NULL, 0 },
		{ "films.example", "192.0.2.5", 17, 550, NULL, 1 },
		{ "a.films.example", "8.8.8.8", 6, 443, NULL, 2 },
		{ "a.films.example", "198.51.100.1", 6, 443, NULL, 2 },
		{ "x.example", "198.51.100.1", 6, 443, NULL, 3 },
		{ "x.example", "8.8.8.8", 6, 443, "films.example", 2 },
		{ NULL, "8.8.8.8", 6, 443, "films.example", 2 },
		{ NULL, "8.8.8.8", 6, 443, NULL, 3 },
		{ "x.example", "8.8.8.8", 6, 443, NULL, 0 },
		{ "x.example", "203.0.113.1", 6, 443, NULL, 4 },
		{ "x.example", "2001:db8::1", 6, 443, NULL, 0 },
	};
	(void)state;
	CLEAN(decide_free_ptr) struct decide *decide = decide_of(policies, NULL);
	const struct decide_policy *home = policy_of(decide, "10.1.0.1");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct decide_flow flow = { .protocol = rows[i].protocol,
					    .port = rows[i].port,
					    .to = address_of(rows[i].to),
					    .is_named = rows[i].name };
		const char *name = rows[i].learned ? rows[i].learned : rows[i].name;
		if (name)
			flow.lists = lists_of(decide, name);
		const struct decide_rule *rule = decide_flow(home, &flow);
		if ((rule ? rule->number : 0) != rows[i].number)
			fail_msg("row %zu: rule %u, not %u", i, rule ? rule->number : 0,
				 rows[i].number);
	}
}

static void it_is_said_why_a_rule_does_not_fit(void **state)
{
	(void)state;
	CLEAN(decide_free_ptr) struct decide *decide = decide_of(policies, NULL);
	const struct decide_rule *rules = policy_of(decide, "10.1.0.1")->rules;
	struct decide_flow flow = { .protocol = 6, .port = 443, .to = address_of("8.8.8.8") };
	assert_int_equal(decide_fit(&rules[0], &flow), DECIDE_OTHER_PORT);
	assert_int_equal(decide_fit(&rules[1], &flow), DECIDE_NO_NAME);
	assert_int_equal(decide_fit(&rules[2], &flow), DECIDE_FITS);
	assert_int_equal(decide_fit(&rules[3], &flow), DECIDE_OTHER_ADDRESS);
	flow.is_named = true;
	assert_int_equal(decide_fit(&rules[1], &flow), DECIDE_OTHER_NAME);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{ "[{'id': 0, 'name': 'a'}]", "policies[0]: id and name are missing" },
		{ "[{'id': 1, 'name': 'a', 'mask': 5, 'from': [], 'rules': []}]",
		  "policies[0]: a: mask: it is not 12 bits one beside the other" },
		{ "[{'id': 1, 'name': 'a', 'mask': 4095, 'from': [], 'rules': []}, "
		  "{'id': 2, 'name': 'b', 'from': [], 'rules': []}]",
		  "policies[1]: b: mask: 0xfff0000 is not 0xfff, that of the others" },
		{ "[{'id': 1, 'name': 'a', 'from': ['x'], 'rules': []}]",
		  "policies[0]: a: from[0]: " },
		{ "[{'id': 1, 'name': 'a', 'from': [], 'rules': [{'number': 1, 'to': [], 'ports': "
		  "[{'proto': 'icmp', 'first': 1, 'last': 2}], 'verdict': 'direct'}]}]",
		  "policies[0]: a: rules[0]: ports[0]: proto: it is not tcp or udp" },
		{ "[{'id': 1, 'name': 'a', 'from': [], 'rules': [{'number': 1, 'to': [], "
		  "'verdict': 'mark', 'mark': 5}]}]",
		  "policies[0]: a: rules[0]: mark: it is not within the mask 0xfff0000" },
		{ "[{'id': 1, 'name': 'a', 'from': [], 'rules': [{'number': 1, 'to': [], 'lists': "
		  "[{'id': 1, 'name': 'l', 'path': '/nowhere'}], 'verdict': 'direct'}]}]",
		  "policies[0]: a: rules[0]: lists[0]: /nowhere: " },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		assert_null(decide_of(rows[i].text, &err));
		assert_memory_equal(err.text, rows[i].sentence, strlen(rows[i].sentence));
	}
}

// Wherever the mask is: what a packet and a connection tell are bits of their own.
static void marks_of_any_mask(void **state)
{
	(void)state;
	for (uint32_t mask = 0xfff; mask <= 0x0fff0000; mask <<= 1) {
		const struct policy_marks m = policy_marks_of(mask);
		assert_true(mark_mask_is_good(mask));
		assert_int_equal((m.direct | m.reject | m.drop | m.split | m.passed) & ~mask, 0);
		assert_int_equal(mask & m.rules, 0);
		assert_int_equal(mask & m.proxied, 0);
		assert_int_equal(m.rules & m.proxied, 0);
		assert_int_equal(m.flow, 0x0fffffff);
		for (uint32_t rule = 1; rule <= 255; rule++)
			assert_int_equal(policy_rule_bits(&m, 126, rule) & ~m.rules, 0);
		assert_int_not_equal(policy_rule_bits(&m, 1, 7), policy_rule_bits(&m, 2, 7));
	}
	assert_false(mark_mask_is_good(0));
	assert_false(mark_mask_is_good(0x7ff));
	assert_false(mark_mask_is_good(0x0ffd0000));
}

static void a_policy_tells_its_mask(void **state)
{
	static const char text[] =
		"[{'id': 1, 'name': 'a', 'mask': 16380, 'from': ['10.1.0.0/16'], 'rules': ["
		"{'number': 1, 'to': [], 'verdict': 'mark', 'mark': 1028}, "
		"{'number': 2, 'to': [], 'verdict': 'block'}]}]";
	CLEAN(decide_free_ptr) struct decide *decide = decide_of(text, NULL);
	(void)state;
	assert_non_null(decide);
	assert_int_equal(decide->marks.mask, 0x3ffc);
	assert_int_equal(decide->policies[0].rules[0].mark, 1028);
	assert_int_equal(decide->policies[0].rules[1].mark, 0xffe << 2);
	assert_true(policy_mark_is_fixed(&decide->marks, 0xffe << 2));
	assert_false(policy_mark_is_fixed(&decide->marks, 1028));
}

static void without_memory_nothing_is_left(void **state)
{
	(void)state;
	CLEAN(json_decref_ptr) json_t *json = list_image_json(policies);
	struct decide *decide = NULL;
	for (unsigned n = 1; n < 100 && !decide; n++) {
		fault_arm(FAULT_ALLOC, n);
		decide = decide_new(json, NULL);
		(void)fault_disarm();
	}
	assert_non_null(decide);
	decide_free(decide);
}

static int make_images(void **state)
{
	(void)state;
	list_image_write(FILMS, "films.example");
	list_image_write(WORK, "work.example");
	return 0;
}

static int drop_images(void **state)
{
	(void)state;
	return remove(FILMS) || remove(WORK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_is_subject_to_who_names_it_most_closely),
		cmocka_unit_test(a_name_leads_to_its_list_s_rule),
		cmocka_unit_test(the_first_rule_that_fits_is_taken),
		cmocka_unit_test(it_is_said_why_a_rule_does_not_fit),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(marks_of_any_mask),
		cmocka_unit_test(a_policy_tells_its_mask),
		cmocka_unit_test(without_memory_nothing_is_left),
	};
	return cmocka_run_group_tests(tests, make_images, drop_images);
}
