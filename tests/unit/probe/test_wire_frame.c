// Frames of the probes on wires: what was put is got, everything else is none.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "probe/wire_frame.h"

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

static void what_was_put_is_got(void **state)
{
	uint8_t frame[WIRE_FRAME_HEADER + 5];
	(void)state;
	for (int reply = 0; reply < 2; reply++) {
		bool is_reply = !reply;
		size_t len = 0;
		wire_frame_put(mac, reply, frame);
		assert_memory_equal(frame,
				    "\x01\x80\xc2\x00\x00\x0e\x02\x00\x00\x00\x00\x09\x88\xb5", 14);
		assert_ptr_equal(wire_frame_get(frame, sizeof frame, &is_reply, &len),
				 frame + WIRE_FRAME_HEADER);
		assert_int_equal(len, 5);
		assert_int_equal(is_reply, reply);
	}
}

static void everything_else_is_none(void **state)
{
	uint8_t frame[WIRE_FRAME_HEADER + 5];
	bool is_reply;
	size_t len;
	(void)state;
	wire_frame_put(mac, false, frame);
	for (size_t short_len = 0; short_len < WIRE_FRAME_HEADER; short_len++)
		assert_null(wire_frame_get(frame, short_len, &is_reply, &len));
	for (size_t i = 0; i < WIRE_FRAME_HEADER; i++) {
		const bool is_source = i >= 6 && i < 12;
		frame[i] ^= 0x40;
		assert_int_equal(wire_frame_get(frame, sizeof frame, &is_reply, &len) != NULL,
				 is_source);
		frame[i] ^= 0x40;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_got),
		cmocka_unit_test(everything_else_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
