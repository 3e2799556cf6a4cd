// BPDUs as bytes: those that bridges in the field send, what is refused, and the way there and
// back.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#include "steer/bpdu.h"

enum { SECOND = 1000000 };

// What the Linux bridge sends as the root, frame and all.
static const uint8_t kernel_config[] = {
	0x01, 0x80, 0xc2, 0x00, 0x00, 0x00, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x00, 0x26, 0x42,
	0x42, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x00, 0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
	0x00, 0x00, 0x00, 0x00, 0x80, 0x00, 0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0x80, 0x01, 0x00,
	0x00, 0x14, 0x00, 0x02, 0x00, 0x0f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

// A proposal as IEEE 802.1D-2004, 9.3.3 lays it out.
static const uint8_t proposal[] = {
	0x00, 0x00, 0x02, 0x02, 0x0e, 0x10, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00,
	0x01, 0x00, 0x00, 0x01, 0x2c, 0x80, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00,
	0x02, 0x80, 0x07, 0x01, 0x00, 0x0a, 0x00, 0x01, 0x00, 0x06, 0x00, 0x00,
};

static void a_kernels_configuration_is_read(void **state)
{
	struct bpdu b;

	(void)state;
	assert_int_equal(bpdu_frame_decode(kernel_config, sizeof kernel_config, &b, NULL), 0);
	assert_int_equal(b.type, BPDU_CONFIG);
	assert_int_equal(b.role, BPDU_DESIGNATED);
	assert_memory_equal(b.vector.root.bytes, "\x80\x00\x02\xaa\xbb\xcc\xdd\xee", 8);
	assert_int_equal(b.vector.port, 0x8001);
	assert_int_equal(b.times.max_age, 20 * SECOND);
	assert_int_equal(b.times.hello, 2 * SECOND);
	assert_int_equal(b.times.forward_delay, 15 * SECOND);
}

static void a_proposal_is_read_and_written(void **state)
{
	uint8_t bytes[BPDU_SIZE_MAX];
	struct bpdu b;

	(void)state;
	assert_int_equal(bpdu_decode(proposal, sizeof proposal, &b, NULL), 0);
	assert_int_equal(b.type, BPDU_RST);
	assert_true(b.proposal);
	assert_false(b.agreement || b.learning || b.forwarding || b.topology_change);
	assert_int_equal(b.vector.cost, 300);
	assert_int_equal(b.times.message_age, SECOND);
	assert_false(b.has_extension);
	assert_int_equal(bpdu_encode(&b, bytes), sizeof proposal);
	assert_memory_equal(bytes, proposal, sizeof proposal);
}

static void what_is_no_bpdu_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		size_t size;
		const char *why;
	} rows[] = {
		{ 0, 0, 3, "no BPDU" },
		{ 0, 1, 36, "no BPDU" },
		{ 3, 0x02, 35, "35 bytes" },
		{ 3, 0x00, 34, "34 bytes" },
		{ 3, 0x33, 36, "unknown type 0x33" },
		{ 2, 1, 36, "unknown type 0x02" }, // an RST BPDU of version 1
		{ 4, 0x02, 36, "without a role" },
		{ 27, 10, 36, "older than its own maximum age" },
	};
	struct bpdu b = { .vector.cost = 7 };
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t bytes[sizeof proposal];

		memcpy(bytes, proposal, sizeof bytes);
		bytes[rows[i].at] = rows[i].value;
		assert_int_equal(bpdu_decode(bytes, rows[i].size, &b, &err), -EBADMSG);
		assert_non_null(strstr(err.text, rows[i].why));
	}
	assert_int_equal(b.vector.cost, 7);
	uint8_t frame[sizeof kernel_config];
	memcpy(frame, kernel_config, sizeof frame);
	frame[14] = 0xaa;
	assert_int_equal(bpdu_frame_decode(frame, sizeof frame, &b, NULL), -ENOMSG);
	memcpy(frame, kernel_config, sizeof frame);
	frame[13] = 0xff;
	assert_int_equal(bpdu_frame_decode(frame, sizeof frame, &b, NULL), -EBADMSG);
}

static void times_out_of_range_are_brought_into_it(void **state)
{
	uint8_t bytes[sizeof proposal];
	struct bpdu b;

	(void)state;
	memcpy(bytes, proposal, sizeof bytes);
	memset(bytes + 31, 0, 4);
	bytes[29] = 200;
	assert_int_equal(bpdu_decode(bytes, sizeof bytes, &b, NULL), 0);
	assert_int_equal(b.times.hello, SECOND / 10);
	assert_int_equal(b.times.forward_delay, 2 * SECOND);
	assert_int_equal(b.times.max_age, 40 * SECOND);
}

static void the_extension_goes_there_and_back(void **state)
{
	struct bpdu a = { .type = BPDU_RST,
			  .role = BPDU_ROOT,
			  .agreement = true,
			  .has_extension = true,
			  .vector.port = 3,
			  .times = { SECOND, 10 * SECOND, SECOND, 6 * SECOND } },
		    b;
	uint8_t frame[BPDU_FRAME_MAX];

	(void)state;
	a.extension.mark = (struct bpdu_mark){ UINT64_MAX, 1 };
	a.extension.echo = (struct bpdu_mark){ 0x0102030405060708, 9 };
	a.extension.path_len = BPDU_PATH_MAX;
	memset(a.extension.path, 0xab, sizeof a.extension.path);
	size_t size = bpdu_frame_encode(&a, (const uint8_t *)"\x02\0\0\0\0\1", frame);
	assert_int_equal(size, BPDU_FRAME_MAX);
	assert_int_equal(bpdu_frame_decode(frame, size, &b, NULL), 0);
	assert_true(b.has_extension);
	assert_memory_equal(&b.extension, &a.extension, sizeof a.extension);
	// Cut anywhere, or of another magic, it is as if there were none.
	frame[13]--;
	assert_int_equal(bpdu_frame_decode(frame, size, &b, NULL), 0);
	assert_false(b.has_extension);
	frame[13]++;
	frame[14 + 3 + 36] = 'w';
	assert_int_equal(bpdu_frame_decode(frame, size, &b, NULL), 0);
	assert_false(b.has_extension);
}

static void a_topology_change_notification_is_four_bytes(void **state)
{
	uint8_t frame[BPDU_FRAME_MAX];
	struct bpdu b;

	(void)state;
	size_t size = bpdu_frame_encode(&(struct bpdu){ .type = BPDU_TCN },
					(const uint8_t *)"\x02\0\0\0\0\1", frame);
	assert_int_equal(size, BPDU_FRAME_MIN);
	assert_memory_equal(frame + 12, "\x00\x07\x42\x42\x03\x00\x00\x00\x80", 9);
	assert_int_equal(bpdu_frame_decode(frame, size, &b, NULL), 0);
	assert_int_equal(b.type, BPDU_TCN);
}

static void the_better_vector_is_the_lower_one(void **state)
{
	const struct bpdu_vector v = { .root.bytes = { 0x80, 0, 1 },
				       .cost = 10,
				       .bridge.bytes = { 0x80, 0, 5 },
				       .port = 0x8002 };
	struct bpdu_vector other = v;

	(void)state;
	assert_int_equal(bpdu_vector_compare(&v, &other), 0);
	other.port = 0x8001;
	assert_true(bpdu_vector_compare(&v, &other) > 0);
	other.bridge.bytes[2] = 6;
	assert_true(bpdu_vector_compare(&v, &other) < 0);
	other.cost = 9;
	assert_true(bpdu_vector_compare(&v, &other) > 0);
	other.root.bytes[0] = 0x90;
	assert_true(bpdu_vector_compare(&v, &other) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernels_configuration_is_read),
		cmocka_unit_test(a_proposal_is_read_and_written),
		cmocka_unit_test(what_is_no_bpdu_is_refused),
		cmocka_unit_test(times_out_of_range_are_brought_into_it),
		cmocka_unit_test(the_extension_goes_there_and_back),
		cmocka_unit_test(a_topology_change_notification_is_four_bytes),
		cmocka_unit_test(the_better_vector_is_the_lower_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
