// QUIC Initials: the keys and packet of RFC 9001 and RFC 9369, and hellos in every disorder.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#include "base/clean.h"

#include "hello.h"

CLEAN_FUNC(struct quic_flow, quic_flow_free)

static const uint8_t rfc_id[] = { 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08 };
static const struct hello_form large = { .name = "Example.com", .key_share = 1300 };

static size_t unhex(const char *hex, uint8_t *ret)
{
	size_t len = strlen(hex) / 2;
	for (size_t i = 0; i < len; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &ret[i]), 1);
	return len;
}

static void assert_bytes(const uint8_t *bytes, const char *hex)
{
	uint8_t expected[64];
	assert_memory_equal(bytes, expected, unhex(hex, expected));
}

// RFC 9001 §A.1, RFC 9369 §A.1.
static void keys_are_those_of_the_rfcs(void **state)
{
	struct quic_keys keys;
	(void)state;
	assert_int_equal(quic_initial_keys(QUIC_V1, rfc_id, sizeof(rfc_id), &keys), 0);
	assert_bytes(keys.key, "1f369613dd76d5467730efcbe3b1a22d");
	assert_bytes(keys.iv, "fa044b2f42a3fd3b46fb255c");
	assert_bytes(keys.hp, "9f50449e04a0e810283a1e9933adedd2");
	assert_int_equal(quic_initial_keys(QUIC_V2, rfc_id, sizeof(rfc_id), &keys), 0);
	assert_bytes(keys.key, "8b1a0bc121284290a29e0971b5cd045d");
	assert_bytes(keys.iv, "91f73e2351d8fa91660e909f");
	assert_bytes(keys.hp, "45b95e15235d6f45a6b19cbcb0294ba9");
	assert_int_equal(quic_initial_keys(7, rfc_id, sizeof(rfc_id), &keys), -EPROTONOSUPPORT);
}

// RFC 9001 §A.2: the client's Initial; what the appendix shows of it in protected form is checked.
static void the_packet_of_the_rfc_is_read(void **state)
{
	static const char frames_hex[] =
		"060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b6948"
		"4c"
		"00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a000800"
		"06"
		"001d0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9ca"
		"a4"
		"7fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403"
		"05"
		"0306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000"
		"ff"
		"ff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff";
	static const struct initial_form form = {
		.version = QUIC_V1, .id = rfc_id, .id_len = sizeof(rfc_id), .number = 2
	};
	uint8_t frames[1162] = { 0 }, packet[1300];
	struct sniff sniff;
	char text[NAME_TEXT_SIZE];
	(void)state;
	(void)unhex(frames_hex, frames);
	size_t size = initial_seal(&form, frames, sizeof(frames), packet);
	assert_int_equal(size, 1200);
	assert_bytes(packet,
		     "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b1"
		     "23dc9b");
	CLEAN(quic_flow_free_ptr) struct quic_flow *flow = quic_flow_new();
	assert_int_equal(quic_flow_take(flow, packet, size, &sniff), SNIFF_NAME);
	name_text(&sniff.name, text);
	assert_string_equal(text, "example.com");
}

// Sends hello[offset, offset + len) as a packet of its own.
static enum sniff_result send(struct quic_flow *flow, const struct initial_form *form,
			      const uint8_t *hello, size_t offset, size_t len)
{
	uint8_t frames[HELLO_SIZE], packet[HELLO_SIZE + 100];
	struct sniff sniff;
	size_t size = initial_crypto(hello, offset, len, frames);
	memset(frames + size, 0, 40);
	size = initial_seal(form, frames, size + 40, packet);
	enum sniff_result result = quic_flow_take(flow, packet, size, &sniff);
	if (result == SNIFF_NAME) {
		char text[NAME_TEXT_SIZE];
		name_text(&sniff.name, text);
		assert_string_equal(text, "example.com");
	}
	return result;
}

static void pieces_come_in_any_order(void **state)
{
	static const uint32_t versions[] = { QUIC_V1, QUIC_V2 };
	uint8_t hello[HELLO_SIZE];
	(void)state;
	size_t len = hello_make(&large, hello), half = len / 2;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct initial_form form = { .version = versions[i],
					     .id = (const uint8_t *)"\1\2\3\4\5\6\7\10",
					     .id_len = 8,
					     .token_len = 3 };
		CLEAN(quic_flow_free_ptr) struct quic_flow *flow = quic_flow_new();
		assert_int_equal(send(flow, &form, hello, half, len - half), SNIFF_MORE);
		form.number++;
		assert_int_equal(send(flow, &form, hello, 10, 20), SNIFF_MORE);
		assert_int_equal(send(flow, &form, hello, 10, 20), SNIFF_MORE);
		form.number = 70000;
		assert_int_equal(send(flow, &form, hello, 0, half + 5), SNIFF_NAME);
	}
}

static void the_fixed_bit_may_be_anything(void **state)
{
	static const struct initial_form form = {
		.version = QUIC_V1, .id = rfc_id, .id_len = 8, .is_greased = true
	};
	uint8_t hello[HELLO_SIZE];
	(void)state;
	size_t len = hello_make(&large, hello);
	CLEAN(quic_flow_free_ptr) struct quic_flow *flow = quic_flow_new();
	assert_int_equal(send(flow, &form, hello, 0, len), SNIFF_NAME);
}

// Frames of one packet in disorder, with pings, and two packets in one datagram.
static void one_datagram_with_everything(void **state)
{
	static const struct initial_form form = { .version = QUIC_V1, .id = rfc_id, .id_len = 8 };
	uint8_t hello[HELLO_SIZE], frames[HELLO_SIZE] = { 0 }, packet[2 * HELLO_SIZE];
	(void)state;
	size_t len = hello_make(&large, hello), at = 0;
	at += initial_crypto(hello, 700, len - 700, frames + at);
	frames[at++] = 1;
	memcpy(frames + at, "\x02\x05\x00\x01\x00\x00\x01", 7); // an ACK of one further range
	at += 7;
	at += 3; // padding
	at += initial_crypto(hello, 300, 400, frames + at);
	size_t size = initial_seal(&form, frames, at, packet);
	at = initial_crypto(hello, 0, 300, frames);
	size += initial_seal(&form, frames, at, packet + size);
	packet[size++] = 0x40; // a packet with a short header behind them
	CLEAN(quic_flow_free_ptr) struct quic_flow *flow = quic_flow_new();
	struct sniff sniff;
	assert_int_equal(quic_flow_take(flow, packet, size, &sniff), SNIFF_NAME);
}

static void after_a_retry_the_keys_are_others(void **state)
{
	static const uint8_t chosen[] = "chosen by server";
	struct initial_form form = { .version = QUIC_V1, .id = rfc_id, .id_len = 8 };
	uint8_t hello[HELLO_SIZE];
	(void)state;
	size_t len = hello_make(&large, hello);
	CLEAN(quic_flow_free_ptr) struct quic_flow *flow = quic_flow_new();
	assert_int_equal(send(flow, &form, hello, 0, 500), SNIFF_MORE);
	form = (struct initial_form){
		.version = QUIC_V1, .id = chosen, .id_len = 16, .token_len = 40, .number = 1
	};
	assert_int_equal(send(flow, &form, hello, 500, 500), SNIFF_MORE);
	assert_int_equal(send(flow, &form, hello, 1000, len - 1000), SNIFF_NAME);
}

// Once the server has answered the id is its own and the keys stay.
static void the_servers_id_keeps_the_keys(void **state)
{
	struct initial_form form = { .version = QUIC_V1, .id = rfc_id, .id_len = 8 };
	uint8_t hello[HELLO_SIZE];
	(void)state;
	size_t len = hello_make(&large, hello);
	CLEAN(quic_flow_free_ptr) struct quic_flow *flow = quic_flow_new();
	assert_int_equal(send(flow, &form, hello, 0, 500), SNIFF_MORE);
	form = (struct initial_form){ .version = QUIC_V1,
				      .id = (const uint8_t *)"abcd",
				      .id_len = 4,
				      .key_id = rfc_id,
				      .key_id_len = 8 };
	assert_int_equal(send(flow, &form, hello, 500, len - 500), SNIFF_NAME);
}

static void what_is_no_quic_is_told_at_once(void **state)
{
	CLEAN(quic_flow_free_ptr) struct quic_flow *flow = quic_flow_new();
	struct sniff sniff;
	(void)state;
	assert_int_equal(quic_flow_take(flow, (const uint8_t *)"\x40short", 6, &sniff),
			 SNIFF_FOREIGN);
	assert_int_equal(quic_flow_take(flow, (const uint8_t *)"", 0, &sniff), SNIFF_FOREIGN);
	assert_int_equal(
		quic_flow_take(flow, (const uint8_t *)"\xc0\x1a\x2a\x3a\x4a\0\0\0", 8, &sniff),
		SNIFF_FOREIGN);
}

// Bytes that were not sealed with the keys change nothing, and nothing is read beyond the end.
static void damage_is_dropped(void **state)
{
	static const struct initial_form form = {
		.version = QUIC_V1, .id = rfc_id, .id_len = 8, .token_len = 5
	};
	static const struct hello_form small = { .name = "example.com" };
	uint8_t hello[HELLO_SIZE], frames[HELLO_SIZE], packet[HELLO_SIZE];
	(void)state;
	size_t len = hello_make(&small, hello);
	size_t size = initial_seal(&form, frames, initial_crypto(hello, 0, len, frames), packet);
	for (size_t i = 0; i < size * 8; i++) {
		CLEAN(quic_flow_free_ptr) struct quic_flow *flow = quic_flow_new();
		CLEAN(free_ptr) uint8_t *copy = malloc(size);
		struct sniff sniff;
		memcpy(copy, packet, size);
		copy[i / 8] ^= (uint8_t)(1u << i % 8);
		enum sniff_result result = quic_flow_take(flow, copy, size, &sniff);
		assert_true(result == SNIFF_MORE || result == SNIFF_FOREIGN);
		// Cut short, it is dropped as well.
		CLEAN(free_ptr) uint8_t *part = malloc(i / 8 + 1);
		memcpy(part, packet, i / 8);
		if (i > 0 && i / 8 < size)
			assert_int_not_equal(quic_flow_take(flow, part, i / 8, &sniff), SNIFF_NAME);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_the_rfcs),
		cmocka_unit_test(the_packet_of_the_rfc_is_read),
		cmocka_unit_test(pieces_come_in_any_order),
		cmocka_unit_test(the_fixed_bit_may_be_anything),
		cmocka_unit_test(one_datagram_with_everything),
		cmocka_unit_test(after_a_retry_the_keys_are_others),
		cmocka_unit_test(the_servers_id_keeps_the_keys),
		cmocka_unit_test(what_is_no_quic_is_told_at_once),
		cmocka_unit_test(damage_is_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
