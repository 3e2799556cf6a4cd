// The checksum offload is blamed only when nothing else can be.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clean.h"

#include "probe/verdict.h"

static void rounds_are_judged_by_table(void **state)
{
	(void)state;
	static const struct {
		uint32_t summed;
		uint32_t unsummed;
		uint32_t suspect_before;
		enum verdict verdict;
	} rows[] = {
		{ 0, 0, 0, VERDICT_OPEN },    { 0, 1, 0, VERDICT_OPEN },
		{ 0, 1, 1, VERDICT_OPEN },    { 0, 2, 0, VERDICT_SUSPECT },
		{ 0, 3, 0, VERDICT_SUSPECT }, { 0, 3, 1, VERDICT_BROKEN },
		{ 1, 3, 1, VERDICT_WHOLE },   { 3, 0, 0, VERDICT_WHOLE },
		{ 3, 3, 1, VERDICT_WHOLE },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct verdict_state at = { .suspect_rounds = rows[i].suspect_before };
		assert_int_equal(verdict_round(&at, rows[i].summed, rows[i].unsummed),
				 rows[i].verdict);
	}
}

static void a_good_round_clears_a_suspicion(void **state)
{
	(void)state;
	struct verdict_state at = { 0 };
	assert_int_equal(verdict_round(&at, 0, 3), VERDICT_SUSPECT);
	assert_int_equal(verdict_round(&at, 2, 3), VERDICT_WHOLE);
	assert_int_equal(verdict_round(&at, 0, 3), VERDICT_SUSPECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_are_judged_by_table),
		cmocka_unit_test(a_good_round_clears_a_suspicion),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
