// The way of a frame through trees and broken trees.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "live/inside.h"

struct path_case {
	const char *what;
	const char *from;
	const char *to;
	const char *way; // names with spaces between
	bool is_whole;
	struct hop hops[12];
};

// a--b--c and a--c, as a triangle whose b-c side is blocked at c.
#define TRIANGLE                                                                                   \
	{ "a", "b", true }, { "b", "a", true }, { "b", "c", true }, { "c", "b", false },           \
		{ "a", "c", true },                                                                \
	{                                                                                          \
		"c", "a", true                                                                     \
	}

static const struct path_case cases[] = {
	{ "to itself", "a", "a", "a", true, { TRIANGLE } },
	{ "over one wire", "a", "c", "a c", true, { TRIANGLE } },
	{ "around the blocked port", "b", "c", "b a c", true, { TRIANGLE } },
	{ "one end blocked", "a", "b", "a", false, { { "a", "b", true }, { "b", "a", false } } },
	{ "the second wire is broken",
	  "a",
	  "c",
	  "a b",
	  false,
	  { { "a", "b", true }, { "b", "a", true }, { "b", "c", false }, { "c", "b", true } } },
	{ "the far end says nothing", "a", "b", "a", false, { { "a", "b", true } } },
	{ "no wire at all", "a", "z", "", false, { TRIANGLE } },
	{ "nothing known", "a", "b", "", false, { { NULL, NULL, false } } },
};

static void ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct path_case *c = &cases[i];
		const char *way[16];
		char joined[64] = "";
		bool is_whole = false;
		size_t count = 0;

		while (count < ARRAY_LEN(c->hops) && c->hops[count].from)
			count++;
		const struct path_question question = { c->hops, count, c->from, c->to };
		size_t n = path_find(&question, way, 16, &is_whole);
		for (size_t k = 0; k < n; k++) {
			if (k)
				strcat(joined, " ");
			strcat(joined, way[k]);
		}
		if (strcmp(joined, c->way) != 0 || is_whole != c->is_whole)
			fail_msg("%s: \"%s\" %d", c->what, joined, is_whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ways) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
