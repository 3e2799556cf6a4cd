// Numbers in network byte order.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/octets.h"

static const uint8_t bytes[] = { 0x81, 0x02, 0x93, 0x04, 0xa5, 0x06, 0xb7, 0x08 };

static void the_highest_byte_comes_first(void **state)
{
	(void)state;
	assert_true(octets_get(bytes, 1) == 0x81);
	assert_true(octets_get(bytes, 2) == 0x8102);
	assert_true(octets_get(bytes, 3) == 0x810293);
	assert_true(octets_get(bytes, 4) == 0x81029304);
	assert_true(octets_get(bytes, 8) == 0x81029304a506b708);
}

static void what_is_put_is_got_and_no_byte_beside_it(void **state)
{
	(void)state;
	for (size_t size = 1; size <= sizeof(bytes); size++) {
		uint8_t at[10];
		memset(at, 0xee, sizeof(at));
		// Higher bytes of the value are left out.
		const uint64_t more = size < 8 ? UINT64_C(0x5c) << 8 * size : 0;
		octets_put(at + 1, octets_get(bytes, size) | more, size);
		assert_int_equal(at[0], 0xee);
		assert_memory_equal(at + 1, bytes, size);
		assert_int_equal(at[1 + size], 0xee);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_highest_byte_comes_first),
		cmocka_unit_test(what_is_put_is_got_and_no_byte_beside_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
