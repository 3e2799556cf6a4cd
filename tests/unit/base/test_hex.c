// Bytes as hexadecimal digits and back.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/hex.h"

static void what_is_written_is_read(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0x09, 0xa5, 0xff };
	uint8_t back[sizeof bytes];
	char text[2 * sizeof bytes + 1];
	(void)state;
	hex_write(bytes, sizeof bytes, text);
	assert_string_equal(text, "0009a5ff");
	assert_true(hex_read(text, strlen(text), back));
	assert_memory_equal(back, bytes, sizeof bytes);
	assert_true(hex_read("", 0, back));
}

static void what_is_none_is_refused(void **state)
{
	uint8_t back[2];
	(void)state;
	assert_false(hex_read("0", 1, back));
	assert_false(hex_read("000", 3, back));
	assert_false(hex_read("0g", 2, back));
	assert_false(hex_read("A0", 2, back));
	assert_false(hex_read("0\0", 2, back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_none_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
