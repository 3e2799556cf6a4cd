// STAMP packets are those of RFC 8762, and nothing else passes for one.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/clean.h"

#include "probe/stamp.h"

static struct hmac_key key, other;

static int make_keys(void **state)
{
	(void)state;
	hmac_key_init(&key, "0123456789abcdef0123456789abcdef", 32);
	hmac_key_init(&other, "0123456789abcdef0123456789abcdeF", 32);
	return 0;
}

static void the_sum_is_that_of_rfc_4231(void **state)
{
	// Test case 2.
	static const uint8_t want[] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
					0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
					0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
					0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43 };
	(void)state;
	struct hmac_key jefe;
	uint8_t sum[HMAC_SIZE];
	hmac_key_init(&jefe, "Jefe", 4);
	for (int i = 0; i < 2; i++) { // a key is good for more than one
		hmac_sum(&jefe, "what do ya want for nothing?", 28, sum);
		assert_memory_equal(sum, want, sizeof want);
	}
}

static const struct stamp_request request = { .sequence = 0x01020304,
					      .sent = 0x1112131415161718,
					      .error = 0x8123,
					      .session = 0x2122232425262728,
					      .confirm = 0x3132333435363738 };
static const struct stamp_reply reply = { .sequence = 0x41424344,
					  .sent = 0x5152535455565758,
					  .error = 0x0456,
					  .received = 0x6162636465666768,
					  .challenge = 0x7172737475767778,
					  .request_sequence = 0x01020304,
					  .request_sent = 0x1112131415161718,
					  .request_error = 0x8123,
					  .session = 0x2122232425262728 };

static void fields_stand_where_the_rfc_has_them(void **state)
{
	(void)state;
	uint8_t p[STAMP_SIZE];
	stamp_encode_request(&key, &request, p);
	assert_memory_equal(p, "\1\2\3\4", 4);
	assert_memory_equal(p + 16, "\x11\x12\x13\x14\x15\x16\x17\x18", 8);
	assert_memory_equal(p + 24, "\x81\x23", 2);
	assert_memory_equal(p + 26, "\x27\x28", 2); // SSID
	stamp_encode_reply(&key, &reply, p);
	assert_memory_equal(p, "\x41\x42\x43\x44", 4);
	assert_memory_equal(p + 16, "\x51\x52\x53\x54\x55\x56\x57\x58", 8);
	assert_memory_equal(p + 24, "\x04\x56\x27\x28", 4);
	assert_memory_equal(p + 32, "\x61\x62\x63\x64\x65\x66\x67\x68", 8);
	assert_memory_equal(p + 48, "\1\2\3\4", 4);
	assert_memory_equal(p + 64, "\x11\x12\x13\x14\x15\x16\x17\x18", 8);
	assert_memory_equal(p + 72, "\x81\x23", 2);
	assert_int_equal(p[80], 255);
}

static void what_was_encoded_is_decoded(void **state)
{
	(void)state;
	uint8_t p[STAMP_SIZE];
	struct stamp_request a = { 0 };
	struct stamp_reply b = { 0 };
	stamp_encode_request(&key, &request, p);
	assert_true(stamp_decode_request(&key, p, sizeof p, &a));
	assert_int_equal(a.sequence, request.sequence);
	assert_true(a.sent == request.sent && a.session == request.session);
	assert_true(a.confirm == request.confirm && a.error == request.error);
	stamp_encode_reply(&key, &reply, p);
	assert_true(stamp_decode_reply(&key, p, sizeof p, &b));
	assert_true(b.sequence == reply.sequence && b.sent == reply.sent);
	assert_true(b.received == reply.received && b.challenge == reply.challenge);
	assert_true(b.request_sequence == reply.request_sequence);
	assert_true(b.request_sent == reply.request_sent && b.session == reply.session);
	assert_true(b.error == reply.error && b.request_error == reply.request_error);
}

static void nothing_else_passes(void **state)
{
	(void)state;
	uint8_t p[STAMP_SIZE + 4] = { 0 };
	struct stamp_request a;
	struct stamp_reply b;
	stamp_encode_request(&key, &request, p);
	assert_false(stamp_decode_request(&other, p, STAMP_SIZE, &a));
	for (size_t len = 0; len <= sizeof p; len++)
		assert_true(stamp_decode_request(&key, p, len, &a) == (len == STAMP_SIZE));
	for (size_t bit = 0; bit < STAMP_SIZE * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(stamp_decode_request(&key, p, STAMP_SIZE, &a));
		assert_false(stamp_decode_reply(&key, p, STAMP_SIZE, &b));
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(stamp_decode_request(&key, p, STAMP_SIZE, &a));
}

static void times_are_ntp_s(void **state)
{
	(void)state;
	assert_true(stamp_time(0) == UINT64_C(2208988800) << 32);
	assert_true(stamp_time(500000000) == (UINT64_C(2208988800) << 32 | 0x80000000));
	assert_true(stamp_time(-500000000) == (UINT64_C(2208988799) << 32 | 0x80000000));
	const int64_t now = INT64_C(1780000000123456789);
	assert_int_equal(stamp_between_us(stamp_time(now), stamp_time(now + 1500000)), 1500);
	assert_in_range(-stamp_between_us(stamp_time(now), stamp_time(now - 1500000)), 1499, 1501);
	// 2036: the 32 bits of seconds end.
	const int64_t era = (INT64_C(4294967296) - 2208988800) * 1000000000;
	assert_in_range(stamp_between_us(stamp_time(era - 1000000), stamp_time(era + 1000000)),
			1999, 2001);
}

static void an_error_estimate_never_promises_too_much(void **state)
{
	static const int64_t errors[] = { 1, 50, 999, 1000, 16000, 250000, 16000000 };
	(void)state;
	int64_t us;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		assert_true(stamp_error_us(stamp_error(true, errors[i]), &us));
		assert_in_range(us, errors[i], errors[i] + errors[i] / 32 + 2);
		assert_false(stamp_error_us(stamp_error(false, errors[i]), &us));
	}
	assert_false(stamp_error_us(0x8000, &us)); // a mantissa of 0
	assert_false(stamp_error_us(0xffff, &us));
	assert_true((stamp_error(true, INT64_MAX) & 0xff) != 0);
}

static void a_note_belongs_to_its_packet(void **state)
{
	(void)state;
	uint8_t p[STAMP_SIZE_MAX], q[STAMP_SIZE_MAX], long_one[STAMP_NOTE_MAX + 1] = { 0 };
	const uint8_t *note;
	struct stamp_request next = request;
	stamp_encode_request(&key, &request, p);
	const size_t len = stamp_note_put(&key, p, "by epsilon", 10);
	assert_int_equal(len, STAMP_SIZE + STAMP_NOTE_OVERHEAD + 10);
	assert_memory_equal(p + STAMP_SIZE,
			    "\0\xfc\0\x0a"
			    "by epsilon"
			    "\0\x08\0\x10",
			    18);
	assert_int_equal(stamp_note_get(&key, p, len, &note), 10);
	assert_memory_equal(note, "by epsilon", 10);
	assert_int_equal(stamp_note_get(&other, p, len, &note), 0);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(stamp_note_get(&key, p, cut, &note), 0);
	for (size_t at = STAMP_SIZE; at < len; at++) {
		p[at] ^= 1;
		// The flags of the HMAC's own header are all that nobody looks at.
		if (at != STAMP_SIZE + 14)
			assert_int_equal(stamp_note_get(&key, p, len, &note), 0);
		p[at] ^= 1;
	}
	// Behind another packet it is none.
	next.session++;
	stamp_encode_request(&key, &next, q);
	memcpy(q + STAMP_SIZE, p + STAMP_SIZE, len - STAMP_SIZE);
	assert_int_equal(stamp_note_get(&key, q, len, &note), 0);
	assert_int_equal(stamp_note_put(&key, p, "", 0), STAMP_SIZE);
	assert_int_equal(stamp_note_put(&key, p, long_one, sizeof long_one), STAMP_SIZE);
	assert_int_equal(stamp_note_put(&key, p, long_one, STAMP_NOTE_MAX), STAMP_SIZE_MAX);
	assert_int_equal(stamp_note_get(&key, p, STAMP_SIZE_MAX, &note), STAMP_NOTE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sum_is_that_of_rfc_4231),
		cmocka_unit_test(fields_stand_where_the_rfc_has_them),
		cmocka_unit_test(what_was_encoded_is_decoded),
		cmocka_unit_test(nothing_else_passes),
		cmocka_unit_test(a_note_belongs_to_its_packet),
		cmocka_unit_test(times_are_ntp_s),
		cmocka_unit_test(an_error_estimate_never_promises_too_much),
	};
	return cmocka_run_group_tests(tests, make_keys, NULL);
}
