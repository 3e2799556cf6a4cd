// The name in a ClientHello, in however many records and pieces it comes.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/clean.h"

#include "hello.h"

static void assert_name(const struct name *name, const char *expected)
{
	char text[NAME_TEXT_SIZE];
	name_text(name, text);
	assert_string_equal(text, expected);
}

static void a_name_is_found(void **state)
{
	static const struct {
		struct hello_form form;
		enum sniff_result result;
		const char *name;
	} rows[] = {
		{ { .name = "WWW.Example.com" }, SNIFF_NAME, "www.example.com" },
		{ { .name = "example.com." }, SNIFF_NAME, "example.com" },
		{ { .name = "example.com", .key_share = 1300 }, SNIFF_NAME, "example.com" },
		{ { .name = "example.com", .key_share = 12000 }, SNIFF_NAME, "example.com" },
		{ { .name = "front.example", .has_ech = true }, SNIFF_NAME, "front.example" },
		{ { .name = NULL }, SNIFF_NO_NAME, NULL },
		{ { .name = "192.0.2.1" }, SNIFF_NO_NAME, NULL },
		{ { .name = "2001:db8::1" }, SNIFF_NO_NAME, NULL },
		{ { .name = "" }, SNIFF_BAD, NULL },
		{ { .name = "a b" }, SNIFF_BAD, NULL },
		{ { .name = "example.com", .has_name_twice = true }, SNIFF_BAD, NULL },
		{ { .name = "example.com", .key_share = 16300 }, SNIFF_BAD, NULL },
	};
	uint8_t hello[HELLO_SIZE], wire[2 * HELLO_SIZE];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sniff sniff;
		size_t len = hello_make(&rows[i].form, hello);
		size_t size = hello_records(hello, len, 16384, wire);
		assert_int_equal(sniff_tls(wire, size, &sniff), rows[i].result);
		if (rows[i].name)
			assert_name(&sniff.name, rows[i].name);
		assert_int_equal(sniff.has_ech, rows[i].form.has_ech);
	}
}

// Byte by byte, asked only when there is as much as was wanted.
static void pieces_of_any_size_are_waited_for(void **state)
{
	static const size_t pieces[] = { 16384, 1000, 100, 17 };
	static const struct hello_form form = { .name = "example.com", .key_share = 4000 };
	uint8_t hello[HELLO_SIZE], wire[2 * HELLO_SIZE];
	(void)state;
	size_t len = hello_make(&form, hello);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		size_t size = hello_records(hello, len, pieces[i], wire), wants = 1, asked = 0;
		enum sniff_result result = SNIFF_MORE;
		struct sniff sniff;
		for (size_t have = 1; have < size; have++) {
			if (have < wants)
				continue;
			asked++;
			result = sniff_tls(wire, have, &sniff);
			assert_int_equal(result, SNIFF_MORE);
			assert_true(sniff.wants > have && sniff.wants <= size);
			wants = sniff.wants;
		}
		assert_int_equal(sniff_tls(wire, size, &sniff), SNIFF_NAME);
		assert_name(&sniff.name, "example.com");
		assert_true(asked <= 2 * (len / pieces[i] + 3));
	}
}

static void other_protocols_are_told_at_once(void **state)
{
	struct sniff sniff;
	(void)state;
	assert_int_equal(sniff_tls((const uint8_t *)"GET / HT", 8, &sniff), SNIFF_FOREIGN);
	assert_int_equal(sniff_tls((const uint8_t *)"S", 1, &sniff), SNIFF_FOREIGN);
	assert_int_equal(sniff_tls((const uint8_t *)"\x16\x02", 2, &sniff), SNIFF_FOREIGN);
	assert_int_equal(sniff_tls((const uint8_t *)"", 0, &sniff), SNIFF_MORE);
	// An alert, and a ServerHello.
	assert_int_equal(sniff_tls((const uint8_t *)"\x15\x03\x01\x00\x02\x01\x00", 7, &sniff),
			 SNIFF_FOREIGN);
	assert_int_equal(
		sniff_tls((const uint8_t *)"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9, &sniff),
		SNIFF_FOREIGN);
}

static void what_is_broken_is_bad(void **state)
{
	static const struct hello_form form = { .name = "example.com" };
	uint8_t hello[HELLO_SIZE], wire[2 * HELLO_SIZE];
	struct sniff sniff;
	(void)state;
	size_t len = hello_make(&form, hello);
	size_t size = hello_records(hello, len, 50, wire);
	wire[55] = 23; // the second record is data
	assert_int_equal(sniff_tls(wire, size, &sniff), SNIFF_BAD);
	// An empty record, and a hello whose length says less than is there.
	assert_int_equal(sniff_tls((const uint8_t *)"\x16\x03\x01\x00\x00", 5, &sniff), SNIFF_BAD);
	hello[3]--;
	size = hello_records(hello, len, 16384, wire);
	assert_int_equal(sniff_tls(wire, size, &sniff), SNIFF_BAD);
}

// However it is damaged, it is not read beyond its end (the sanitizers watch).
static void damage_is_survived(void **state)
{
	static const struct hello_form form = { .name = "example.com", .key_share = 40 };
	uint8_t hello[HELLO_SIZE], wire[2 * HELLO_SIZE];
	(void)state;
	size_t len = hello_make(&form, hello);
	size_t size = hello_records(hello, len, 60, wire);
	for (size_t i = 0; i < size * 8; i++) {
		CLEAN(free_ptr) uint8_t *copy = malloc(size);
		struct sniff sniff;
		memcpy(copy, wire, size);
		copy[i / 8] ^= (uint8_t)(1u << i % 8);
		(void)sniff_tls(copy, size, &sniff);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_found),
		cmocka_unit_test(pieces_of_any_size_are_waited_for),
		cmocka_unit_test(other_protocols_are_told_at_once),
		cmocka_unit_test(what_is_broken_is_bad),
		cmocka_unit_test(damage_is_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
