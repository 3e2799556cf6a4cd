// A note comes out as it went in, and speaks only of the paths that both ends call the same.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "path/note.h"
#include "probe/stamp.h"

static void what_is_written_is_read(void **state)
{
	const struct path_note note = { .stamp = UINT64_C(0x0102030405060708),
					.heard = UINT64_C(0xf1f2f3f4f5f6f7f8),
					.states = UINT64_C(0x7654321),
					.choice = PATH_NONE };
	struct path_note read = { 0 };
	uint8_t data[NOTE_SIZE];
	(void)state;
	note_encode(&note, 0xabcdef01, data);
	assert_memory_equal(data, "\xab\xcd\xef\x01\1\2\3\4\5\6\7\x08\xf1", 13);
	assert_true(note_decode(data, sizeof data, 0xabcdef01, &read));
	assert_true(read.stamp == note.stamp && read.heard == note.heard &&
		    read.states == note.states && read.choice == note.choice);
	assert_false(note_decode(data, sizeof data, 0xabcdef02, &read));
	assert_false(note_decode(data, sizeof data - 1, 0xabcdef01, &read));
	assert_in_range(NOTE_SIZE, 1, STAMP_NOTE_MAX);
}

static void another_plan_has_another_number(void **state)
{
	(void)state;
	const uint32_t direct = note_plan(0, 0, "");
	const uint32_t by_eve = note_plan(direct, 1, "eve");
	assert_int_equal(by_eve, note_plan(note_plan(0, 0, ""), 1, "eve"));
	assert_true(by_eve != direct && by_eve != note_plan(direct, 1, "eva"));
	assert_true(by_eve != note_plan(direct, 2, "eve"));
	assert_true(note_plan(by_eve, 2, "fay") !=
		    note_plan(note_plan(direct, 1, "fay"), 2, "eve"));
	assert_true(note_plan(0, 1, "eve") != by_eve);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(another_plan_has_another_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
