// The kernel's numbers that Weft takes: what is refused, and that what is not given has its
// default.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#include "model/host_numbers.h"

static void what_is_not_given_has_its_default(void **state)
{
	struct host_numbers n = { .table_base = 51234 };

	(void)state;
	assert_int_equal(host_numbers_check(&n, NULL), 0);
	assert_int_equal(n.mark_mask, 0x0fff0000);
	assert_int_equal(n.table_base, 51234);
	assert_int_equal(n.priority_base, 22341);
	assert_int_equal(n.vni_base, 0);
}

static void a_mask_is_twelve_bits_in_a_row(void **state)
{
	static const uint32_t bad[] = { 1,          0xff,       0xffe,      0x1fff,
					0x0fff0fff, 0x0ffd0000, 0x1ffe0000, 0xfff00000 };
	const char sentence[] = "mark_mask: 0x1ffe0000 is not 12 bits one beside the other, from "
				"0x00000fff to 0x0fff0000";
	struct err err = { 0 };

	(void)state;
	for (uint32_t mask = 0xfff; mask <= 0x0fff0000; mask <<= 1) {
		struct host_numbers n = { .mark_mask = mask };

		assert_int_equal(host_numbers_check(&n, NULL), 0);
		assert_int_equal(n.mark_mask, mask);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct host_numbers n = { .mark_mask = bad[i] };

		assert_int_equal(host_numbers_check(&n, &err), -EINVAL);
		assert_int_equal(n.table_base, 0);
		if (bad[i] == 0x1ffe0000)
			assert_string_equal(err.text, sentence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_given_has_its_default),
		cmocka_unit_test(a_mask_is_twelve_bits_in_a_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
