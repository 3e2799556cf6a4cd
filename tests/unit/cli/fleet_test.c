// Fleet files: merging, and errors that name the file and the line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clean.h"

#include "cli/fleet.h"

static int add(struct fleet *f, const char *name, const char *text, struct err *err)
{
	return fleet_add(f, name, text, strlen(text), err);
}

static void merges(void **state)
{
	(void)state;
	struct err err = { 0 };
	CLEAN(fleet_done) struct fleet f = { 0 };
	assert_int_equal(add(&f, "a.yaml", "nodes:\n  rho: {}\n  bob:\n", &err), 0);
	assert_int_equal(add(&f, "b.yaml", "nodes:\n  pi0: {address: x}\nsites:\n", &err), 0);
	assert_int_equal(add(&f, "empty.yaml", "# nothing\n", &err), 0);
	assert_int_equal(json_object_size(json_object_get(f.resources, "nodes")), 3);
	assert_true(json_is_object(json_object_get(json_object_get(f.resources, "nodes"), "bob")));
}

static void refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
		{ "sites: {}\nnodes:\n  # again\n  rho: {}\n",
		  "b.yaml:4: nodes.rho is already in a.yaml:2" },
		{ "\nnodez:\n  rho: {}\n", "b.yaml:2: \"nodez\" is no kind, did you mean nodes?" },
		{ "node:\n  rho: {}\n", "b.yaml:1: write the kind in the plural: nodes" },
		{ "nodes: [rho]\n", "b.yaml:1: nodes is not a map of names" },
		{ "- a\n", "b.yaml:1: a fleet file is a map" },
		{ "nodes:\n  rho: {\n", "b.yaml: line" },
		{ "nodes:\n  x: &a {}\n  y: *a\n", "b.yaml: line 2" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		CLEAN(fleet_done) struct fleet f = { 0 };
		assert_int_equal(add(&f, "a.yaml", "nodes:\n  rho: {}\n", &err), 0);
		assert_true(add(&f, "b.yaml", cases[i].text, &err) < 0);
		if (!strstr(err.text, cases[i].says))
			fail_msg("\"%s\" is not in \"%s\"", cases[i].says, err.text);
	}
}

static void locates_fields(void **state)
{
	(void)state;
	static const char one[] = "nodes:\n"
				  "  rho: {address: x}\n"
				  "\n"
				  "networks:\n"
				  "  # the home network\n"
				  "  home:\n"
				  "    mesh: [rho, bob]\n"
				  "    keepalive: 3s\n"
				  "  'work':\n"
				  "    mesh:\n"
				  "    - rho\n"
				  "policies: {home: {from: [site/x],\n"
				  "  rules: [{to: [any],\n"
				  "    via: tv}]}}\n";
	static const char two[] = "nodes: {bob: {}}\n"
				  "links:\n"
				  "  home.bob.rho:\n"
				  "    cost: 0\n";
	static const struct {
		const char *field;
		const char *place; // NULL: not found
	} cases[] = {
		{ "nodes.rho.address", "one:2" },
		{ "networks.home.mesh[2]", "one:7" },
		{ "networks.home.keepalive", "one:8" },
		{ "networks.work.mesh[0]", "one:11" },
		{ "networks.work", "one:9" },
		{ "links.home.bob.rho.cost", "two:4" },
		{ "networks.work.mesh[1]", "one:10" },
		{ "policies.home.rules[0].via", "one:14" },
		{ "policies.home.rules[0].block", "one:13" },
		{ "policies.home.from[0].x", "one:12" },
		{ "networks.gone.mesh", NULL },
		{ "", NULL },
	};
	struct err err = { 0 };
	CLEAN(fleet_done) struct fleet f = { 0 };
	assert_int_equal(add(&f, "one", one, &err), 0);
	assert_int_equal(add(&f, "two", two, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char place[100] = "";
		bool is_found = fleet_locate(&f, cases[i].field, place, sizeof(place));
		assert_int_equal(is_found, cases[i].place != NULL);
		if (cases[i].place)
			assert_string_equal(place, cases[i].place);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges),
		cmocka_unit_test(refuses),
		cmocka_unit_test(locates_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
