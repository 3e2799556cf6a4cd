// The limits of an sla: what is read as what, and what is refused with which sentence.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clean.h"
#include "model/limit.h"

struct row {
	const char *text;
	int64_t most, factor_permille;
	const char *error; // NULL: it is good
};

static void check(int (*parse)(const char *, struct limit *, struct err *), const struct row *row)
{
	struct limit limit = { -1, -1 };
	struct err err = { 0 };

	assert_int_equal(parse(row->text, &limit, &err), row->error ? -22 : 0);
	if (row->error)
		assert_string_equal(err.text, row->error);
	assert_int_equal(limit.most, row->error ? -1 : row->most);
	assert_int_equal(limit.factor_permille, row->error ? -1 : row->factor_permille);
}

#define NO_DURATION " is neither a duration such as 150ms nor a factor such as 2x"
#define NO_SHARE    " is neither a share such as 1% nor a factor such as 2x"

static void durations_and_factors(void **state)
{
	static const struct row rows[] = {
		{ "150ms", 150000, 0, NULL },
		{ "1s500ms", 1500000, 0, NULL },
		{ "2x", 0, 2000, NULL },
		{ "2.5x", 0, 2500, NULL },
		{ "1.125x", 0, 1125, NULL },
		{ "100x", 0, 100000, NULL },
		{ "1x", 0, 0, "1x is not in 1.1x..100x" },
		{ "100.1x", 0, 0, "100.1x is not in 1.1x..100x" },
		{ "0s", 0, 0, "0s would never be kept" },
		{ "2.x", 0, 0, "\"2.x\"" NO_DURATION },
		{ "2.5555x", 0, 0, "\"2.5555x\"" NO_DURATION },
		{ "x", 0, 0, "\"x\"" NO_DURATION },
		{ "2xx", 0, 0, "\"2xx\"" NO_DURATION },
		{ "1%", 0, 0, "\"1%\"" NO_DURATION },
		{ "", 0, 0, "\"\"" NO_DURATION },
		{ "-5ms", 0, 0, "\"-5ms\"" NO_DURATION },
		{ "99999999999999999999x", 0, 0, "\"99999999999999999999x\"" NO_DURATION },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(limit_parse_duration, &rows[i]);
}

static void shares_and_factors(void **state)
{
	static const struct row rows[] = {
		{ "1%", 10000, 0, NULL },
		{ "0.5%", 5000, 0, NULL },
		{ "0.01%", 100, 0, NULL },
		{ "99%", 990000, 0, NULL },
		{ "4x", 0, 4000, NULL },
		{ "0.009%", 0, 0, "0.009% is not in 0.01%..99%" },
		{ "100%", 0, 0, "100% is not in 0.01%..99%" },
		{ "1", 0, 0, "\"1\"" NO_SHARE },
		{ "1ms", 0, 0, "\"1ms\"" NO_SHARE },
		{ ".5%", 0, 0, "\".5%\"" NO_SHARE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(limit_parse_share, &rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_and_factors),
		cmocka_unit_test(shares_and_factors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
