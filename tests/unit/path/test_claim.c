// Whom a site's LANs follow: who says that he is active, in the highest epoch.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "path/claim.h"
#include "path/note.h"

#define ADA 4
#define BEN 9
#define S   INT64_C(1000000)

static void what_is_written_is_read(void **state)
{
	const struct claim claim = { .group = 0x01020304, .epoch = UINT64_C(0xf1f2f3f4f5f6f7f8) };
	struct claim read = { 0 };
	struct path_note note;
	uint8_t data[CLAIM_SIZE + 1];
	(void)state;
	claim_encode(&claim, data);
	assert_memory_equal(data, "\1\1\2\3\4\xf1\xf2", 7);
	assert_true(claim_decode(data, CLAIM_SIZE, &read));
	assert_true(read.group == claim.group && read.epoch == claim.epoch);
	assert_false(claim_decode(data, CLAIM_SIZE - 1, &read));
	assert_false(claim_decode(data, CLAIM_SIZE + 1, &read));
	// Who knows only the notes of paths takes it for none.
	assert_false(note_decode(data, CLAIM_SIZE, 0x01010203, &note));
	data[0] = 2;
	assert_false(claim_decode(data, CLAIM_SIZE, &read));
}

static void the_highest_epoch_is_followed(void **state)
{
	struct claim_belief b = { .group = 1 };
	(void)state;
	assert_true(claim_heard(&b, ADA, 7, 1 * S));
	assert_false(claim_heard(&b, ADA, 7, 2 * S));
	assert_true(claim_heard(&b, BEN, 8, 3 * S));
	// Who was stopped and goes on, or whose word was long on its way.
	assert_false(claim_heard(&b, ADA, 7, 4 * S));
	assert_false(claim_heard(&b, ADA, 8, 4 * S));
	assert_int_equal(b.node, BEN);
	assert_false(claim_heard(&b, BEN, 9, 5 * S));
	assert_false(claim_heard(&b, BEN, 8, 5 * S));
	assert_int_equal(b.epoch, 9);
	assert_true(claim_heard(&b, ADA, 10, 6 * S));
}

static void after_a_long_silence_a_low_one_counts(void **state)
{
	struct claim_belief b = { .group = 1 };
	(void)state;
	assert_true(claim_heard(&b, ADA, 700, 1 * S));
	assert_false(claim_heard(&b, BEN, 1, 1 * S + CLAIM_FORGOTTEN_US - 1));
	assert_true(claim_heard(&b, BEN, 1, 1 * S + CLAIM_FORGOTTEN_US));
	assert_true(claim_heard(&b, ADA, 2, 2 * S + CLAIM_FORGOTTEN_US));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_highest_epoch_is_followed),
		cmocka_unit_test(after_a_long_silence_a_low_one_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
